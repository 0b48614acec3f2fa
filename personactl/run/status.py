"""Questions about runs: how far is it, and why would a shot be made again. Reads only, also while a run is at work."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from personactl_ledger import Ledger, LedgerMissing, StoredEntry
from personactl_ledger.lock import writer_active

from personactl.config import Config
from personactl.errors import UsageProblem
from personactl.model import Plan, Shot
from personactl.run.distrust import CODE, distrusted
from personactl.run.making import attempts_of
from personactl.run.opening import open_ledger
from personactl.run.recovery import confirmed_spent, spent_attempt
from personactl.run.staging import OUT, visible_sha256
from personactl.run.state import Job, RunState, Spent

PictureState = Literal["done", "taken-over", "rejected", "failed", "left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStatus:
    """One planned picture. `state` is "left" for an output that does not count because a key was revoked from before
    it (`reason` run.distrusted): its run makes it again. `attempts`: made so far; `score`, `threshold`: cosines as
    decimal strings, "" when there is none; `verdict`, `score` are those of the output, else of the best rejected
    attempt; `path`: relative to the project, "" when the file is not there or not the recorded one; `reason`: code of
    a failure, or for an output run.file-missing when its file is gone, integrity.altered when it is not the recorded
    one."""

    shot_id: str
    index: int
    file_name: str
    job_key: str
    state: PictureState
    attempts: int
    score: str = ""
    threshold: str = ""
    verdict: str = ""
    path: str = ""
    entry_index: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """planned = done + failed + rejected + left; `done` counts pictures taken over too. `active`: a writer has the
    ledger right now; `starts`: how often the run was started."""

    run_id: str
    manifest_path: str
    planned: int
    done: int
    taken_over: int
    failed: int
    rejected: int
    left: int
    starts: int
    active: bool
    pictures: tuple[PictureStatus, ...]


def status(config: Config, run_id: str | None = None) -> RunStatus:
    """How far a run is; the latest one without `run_id`.

    Raises UsageProblem (run.unknown), LedgerMissing and other LedgerErrors, StorageError.
    """
    with open_ledger(config.ledger_path) as ledger, _reader(config.project) as state:
        run = run_id or (state.latest_run() if state else None) or _latest_run(ledger)
        if run is None:
            raise _unknown("no run was started in this project yet", "personactl run MANIFEST")
        jobs, attempts, manifest_path = _planned(run, ledger, state)
        failures = state.failures(run) if state else {}
        fallen = distrusted(ledger)
        spent = _spent(run, ledger, state, jobs, fallen)
        pictures = tuple(
            _standing(config.project, run, job, ledger, fallen)
            or _unmade(job, ledger, spent[job.job_key], attempts, failures.get(job.job_key, ""))
            for job in jobs
        )
        starts = sum(1 for _ in ledger.entries(kind="run-open", run=run))
    return _counted(run, manifest_path, starts, writer_active(config.ledger_path), pictures)


def outstanding(config: Config, plan: Plan) -> tuple[Shot, ...]:
    """The shots that a run of this plan would work on: no standing output, and not all attempts rejected before."""
    try:
        ledger = open_ledger(config.ledger_path)
    except LedgerMissing:
        return plan.shots
    with ledger, _reader(config.project) as state:
        attempts, fallen = attempts_of(plan.gate), distrusted(ledger)
        return tuple(
            shot
            for shot in plan.shots
            if ((standing := ledger.by_job_key(shot.job_key)) is None or standing.index in fallen)
            and len(confirmed_spent(ledger, state, shot.job_key, distrusted=fallen) if state else ()) < attempts
        )


@contextmanager
def _reader(project: Path) -> Iterator[RunState | None]:
    state = RunState.open_reader(project)
    try:
        yield state
    finally:
        if state is not None:
            state.close()


def _latest_run(ledger: Ledger) -> str | None:
    run = None
    for opened in ledger.entries(kind="run-open"):
        run = opened.entry.predicate["run"]
    return run


def _planned(run: str, ledger: Ledger, state: RunState | None) -> tuple[tuple[Job, ...], int, str]:
    """Jobs, attempts for each, manifest path: from the state, else what the ledger alone can tell."""
    known = state.run(run) if state else None
    if state is not None and known is not None:
        return state.jobs(run), known[1], known[0]
    if ledger.run_state(run) is None:
        raise _unknown(f"there is no run {run}", "`personactl status` alone shows the latest run")
    seen: dict[str, Job] = {}
    attempts = 1
    for kind in ("output", "reject"):
        for stored in ledger.entries(kind=kind, run=run):
            said = stored.entry.predicate
            attempts = max(attempts, said["attempts"])
            name = stored.entry.subject_name if kind == "output" else f"{said['shot']}-{said['index']}"
            job = Job(job_key=said["jobKey"], shot=said["shot"], index=said["index"], file_name=name)
            seen.setdefault(said["jobKey"], job)
    return tuple(sorted(seen.values(), key=lambda job: (job.shot, job.index))), attempts, ""


def _spent(
    run: str, ledger: Ledger, state: RunState | None, jobs: Sequence[Job], fallen: Container[int]
) -> dict[str, tuple[Spent, ...]]:
    if state is not None:
        return {job.job_key: confirmed_spent(ledger, state, job.job_key, distrusted=fallen) for job in jobs}
    found: dict[str, tuple[Spent, ...]] = {job.job_key: () for job in jobs}
    for stored in ledger.entries(kind="reject", run=run):
        if stored.index not in fallen:
            found[stored.entry.predicate["jobKey"]] += (spent_attempt(stored),)
    return found


def _unmade(job: Job, ledger: Ledger, spent: Sequence[Spent], attempts: int, failure: str) -> PictureStatus:
    about = {"shot_id": job.shot, "index": job.index, "job_key": job.job_key}
    best = max(spent, key=lambda item: float(item.score or "-2"), default=None)
    state: PictureState = "rejected" if len(spent) >= attempts else "failed" if failure else "left"
    return PictureStatus(
        **about,  # type: ignore[arg-type]
        file_name=job.file_name,
        state=state,
        attempts=len(spent),
        score=best.score if best else "",
        threshold=ledger.entry(best.entry_index).entry.predicate["identity"]["threshold"] if best else "",
        verdict=best.verdict if best else "",
        entry_index=best.entry_index if best else None,
        reason=failure if state == "failed" else "",
    )


def _standing(project: Path, run: str, job: Job, ledger: Ledger, fallen: Container[int]) -> PictureStatus | None:
    standing = ledger.by_job_key(job.job_key)
    if standing is None:
        return None
    made = _made(project, run, job, standing)
    return replace(made, state="left", reason=CODE) if standing.index in fallen else made


def _made(project: Path, run: str, job: Job, standing: StoredEntry) -> PictureStatus:
    said, name = standing.entry.predicate, standing.entry.subject_name
    found = visible_sha256(project, said["run"], name)
    sound = found == standing.entry.subject_sha256
    return PictureStatus(
        shot_id=job.shot,
        index=job.index,
        file_name=name,
        job_key=job.job_key,
        state="done" if said["run"] == run else "taken-over",
        attempts=said["attempt"] + 1,
        score=said["identity"]["score"],
        threshold=said["identity"]["threshold"],
        verdict=said["identity"]["verdict"],
        path=f"{OUT}/{said['run']}/{name}" if sound else "",
        entry_index=standing.index,
        reason="" if sound else "run.file-missing" if found is None else "integrity.altered",
    )


def _counted(run: str, manifest_path: str, starts: int, active: bool, pictures: tuple[PictureStatus, ...]) -> RunStatus:
    states = [picture.state for picture in pictures]
    return RunStatus(
        run_id=run,
        manifest_path=manifest_path,
        planned=len(states),
        done=states.count("done") + states.count("taken-over"),
        taken_over=states.count("taken-over"),
        failed=states.count("failed"),
        rejected=states.count("rejected"),
        left=states.count("left"),
        starts=starts,
        active=active,
        pictures=pictures,
    )


def _unknown(message: str, hint: str) -> UsageProblem:
    return UsageProblem(message, hint=hint, code="run.unknown")
