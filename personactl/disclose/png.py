"""PNG (W3C PNG 3rd edition): a fast lossless writer and a walker over its chunks.

The writer filters every row with Up and deflates with ISA-L: about 8 ms of CPU for a megapixel where zlib's default
takes 300 ms, for files that are 10 to 20 % larger. `Pillow` reads them back in the tests, pixel for pixel.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from isal import isal_zlib

from personactl.disclose.parts import ContainerError, Parts, bounded

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_U32 = struct.Struct(">I")
_FILTER_UP = 2
_DEFLATE_LEVEL = 2
_TRUE_COLOUR = 2
_PERCEPTUAL = 0
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_CARRIES_MARKS = frozenset({b"eXIf", b"caBX", b"iTXt", b"tEXt", b"zTXt"})
_ODD_XMP = (_XMP_KEYWORD + b"\0", b"Raw profile type xmp\0")
"""Where other readers look for XMP too. As it stands there it does not parse; beside a packet it is a second one."""


def encode(rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes:
    """A PNG of uint8 RGB (height, width, 3) with XMP in iTXt and EXIF in eXIf. `exif` is a TIFF structure."""
    height, width = rgb.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, _TRUE_COLOUR, 0, 0, 0)
    text = _XMP_KEYWORD + b"\0\0\0\0\0" + xmp  # not compressed, no language, no translated keyword
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"sRGB", bytes([_PERCEPTUAL])),
            _chunk(b"eXIf", exif),
            _chunk(b"iTXt", text),
            _chunk(b"IDAT", isal_zlib.compress(_filtered(rgb), _DEFLATE_LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def parts(data: bytes) -> Parts:
    """The mark-carrying chunks. Raises ContainerError for a truncated or malformed file."""
    found = Parts()
    end = len(SIGNATURE)
    for kind, body, after in bounded(_chunks(data)):
        end = after
        if kind == b"eXIf":
            found.exif.append(body)
        elif kind == b"caBX":
            found.c2pa.append(body)
        elif kind == b"iTXt" and body.startswith(_XMP_KEYWORD + b"\0"):
            found.xmp.append(_international_text(body))
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and body.startswith(_ODD_XMP):
            found.xmp.append(body)
    found.trailing = len(data) - end
    return found


def _filtered(rgb: np.ndarray[Any, Any]) -> bytes:
    """Rows of filter type byte and bytes minus those of the row above, modulo 256 (clause 9.2, filter type Up)."""
    rows = np.ascontiguousarray(rgb).reshape(rgb.shape[0], -1)
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), dtype=np.uint8)
    filtered[:, 0] = _FILTER_UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered.tobytes()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Each chunk's type, body and end offset, up to IEND. The body is empty where the chunk carries no mark.

    The checksum of a mark is compared: the hard binding leaves out the chunk of the manifest, and a decoder that minds
    checksums would refuse what has passed here. All other chunks are left to the decoder.
    """
    view, position = memoryview(data), len(SIGNATURE)
    while True:
        if position + 12 > len(data):
            raise ContainerError("the PNG ends before its IEND chunk")
        (length,) = _U32.unpack_from(data, position)
        kind, body_start = data[position + 4 : position + 8], position + 8
        position = body_start + length + 4
        if position > len(data):
            raise ContainerError("a PNG chunk is longer than the file")
        body = bytes(view[body_start : body_start + length]) if kind in _CARRIES_MARKS else b""
        if kind in _CARRIES_MARKS and zlib.crc32(body, zlib.crc32(kind)) != _U32.unpack_from(data, position - 4)[0]:
            raise ContainerError(f"the checksum of the PNG chunk {kind.decode()} is wrong")
        yield kind, body, position
        if kind == b"IEND":
            return


def _international_text(body: bytes) -> bytes:
    """The text of an iTXt chunk (clause 11.3.3.4); a compressed one is refused, as the XMP specification does."""
    rest = body[len(_XMP_KEYWORD) + 1 :]
    if rest[:2] != b"\0\0":
        raise ContainerError("the XMP chunk of the PNG is compressed, which the XMP specification forbids")
    fields = rest[2:].split(b"\0", 2)
    if len(fields) != 3:
        raise ContainerError("the XMP chunk of the PNG is malformed")
    return fields[2]
