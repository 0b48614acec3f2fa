"""What the XMP of a file says beside that it is synthetic, in the names of the policy checks that ask for it.

    alt-text         the alternative text says AI
    provider-named   photoshop:Credit
    system-named     AISystemUsed and AISystemVersionUsed
    created-at       xmp:CreateDate, with its zone
    unique-id        DigImageGUID
    detector-named   the address of a detector
    china-label      TC260:AIGC as GB 45438-2025, Annex E describes it (read second-hand)

Nothing here tells whether it is true; the signature tells whose word it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from personactl.disclose import xmp

CHINA_LABEL = "TC260:AIGC"
DETECTOR = "personactl:Detector"

_SAYS_AI = re.compile(r"\bAI\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_ADDRESS = re.compile(r"https?://[!-~]+")
_CHINA_NEEDED = ("ContentProducer", "ProduceID", "ContentPropagator", "PropagateID")
_CHINA_FIELDS = {"Label", "ReservedCode1", "ReservedCode2", *_CHINA_NEEDED}
_CHINA_TEXT = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]*")


def says_ai(text: str) -> bool:
    """Whether a text names AI as a word."""
    return _SAYS_AI.search(text) is not None


def statements(properties: Mapping[str, str]) -> tuple[str, ...]:
    """The statements that the properties of an XMP packet make, as `xmp.parse` gives them. Never raises."""
    said = {
        "alt-text": says_ai(properties.get(xmp.ALT_TEXT, "")),
        "provider-named": _there(properties, "photoshop:Credit"),
        "system-named": _there(properties, "Iptc4xmpExt:AISystemUsed", "Iptc4xmpExt:AISystemVersionUsed"),
        "created-at": _TIME.fullmatch(properties.get("xmp:CreateDate", "")) is not None,
        "unique-id": _there(properties, "Iptc4xmpExt:DigImageGUID"),
        "detector-named": _ADDRESS.fullmatch(properties.get(DETECTOR, "")) is not None,
        "china-label": _is_china_label(properties.get(CHINA_LABEL, "")),
    }
    return tuple(name for name, true in said.items() if true)


def _there(properties: Mapping[str, str], *names: str) -> bool:
    return all(properties.get(name, "").strip() for name in names)


def _is_china_label(text: str) -> bool:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    fields = document.get("AIGC") if isinstance(document, dict) else None
    if not isinstance(fields, dict) or set(fields) != _CHINA_FIELDS:
        return False
    plain = all(isinstance(value, str) and _CHINA_TEXT.fullmatch(value) for value in fields.values())
    return plain and fields["Label"] in ("1", "2", "3") and all(fields[name] for name in _CHINA_NEEDED)
