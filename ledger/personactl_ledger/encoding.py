"""Base64, hex, origins and times in their one accepted spelling (SPEC 1.2)."""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from datetime import UTC, date, datetime

from personactl_ledger.errors import FormatError

HEX64 = re.compile(r"[0-9a-f]{64}")
HEX32 = re.compile(r"[0-9a-f]{32}")
ORIGIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,198}[a-z0-9])?/personactl/[0-9a-f]{16}")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z")


def to_base64(data: bytes) -> str:
    """RFC 4648 section 4, with padding."""
    return b64encode(data).decode("ascii")


def from_base64(text: object) -> bytes:
    """The bytes of standard base64 with padding. Raises FormatError for any other spelling of the same bytes."""
    try:
        if not isinstance(text, str):
            raise ValueError
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        raise FormatError("this is not base64 with padding") from None
    if to_base64(data) != text:
        raise FormatError("this is not base64 in its canonical spelling")
    return data


def require_time(text: object) -> str:
    """A time as SPEC 1.2 has it, unchanged. Raises FormatError. What Python's own parser takes differs by version."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if isinstance(text, str) and found is not None:
        try:
            date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            pass
        else:
            return text
    raise FormatError(f"{text!r:.40} is not an RFC 3339 time in UTC with Z")


def posix_seconds(text: str) -> int:
    """Whole seconds since 1970-01-01T00:00:00Z. Raises FormatError; times before 1970 count as 0."""
    return max(0, int(datetime.fromisoformat(require_time(text)).astimezone(UTC).timestamp()))


def moment(text: str) -> str:
    """A text that sorts as the time does, whatever its decimals; of what is no time, any text."""
    return text[:19] + text[20:-1].ljust(6, "0")


def is_time(text: str) -> bool:
    """Whether `require_time` would accept it."""
    try:
        require_time(text)
    except FormatError:
        return False
    return True
