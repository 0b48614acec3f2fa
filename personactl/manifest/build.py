"""A checked value as a `model.Manifest`. Defaults live in the model's dataclasses and nowhere else."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from personactl.document.numbers import decimal_text
from personactl.model import (
    Campaign,
    IdentitySpec,
    Manifest,
    ModelSpec,
    OutputSpec,
    ReferenceSpec,
    SceneSpec,
    ShotSpec,
)

Role: TypeAlias = Literal["provider", "deployer", "both"]


def build(value: dict[str, Any], *, path: str, data: bytes, role: Role) -> Manifest:
    """The manifest of a value that has no faults; `role` where the campaign declares none."""
    return Manifest(
        path=path,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        campaign=_campaign({"role": role, **value["campaign"]}),
        model=ModelSpec(**_plain(value.get("model", {}))),
        reference=ReferenceSpec(**_plain(value.get("reference", {}))),
        style=tuple(value.get("style", {}).items()),
        negative=value.get("negative", {}).get("text", ""),
        identity=IdentitySpec(**_plain(value.get("identity", {}))),
        output=OutputSpec(**_plain(value.get("output", {}))),
        scenes=tuple(SceneSpec(**row) for row in value.get("scene", [])),
        shots=tuple(ShotSpec(**row) for row in value["shot"]),
    )


def _campaign(table: dict[str, Any]) -> Campaign:
    rest = _plain(table)
    persona_id, version = rest.pop("persona").split("@")
    return Campaign(persona_id=persona_id, persona_version=int(version), **rest)


_NUMBERS = ("guidance", "weight", "threshold")


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples and numbers that are not counts as decimal strings."""
    result: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, list):
            result[name] = tuple(value)
        elif name in _NUMBERS and isinstance(value, int | Decimal):
            result[name] = decimal_text(value)
        else:
            result[name] = value
    return result
