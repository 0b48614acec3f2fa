"""One worker process and its three pipes. Nothing here waits: the loop in `workers.py` says when a pipe is ready."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from personactl.errors import EnvironmentProblem
from personactl.verify import wire
from personactl.verify.limits import OUT_OF_MEMORY

if TYPE_CHECKING:
    from personactl.verify.limits import Limits
    from personactl.verify.walking import Target
    from personactl.verify.workers import Failure

_START = (
    "import sys; sys.path[:] = {path!r}\n"
    "from personactl.verify.limits import Limits\n"
    "from personactl.verify.worker import main; main(Limits(**{limits}))"
)
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Each worker is one of as many as there are processors."""
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""For glibc: use the memory of one file for the next. Given back and taken anew, the pages of a picture of 2 MB cost
more processor time than its SHA-256."""
_PIECE = 1 << 18
_LAST_WORDS = 2048
_NO_MEMORY = (b"memory allocation of", b"MemoryError", b"bad_alloc", b"out of memory")
"""What Rust, Python and C++ write before they end for lack of memory."""


class WorkerProcess:
    """A worker, from its start to its end. `orders` are (place, target), the first is the one that it is at `since`;
    `pace` is how many seconds it took for one of the last, on average; `exhausted`: its last answer was that memory ran
    out, and it ends."""

    def __init__(self, limits: Limits, selector: selectors.BaseSelector, *, keep: tuple[int, ...] = ()) -> None:
        self.orders: deque[tuple[int, Target]] = deque()
        self.ready_at = self.pace = float("inf")
        self.ended = self.exhausted = False
        self.since = time.monotonic()
        self._selector = selector
        self._frames = wire.Frames()
        self._unsent = bytearray()
        self._said = b""
        self._process = _begin(limits, keep)
        self._stdin, self._stdout = _open(self._process.stdin), _open(self._process.stdout)
        self.stderr = _open(self._process.stderr)
        for stream in (self._stdin, self._stdout, self.stderr):
            os.set_blocking(stream.fileno(), False)
        for stream in (self._stdout, self.stderr):
            selector.register(stream, selectors.EVENT_READ, self)
        self._waits_to_write = False

    def order(self, place: int, target: Target) -> None:
        if not self.orders and self.ready:
            self.since = time.monotonic()
        self.orders.append((place, target))
        self.send(wire.order(target))

    def answered(self) -> int:
        """The place of the order that is answered; the time of the next one begins."""
        before, self.since = self.since, time.monotonic()
        took = max(self.since - before, 1e-6)  # of several answers at once the first took it all
        self.pace = took if self.pace == float("inf") else self.pace + (took - self.pace) / 8
        return self.orders.popleft()[0]

    @property
    def ready(self) -> bool:
        return self.ready_at < float("inf")

    def now_ready(self) -> None:
        self.since = self.ready_at = time.monotonic()

    def send(self, data: bytes) -> None:
        self._unsent += data
        self.write()

    def write(self) -> None:
        """Send what the pipe takes. A worker that is gone is noticed at the other pipe."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self._stdin.fileno(), self._unsent[:_PIECE])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._unsent.clear()
        if bool(self._unsent) != self._waits_to_write:
            self._waits_to_write = bool(self._unsent)
            if self._waits_to_write:
                self._selector.register(self._stdin, selectors.EVENT_WRITE, self)
            else:
                self._selector.unregister(self._stdin)

    def read(self) -> Iterator[Any]:
        """The answers that are there now. Raises WireError. `ended` when there will be no more."""
        try:
            data = os.read(self._stdout.fileno(), _PIECE)
        except BlockingIOError:
            return iter(())
        self.ended = not data
        return self._frames.add(data)

    def hear(self) -> None:
        """Keep the end of what it says on stderr, which is read so that it never has to wait."""
        with suppress(BlockingIOError):
            while data := os.read(self.stderr.fileno(), _PIECE):
                self._said = (self._said + data)[-_LAST_WORDS:]
            if self.stderr in self._selector.get_map():
                self._selector.unregister(self.stderr)

    def cause(self) -> Failure:
        """Why it ended, from its exit status and its last words."""
        from personactl.verify.workers import Failure

        status = self._process.wait()
        self.hear()
        if any(words in self._said for words in _NO_MEMORY):
            return Failure(OUT_OF_MEMORY, "reading it takes more memory than one file may have")
        if status >= 0:
            return Failure("verify.worker-crashed", f"the process that read it ended with status {status}")
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return Failure("verify.worker-crashed", f"the process that read it was ended by {name}")

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Close the pipes and wait for the process, which was killed."""
        for stream in (self._stdin, self._stdout, self.stderr):
            if stream in self._selector.get_map():
                self._selector.unregister(stream)
            with suppress(OSError):
                stream.close()
        self._process.wait()


def _begin(limits: Limits, keep: tuple[int, ...]) -> subprocess.Popen[bytes]:
    code = _START.format(path=[str(folder) for folder in sys.path], limits=json.dumps(asdict(limits)))
    try:
        # A group of its own: Ctrl-C is for the parent, which then ends its workers.
        return subprocess.Popen(
            [sys.executable, "-I", "-c", code], env={**os.environ, **_ONE_THREAD, **_KEEP_MEMORY}, process_group=0,
            pass_fds=keep, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(
            f"no process can be started to read the files in: {error}",
            hint="personactl doctor; close other programs, or verify fewer at once: --jobs 1",
            code="verify.no-worker",
        ) from None


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("this pipe was not asked for")
    return stream
