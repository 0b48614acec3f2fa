"""JSON from strangers: an object, bounded in size and depth, without duplicate keys, fractions or NaN."""

from __future__ import annotations

import json
from typing import Any

MAX_BYTES = 1 << 20
MAX_DEPTH = 32


class StrictJSONError(ValueError):
    """The bytes are not JSON of the strict kind; the message says why and quotes at most one key."""


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse one JSON object of at most 1 MiB and 32 levels. Raises StrictJSONError and nothing else."""
    if len(data) > MAX_BYTES:
        raise StrictJSONError(f"it is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            raise StrictJSONError(f"it is nested deeper than {MAX_DEPTH} levels")
        value = json.loads(text, object_pairs_hook=_unique, parse_float=_refuse_number, parse_constant=_refuse_number)
    except UnicodeDecodeError:
        raise StrictJSONError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise StrictJSONError(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except StrictJSONError:
        raise
    except ValueError:  # an integer with more digits than Python converts
        raise StrictJSONError("it holds a number that is too long") from None
    if not isinstance(value, dict):
        raise StrictJSONError("it is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise StrictJSONError(f"the key {key[:40]!r} stands twice")
        result[key] = value
    return result


def _refuse_number(text: str) -> Any:
    raise StrictJSONError(f"{text[:20]} is not an integer")


def _depth(text: str) -> int:
    """An upper bound of the nesting depth: brackets inside strings count too, which only refuses odd files."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
