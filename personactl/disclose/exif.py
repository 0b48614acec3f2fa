"""The EXIF block (CIPA DC-008): Software and times, written by `piexif`; the reader is our own. No field says "AI".

`piexif.load` allocates what the counts in a block ask for: 46 bytes of a stranger's block ask for gigabytes, and one
flipped bit of an ordinary file did. Here only the first directory is walked, and nothing is read beyond the block.
"""

from __future__ import annotations

import struct
from datetime import datetime

import piexif

MAX_BYTES = 1 << 20
MAX_FIELDS = 1000

_PREFIX = b"Exif\0\0"
_UTC_OFFSET = b"+00:00"
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TEXT = frozenset({2, 129})
"""The types ASCII (TIFF 6.0) and UTF-8 (Exif 3.0, clause 4.6.2)."""


class ExifError(ValueError):
    """A block that is not read; the message says why."""


def build(*, software: str, description: str, created_at: str) -> bytes:
    """A TIFF structure, without the "Exif" prefix. `created_at` is RFC 3339 in UTC; texts are reduced to ASCII."""
    moment = datetime.fromisoformat(created_at).strftime("%Y:%m:%d %H:%M:%S").encode("ascii")
    block: bytes = piexif.dump(
        {
            "0th": {
                piexif.ImageIFD.Software: _ascii(software),
                piexif.ImageIFD.ImageDescription: _ascii(description),
                piexif.ImageIFD.DateTime: moment,
            },
            "Exif": {
                piexif.ExifIFD.DateTimeOriginal: moment,
                piexif.ExifIFD.DateTimeDigitized: moment,
                piexif.ExifIFD.OffsetTime: _UTC_OFFSET,
                piexif.ExifIFD.OffsetTimeOriginal: _UTC_OFFSET,
                piexif.ExifIFD.OffsetTimeDigitized: _UTC_OFFSET,
            },
        }
    )
    return block.removeprefix(_PREFIX)


def software(block: bytes) -> str:
    """The Software field of a TIFF structure, "" when it has none. Raises ExifError for a malformed block."""
    if len(block) > MAX_BYTES:
        raise ExifError(f"the block is larger than {MAX_BYTES} bytes")
    order = _BYTE_ORDERS.get(block[:4])
    if order is None:
        raise ExifError("the block does not begin like a TIFF structure")
    try:
        found = _texts(block, order, piexif.ImageIFD.Software)
    except struct.error:
        raise ExifError("the block is malformed: it ends inside its first directory") from None
    if len(found) > 1:
        raise ExifError("the block is malformed: it names the software twice")
    return found[0].decode("utf-8", "replace").rstrip("\0") if found else ""


def _texts(block: bytes, order: str, wanted: int) -> list[bytes]:
    """The bytes of every text field of this tag in the first directory (TIFF 6.0, section 2)."""
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, start)
    if start < 8 or count > MAX_FIELDS:
        raise ExifError(f"the block is malformed: its first directory begins at {start} and has {count} fields")
    found = []
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, length, pointer = struct.unpack_from(f"{order}HHII", block, place)
        begin = place + 8 if length <= 4 else pointer
        if kind not in _TEXT or tag != wanted:
            continue
        if begin + length > len(block):
            raise ExifError("the block is malformed: a text lies outside it")
        found.append(block[begin : begin + length])
    return found


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
