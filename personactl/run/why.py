"""Why a shot would be made again, or not: the plan's shot against the last output of the same name, part by part.

The parts are those of shotKey and jobKey (the product contract's "Identity of work"), read from the output entry.
Prompts are compared with the sealed values; where those were erased, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from personactl_ledger import Ledger, LedgerMissing, StoredEntry

from personactl.config import Config
from personactl.model import Plan, Shot
from personactl.plan import attempt_seed
from personactl.run.distrust import VOID_REASON, distrusted, stands_elsewhere
from personactl.run.making import attempts_of
from personactl.run.opening import open_ledger
from personactl.run.recovery import confirmed_spent, standing_output
from personactl.run.staging import OUT, visible_sha256
from personactl.run.state import RunState


def why(config: Config, plan: Plan, shot: Shot) -> str:
    """One or more lines for people: done and where, rejected and how often, or what differs from the last output."""
    try:
        ledger = open_ledger(config.ledger_path)
    except LedgerMissing:
        return "to be made: there is no ledger yet"
    with ledger:
        standing, fallen = ledger.by_job_key(shot.job_key), distrusted(ledger)
        if standing is not None and standing.index not in fallen:
            return _done(config, plan, standing)
        state = RunState.open_reader(config.project)
        try:
            if standing is not None:
                return _distrusted(plan, standing, state)
            spent = confirmed_spent(ledger, state, shot.job_key, distrusted=fallen) if state else ()
            failure = state.failures(plan.run_id).get(shot.job_key, "") if state else ""
        finally:
            if state is not None:
                state.close()
        tried = ", ".join(f"{item.verdict} {item.score}".strip() for item in spent)
        if len(spent) >= attempts_of(plan.gate):
            return (
                f"rejected after {len(spent)} attempts ({tried}; at least {plan.gate.threshold} passes); "
                "the same seeds would give the same pictures: change the manifest"
            )
        before = f"\nattempts so far: {tried}" if tried else ""
        if failure:
            return f"to be made: the last try failed ({failure}){before}"
        last = _last(ledger, plan, shot)
        if last is None:
            return f"to be made: no output of {shot.shot_id} {shot.index} stands{before}"
        differing = "\n".join(f"  {line}" for line in differences(ledger, last, plan, shot))
        run = last.entry.predicate["run"]
        return f"to be made: it differs from entry {last.index} (run {run}) in\n{differing}{before}"


def differences(ledger: Ledger, last: StoredEntry, plan: Plan, shot: Shot) -> list[str]:
    """What makes the keys of `shot` other than those of the output entry `last`, a line each."""
    said = last.entry.predicate
    pairs = [*_pixels(said, plan, shot), *_delivery(said, plan)]
    lines = [f"{name}: {_short(then)} → {_short(now)}" for name, then, now in pairs if then != now]
    values = ledger.unseal(last.index)
    for field, now in (("prompt", shot.prompt), ("negative", shot.negative)):
        if field not in values:
            lines.append(f"{field}: erased from the ledger, cannot be compared")
        elif values[field] != now:
            lines.append(f"{field}: another text")
    return lines or ["nothing that the entry shows: conditioner, drift answers or label policy"]


def _pixels(said: dict[str, Any], plan: Plan, shot: Shot) -> Iterator[tuple[str, Any, Any]]:
    yield "model", said["model"]["lockSha256"], plan.model.sha256
    then = [(item["role"], item["sha256"], item["weight"]) for item in said["references"]]
    yield "references", then, [(use.role, use.sha256, use.weight) for use in shot.references]
    if shot.references:
        yield "conditioner", said["identity"]["conditionerSha256"], plan.scorer.conditioner_sha256
    for name in ("width", "height", "steps", "guidance", "scheduler", "profile"):
        yield name, said["parameters"][name], getattr(shot, name)
    if shot.given_seed:
        yield "seed", said["seed"], str(attempt_seed(shot, said["attempt"]))


def _delivery(said: dict[str, Any], plan: Plan) -> Iterator[tuple[str, Any, Any]]:
    identity, persona = said["identity"], said["persona"]
    yield "persona", (persona["id"], persona["version"]), (plan.persona_id, plan.persona_version)
    yield "persona record", persona["recordSha256"], plan.persona_record_sha256
    yield "threshold", identity["threshold"], plan.gate.threshold
    yield "threshold source", identity["thresholdSource"], plan.gate.source
    yield "calibration", identity["calibrationId"], plan.gate.calibration_id
    yield "attempts", said["attempts"], plan.gate.attempts
    yield "detector", identity["detectorSha256"], plan.scorer.detector_sha256
    yield "recogniser", identity["recogniserSha256"], plan.scorer.recogniser_sha256
    yield "format", said["file"]["mediaType"], f"image/{plan.output.format}"
    yield "watermark", said["disclosure"]["watermark"] is not None, plan.output.watermark
    if plan.output.watermark and said["disclosure"]["watermark"] is not None:
        named = said["disclosure"]["watermark"]["scheme"].partition("/")[0]
        yield "watermarker", "trustmark" if named == "trustmark" else "built-in", plan.output.watermarker
    label, words = said["disclosure"]["label"], plan.label.words if plan.label else ()
    yield "label", label["setting"], plan.output.label
    yield "label text", label.get("text", ""), " ".join(("AI", *words)) if words else ""
    then = {(item["id"], item["sha256"]) for item in said["policies"]}
    now = {(lock.id, lock.sha256) for lock in plan.policies}
    yield "policies", sorted(then - now) or "the same", sorted(now - then) or "the same"


def _last(ledger: Ledger, plan: Plan, shot: Shot) -> StoredEntry | None:
    """The newest standing output of a shot of this name and persona, of any run."""
    last = None
    for stored in ledger.entries(kind="output"):
        said = stored.entry.predicate
        same = (said["shot"], said["index"], said["persona"]["id"]) == (shot.shot_id, shot.index, plan.persona_id)
        if same and standing_output(ledger, stored):
            last = stored
    return last


def _done(config: Config, plan: Plan, standing: StoredEntry) -> str:
    run = standing.entry.predicate["run"]
    name = standing.entry.subject_name
    taken = "" if run == plan.run_id else f", taken over from run {run}"
    found = visible_sha256(config.project, run, name)
    changed = found is not None and found != standing.entry.subject_sha256
    odd = " (the file is not there any more)" if found is None else " (the file was altered)" if changed else ""
    return f"done: entry {standing.index}, {OUT}/{run}/{name}{odd}{taken}"


def _distrusted(plan: Plan, standing: StoredEntry, state: RunState | None) -> str:
    if standing.entry.predicate["run"] != plan.run_id:
        return f"not made: {stands_elsewhere(standing, state)}"
    return f"to be made: entry {standing.index} was {VOID_REASON}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f"{text[:12]}…" if len(text) == 64 else text[:100]
