"""A real process is killed, or told EIO or ENOSPC, at each of its system calls in turn; then one more run completes it.

Points: every link, rename, fsync, mkdir, unlink and write; every n-th of the calls that SQLite makes most (pwrite64,
fdatasync, ftruncate) and of the openat calls in the project. A kill shows a crash of the process, not a loss of power.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oracle import Oracle
from tracer import FAULTS, STRACE, Tracer, counted, spread, started

pytestmark = [
    pytest.mark.debian,
    pytest.mark.slow,
    pytest.mark.skipif(STRACE is None, reason="needs the Debian package strace"),
]
EVERY_POINT = ("linkat", "renameat", "fsync", "mkdirat", "unlinkat", "unlink", "write")
SAMPLED = {"pwrite64": 8, "fdatasync": 8, "ftruncate": 3, "openat": 8}
"""System call → how many points of it are tried with each fault, spread evenly from the first to the last."""


@pytest.fixture(scope="module")
def tracer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracer]:
    with started("two_pictures", tmp_path_factory.mktemp("strace")) as tracer:
        yield tracer


def only_in(project: Path, call: str) -> tuple[str, ...]:
    """Of openat, only what opens something of the project: its own folders and SQLite's files."""
    if call != "openat":
        return ()
    state = project / ".personactl"
    ledger = project / "ledger.sqlite"
    paths = [project, project / "out", state, state / "staging", state / "run.sqlite", state / "run.sqlite-journal",
             ledger, Path(f"{ledger}-journal"), Path(f"{ledger}.lock")]  # fmt: skip
    return tuple(word for path in paths for word in ("-P", str(path)))


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
