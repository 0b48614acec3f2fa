"""The EXIF block (CIPA DC-008): Software and times. `piexif` builds and reads it; it has no field that says "AI"."""

from __future__ import annotations

from datetime import datetime

import piexif

MAX_BYTES = 1 << 20

_PREFIX = b"Exif\0\0"
_UTC_OFFSET = b"+00:00"


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
    if block[:4] not in (b"II*\0", b"MM\0*"):
        raise ExifError("the block does not begin like a TIFF structure")
    try:
        value = piexif.load(_PREFIX + block)["0th"].get(piexif.ImageIFD.Software, b"")
    except Exception as error:  # piexif raises struct.error, ValueError, KeyError, … for bad offsets: all mean the same
        raise ExifError(f"the block is malformed ({type(error).__name__})") from None
    return value.decode("ascii", "replace").rstrip("\0") if isinstance(value, bytes) else ""


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
