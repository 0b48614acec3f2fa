"""The file formats that are written and read: one row each. A new format is one module and one row.

Pictures are written and read. Clips are read, and signed when someone else made them (`clip.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from personactl.disclose import avif, ifd, jpeg, mp4, png, tiff, webp
from personactl.disclose.parts import Parts
from personactl.errors import NotAvailable


class Encode(Protocol):
    def __call__(self, rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How one format is recognised by its first bytes (`SNIFFED_BYTES`), and taken apart."""

    name: str
    media_type: str
    matches: Callable[[bytes], bool]
    parts: Callable[[bytes], Parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Container):
    """A picture: also how it is written with metadata and decoded.

    `not_decoded` says why the pixels of one file are not looked at, "" when they can be; `coded_size` is the width and
    height that a decoder makes room for, where that may exceed the size of the picture. Both may raise
    ContainerError.
    """

    pillow: str
    lossless: bool
    encode: Encode
    not_decoded: Callable[[bytes], str] = lambda data: ""
    coded_size: Callable[[bytes], tuple[int, int]] = lambda data: (0, 0)


SNIFFED_BYTES = 256
"""A file type box with its brands is the longest beginning that tells a type."""

FORMATS = (
    Format(
        name="png",
        media_type="image/png",
        pillow="PNG",
        lossless=True,
        matches=lambda data: data.startswith(png.SIGNATURE),
        encode=png.encode,
        parts=png.parts,
    ),
    Format(
        name="jpeg",
        media_type="image/jpeg",
        pillow="JPEG",
        lossless=False,
        matches=lambda data: data.startswith(jpeg.SIGNATURE),
        encode=jpeg.encode,
        parts=jpeg.parts,
        not_decoded=jpeg.not_decoded,
    ),
    Format(
        name="webp",
        media_type="image/webp",
        pillow="WEBP",
        lossless=False,
        matches=webp.matches,
        encode=webp.encode,
        parts=webp.parts,
    ),
    Format(
        name="avif",
        media_type="image/avif",
        pillow="AVIF",
        lossless=False,
        matches=avif.matches,
        encode=avif.encode,
        parts=avif.parts,
        not_decoded=avif.not_decoded,
        coded_size=avif.coded_size,
    ),
    Format(
        name="tiff",
        media_type="image/tiff",
        pillow="TIFF",
        lossless=True,
        matches=ifd.recognised,
        encode=tiff.encode,
        parts=tiff.parts,
        not_decoded=tiff.not_decoded,
        coded_size=tiff.coded_size,
    ),
)

CLIPS = (
    Container(name="mp4", media_type="video/mp4", matches=mp4.matches, parts=mp4.parts),
    Container(name="mov", media_type="video/quicktime", matches=mp4.matches_quicktime, parts=mp4.parts),
)


def named(name: str) -> Format:
    """The format of this manifest name. Raises NotAvailable for one that is not written."""
    for row in FORMATS:
        if row.name == name:
            return row
    raise NotAvailable(f'output.format = "{name}"')


def sniff(data: bytes) -> Container | None:
    """The format that the first bytes belong to, or None when it is not on the list."""
    return next((row for row in (*FORMATS, *CLIPS) if row.matches(data)), None)
