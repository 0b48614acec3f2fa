"""What our C2PA manifest says (C2PA 2.4), as plain data; and our own assertion, which joins a file to the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from personactl import __version__
from personactl.claim_terms import ALGORITHMIC_MEDIA, ASSERTION_SCHEMA, COMPOSITE, TRAINED_ALGORITHMIC_MEDIA
from personactl.disclose import label as visible_label
from personactl.model import ModelLock, OutputSpec, PolicyLock
from personactl.visible_label import LabelRecord

SPEC_VERSION = "2.4.0"
GENERATOR = "personactl"

ASSERTION_LABEL = "org.personactl.generation"
ACTIONS_LABEL = "c2pa.actions.v2"
AI_DISCLOSURE_LABEL = "c2pa.ai-disclosure"
TRAINING_LABEL = "cawg.training-mining"

ADDED_TEXT = "c2pa.addedText"
WATERMARKED = "c2pa.watermarked.unbound"

_MODEL_TYPES = {"diffusers": "c2pa.types.model.pytorch"}
"""c2pa.types of model formats (Table 12 of C2PA 2.4) by backend; anything else is a plain c2pa.types.model."""
_CREATED = "Synthetic person made by a trained model; depicts no real person"
_EDITED = "Changed by a trained model; the person is synthetic and depicts no real person"
_TRAINING_USES = ("cawg.ai_generative_training", "cawg.ai_training", "cawg.ai_inference", "cawg.data_mining")


def assertion(
    *,
    entry_id: str,
    persona_id: str,
    persona_version: int,
    origin: str,
    policies: Sequence[PolicyLock],
    output: OutputSpec,
    label: LabelRecord | None = None,
    watermark: str = "",
) -> dict[str, Any]:
    """The data of `org.personactl.generation`: identifiers only, nothing about the prompt, the seed or the score.

    Without a `label`, the assertion says that none was drawn under the setting of `output`. `watermark` is the scheme
    of a watermark that `verify` does not read, so that it does not call the mark absent; "" for the built-in one.
    """
    said = {
        "schema": ASSERTION_SCHEMA,
        "persona": {"id": persona_id, "version": persona_version},
        "ledgerOrigin": origin,
        "entryId": entry_id,
        "policies": [{"id": policy.id, "sha256": policy.sha256} for policy in policies],
        "label": visible_label.decision(label or visible_label.record(output, None, None)),
    }
    return {**said, "watermark": watermark} if watermark else said


def definition(
    *,
    title: str,
    created_at: str,
    model: ModelLock,
    generation: Mapping[str, Any],
    labelled: bool = False,
    watermarked: bool = False,
    ingredients: Sequence[str] = (),
    parent: str = "",
) -> dict[str, Any]:
    """The manifest definition for c2pa-rs. `ingredients` are the labels of references given to `C2paSigner.sign`.

    With `parent`, the label of the picture that was opened, it says that this one was edited; without, that it was
    created.
    """
    actions = _actions(created_at, labelled=labelled, watermarked=watermarked, ingredients=ingredients, parent=parent)
    ai_disclosure = {
        "modelType": _MODEL_TYPES.get(model.backend, "c2pa.types.model"),
        "modelName": model.name,
        "modelIdentifier": f"sha256:{model.sha256}",
        "contentProfile": {"humanOversightLevel": "prompt_guided"},
    }
    return {
        "claim_generator_info": claim_generator(),
        "title": title,
        "assertions": [
            _created(ACTIONS_LABEL, {"allActionsIncluded": True, "actions": actions}),
            _created(AI_DISCLOSURE_LABEL, ai_disclosure),
            {"kind": "Json", **_created(ASSERTION_LABEL, generation)},
            _created(TRAINING_LABEL, {"entries": {use: {"use": "notAllowed"} for use in _TRAINING_USES}}),
        ],
    }


def claim_generator() -> list[dict[str, str]]:
    """`claim_generator_info` of every claim that we sign; the conformance programme asks for `specVersion`."""
    return [{"name": GENERATOR, "version": __version__, "specVersion": SPEC_VERSION}]


def _actions(
    at: str, *, labelled: bool, watermarked: bool, ingredients: Sequence[str], parent: str
) -> list[dict[str, Any]]:
    """All that happened to the pixels, first to last, since the list is signed as complete (`allActionsIncluded`).

    Only synthetic personas are planned, so that the descriptions hold. `c2pa.opened` says nothing of how the opened
    picture came to be (conformance programme 0.2): its own manifest, carried along, does. The watermark is "unbound":
    it carries the entryId, which is a name in the ledger and no soft binding to a manifest store (C2PA 2.4, list of
    actions). The visible label is drawn by a program without a model.
    """
    agent = {"name": GENERATOR, "version": __version__}
    made: dict[str, Any] = {
        "action": "c2pa.edited" if parent else "c2pa.created",
        "when": at,
        "softwareAgent": agent,
        "digitalSourceType": COMPOSITE if parent else TRAINED_ALGORITHMIC_MEDIA,
        "description": _EDITED if parent else _CREATED,
    }
    if ingredients:
        made["parameters"] = {"ingredientIds": list(ingredients)}
    opened = {"action": "c2pa.opened", "when": at, "softwareAgent": agent, "parameters": {"ingredientIds": [parent]}}
    label = {"action": ADDED_TEXT, "when": at, "softwareAgent": agent, "digitalSourceType": ALGORITHMIC_MEDIA}
    marked = {"action": WATERMARKED, "when": at, "softwareAgent": agent}
    steps = ((opened, bool(parent)), (made, True), (label, labelled), (marked, watermarked))
    return [action for action, done in steps if done]


def _created(label: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": label, "created": True, "data": dict(data)}
