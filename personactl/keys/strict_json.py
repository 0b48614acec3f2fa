"""JSON from strangers, as `personactl.document` reads it (1 MiB, no key twice, no NaN): an object, or why not."""

from __future__ import annotations

from typing import Any

from personactl.document import parse_json
from personactl.document.source import LIMIT as MAX_BYTES
from personactl.document.source import Unparsable

__all__ = ["MAX_BYTES", "StrictJSONError", "parse_object"]

_ROOM = "keys"


class StrictJSONError(ValueError):
    """The bytes are not such an object; the message completes a sentence and quotes nothing of the file."""


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse one JSON object. Raises StrictJSONError and nothing else. Decimals come as Decimal."""
    try:
        value = parse_json(data, path="", room=_ROOM).value
    except Unparsable as error:
        first = error.problems[0]
        raise StrictJSONError(f"{first.message} (line {first.line}, column {first.column})") from None
    if not isinstance(value, dict):
        raise StrictJSONError("it is not a JSON object")
    return value
