"""Programs under strace: which calls they make, and what they do when one of them fails or is the last."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

STRACE = shutil.which("strace")
FAULTS = {"SIGKILL": "signal=SIGKILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


@dataclass
class Tracer:
    """Runs a program under strace, one forked process at a time. `errors` is what it says on stderr."""

    server: subprocess.Popen[str]
    log: Path
    errors: Path

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


@contextmanager
def started(module: str, folder: Path) -> Iterator[Tracer]:
    """A tracer for the function `run` of a module of this folder."""
    # The real interpreter, not a shim that forks: a fork would shift strace's counters.
    with (folder / "stderr").open("w") as errors:
        server = subprocess.Popen(
            [str(Path(sys.executable)), str(Path(__file__).with_name("fault_server.py")), module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        yield Tracer(server, folder / "log", folder / "stderr")
        server.communicate()


def counted(tracer: Tracer, project: Path, calls: tuple[str, ...], options: tuple[str, ...]) -> Counter[str]:
    """How often an undisturbed run makes each call."""
    code = tracer.run(project, "-e", f"trace={','.join(calls)}", *options)
    assert code == 0
    return Counter(re.findall(r"^(?:\d+ +)?(\w+)\(", tracer.log.read_text(), re.MULTILINE))


def spread(total: int, points: int) -> list[int]:
    """Up to `points` numbers of 1..total with the first and the last among them."""
    if total <= points:
        return list(range(1, total + 1))
    return sorted({1 + round(step * (total - 1) / (points - 1)) for step in range(points)})
