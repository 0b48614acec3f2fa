"""Canonical JSON: the part of RFC 8785 that the ledger uses (SPEC 2).

Values are strings, integers |n| < 2**53, booleans, null, lists, and maps with printable ASCII keys. Seeds, scores and
other wide or fractional numbers travel as strings. Within this profile RFC 8785 needs no number formatting and no
UTF-16 sort order, so the standard library writes the very same bytes (a test compares with an independent
implementation).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from personactl_ledger.errors import ProfileError

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
"""Maps and lists inside one another; the outermost counts as one."""

# Values were parsed, or had their depth checked: they cannot hold themselves.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)


def canonical_bytes(value: Any) -> bytes:
    """The one byte sequence that stands for `value` (SPEC 2.1). Raises ProfileError outside the profile."""
    _require_profile(value, 1)
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise ProfileError("a string holds half of a surrogate pair") from None


def parse_canonical(data: bytes) -> Any:
    """The value of canonical bytes (SPEC 2.2).

    Raises ProfileError unless `data` is exactly what `canonical_bytes` writes: this refuses duplicate keys, floats,
    other spellings of a string, white space, and keys out of order.
    """
    value = _written_again(data)
    if value is None:
        value = parse_strict(data)
        try:
            again = _ENCODER.encode(value).encode("utf-8")
        except UnicodeEncodeError:
            raise ProfileError("a string holds half of a surrogate pair") from None
        except RecursionError:
            raise ProfileError(f"JSON is nested deeper than {MAX_DEPTH}") from None
        if again != data:
            raise ProfileError("JSON is not in canonical form (key order, duplicate keys, white space or escapes)")
    if not _plain(data):
        _require_profile(value, 1)
    return value


def _written_again(data: bytes) -> Any:
    """The value when writing it again gives the same text; None for null and for all that the long way shall judge."""
    try:
        text = data.decode("utf-8")
        value, end = _DECODER.raw_decode(text)
        return value if end == len(text) and _ENCODER.encode(value) == text else None
    except (ValueError, RecursionError, ProfileError):
        return None


def _plain(data: bytes) -> bool:
    """Whether the bytes alone show that keys are printable ASCII and nesting is shallow: most entries are so."""
    return (
        data.isascii()
        and b"\\" not in data
        and b"\x7f" not in data
        and b'"":' not in data
        and data.count(b"{") + data.count(b"[") <= MAX_DEPTH
    )


def parse_strict(data: bytes) -> Any:
    """JSON in UTF-8 with integers in range and no floats, in any layout. Duplicate keys are not seen here."""
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ProfileError("JSON is not UTF-8") from None
    except RecursionError:
        raise ProfileError(f"JSON is nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise ProfileError(f"not JSON: {error.msg} at character {error.pos}") from None


def parse_document(data: bytes) -> Any:
    """A JSON document of ours in any layout (receipts): strict as above, duplicate keys refused (SPEC 8.1)."""
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except UnicodeDecodeError:
        raise ProfileError("JSON is not UTF-8") from None
    except RecursionError:
        raise ProfileError(f"JSON is nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise ProfileError(f"not JSON: {error.msg} at character {error.pos}") from None
    _require_profile(value, 1)
    return value


def _require_profile(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _require_text(value)
        return
    if kind is bool or value is None:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise ProfileError(f"the integer {value} does not fit 53 bits; write it as a string")
        return
    if depth > MAX_DEPTH:
        raise ProfileError(f"JSON is nested deeper than {MAX_DEPTH}")
    if kind is dict:
        for key, item in value.items():
            _require_key(key)
            _require_profile(item, depth + 1)
    elif kind is list or kind is tuple:
        for item in value:
            _require_profile(item, depth + 1)
    else:
        raise ProfileError(f"a {kind.__name__} has no place in an entry; write it as a string")


def _require_text(value: str) -> None:
    if value.isascii():
        return
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ProfileError("a string holds half of a surrogate pair") from None


def _require_key(key: object) -> None:
    if type(key) is not str or not key or not key.isascii() or not key.isprintable():
        raise ProfileError(f"the key {key!r} is not printable ASCII")


def _integer(text: str) -> int:
    value = int(text) if len(text) <= 17 else MAX_INTEGER + 1
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise ProfileError(f"the integer {text[:24]} does not fit 53 bits")
    return value


def _no_float(text: str) -> NoReturn:
    raise ProfileError(f"the number {text[:24]} is not an integer")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProfileError("a key stands twice in one map")
    return value


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)
