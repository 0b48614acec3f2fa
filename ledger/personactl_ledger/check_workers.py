"""Spans from worker processes, in order; or from this process where there is too little to share out (SPEC 12).

Each worker is a fresh interpreter with a read-only connection of its own. Nothing is forked: a connection must not
cross a fork, and a caller may have threads, or be a script that does all its work at import. A worker gets one line on
stdin and writes frames to stdout: every n-th span, so this process takes from each in turn and a full pipe holds the
fast ones back. A worker that dies leaves its pipe short, which is an error here and never a shorter report; one whose
parent dies finds its own pipe closed.
"""

from __future__ import annotations

import fcntl
import gc
import json
import marshal
import os
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Collection, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from personactl_ledger.check_scan import Scanner, Span
from personactl_ledger.database import connect_reader, storage_errors
from personactl_ledger.errors import LedgerError, LedgerStorage
from personactl_ledger.findings import Level

SPAN = 2048
"""Entries of a span; a multiple of the width of a tile."""
MOST_WORKERS = 8
WORTH_SECONDS = 2.0
"""Work for less than this is done here: starting a worker costs about 0.2 s."""
_SECONDS_AN_ENTRY = {"tree": 7e-6, "index": 4e-5, "full": 1.2e-4}
_PIPE_BYTES = 1 << 20
_START = "import sys; sys.path[:] = {path!r}; from personactl_ledger.check_workers import work; work()"


@dataclass(frozen=True, slots=True)
class Work:
    """The entries [start, stop) of a file; hashes of the tiles in `loose` are told one by one."""

    path: Path
    level: Level
    start: int
    stop: int
    loose: Collection[int] = ()
    width: int = field(default_factory=lambda: SPAN)

    @property
    def count(self) -> int:
        """How many spans there are."""
        return -(-self.stop // self.width) - self.start // self.width if self.start < self.stop else 0

    def bounds(self, number: int = 0, step: int = 1) -> Iterator[tuple[int, int]]:
        """Where the spans begin and end, every `step`-th from the `number`-th on: all but the first begin at a multiple
        of `width`. One after the other, because a hostile index can make 2^52 of them."""
        first = self.start // self.width
        for place in range(first + number, first + self.count, step):
            yield max(self.start, place * self.width), min(self.stop, (place + 1) * self.width)


def spans(work: Work, connection: sqlite3.Connection, workers: int | None) -> Generator[Span, None, None]:
    """Every span in order, up to one with a gap. `workers` None means as many as help.

    Raises LedgerStorage (code ledger.check-worker) when a worker dies, and what a worker raised.
    """
    count = min(_helpful(work) if workers is None else workers, work.count)
    if count < 2 or not sys.executable:
        scanner = Scanner(connection, work.level, work.loose)
        return (scanner.span(*bounds) for bounds in work.bounds())
    return _shared(work, count)


def _helpful(work: Work) -> int:
    seconds = (work.stop - work.start) * _SECONDS_AN_ENTRY[work.level]
    return 1 if seconds < WORTH_SECONDS else min(MOST_WORKERS, _processors())


def _processors() -> int:
    """Those that this process may use, where the system says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(work: Work, count: int) -> Generator[Span, None, None]:
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            running.append(_begin(work, number, count))
        for place in range(work.count):
            yield _receive(running[place % count], work.path)
    finally:
        for process in running:
            process.kill()
        for process in running:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            process.wait()


def _begin(work: Work, number: int, count: int) -> subprocess.Popen[bytes]:
    status = work.path.stat()
    order = {
        "path": os.fsencode(work.path.absolute()).hex(), "file": [status.st_dev, status.st_ino], "level": work.level,
        "loose": sorted(work.loose), "start": work.start, "stop": work.stop, "number": number, "step": count,
        "width": work.width,
    }  # fmt: skip
    # A group of its own: Ctrl-C is for this process, which then ends its workers.
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _START.format(path=[str(folder) for folder in sys.path])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip
    with suppress(OSError, AttributeError):  # room for a span or two, so that a worker seldom waits; less works too
        fcntl.fcntl(cast(IO[bytes], process.stdout), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    with suppress(BrokenPipeError):  # it died already; reading its answer says so
        stdin = cast(IO[bytes], process.stdin)
        stdin.write(json.dumps(order).encode() + b"\n")
        stdin.flush()
    return process


def _receive(process: subprocess.Popen[bytes], path: Path) -> Span:
    stdout = cast(IO[bytes], process.stdout)
    size = stdout.read(8)
    frame = stdout.read(int.from_bytes(size, "big")) if len(size) == 8 else b""
    if len(size) < 8 or len(frame) < int.from_bytes(size, "big"):
        process.kill()
        raise LedgerStorage(
            f"a worker process of the check ended before its work was done (status {process.wait()})",
            where=str(path),
            hint="run the check again, with --workers 1 where memory is short",
            code="ledger.check-worker",
        )
    # Both ends are the same interpreter and the same code.
    kind, value = marshal.loads(frame)  # noqa: S302
    if kind == "span":
        return Span(*value)
    if kind == "refused":
        message, where, hint, code, exit_code = value
        raise LedgerError(message, where=where, hint=hint, code=code, exit_code=exit_code)
    raise RuntimeError(f"a worker process of the check failed:\n{value}")


def work() -> None:
    """The whole life of a worker: one order from stdin, frames to stdout."""
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to workers too; the parent ends them
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # a span makes many objects and no cycles
    out = os.fdopen(os.dup(1), "wb")
    try:
        order = json.loads(sys.stdin.readline())
        for bounds in _scan(order):
            _send(out, "span", tuple(bounds))
    except BrokenPipeError:
        os._exit(0)  # nobody is listening any more
    except LedgerError as error:
        _send(out, "refused", (error.message, error.where, error.hint, error.code, error.exit_code))
    except Exception:
        _send(out, "failed", traceback.format_exc())


def _scan(order: dict[str, Any]) -> Iterator[Span]:
    path = Path(os.fsdecode(bytes.fromhex(order["path"])))
    with storage_errors(path):
        connection = connect_reader(path)
        status = path.stat()
        if [status.st_dev, status.st_ino] != order["file"]:
            raise LedgerStorage("the file was replaced while it was being checked", where=str(path))
        scanner = Scanner(connection, order["level"], order["loose"])
        work = Work(path, order["level"], order["start"], order["stop"], width=order["width"])
        for start, stop in work.bounds(order["number"], order["step"]):
            yield scanner.span(start, stop)


def _send(out: IO[bytes], kind: str, value: Any) -> None:
    frame = marshal.dumps((kind, value))
    out.write(len(frame).to_bytes(8, "big") + frame)
    out.flush()
