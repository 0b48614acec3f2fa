"""From a manifest or plan file to a Plan: reading in order, each step one call of the room that owns it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from personactl.errors import PolicyError, UsageProblem

if TYPE_CHECKING:
    from personactl.config import Config
    from personactl.model import Manifest, Persona, Plan
    from personactl.policy import Policy

LARGEST_PLAN = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan and what it was made of. `model_path` is what the manifest names: "pocket" or a folder."""

    plan: Plan
    persona: Persona
    model_path: str


def from_manifest(config: Config, path: Path) -> Prepared:
    """Read a manifest and all that it names, and expand it. Its path in the plan is relative to the project."""
    from personactl import generate, identity, manifest, persona, plan

    asked = manifest.load(path, project=config.project, role=config.role)
    campaign, folder = asked.campaign, asked.model.path
    who = persona.load(config.project, campaign.persona_id, campaign.persona_version)
    policies = _policies(asked, config)
    model, capabilities = generate.lock_model(folder, project=config.project)
    scorer = identity.lock_scorer(folder, project=config.project)
    made = plan.expand(asked, who, policies, model, scorer, capabilities)
    return Prepared(plan=replace(made, manifest_path=_inside(config, path)), persona=who, model_path=folder)


def _policies(asked: Manifest, config: Config) -> Sequence[Policy]:
    """The manifest's policies or the project's; one that cannot be read is shown where the manifest names it."""
    from personactl import manifest, policy
    from personactl.document import Fault

    faults = []
    for place, name in enumerate(asked.campaign.policies):
        try:
            policy.load(name)
        except PolicyError as error:
            path = ("campaign", "policies", place)
            faults.append(Fault(path=path, code=error.code, message=error.message, hint=error.hint))
    if faults:
        raise manifest.refusal(asked, faults)
    return policy.load_all(asked.campaign.policies or config.policies)


def from_project(config: Config, manifest_path: str) -> Prepared:
    """As `from_manifest`, for a path relative to the project, as plans and runs remember it."""
    return from_manifest(config, Path(os.path.relpath(config.project / manifest_path)))


def from_plan(config: Config, path: Path) -> Prepared:
    """Read a saved plan and make it again. Raises ConflictError (plan.stale) when something changed since."""
    from personactl import plan
    from personactl.document import read_plain_file

    saved = plan.from_json(read_plain_file(path, LARGEST_PLAN, "plan"), project=config.project)
    fresh = from_project(config, saved.manifest_path)
    plan.require_current(saved, fresh.plan)
    return fresh


def from_either(config: Config, path: Path) -> Prepared:
    """A manifest (*.toml) or a saved plan (*.json), told apart by their names."""
    if path.suffix == ".toml":
        return from_manifest(config, path)
    if path.suffix == ".json":
        return from_plan(config, path)
    raise UsageProblem(
        "this is neither a manifest (*.toml) nor a plan (*.json)", where=str(path), code="cli.not-a-manifest",
        hint="give manifests/NAME.toml, or a file of `personactl plan -o`",
    )  # fmt: skip


def _inside(config: Config, path: Path) -> str:
    """`path` relative to the project, which manifest.load has proven to hold it."""
    absolute = path.absolute()
    for root in (config.project, config.project.resolve()):
        if absolute.is_relative_to(root):
            return str(absolute.relative_to(root))
    return str(path)
