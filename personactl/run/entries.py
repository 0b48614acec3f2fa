"""What a run says in the ledger: the predicates of run-open, output, reject, void and run-close, field by field.

`ledger/predicates.md` documents them; they are final formats. Numbers that are not small integers are decimal strings.
Prompts are sealed: only their salted commitment stands in an entry.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personactl_ledger import Checkpoint, Draft, Sealed, Signer, StoredEntry, seal, sign_entry, statement

from personactl import __version__
from personactl.disclose import label_decision
from personactl.model import Disclosed, IdentityRecord, Plan, Scored, Shot, WatermarkRecord

Predicate = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Which run an entry belongs to. `plan_sha256` and `manifest_sha256` are hex; `planned` counts pictures."""

    origin: str
    run: str
    plan_sha256: str
    manifest_sha256: str
    persona: Mapping[str, Any]
    planned: int
    means: Mapping[str, Any]
    """What the run works with: `campaign`, `model` and `scorer`, as the run-open entry says them."""

    @classmethod
    def of(cls, plan: Plan, origin: str) -> RunIdentity:
        return cls(
            origin=origin,
            run=plan.run_id,
            plan_sha256=plan.sha256,
            manifest_sha256=plan.manifest_sha256,
            persona=_persona(plan),
            planned=len(plan.shots),
            means=_means(plan),
        )

    @classmethod
    def again(cls, opened: StoredEntry) -> RunIdentity:
        """The run of an earlier run-open entry."""
        said = opened.entry.predicate
        return cls(
            origin=said["origin"],
            run=said["run"],
            plan_sha256=said["planSha256"],
            manifest_sha256=said["manifestSha256"],
            persona=said["persona"],
            planned=said["planned"],
            means={part: said[part] for part in ("campaign", "model", "scorer") if part in said},
        )


def run_open(
    identity: RunIdentity, *, run_key: Signer, started: int, checkpoint: Checkpoint | None, now: str, operator: Signer
) -> Draft:
    """The operator certifies `run_key` for this start. `started` counts the starts of the run from 1."""
    said = {
        "origin": identity.origin,
        "run": identity.run,
        "planSha256": identity.plan_sha256,
        "manifestSha256": identity.manifest_sha256,
        "persona": dict(identity.persona),
        **identity.means,
        "runKey": {"kid": run_key.key_id, "publicKey": b64encode(run_key.public_key).decode("ascii")},
        "planned": identity.planned,
        "started": started,
        "checkpoint": None if checkpoint is None else _checkpoint(checkpoint),
        "startedAt": now,
        "tool": {"name": "personactl", "version": __version__},
    }
    return _draft("run-open", ("plan", identity.plan_sha256), said, operator)


def output(plan: Plan, disclosed: Disclosed, *, origin: str, run_key: Signer) -> Draft:
    """An accepted picture; its subject is the delivered file."""
    shot = disclosed.scored.candidate.shot
    watermark = disclosed.watermark
    said, sealed = _attempt(plan, disclosed.scored, disclosed.entry_id, origin)
    said["disclosure"] = {
        "layers": list(disclosed.layers),
        "digitalSourceType": disclosed.digital_source_type,
        "c2paManifestSha256": disclosed.c2pa_manifest_sha256,
        "watermark": None if watermark is None else _watermark(watermark),
        "label": label_decision(disclosed.label),
    }
    said["file"] = {
        "mediaType": disclosed.media_type,
        "width": shot.width,
        "height": shot.height,
        "size": len(disclosed.data),
    }
    said["iscc"] = disclosed.iscc
    return _draft("output", (shot.file_name, disclosed.sha256), said, run_key, sealed)


def _watermark(record: WatermarkRecord) -> dict[str, Any]:
    said: dict[str, Any] = {"scheme": record.scheme, "payload": record.payload}
    if record.weights:
        said["weights"] = [{"path": file.path, "sha256": file.sha256} for file in record.weights]
    return said


def reject(plan: Plan, scored: Scored, *, entry_id: str, reason: str, origin: str, run_key: Signer) -> Draft:
    """An attempt that did not pass; its subject is the SHA-256 of the raw pixels, which are not kept."""
    said, sealed = _attempt(plan, scored, entry_id, origin)
    said["reason"] = reason
    return _draft("reject", ("pixels", scored.candidate.pixels_sha256), said, run_key, sealed)


