"""status, why, outstanding: answers from ledger and state, also during a run."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from workshop import Workshop, text

from personactl import run
from personactl.errors import UsageProblem
from personactl.model import Disclosed
from personactl.run import RunStatus, Unobserved

MIXED = text("bad: unpaintable", "dark: lights out", "rain*2: in the rain", attempts=2)


def test_status_counts_every_planned_picture(shop: Workshop) -> None:
    shop.run(MIXED)
    found = run.status(shop.config)
    assert (found.planned, found.done, found.failed, found.rejected, found.left) == (4, 2, 1, 1, 0)
    assert (found.active, found.starts, found.manifest_path) == (False, 1, "manifests/test.toml")
    by_name = {picture.file_name: picture for picture in found.pictures}
    assert (by_name["bad-0.png"].state, by_name["bad-0.png"].reason) == ("failed", "run.shot-failed")
    assert (by_name["dark-0.png"].state, by_name["dark-0.png"].attempts) == ("rejected", 2)
    assert by_name["dark-0.png"].verdict == "poison-black"
    rain = by_name["rain-0.png"]
    assert (rain.state, rain.verdict, rain.threshold, rain.attempts) == ("done", "pass", "-1", 1)
    assert (shop.folder / rain.path).is_file()


def test_status_works_while_the_run_is_at_work(shop: Workshop) -> None:
    seen: list[RunStatus] = []

    class Asking(Unobserved):
        def on_done(self, disclosed: Disclosed) -> None:
            seen.append(run.status(shop.config))

    shop.run(text("rain*2: in the rain"), Asking())
    assert [(found.done, found.left, found.active) for found in seen] == [(1, 1, True), (2, 0, True)]


def test_status_answers_after_a_kill_in_the_middle_of_a_commit(shop: Workshop, tmp_path: Path) -> None:
    run_id = shop.run(text("rain: in the rain")).run_id
    # Pages spill into the file before the commit; a copy of file and journal is what a kill leaves behind.
    db = sqlite3.connect(shop.config.ledger_path, isolation_level=None)
    db.execute("PRAGMA cache_size=1")
    db.execute("BEGIN IMMEDIATE")
    db.execute("CREATE TABLE half (done)")
    for _ in range(40):
        db.execute("INSERT INTO half VALUES (zeroblob(4000))")
    shutil.copytree(shop.folder, tmp_path / "killed")
    db.execute("ROLLBACK")
    db.close()
    killed = Workshop(tmp_path / "killed")
    assert (killed.folder / "ledger.sqlite-journal").stat().st_size > 0
    assert run.status(killed.config).run_id == run_id
    assert run.status(killed.config).done == 1


def test_status_without_state_tells_what_the_ledger_knows(shop: Workshop) -> None:
    run_id = shop.run(MIXED).run_id
    (shop.folder / ".personactl/run.sqlite").unlink()
    found = run.status(shop.config)
    assert (found.run_id, found.done, found.rejected) == (run_id, 2, 1)


def test_status_of_a_run_that_took_pictures_over(shop: Workshop) -> None:
    first = shop.run(text("rain: in the rain"))
    shop.run(text("rain: in the rain", "park: in a park"))
    found = run.status(shop.config)
    assert (found.done, found.taken_over) == (2, 1)
    assert found.pictures[0].path == f"out/{first.run_id}/rain-0.png"
    assert run.status(shop.config, first.run_id).planned == 1


def test_status_says_when_a_taken_over_file_was_altered(shop: Workshop) -> None:
    first = shop.run(text("rain: in the rain"))
    second = text("rain: in the rain", "park: in a park")
    shop.run(second)
    with (shop.out(first.run_id) / "rain-0.png").open("ab") as file:
        file.write(b"x")
    (rain, park) = run.status(shop.config).pictures
    assert (rain.state, rain.path, rain.reason) == ("taken-over", "", "integrity.altered")
    assert (park.state, park.reason) == ("done", "")
    plan = shop.plan(second)
    assert "altered" in run.why(shop.config, plan, plan.shots[0])


def test_an_unknown_run_is_named(shop: Workshop) -> None:
    with pytest.raises(UsageProblem) as caught:
        run.status(shop.config)
    assert caught.value.code == "run.unknown"
    shop.run(text("rain: in the rain"))
    with pytest.raises(UsageProblem) as caught:
        run.status(shop.config, "spring-ffffffff")
    assert "spring-ffffffff" in caught.value.message


def test_outstanding_is_what_a_run_would_work_on(shop: Workshop) -> None:
    plan = shop.plan(MIXED)
    assert run.outstanding(shop.config, plan) == plan.shots
    shop.run(plan)
    assert [shot.file_name for shot in run.outstanding(shop.config, plan)] == ["bad-0.png"]
    shop.config.ledger_path.unlink()
    assert run.outstanding(shop.config, plan) == plan.shots


def test_why_says_where_a_picture_is_or_what_happened(shop: Workshop) -> None:
    plan = shop.plan(MIXED)
    assert run.why(shop.config, plan, plan.shots[0]).startswith("to be made: no output of bad 0")
    shop.run(plan)
    answers = {shot.file_name: run.why(shop.config, plan, shot) for shot in plan.shots}
    assert answers["bad-0.png"] == "to be made: the last try failed (run.shot-failed)"
    assert answers["dark-0.png"].startswith("rejected after 2 attempts (poison-black, poison-black;")
    assert answers["rain-0.png"].startswith("done: entry ")
    assert f"out/{plan.run_id}/rain-0.png" in answers["rain-0.png"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (text("rain: in the rain"), text("rain: in the sun"), "prompt: another text"),
        (text("rain: in the rain"), text("rain: in the rain", threshold="0.25"), "threshold: -1 → 0.25"),
        (text("rain: in the rain"), text("rain: in the rain", attempts=5), "attempts: 3 → 5"),
        (text("rain: in the rain"), text("rain: in the rain", extra="[model]\nsteps = 7"), "steps: 2 → 7"),
        (
            text("rain: in the rain"),
            text("rain: in the rain", extra='[output]\nformat = "jpeg"'),
            "format: image/png → image/jpeg",
        ),
        (
            text("rain: in the rain"),
            text("rain: in the rain", extra='[output]\nwatermarker = "trustmark"'),
            "watermarker: built-in → trustmark",
        ),
        (
            text("rain: in the rain"),
            text("rain: in the rain", extra='[reference]\nroles = ["three-quarter"]'),
            "references:",
        ),
        (text("rain: in the rain"), text('rain: in the rain"\nseed = 4\nmood = "'), "seed:"),
    ],
)
def test_why_names_the_part_that_differs(shop: Workshop, before: str, after: str, says: str) -> None:
    shop.run(before)
    plan = shop.plan(after)
    answer = run.why(shop.config, plan, plan.shots[0])
    assert answer.startswith("to be made: it differs from entry ")
    assert says in answer
    assert len(answer.splitlines()) == 2, answer


def test_why_names_a_changed_policy(shop: Workshop) -> None:
    plan = shop.plan(text("rain: in the rain"))
    shop.run(plan)
    shot = replace(plan.shots[0], job_key="ab" * 32)
    moved = replace(plan, policies=tuple(replace(lock, sha256="ee" * 32) for lock in plan.policies), shots=(shot,))
    assert "policies:" in run.why(shop.config, moved, shot)


def test_status_says_when_a_file_is_gone(shop: Workshop) -> None:
    first = shop.run(text("rain: in the rain"))
    (shop.out(first.run_id) / "rain-0.png").unlink()
    (rain,) = run.status(shop.config).pictures
    assert (rain.state, rain.path, rain.reason) == ("done", "", "run.file-missing")
