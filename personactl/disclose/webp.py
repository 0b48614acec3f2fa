"""WebP (RFC 9649): Pillow writes it, a walker reads the chunks of the RIFF container."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose.parts import ContainerError, Parts, bounded

QUALITY = 90

_EXIF_PREFIX = b"Exif\0\0"


def encode(rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes:
    """A lossy WebP of quality 90 with XMP and EXIF chunks."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="WEBP", quality=QUALITY, xmp=xmp, exif=_EXIF_PREFIX + exif)
    return buffer.getvalue()


def matches(data: bytes) -> bool:
    """True for a RIFF file of form WEBP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def parts(data: bytes) -> Parts:
    """The mark-carrying chunks. Raises ContainerError for a truncated or malformed file."""
    found = Parts()
    (length,) = struct.unpack_from("<I", data, 4)
    end = 8 + length
    if end > len(data):
        raise ContainerError("the WebP is shorter than its header says")
    for kind, body in bounded(_chunks(data, end)):
        if kind == b"XMP ":
            found.xmp.append(body)
        elif kind == b"EXIF":
            found.exif.append(body.removeprefix(_EXIF_PREFIX))
        elif kind == b"C2PA":
            found.c2pa.append(body)
    found.trailing = len(data) - end - (end % 2 and len(data) > end)
    return found


def _chunks(data: bytes, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's type and payload, up to the end of the RIFF container."""
    position = 12
    while position + 8 <= end:
        kind, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        if position + 8 + size > end:
            raise ContainerError("a WebP chunk is longer than the file")
        yield kind, data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
