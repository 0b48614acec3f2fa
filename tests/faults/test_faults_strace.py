"""A real process is killed, or told EIO or ENOSPC, at each of its system calls in turn; then one more run completes it.

Points: every link, rename, fsync, mkdir, unlink and write; every n-th of the calls that SQLite makes most (pwrite64,
fdatasync, ftruncate) and of the openat calls in the project. A kill shows a crash of the process, not a loss of power.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from oracle import Oracle

STRACE = shutil.which("strace")
pytestmark = [
    pytest.mark.debian,
    pytest.mark.slow,
    pytest.mark.skipif(STRACE is None, reason="needs the Debian package strace"),
]
FAULTS = {"SIGKILL": "signal=SIGKILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}
EVERY_POINT = ("linkat", "renameat", "fsync", "mkdirat", "unlinkat", "unlink", "write")
SAMPLED = {"pwrite64": 8, "fdatasync": 8, "ftruncate": 3, "openat": 8}
"""System call → how many points of it are tried with each fault, spread evenly from the first to the last."""


@dataclass
class Tracer:
    """Runs the two pictures under strace, one forked process at a time."""

    server: subprocess.Popen[str]
    log: Path

    def run(self, project: Path, *options: str) -> int:
        """The exit code of the run, or minus the signal that ended it. strace's log is in `log`."""
        pid = int(self._ask(project))
        tracer = subprocess.Popen(
            [str(STRACE), "-o", str(self.log), *options, "-p", str(pid)], stderr=subprocess.PIPE, text=True
        )
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        os.kill(pid, signal.SIGCONT)
        assert self.server.stdout is not None
        ended = self.server.stdout.readline().split()
        tracer.communicate()
        if "attached" not in attached:
            pytest.skip(f"strace may not attach to processes here: {attached.strip()}")
        return int(ended[1])

    def _ask(self, project: Path) -> str:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(f"{project}\n")
        self.server.stdin.flush()
        return self.server.stdout.readline().split()[1]


@pytest.fixture(scope="module")
def tracer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracer]:
    folder = tmp_path_factory.mktemp("strace")
    # The real interpreter, not a shim that forks: a fork would shift strace's counters.
    with (folder / "stderr").open("w") as errors:
        server = subprocess.Popen(
            [str(Path(sys.executable)), str(Path(__file__).with_name("fault_server.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        yield Tracer(server, folder / "log")
        server.communicate()


def counted(tracer: Tracer, project: Path, calls: tuple[str, ...], options: tuple[str, ...]) -> Counter[str]:
    code = tracer.run(project, "-e", f"trace={','.join(calls)}", *options)
    assert code == 0
    return Counter(re.findall(r"^(?:\d+ +)?(\w+)\(", tracer.log.read_text(), re.MULTILINE))


def only_in(project: Path, call: str) -> tuple[str, ...]:
    """Of openat, only what opens something of the project: its own folders and SQLite's files."""
    if call != "openat":
        return ()
    state = project / ".personactl"
    ledger = project / "ledger.sqlite"
    paths = [project, project / "out", state, state / "staging", state / "run.sqlite", state / "run.sqlite-journal",
             ledger, Path(f"{ledger}-journal"), Path(f"{ledger}.lock")]  # fmt: skip
    return tuple(word for path in paths for word in ("-P", str(path)))


def spread(total: int, points: int) -> list[int]:
    """Up to `points` numbers of 1..total with the first and the last among them."""
    if total <= points:
        return list(range(1, total + 1))
    return sorted({1 + round(step * (total - 1) / (points - 1)) for step in range(points)})


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", [*EVERY_POINT, *SAMPLED])
def test_one_more_run_completes_it(
    tracer: Tracer, fresh: Callable[[], Path], oracle: Oracle, call: str, fault: str
) -> None:
    project = fresh()
    total = counted(tracer, project, (call,), only_in(project, call))[call]
    assert total or call in ("write", "unlink"), f"the run makes no {call}"
    fired = 0
    for point in spread(total, SAMPLED.get(call, total)):
        project = fresh()
        inject = f"inject={call}:{FAULTS[fault]}:when={point}"
        code = tracer.run(project, "-e", inject, *only_in(project, call))
        where = f"{fault} at {call} {point} of {total}"
        if fault == "SIGKILL":
            assert code == -signal.SIGKILL, where
        else:
            # 0: a sync of a folder that SQLite does not insist on; 2: personactl.toml could not be read; 8: storage.
            assert code in (0, 2, 8), f"{where}: exit {code}"
        fired += 1
        oracle.judge(project, where)
    assert fired == len(spread(total, SAMPLED.get(call, total)))
