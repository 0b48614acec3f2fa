"""Progress: one plain line per 10 % or 30 seconds off a terminal, a moving line on one, events as NDJSON."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from terminals import on_screen, piped

from personactl.errors import StorageError
from personactl.render.progress import BarProgress, EventLog, Observers, PlainProgress, for_terminal


def shot(index: int = 0) -> Any:
    return SimpleNamespace(shot_id="rain", index=index, file_name=f"rain-{index}.png")


def scored(index: int = 0, verdict: str = "pass") -> Any:
    record = SimpleNamespace(verdict=verdict, score="0.81", threshold="0.53")
    return SimpleNamespace(candidate=SimpleNamespace(shot=shot(index), attempt=1), identity=record)


def disclosed(index: int = 0) -> Any:
    return SimpleNamespace(scored=scored(index), sha256="0" * 64, entry_id="ab" * 16)


SUMMARY: Any = SimpleNamespace(run_id="spring-0", planned=4, done=2, failed=1, rejected=1, skipped=0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_one_line_for_each_ten_percent() -> None:
    terminal, _, err = piped()
    progress = PlainProgress(terminal, clock=Clock())
    progress.on_start(40)
    for number in range(40):
        progress.on_step(shot(number), 1, 2)
        progress.on_done(disclosed(number))
    rows = err.getvalue().splitlines()
    assert len(rows) == 10
    assert rows[0].startswith(" 10 %  4 of 40")
    assert rows[-1] == "100 %  40 of 40"


def test_slow_work_says_every_thirty_seconds_that_it_lives() -> None:
    terminal, _, err = piped()
    clock = Clock()
    progress = PlainProgress(terminal, clock=clock)
    progress.on_start(4)
    for step in range(1, 7):
        clock.now += 10
        progress.on_step(shot(), step, 100)
    assert len(err.getvalue().splitlines()) == 2
    assert "left" in err.getvalue()


def test_what_is_counted_is_told_by_the_tenth_with_the_time_left() -> None:
    terminal, _, err = piped()
    clock = Clock()
    progress = PlainProgress(terminal, clock=clock)
    for done in range(50, 1001, 50):
        clock.now += 2
        progress.on_count(done, 1000)
    lines = err.getvalue().splitlines()
    assert lines[0] == " 10 %  100 of 1000  about 36 s left"
    assert (len(lines), lines[-1]) == (10, "100 %  1000 of 1000")


def test_nothing_is_shown_of_what_is_done_in_one_step() -> None:
    for terminal, _, err in (piped(), on_screen(TERM="xterm")):
        progress = for_terminal(terminal)
        progress.on_count(7, 7)
        progress.close()
        assert err.getvalue() == ""


def test_the_bar_counts_as_well() -> None:
    terminal, out, err = on_screen(NO_COLOR="1")
    progress = BarProgress(terminal)
    progress.on_count(2048, 5000)
    progress.on_count(5000, 5000)
    progress.close()
    assert out.getvalue() == ""
    assert "5000/5000" in err.getvalue()


def test_rejected_and_failed_shots_count_to_the_total() -> None:
    terminal, _, err = piped()
    progress = PlainProgress(terminal, clock=Clock())
    progress.on_start(3)
    progress.on_done(disclosed(0))
    progress.on_reject(scored(1, "drift"))
    progress.on_fail(shot(2), "black")
    assert err.getvalue().splitlines()[-1] == "100 %  3 of 3"


def test_quiet_shows_no_progress() -> None:
    terminal, _, err = piped()
    terminal.verbosity = -1
    progress = for_terminal(terminal)
    progress.on_start(1)
    progress.on_done(disclosed())
    assert err.getvalue() == ""


def test_verbose_tells_of_every_attempt() -> None:
    terminal, _, err = piped()
    terminal.verbosity = 1
    progress = PlainProgress(terminal, clock=Clock())
    progress.on_start(1)
    progress.on_attempt(scored(0, "drift"))
    assert "rain-0.png  attempt 2  drift  0.81 (≥ 0.53)" in err.getvalue()


def test_the_bar_is_only_for_a_terminal_that_can_move_its_cursor() -> None:
    assert isinstance(for_terminal(piped()[0]), PlainProgress)
    assert isinstance(for_terminal(on_screen(TERM="dumb")[0]), PlainProgress)
    assert isinstance(for_terminal(on_screen(TERM="xterm")[0]), BarProgress)


def test_the_bar_names_the_shot_escapes_it_and_leaves_stdout_alone() -> None:
    terminal, out, err = on_screen(NO_COLOR="1")
    progress = BarProgress(terminal)
    progress.on_start(2)
    hostile: Any = SimpleNamespace(shot_id="x", index=0, file_name="\x1b[2J[bold]x.png")
    progress.on_step(hostile, 1, 2)
    progress.on_done(disclosed())
    progress.on_finish(SUMMARY)
    assert out.getvalue() == ""
    assert "\\x1b[2J[bold]x.png" in err.getvalue()
    assert "\x1b[2J" not in err.getvalue()


def test_events_are_one_object_a_line_without_steps(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"event": "of an earlier start"}\n')
    with Observers(EventLog(path, lambda: "2026-01-02T03:04:05Z", piped()[0])) as observers:
        observers.on_start(4)
        observers.on_step(shot(), 1, 20)
        observers.on_attempt(scored())
        observers.on_done(disclosed())
        observers.on_reject(scored(1, "drift"))
        observers.on_fail(shot(2), "black")
        observers.on_finish(SUMMARY)
    before, *rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert before == {"event": "of an earlier start"}
    assert [row["event"] for row in rows] == ["start", "attempt", "done", "reject", "fail", "finish"]
    assert {row["schema"] for row in rows} == {"personactl.event/1"}
    assert rows[1]["score"] == "0.81"
    assert rows[-1]["planned"] == 4


def test_an_event_file_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        EventLog(tmp_path / "none" / "events", lambda: "", piped()[0])


def test_a_run_that_never_starts_leaves_the_event_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    with Observers(EventLog(path, lambda: "", piped()[0])) as observers:
        observers.on_finish(SUMMARY)
    assert not path.exists()


def test_events_follow_no_link(tmp_path: Path) -> None:
    (tmp_path / "events").symlink_to(tmp_path / "target")
    with pytest.raises(StorageError):
        EventLog(tmp_path / "events", lambda: "", piped()[0])
    (tmp_path / "events").unlink()
    log = EventLog(tmp_path / "events", lambda: "", piped()[0])
    (tmp_path / "events").symlink_to(tmp_path / "target")
    with pytest.raises(StorageError):
        log.on_start(1)
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_events_does_not_stop_the_run() -> None:
    terminal, _, err = piped()
    log = EventLog(Path("/dev/full"), lambda: "", terminal)
    log.on_start(1)
    log.on_done(disclosed())
    log.close()
    assert err.getvalue() == "events are no longer written to /dev/full: No space left on device\n"
