"""What happens to single shots: rejected, poisoned, failed; the others go on, and the counts add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from drawn_backend import DrawnBackend
from personactl_ledger import check
from workshop import Workshop, text

from personactl.errors import ConflictError
from personactl.model import Disclosed, Scored, Shot
from personactl.plan import attempt_seed
from personactl.run import RunSummary, Unobserved

STRICT = "0.99"


class Notes(Unobserved):
    """Writes down the calls of a run."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def on_start(self, total: int) -> None:
        self.calls.append(("start", total))

    def on_attempt(self, scored: Scored) -> None:
        self.calls.append(("attempt", scored.candidate.shot.file_name, scored.candidate.attempt))

    def on_done(self, disclosed: Disclosed) -> None:
        self.calls.append(("done", disclosed.scored.candidate.shot.file_name))

    def on_reject(self, scored: Scored) -> None:
        self.calls.append(("reject", scored.candidate.shot.file_name))

    def on_fail(self, shot: Shot, reason: str) -> None:
        self.calls.append(("fail", shot.file_name, reason))

    def on_finish(self, summary: RunSummary) -> None:
        self.calls.append(("finish", summary.done, summary.failed, summary.rejected))


def test_a_drifting_shot_is_tried_with_other_seeds_and_each_attempt_is_an_entry(shop: Workshop) -> None:
    plan = shop.plan(text("rain*6: in the rain", threshold=STRICT, attempts=2, seed=1))
    summary = shop.run(plan)
    assert 0 < summary.done < 6, "the threshold of this test separates"
    assert summary.rejects > 0
    assert summary.planned == summary.done + summary.failed + summary.rejected + summary.skipped
    seeds = {(shot.job_key, attempt): attempt_seed(shot, attempt) for shot in plan.shots for attempt in range(2)}
    for stored in shop.ledger():
        said = stored.entry.predicate
        if stored.entry.kind == "output":
            assert float(said["identity"]["score"]) >= 0.99
        if stored.entry.kind == "reject":
            assert (float(said["identity"]["score"]) < 0.99, said["reason"]) == (True, "drift")
            assert stored.entry.subject_sha256 == said["pixelsSha256"]
            assert not {"disclosure", "file", "iscc"} & set(said)
        if stored.entry.kind in ("output", "reject"):
            assert said["seed"] == str(seeds[said["jobKey"], said["attempt"]])
    assert check(shop.config.ledger_path).ok


def test_rejected_to_the_end_exits_3_and_is_not_tried_again(shop: Workshop) -> None:
    source = text("rain: in the rain", threshold="1.0", attempts=2)
    summary = shop.run(source)
    assert (summary.rejected, summary.rejected_before, summary.rejects, summary.exit_code) == (1, 0, 2, 3)
    size = len(shop.ledger())
    again = shop.run(source)
    assert (again.rejected, again.rejected_before, again.exit_code) == (1, 1, 3)
    assert "all 2 attempts were rejected before" in again.outcomes[0].reason
    assert {summary.outcomes[0].code, again.outcomes[0].code} == {"gate.drift"}
    assert (shop.backend, len(shop.ledger())) == (None, size)


def test_spent_attempts_are_known_from_the_ledger_when_the_state_is_lost(shop: Workshop) -> None:
    source = text("rain: in the rain", threshold="1.0", attempts=2)
    shop.run(source)
    (shop.folder / ".personactl/run.sqlite").unlink()
    assert shop.run(source).rejected_before == 1


def test_an_edited_gate_tries_again(shop: Workshop) -> None:
    shop.run(text("rain: in the rain", threshold="1.0", attempts=2))
    summary = shop.run(text("rain: in the rain", threshold="-1.0", attempts=2))
    assert (summary.done, summary.rejected) == (1, 0)


def test_without_reseed_there_is_one_attempt(shop: Workshop) -> None:
    plan = shop.plan(text("rain: in the rain", threshold="1.0", attempts=3))
    summary = shop.run(replace(plan, gate=replace(plan.gate, on_drift=("queue",))))
    assert (summary.rejects, summary.rejected) == (1, 1)


