"""Every script in this folder, run for real."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from transcripts import Machine, environment, play

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.glob("*.txt"))
MARK = re.compile(r"^# marks: (.+)$", re.MULTILINE)


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) >= 8


def _parameters() -> list[object]:
    """A first comment `# marks: pack slow` puts those marks on the script's test."""
    rows: list[object] = []
    for script in SCRIPTS:
        found = MARK.search(script.read_text(encoding="utf-8"))
        marks = [getattr(pytest.mark, name) for name in found[1].split()] if found else []
        rows.append(pytest.param(script, id=script.stem, marks=marks))
    return rows


@pytest.mark.parametrize("script", _parameters())
def test_the_script_holds(script: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    play(script, work, environment(tmp_path))


def test_the_runner_notices_a_wrong_exit_code(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path, environment=dict(os.environ))
    with pytest.raises(AssertionError, match="exit 0, expected 3"):
        machine.step("exit 3 personactl --version")
    with pytest.raises(AssertionError, match="no such text"):
        machine.step("stdout 'no such text'")
