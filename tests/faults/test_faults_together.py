"""Several processes start the same run at once: one works at a time, and nothing is made twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from oracle import Oracle


def test_processes_that_come_second_are_told_to_wait(fresh: Callable[[], Path], oracle: Oracle) -> None:
    project = fresh()
    program = str(Path(__file__).with_name("two_pictures.py"))
    started = [
        subprocess.Popen([sys.executable, program, str(project)], stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    codes = [code for _, code in ended]
    assert 0 in codes
    assert set(codes) <= {0, 75}
    assert all("ledger.locked" in said for said, code in ended if code == 75)
    oracle.judge(project, "four processes at once")
