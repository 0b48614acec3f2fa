"""What is shown of one `verify` while it runs, and the events that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from terminals import on_screen, piped

from personactl.errors import StorageError
from personactl.render.watching import Watch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def verdict(number: int, word: str = "pass") -> Any:
    return SimpleNamespace(path=f"{number}.png", sha256=f"{number:064x}", verdict=word, exit_code=0)


def moment() -> str:
    return "2026-11-21T08:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty files to count; nobody reads them here."""
    place = tmp_path / "delivery"
    place.mkdir()
    for number in range(20):
        (place / f"{number}.png").touch()
    return place


def test_a_short_check_says_nothing_of_its_progress(folder: Path) -> None:
    terminal, out, err = piped()
    with Watch(terminal, [folder], None, moment, clock=Clock()) as watch:
        for number in range(20):
            watch.on_verdict(verdict(number))
        watch.on_end({"pass": 20})
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_a_check_of_ten_seconds_counts_its_files_in_plain_lines(folder: Path) -> None:
    terminal, out, err = piped()
    clock = Clock()
    with Watch(terminal, [folder], None, moment, clock=clock) as watch:
        for number in range(20):
            clock.now += 2
            watch.on_verdict(verdict(number))
    rows = err.getvalue().splitlines()
    assert rows[0].startswith(" 25 %  5 of 20  about 30 s left")
    assert rows[-1] == "100 %  20 of 20"
    assert out.getvalue() == ""


def test_where_verdicts_go_to_the_same_screen_no_bar_moves(folder: Path) -> None:
    terminal, _, err = on_screen()
    clock = Clock()
    with Watch(terminal, [folder], None, moment, clock=clock) as watch:
        for number in range(10):
            clock.now += 2
            watch.on_verdict(verdict(number))
    assert err.getvalue().startswith(" 25 %  5 of 20")
    assert "\x1b" not in err.getvalue()


def test_a_bar_moves_beside_a_document(folder: Path) -> None:
    terminal, out, err = on_screen(TERM="xterm")
    terminal.json = True
    clock = Clock()
    with Watch(terminal, [folder], None, moment, clock=clock) as watch:
        for number in range(3):
            clock.now += 2
            watch.on_verdict(verdict(number))
    assert "\x1b" in err.getvalue()
    assert out.getvalue() == ""


def test_events_name_each_file_and_the_end(folder: Path, tmp_path: Path) -> None:
    terminal, _, err = piped()
    log = tmp_path / "events.jsonl"
    with Watch(terminal, [folder], log, moment, clock=Clock()) as watch:
        watch.on_verdict(verdict(1))
        watch.on_verdict(verdict(2, "fail"))
        watch.on_end({"pass": 1, "fail": 1})
    rows = [json.loads(row) for row in log.read_text(encoding="ascii").splitlines()]
    common = {"schema": "personactl.event/1", "at": moment()}
    assert rows == [
        {**common, "event": "verdict", "path": "1.png", "sha256": f"{1:064x}", "verdict": "pass", "exit": 0},
        {**common, "event": "verdict", "path": "2.png", "sha256": f"{2:064x}", "verdict": "fail", "exit": 0},
        {**common, "event": "finish", "files": 2, "pass": 1, "fail": 1, "unproven": 0, "error": 0},
    ]
    assert err.getvalue() == ""


def test_a_log_that_cannot_be_begun_is_told_before_anything_is_judged(folder: Path, tmp_path: Path) -> None:
    terminal, _, _ = piped()
    with pytest.raises(StorageError):
        Watch(terminal, [folder], tmp_path / "none" / "events.jsonl", moment)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_log_that_can_no_longer_be_written_is_given_up_once(folder: Path) -> None:
    terminal, _, err = piped()
    with Watch(terminal, [folder], Path("/dev/full"), moment, clock=Clock()) as watch:
        for number in range(3):
            watch.on_verdict(verdict(number))
    assert err.getvalue() == "events are no longer written to /dev/full: No space left on device\n"
