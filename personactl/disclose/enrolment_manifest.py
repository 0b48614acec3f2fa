"""What the C2PA manifest of a reference picture says: only what whoever enrols it can know. Plain data.

    the record declares how the picture was made    c2pa.created with that digitalSourceType
    it does not                                     c2pa.opened of the picture as it came, without a source type

The signer declares in the first case; personactl did not make the picture, so it is no softwareAgent, no time is
claimed, and the list of actions is not said to be complete. In the second case nothing but opening happened, and the
ingredient without a manifest reads as what it is: of unknown provenance. The manifest travels in every file that the
reference went into, so nothing of the record's texts stands in it.
"""

from __future__ import annotations

from typing import Any

from personactl.claim_terms import VOCABULARY
from personactl.disclose.c2pa_manifest import ACTIONS_LABEL, claim_generator

PARENT = "original"
TITLE = "Reference picture of a persona"
_DECLARED = "Made as the signer declares it; personactl enrolled the picture and did not make it"


def definition(*, declared: str, at: str) -> dict[str, Any]:
    """The manifest definition of a reference without a credential of its own.

    `declared` is the short name of an IPTC digital source type, or "": then `C2paSigner.sign` must be given the picture
    as the parent PARENT.
    """
    if declared:
        created = {
            "action": "c2pa.created",
            "digitalSourceType": VOCABULARY + declared,
            "description": _DECLARED,
        }
        data: dict[str, Any] = {"allActionsIncluded": False, "actions": [created]}
    else:
        opened = {"action": "c2pa.opened", "when": at, "parameters": {"ingredientIds": [PARENT]}}
        data = {"allActionsIncluded": True, "actions": [opened]}
    return {
        "claim_generator_info": claim_generator(),
        "title": TITLE,
        "assertions": [{"label": ACTIONS_LABEL, "created": True, "data": data}],
    }
