"""The plan as JSON (`personactl.plan/1`), its digest, and its strict reading.

The digest covers what will be made. It leaves out where things lie on this machine (the manifest's path, the paths of
references) and the findings, whose wording may change with the program: the same work has the same run id everywhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from personactl.document import parse_json
from personactl.document.source import Unparsable
from personactl.errors import ConflictError, LicenceError, PolicyError, UsageProblem
from personactl.model import Plan, Shot
from personactl.plan.codec import Mismatch, decode, encode
from personactl.plan.keys import digest, keyed

SCHEMA = "personactl.plan/1"
LIMIT = 128 << 20
_ROOM = "plan"


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values. Paths of references are relative to the project folder; seeds are strings."""
    value = encode(plan)
    folder = _persona_folder(plan)
    for shot in value["shots"]:
        for reference in shot["references"]:
            reference["path"] = _below(reference["path"], folder)
    return {"schema": SCHEMA, **value}


def from_json(data: bytes, *, project: Path | None = None) -> Plan:
    """The plan in `data`; digest, run id and every key are computed again and compared.

    With `project` the paths of references are absolute below it. Raises UsageProblem (plan.invalid, plan.altered).
    """
    value = _value(data)
    try:
        plan = decode(Plan, value)
    except Mismatch as error:
        raise _invalid(str(error)) from None
    if not isinstance(plan, Plan):
        raise _invalid("it is no plan")
    _check_paths(plan)
    _check_keys(plan)
    if project is None:
        return plan
    root = project.absolute()
    return replace(plan, shots=tuple(_rooted(shot, root) for shot in plan.shots))


def plan_digest(plan: Plan) -> str:
    """Lower-case hex SHA-256 of the canonical JSON of what will be made: `planSha256` in the ledger."""
    return digest(digest_document(plan))


def digest_document(plan: Plan) -> dict[str, Any]:
    """`to_json` without digest, run id, findings and places, as docs/identity-of-work.md shows it."""
    value = encode(replace(plan, sha256="", run_id="", manifest_path="", findings=()))
    for shot in value["shots"]:
        for reference in shot["references"]:
            del reference["path"]
    for name in ("sha256", "runId", "manifestPath", "findings"):
        value.pop(name, None)
    return {"schema": SCHEMA, **value}


def run_id(campaign_id: str, plan_sha256: str) -> str:
    """Campaign id, "-", first 8 hex digits of the plan digest."""
    return f"{campaign_id}-{plan_sha256[:8]}"


def require_clean(plan: Plan) -> None:
    """Refuse a plan with findings of severity error. Raises LicenceError (licences), PolicyError (all others)."""
    errors = [finding for finding in plan.findings if finding.severity == "error"]
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    error = LicenceError if first.code == "policy.commercial-licence" else PolicyError
    raise error(f"refused: {first.message}{more}", where=plan.manifest_path, hint=first.hint, code=first.code)


def require_current(saved: Plan, fresh: Plan) -> None:
    """Refuse a saved plan that its manifest, persona, policies or weights no longer give. Raises ConflictError."""
    if saved.sha256 == fresh.sha256:
        return
    pairs = (
        ("manifest", saved.manifest_sha256, fresh.manifest_sha256),
        ("persona", saved.persona_record_sha256, fresh.persona_record_sha256),
        ("model", saved.model, fresh.model),
        ("scorer", saved.scorer, fresh.scorer),
        ("policies", saved.policies, fresh.policies),
    )
    changed = [name for name, before, after in pairs if before != after] or ["program"]
    raise ConflictError(
        f"the plan is stale: {', '.join(changed)} changed since it was made",
        hint="make it again with `personactl plan`",
        code="plan.stale",
    )


def _value(data: bytes) -> dict[str, Any]:
    try:
        document = parse_json(data, path="plan", room=_ROOM, limit=LIMIT)
    except Unparsable as error:
        first = error.problems[0]
        raise UsageProblem(f"not a plan: {first.message}", where=first.where, code="plan.invalid") from None
    value = document.value
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise _invalid(f'"schema" is not {json.dumps(SCHEMA)}')
    return {name: element for name, element in value.items() if name != "schema"}


def _check_keys(plan: Plan) -> None:
    """A plan that was edited by hand is no plan: its keys no longer say what will be made."""
    for shot in plan.shots:
        if shot != keyed(shot, plan):
            raise _altered(f"shot {shot.shot_id}-{shot.index} does not have its keys")
    sha256 = plan_digest(plan)
    if (plan.sha256, plan.run_id) != (sha256, run_id(plan.campaign.id, sha256)):
        raise _altered("its digest is that of another plan")


def _check_paths(plan: Plan) -> None:
    folder = _persona_folder(plan)
    for shot in plan.shots:
        for reference in shot.references:
            rest = reference.path.removeprefix(folder)
            if rest == reference.path or any(part in ("", ".", "..") for part in rest.split("/")) or "\0" in rest:
                raise _invalid(f"a reference of shot {shot.shot_id} lies outside {folder}")


def _rooted(shot: Shot, root: Path) -> Shot:
    references = tuple(replace(reference, path=str(root / reference.path)) for reference in shot.references)
    return replace(shot, references=references)


def _persona_folder(plan: Plan) -> str:
    return f"personas/{plan.persona_id}/{plan.persona_version}/"


def _below(path: str, folder: str) -> str:
    at = path.rfind(folder)
    return path[at:] if at >= 0 else path


def _invalid(why: str) -> UsageProblem:
    hint = "make it again with `personactl plan MANIFEST -o FILE`"
    return UsageProblem(f"not a plan of this version: {why}", hint=hint, code="plan.invalid")


def _altered(why: str) -> UsageProblem:
    hint = "plans are not edited: change the manifest and plan again"
    return UsageProblem(f"the plan was altered: {why}", hint=hint, code="plan.altered")
