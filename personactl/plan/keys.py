"""The identity of work: shotKey, jobKey and seeds, exactly as the product contract's "Identity of work" says.

shotKey   lower-case hex SHA-256 of the canonical JSON (personactl_ledger.canonical) of `shot_key_document`:
          all that makes the pixels.
jobKey    the same of `job_key_document`: the shotKey and all that makes the delivery.
base seed the shot's `seed`; else the first 63 bits of shotKey: its first 8 bytes, big-endian, shifted right by one.
attempt   index 0, attempt 0 uses a given seed as it is. Every other (index, attempt) uses the first 63 bits of
          SHA-256(M), where M is ASCII: the base seed in decimal, "/", the index in decimal, "/", the attempt in
          decimal. Base 1234, index 2, attempt 1 → the 8 bytes "1234/2/1".

The shotKey stands in leaves and delivered files name its work, for ever; the persona's nonce keeps it from confirming
a guessed prompt. Tool versions are recorded in entries and are in no key: an upgrade does not make finished work new.
A member that a later version adds to either document is left out while it has its default, for the same reason.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from personactl_ledger.canonical import canonical_bytes

from personactl.model import Plan, PolicyLock, ReferenceUse, ScorerLock, Shot
from personactl.visible_label import LabelSpec

SHOT_KEY_SCHEMA = "personactl.shot-key/1"
JOB_KEY_SCHEMA = "personactl.job-key/1"


def digest(document: Any) -> str:
    """Lower-case hex SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def first_63_bits(data: bytes) -> int:
    """0 ≤ n < 2**63 from the first 8 of at least 8 bytes, big-endian."""
    return int.from_bytes(data[:8], "big") >> 1


def keyed(shot: Shot, plan: Plan) -> Shot:
    """The shot with shotKey, jobKey and, where none was given, its base seed, as the plan's locks make them."""
    shot_key = digest(shot_key_document(shot, plan))
    base_seed = shot.base_seed if shot.given_seed else first_63_bits(bytes.fromhex(shot_key))
    return replace(shot, shot_key=shot_key, job_key=digest(job_key_document(shot_key, plan)), base_seed=base_seed)


def shot_key_document(shot: Shot, plan: Plan) -> dict[str, Any]:
    """All that makes the pixels of a shot, blinded by the persona's nonce. Reads no key and no seed but a given one.

    The references reach the model through detector and conditioner, so their digests count wherever there are
    references. `adapters`, `source`, `mask` and `strength` are in the format and empty in this version.
    """
    return {
        "schema": SHOT_KEY_SCHEMA,
        "nonce": plan.persona_nonce,
        "model": {"backend": plan.model.backend, "sha256": plan.model.sha256},
        "adapters": [],
        "references": [_reference(reference) for reference in shot.references],
        "conditioner": _conditioner(plan.scorer) if shot.references else None,
        "prompt": shot.prompt,
        "negative": shot.negative,
        "width": shot.width,
        "height": shot.height,
        "steps": shot.steps,
        "guidance": shot.guidance,
        "scheduler": shot.scheduler,
        "profile": shot.profile,
        "source": None,
        "mask": None,
        "strength": None,
        "shot": shot.shot_id,
        "index": shot.index,
        "seed": str(shot.base_seed) if shot.given_seed else None,
    }


def job_key_document(shot_key: str, plan: Plan) -> dict[str, Any]:
    """The shotKey and all that makes the delivery; of the plan, its shots are not read.

    The persona version counts: the file names it and the gate measures against it, so that no output is taken over
    from one persona version to another.
    """
    document = {
        "schema": JOB_KEY_SCHEMA,
        "shotKey": shot_key,
        "persona": {
            "id": plan.persona_id,
            "version": plan.persona_version,
            "recordSha256": plan.persona_record_sha256,
        },
        "gate": {
            "threshold": plan.gate.threshold,
            "source": plan.gate.source,
            "calibrationId": plan.gate.calibration_id,
            "attempts": plan.gate.attempts,
            "onDrift": list(plan.gate.on_drift),
            "detectorSha256": plan.scorer.detector_sha256,
            "recogniserSha256": plan.scorer.recogniser_sha256,
        },
        "format": plan.output.format,
        "watermark": plan.output.watermark,
        "label": plan.output.label,
        "policies": [{"id": lock.id, "sha256": lock.sha256} for lock in _by_id(plan)],
    }
    if plan.output.label_reason:
        document["labelReason"] = plan.output.label_reason
    if plan.output.watermarker != "built-in":
        document["watermarker"] = plan.output.watermarker
    if plan.label is not None:
        document["visibleLabel"] = _visible_label(plan.label)
    return document


def _visible_label(label: LabelSpec) -> dict[str, Any]:
    return {
        "words": list(label.words),
        "height": label.height,
        "leastHeight": label.least_height,
        "margin": label.margin,
        "places": list(label.places),
        "askedBy": list(label.asked_by),
    }


def _by_id(plan: Plan) -> list[PolicyLock]:
    """The order in which a manifest names its policies changes nothing that is delivered."""
    return sorted(plan.policies, key=lambda lock: lock.id)


def attempt_seed(shot: Shot, attempt: int) -> int:
    """The seed (0 ≤ n < 2**63) of an attempt, counted from 0, at a shot."""
    if shot.given_seed and shot.index == 0 and attempt == 0:
        return shot.base_seed
    message = f"{shot.base_seed}/{shot.index}/{attempt}".encode("ascii")
    return first_63_bits(hashlib.sha256(message).digest())


def _reference(reference: ReferenceUse) -> dict[str, Any]:
    return {"role": reference.role, "sha256": reference.sha256, "weight": reference.weight}


def _conditioner(scorer: ScorerLock) -> dict[str, Any]:
    return {"detectorSha256": scorer.detector_sha256, "recogniserSha256": scorer.conditioner_sha256}
