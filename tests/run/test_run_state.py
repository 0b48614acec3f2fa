"""run.sqlite: durable, small, replaceable."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from personactl.errors import StorageError
from personactl.run.state import Intent, Job, RunState, Seen, Spent

KEY = "ab" * 32
NOW = "2026-11-21T10:00:00Z"


def intent(entry_id: str = "01" * 16) -> Intent:
    return Intent(entry_id=entry_id, run="spring-00000000", job_key=KEY, file_name="rain-0.png", attempt=1)


@pytest.fixture
def state(tmp_path: Path) -> RunState:
    return RunState.open(tmp_path)


def test_an_intent_is_open_until_it_is_closed_and_survives_reopening(tmp_path: Path, state: RunState) -> None:
    state.open_intent(intent(), now=NOW)
    state.close()
    again = RunState.open(tmp_path)
    assert again.open_intents() == (intent(),)
    again.close_intent("01" * 16, "published")
    assert again.open_intents() == ()
    again.close_intent("ff" * 16, "dropped")
    again.close()


def test_the_settings_are_durable(tmp_path: Path, state: RunState) -> None:
    assert state._one("PRAGMA synchronous") == 3
    assert state._one("PRAGMA journal_mode") == "truncate"
    state.close()


def test_jobs_of_a_run_are_replaced_as_a_whole(state: RunState) -> None:
    jobs = [
        Job(job_key=f"{number:064x}", shot="rain", index=number, file_name=f"rain-{number}.png") for number in (0, 1)
    ]
    for _ in range(2):
        state.plan("r-1", plan_sha256=KEY, manifest_path="m.toml", attempts=3, jobs=jobs, now=NOW)
    assert state.jobs("r-1") == tuple(jobs)
    assert state.run("r-1") == ("m.toml", 3)
    assert (state.latest_run(), state.run("r-2"), state.jobs("r-2")) == ("r-1", None, ())
    state.close()


def test_spent_attempts_are_forgotten_only_afresh(state: RunState) -> None:
    first = Spent(attempt=0, entry_index=5, verdict="drift", score="0.1")
    second = Spent(attempt=1, entry_index=6, verdict="drift", score="0.2")
    assert state.seen() is None
    state.learn(Seen(origin="origin", size=6, last_leaf="ab"), [(KEY, first)], afresh=True)
    state.close_rejected("01" * 16, KEY, second)
    assert state.spent(KEY) == (first, second)
    assert state.seen() == Seen(origin="origin", size=6, last_leaf="ab")
    state.learn(Seen(origin="another", size=3, last_leaf=""), [], afresh=True)
    assert state.spent(KEY) == ()
    state.close()


def test_a_failed_transaction_leaves_nothing(state: RunState) -> None:
    state.open_intent(intent(), now=NOW)
    with pytest.raises(StorageError):
        state.open_intent(intent(), now=NOW)
    assert len(state.open_intents()) == 1
    state.close()


def test_readers_see_commits_and_cannot_write(tmp_path: Path, state: RunState) -> None:
    assert RunState.open_reader(tmp_path / "elsewhere") is None
    reader = RunState.open_reader(tmp_path)
    assert reader is not None
    state.open_intent(intent(), now=NOW)
    assert len(reader.open_intents()) == 1
    with pytest.raises(StorageError):
        reader.close_intent("01" * 16, "dropped")
    reader.close()
    state.close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be looked at" * 40, b""])
def test_a_broken_file_is_named_and_an_empty_one_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".personactl").mkdir()
    (tmp_path / ".personactl/run.sqlite").write_bytes(content)
    if not content:
        RunState.open(tmp_path).close()
        return
    with pytest.raises(StorageError) as caught:
        RunState.open(tmp_path)
    assert caught.value.code == "storage.state-damaged"
    assert "move this file away" in (caught.value.hint or "")


def test_a_newer_format_is_refused(tmp_path: Path, state: RunState) -> None:
    state.close()
    with sqlite3.connect(tmp_path / ".personactl/run.sqlite") as db:
        db.execute("PRAGMA user_version=3")
    db.close()
    with pytest.raises(StorageError) as caught:
        RunState.open(tmp_path)
    assert caught.value.code == "storage.state-damaged"


def test_the_format_before_this_one_is_taken_over(tmp_path: Path, state: RunState) -> None:
    state.close()
    with sqlite3.connect(tmp_path / ".personactl/run.sqlite") as db:
        db.execute("ALTER TABLE seen DROP COLUMN last_leaf")
        db.execute("INSERT INTO seen VALUES (1, 'origin', 9)")
        db.execute("PRAGMA user_version=1")
    db.close()
    state = RunState.open(tmp_path)
    assert state.seen() == Seen(origin="origin", size=9, last_leaf="")
    state.close()