def test_a_black_picture_is_a_rejected_attempt(shop: Workshop) -> None:
    summary = shop.run(text("dark: lights out", "rain: in the rain", attempts=2))
    assert (summary.done, summary.rejected, summary.rejects) == (1, 1, 2)
    reasons = {stored.entry.predicate["reason"] for stored in shop.ledger(kind="reject")}
    verdicts = {stored.entry.predicate["identity"]["verdict"] for stored in shop.ledger(kind="reject")}
    assert (reasons, verdicts) == ({"poison-black"}, {"not-scorable"})


def test_a_failing_shot_does_not_end_the_run_and_its_prompt_is_not_repeated(shop: Workshop) -> None:
    notes = Notes()
    summary = shop.run(text("bad: unpaintable secret", "rain: in the rain"), notes)
    assert (summary.done, summary.failed, summary.exit_code) == (1, 1, 75)
    failed = next(outcome for outcome in summary.outcomes if outcome.state == "failed")
    assert (failed.code, failed.exit_code) == ("run.shot-failed", 75)
    assert failed.reason.startswith("RuntimeError: cannot paint")
    assert "secret" not in failed.reason
    assert ("fail", "bad-0.png", failed.reason) in notes.calls
    assert shop.ledger()[-1].entry.predicate["failed"] == 1
    assert b"secret" not in (shop.folder / ".personactl/run.sqlite").read_bytes()


def test_a_failed_shot_is_tried_again(shop: Workshop) -> None:
    class Mended(DrawnBackend):
        def run(self, shot: Shot, **more: Any) -> Any:
            made = super().run(replace(shot, prompt="mended"), **more)
            return replace(made, shot=shot)

    source = text("bad: unpaintable")
    assert shop.run(source).failed == 1
    summary = shop.run(source, make=Mended)
    assert (summary.done, summary.failed, summary.exit_code) == (1, 0, 0)


def test_the_observer_is_told_everything_in_order(shop: Workshop) -> None:
    notes = Notes()
    shop.run(text("bad: unpaintable", "dark: lights out", "rain: in the rain", attempts=1), notes)
    assert notes.calls[0] == ("start", 3)
    assert [call[:2] for call in notes.calls[1:]] == [
        ("fail", "bad-0.png"),
        ("attempt", "dark-0.png"),
        ("reject", "dark-0.png"),
        ("attempt", "rain-0.png"),
        ("done", "rain-0.png"),
        ("finish", 1),
    ]


def test_a_name_taken_in_between_stops_the_run_before_the_shot_is_recorded(shop: Workshop) -> None:
    plan = shop.plan(text("park: in a park", "rain: in the rain"))
    obstacle = shop.out(plan.run_id) / "rain-0.png"

    class Intruder(Unobserved):
        def on_done(self, disclosed: Disclosed) -> None:
            obstacle.write_bytes(b"mine")

    with pytest.raises(ConflictError) as caught:
        shop.run(plan, Intruder())
    assert (caught.value.code, caught.value.exit_code) == ("conflict.name-taken", 10)
    assert caught.value.where == f"out/{plan.run_id}/rain-0.png"
    assert obstacle.read_bytes() == b"mine"
    closed = shop.ledger()[-1].entry
    assert (closed.kind, closed.predicate["done"], closed.predicate["skipped"]) == ("run-close", 1, 1)
    obstacle.unlink()
    assert shop.run(plan).done == 1


def test_a_policy_that_changed_since_the_plan_is_a_stale_plan(shop: Workshop) -> None:
    plan = shop.plan(text("rain: in the rain"))
    stale = replace(plan, policies=tuple(replace(lock, sha256="ee" * 32) for lock in plan.policies))
    with pytest.raises(ConflictError) as caught:
        shop.run(stale)
    assert caught.value.code == "plan.stale"
    assert shop.ledger(kind="run-open") == []
