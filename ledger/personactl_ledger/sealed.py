"""Salted commitments: personal data stands beside the log, never in it (SPEC 10).

commitment = SHA-256("personactl/commit/v1" 0x00 field 0x00 salt value), the salt being 32 random bytes of its own for
every field of every entry, so that equal values cannot be linked and short ones cannot be guessed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import secrets

from personactl_ledger.errors import ProfileError

SALT_BYTES = 32
_FIELD = re.compile(r"[a-z][A-Za-z0-9]{0,62}")


@dataclasses.dataclass(frozen=True, slots=True)
class Sealed:
    """One value with its salt. Only `commitment` (64 hex digits) goes into the entry."""

    field: str
    salt: bytes = dataclasses.field(repr=False)
    value: str = dataclasses.field(repr=False)
    commitment: str


def commitment(field: str, salt: bytes, value: str) -> str:
    """64 hex digits (SPEC 10.1)."""
    data = b"personactl/commit/v1\x00" + field.encode("utf-8") + b"\x00" + salt + value.encode("utf-8")
    return hashlib.sha256(data).hexdigest()


def seal(field: str, value: str, salt: bytes | None = None) -> Sealed:
    """Commit to `value`. `field` is a lowerCamelCase name. Raises ProfileError for an unfit field, salt or value."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    if not _FIELD.fullmatch(field) or len(salt) != SALT_BYTES:
        raise ProfileError("a sealed field needs a lowerCamelCase name and a salt of 32 bytes")
    try:
        return Sealed(field, salt, value, commitment(field, salt, value))
    except UnicodeEncodeError:
        raise ProfileError(f"the sealed value of {field} holds half of a surrogate pair") from None
