"""The ISCC Image-Code (ISO 24138): finds re-encoded copies of a picture that lost its marks.

The code is made of the whole decoded picture. `iscc-sdk` also turns a picture by its EXIF orientation, lays alpha on
white and trims a border of one colour before it does so. Our own outputs have no orientation, no alpha, and a code of
the untrimmed picture is what the ledger records, so that codes stay comparable from the first entry on (ADR 0611);
where no border of one colour is there, the codes are the same bit for bit.
"""

from __future__ import annotations

from base64 import b32decode
from typing import Any

import iscc_lib
import numpy as np
from PIL import Image, ImageChops, ImageOps

BITS = 256
_SIDE = 32
_FLAT = 2.0
"""Spread of the 32 × 32 grey values, of 255, below which there is nothing to recognise: codes of flat pictures meet."""
MAX_ASPECT = 64
"""A line of 16 million pixels takes 4 s of CPU to make a square of; nobody delivers one."""
_PREFIX = "ISCC:"
_HEADER = bytes((0x21, 0x07))
"""Main type Content, sub type Image, version 0, length 256 bits (ISO 24138, ISCC-HEADER)."""


def image_code(rgb: np.ndarray[Any, Any]) -> str:
    """`ISCC:EE…`, 256 bits, of uint8 RGB (height, width, 3): grey, 32 × 32, bicubic, as ISO 24138 clause 8.3 says."""
    return _code(_grey(Image.fromarray(rgb)))


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)


def _code(grey: Image.Image) -> str:
    code: str = iscc_lib.gen_image_code_v0(grey.tobytes(), BITS).iscc
    return code


def look_up_codes(rgb: np.ndarray[Any, Any]) -> tuple[bytes, ...]:
    """The codes by which a copy of a picture is looked up, 32 bytes each: its own, that of its mirror image, and both
    without a border of one colour where there is one. Empty for a picture without structure, whose code says nothing,
    and for a strip beyond `MAX_ASPECT`.
    """
    if max(rgb.shape[:2]) > MAX_ASPECT * min(rgb.shape[:2]):
        return ()
    picture = Image.fromarray(rgb)
    found = []
    for item in (picture, _trimmed(picture)):
        grey = None if item is None else _grey(item)
        if grey is not None and np.asarray(grey).std() >= _FLAT:
            found += [bits_of(_code(turned)) for turned in (grey, ImageOps.mirror(grey))]  # as if mirrored before
    return tuple(dict.fromkeys(found))


def _trimmed(picture: Image.Image) -> Image.Image | None:
    """Without its border in the colour of the first pixel, as iscc-sdk trims; None when there is none."""
    ground = Image.new(picture.mode, picture.size, picture.getpixel((0, 0)))
    apart = ImageChops.difference(picture, ground)
    box = ImageChops.add(apart, apart).getbbox()
    return None if box is None or box == (0, 0, *picture.size) else picture.crop(box)


def bits_of(code: object) -> bytes:
    """The 32 bytes of such a code; empty for anything else, as an entry of a later version may hold another kind."""
    if not isinstance(code, str) or not code.startswith(_PREFIX) or len(code) > 80:
        return b""
    text = code[len(_PREFIX) :]
    try:
        data = b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        return b""
    return data[2:] if data[:2] == _HEADER and len(data) == 2 + BITS // 8 else b""