def void(target: StoredEntry, *, reason: str, run_key: Signer) -> Draft:
    """Take back an output entry whose file never became visible."""
    entry = target.entry
    said = {
        "origin": entry.predicate["origin"],
        "run": entry.predicate["run"],
        "entryId": entry.predicate["entryId"],
        "jobKey": entry.predicate["jobKey"],
        "voids": target.index,
        "reason": reason,
    }
    return _draft("void", (entry.subject_name, entry.subject_sha256), said, run_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pictures by what became of them, and entries of this start. done + failed + rejected + skipped = planned.

    `taken_over` are those of the skipped that stand in another run.
    """

    done: int
    failed: int
    rejected: int
    skipped: int
    taken_over: int
    outputs: int
    rejects: int


def run_close(
    identity: RunIdentity, counts: Counts, *, first_index: int, last_index: int, now: str, operator: Signer
) -> Draft:
    """The end of a start; the index range holds every entry of it, run-open included, run-close excluded."""
    said = {
        "origin": identity.origin,
        "run": identity.run,
        "planSha256": identity.plan_sha256,
        "planned": identity.planned,
        "done": counts.done,
        "failed": counts.failed,
        "rejected": counts.rejected,
        "skipped": counts.skipped,
        "takenOver": counts.taken_over,
        "outputs": counts.outputs,
        "rejects": counts.rejects,
        "firstIndex": first_index,
        "lastIndex": last_index,
        "closedAt": now,
    }
    return _draft("run-close", ("plan", identity.plan_sha256), said, operator)


def _draft(
    kind: str, subject: tuple[str, str], said: Predicate, signer: Signer, sealed: tuple[Sealed, ...] = ()
) -> Draft:
    return Draft(leaf=sign_entry(statement(kind, subject=subject, predicate=said), signer), sealed=sealed)


def _attempt(plan: Plan, scored: Scored, entry_id: str, origin: str) -> tuple[Predicate, tuple[Sealed, ...]]:
    """What output and reject entries share. `attempt` counts from 0; `attempts` is the budget of the gate."""
    candidate = scored.candidate
    shot = candidate.shot
    sealed = (seal("prompt", shot.prompt), seal("negative", shot.negative))
    said: Predicate = {
        "origin": origin,
        "run": plan.run_id,
        "entryId": entry_id,
        "shotKey": shot.shot_key,
        "jobKey": shot.job_key,
        "shot": shot.shot_id,
        "index": shot.index,
        "attempt": candidate.attempt,
        "attempts": plan.gate.attempts,
        "seed": str(candidate.seed),
        "persona": _persona(plan),
        "model": _model(plan),
        "references": [{"role": use.role, "sha256": use.sha256, "weight": use.weight} for use in shot.references],
        "parameters": _parameters(shot),
        "identity": _identity(plan, scored.identity),
        "policies": [{"id": policy.id, "sha256": policy.sha256} for policy in plan.policies],
        "environment": {str(key): str(value) for key, value in sorted(candidate.environment.items())},
        "pixelsSha256": candidate.pixels_sha256,
        "sealed": {item.field: item.commitment for item in sealed},
        "generatedAt": candidate.generated_at,
    }
    return said, sealed


def _persona(plan: Plan) -> Predicate:
    return {"id": plan.persona_id, "version": plan.persona_version, "recordSha256": plan.persona_record_sha256}


def _means(plan: Plan) -> Predicate:
    """Under which declarations and with which networks the whole run works; each output repeats only what differs."""
    scorer = plan.scorer
    return {
        "campaign": {"id": plan.campaign.id, "role": plan.campaign.role, "commercial": plan.campaign.commercial},
        "model": _model_lock(plan),
        "scorer": {
            "name": scorer.name,
            "license": scorer.license,
            "detectorSha256": scorer.detector_sha256,
            "recogniserSha256": scorer.recogniser_sha256,
            "conditionerSha256": scorer.conditioner_sha256,
            "threshold": plan.gate.threshold,
            "far": scorer.far,
            "farUpper95": scorer.far_upper95,
        },
    }


def _model_lock(plan: Plan) -> Predicate:
    model = plan.model
    return {
        "name": model.name,
        "family": model.family,
        "license": model.license,
        "licenseSha256": model.license_sha256,
        "lockSha256": model.sha256,
    }


def _model(plan: Plan) -> Predicate:
    model = plan.model
    return {
        **_model_lock(plan),
        "files": [{"path": file.path, "sha256": file.sha256} for file in model.files],
    }


def _parameters(shot: Shot) -> Predicate:
    return {
        "width": shot.width,
        "height": shot.height,
        "steps": shot.steps,
        "guidance": shot.guidance,
        "scheduler": shot.scheduler,
        "profile": shot.profile,
    }


def _identity(plan: Plan, record: IdentityRecord) -> Predicate:
    """Detector and conditioner come from the lock: the record names only the network that scored."""
    return {
        "verdict": record.verdict,
        "score": record.score,
        "threshold": record.threshold,
        "thresholdSource": record.threshold_source,
        "calibrationId": record.calibration_id,
        "recogniserSha256": record.recogniser_sha256,
        "detectorSha256": plan.scorer.detector_sha256,
        "conditionerSha256": plan.scorer.conditioner_sha256,
        "facesFound": record.faces_found,
        "detectorScore": record.detector_score,
        "facePx": record.face_px,
        "far": plan.scorer.far,
        "farUpper95": plan.scorer.far_upper95,
    }


def _checkpoint(checkpoint: Checkpoint) -> Predicate:
    return {"size": checkpoint.size, "root": b64encode(checkpoint.root).decode("ascii")}
