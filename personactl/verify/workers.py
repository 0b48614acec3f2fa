"""The processes that touch a stranger's bytes, as their parent sees them: who works on what, for how long, what came.

    targets → [ahead] → orders, two for each worker → answers → [done] → verdicts in the order of the targets

A worker that dies, says something unheard of or takes too long loses the file that it was at: that one gets an `error`
of its own code. What else it had been given goes to a fresh worker. One loop does it all, without a thread; what it
holds is bounded, whatever there is to judge.
"""

from __future__ import annotations

import itertools
import os
import pickle
import selectors
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from personactl.errors import EnvironmentProblem, PersonactlError
from personactl.verdict import Verdict
from personactl.verify import wire
from personactl.verify.limits import MAX_BYTES, Limits, out_of_memory, usual_jobs
from personactl.verify.walking import Target
from personactl.verify.worker_process import WorkerProcess

ORDERS_EACH = 3
"""Orders that a worker has at a time, at least: the one it is at, and what keeps it busy until its parent looks again.
"""
MOST_ORDERS = 16
ORDERED_SECONDS = 0.1
"""So much work may lie before a worker: of small files more than `ORDERS_EACH`, up to `MOST_ORDERS`."""
REST_SECONDS = 0.02
"""The parent rests so long where every worker has more to do than that: waking up costs more than an answer does."""
AHEAD_EACH = 64
"""Targets for each worker that are read ahead of the first verdict that is still missing."""
WORTH_ANOTHER = 24
"""Files that must wait before another worker is started: one costs as much processor time as about so many files."""
PATIENCE_SECONDS = 0.5
"""After this long another worker is started for a single file that waits."""
START_SECONDS = 120.0
"""A worker that is not ready by then never will be."""


class Failure(NamedTuple):
    """Why there is no verdict of a worker on a file."""

    code: str
    message: str


Outcome = tuple[Target, Verdict | Failure]


class Workers:
    """Up to `jobs` processes under `limits`, None for as many as the machine is good for. Use it in a `with` block:
    whatever ends it, no process stays.

    The first one is started at once, so that it loads its libraries while its parent does other things. Not for use
    from several threads. Raises EnvironmentProblem (verify.no-worker) where no process can be started.
    """

    def __init__(self, jobs: int | None = None, limits: Limits | None = None, *, keep: tuple[int, ...] = ()) -> None:
        """`keep`: open descriptors that targets name, which the processes must share."""
        self.jobs = usual_jobs() if jobs is None else jobs
        self.limits = limits or Limits()
        self._keep = keep
        self._selector = selectors.DefaultSelector()
        self._running: list[WorkerProcess] = []
        self._setup = b""
        self._ahead: deque[tuple[int, Target]] = deque()
        self._done: dict[int, Verdict | Failure] = {}
        self._start()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process and wait for it. Nothing that they have is worth keeping."""
        for worker in self._running:
            worker.kill()
        for worker in self._running:
            worker.end()
        self._running.clear()
        self._selector.close()

    def judge(self, options: Mapping[str, Any], targets: Iterable[Target]) -> Iterator[Outcome]:
        """What became of each target, in their order. `options` are the fields of `Inspection`.

        Raises what a worker refuses to start for: EnvironmentProblem, or LedgerError for the ledger among `options`.
        """
        self._setup = pickle.dumps(dict(options))
        for worker in self._running:
            worker.send(_frame(self._setup))
        coming = enumerate(targets)
        waiting: deque[Target] = deque()
        for place in itertools.count():
            while place not in self._done:
                waiting.extend(self._look_ahead(coming, place, len(waiting)))
                if not waiting:
                    return
                self._hand_out()
                self._receive()
                self._hand_out()
            yield waiting.popleft(), self._done.pop(place)

    def _look_ahead(self, coming: Iterator[tuple[int, Target]], place: int, known: int) -> list[Target]:
        """Take more targets, as long as not too many are known whose verdict has not been given."""
        found = list(itertools.islice(coming, max(0, AHEAD_EACH * self.jobs - known)))
        self._ahead.extend(found)
        return [target for _, target in found]

    def _hand_out(self) -> None:
        """Give each worker its orders, the idlest first, and start another where enough is left over."""
        while self._ahead:
            free = [worker for worker in self._running if len(worker.orders) < _depth(worker)]
            if not free:
                break
            worker = min(free, key=lambda one: (len(one.orders), not one.ready))
            worker.order(*self._ahead.popleft())
        while len(self._running) < self.jobs and self._is_worth_another():
            self._start()

    def _is_worth_another(self) -> bool:
        """Whether many files wait; or any, when all workers have been at work for a while."""
        if not self._running or len(self._ahead) > WORTH_ANOTHER * len(self._running):
            return bool(self._ahead)
        newest = max(worker.ready_at for worker in self._running)
        return bool(self._ahead) and time.monotonic() - newest > PATIENCE_SECONDS

    def _receive(self) -> None:
        """Wait until something happens, or until the first worker is out of time."""
        if self._running and all(_work_left(worker) > REST_SECONDS for worker in self._running):
            time.sleep(REST_SECONDS)
        now = time.monotonic()
        soonest = min((self._deadline(worker, now) for worker in self._running), default=now)
        for key, mask in self._selector.select(max(0.0, min(soonest - now, 1.0))):
            worker: WorkerProcess = key.data
            if worker in self._running:
                self._attend(worker, key.fileobj, mask)
        now = time.monotonic()
        for worker in [one for one in self._running if self._deadline(one, now) <= now]:
            self._give_up(worker)

    def _attend(self, worker: WorkerProcess, stream: object, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            worker.write()
            return
        if stream is worker.stderr:
            worker.hear()
            return
        try:
            for answer in worker.read():
                self._take(worker, answer)
        except wire.WireError as error:
            self._lose(worker, Failure("verify.worker-crashed", f"the process that read it answered nonsense: {error}"))
        else:
            if worker.exhausted:
                self._retire(worker)
            elif worker.ended:
                self._lose(worker, worker.cause())

    def _take(self, worker: WorkerProcess, answer: Any) -> None:
        """Raises WireError for what no worker of ours says at this point."""
        match answer:
            case {"ready": True, **rest} if not rest and not worker.ready:
                worker.now_ready()
            case {"refused": dict() as words, **rest} if not rest and not worker.ready:
                raise _refusal(words)
            case {"verdict": value, **rest} if not rest and worker.ready and worker.orders:
                verdict = wire.verdict_of(value)
                if verdict.path != str(worker.orders[0][1].path):
                    raise wire.WireError("it is about another file")
                self._done[worker.answered()] = verdict
                worker.exhausted = out_of_memory(verdict.findings)
            case {"fault": str() as words, **rest} if not rest and worker.ready and worker.orders:
                self._done[worker.answered()] = Failure(
                    "verify.worker-crashed", f"the program failed on it ({words[:300]})"
                )
            case _:
                raise wire.WireError("no answer has this form")

    def _deadline(self, worker: WorkerProcess, now: float) -> float:
        """When the worker is out of time. The size of its file is asked for only when that decides."""
        if not worker.ready:
            return worker.since + START_SECONDS
        if not worker.orders:
            return float("inf")
        soonest = worker.since + self.limits.seconds_for(0)
        return soonest if soonest > now else worker.since + self.limits.seconds_for(_size(worker.orders[0][1]))

    def _give_up(self, worker: WorkerProcess) -> None:
        spent = time.monotonic() - worker.since
        self._lose(worker, Failure("verify.timed-out", f"it was not judged within {spent:.0f} seconds"))

    def _retire(self, worker: WorkerProcess) -> None:
        """The worker has done its last file: the others that it was given wait again."""
        worker.kill()
        worker.end()
        self._running.remove(worker)
        self._ahead.extendleft(reversed(worker.orders))

    def _lose(self, worker: WorkerProcess, failure: Failure) -> None:
        """The worker is gone: the file that it was at failed, the others that it was given wait again."""
        worker.kill()
        worker.end()
        self._running.remove(worker)
        if not worker.ready and any(other.ready for other in self._running):
            self.jobs = len(self._running)  # the machine has no room for more; these go on
        elif not worker.ready:
            raise EnvironmentProblem(
                f"no process can be started to read the files in: {failure.message}",
                hint="personactl doctor; free memory, or fewer at once: --jobs 1",
                code="verify.no-worker",
            )
        if worker.ready and worker.orders:
            self._done[worker.orders.popleft()[0]] = failure
        self._ahead.extendleft(reversed(worker.orders))

    def _start(self) -> None:
        worker = WorkerProcess(self.limits, self._selector, keep=self._keep)
        self._running.append(worker)
        if self._setup:
            worker.send(_frame(self._setup))


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(wire.LENGTH_BYTES, "big") + body


def _size(target: Target) -> int:
    try:
        return min(os.lstat(target.path).st_size if target.descriptor is None else MAX_BYTES, MAX_BYTES)
    except (OSError, ValueError):
        return 0


def _depth(worker: WorkerProcess) -> int:
    """How many orders this worker is given at a time."""
    return max(ORDERS_EACH, min(MOST_ORDERS, int(ORDERED_SECONDS / worker.pace)))


def _work_left(worker: WorkerProcess) -> float:
    """Seconds that this worker has something to do, by its pace; 0 when that is not known."""
    return (len(worker.orders) - 1) * worker.pace if worker.ready and worker.pace < ORDERED_SECONDS else 0.0


def _refusal(words: dict[str, Any]) -> Exception:
    """The error for which a worker did not start, as its own room would raise it."""
    from personactl_ledger import LedgerError

    said = {name: words.get(name) if isinstance(words.get(name), str) else None for name in ("where", "hint", "code")}
    message, exit_code = str(words.get("message")), words.get("exit")
    if str(said["code"]).startswith("ledger.") and type(exit_code) is int:
        return LedgerError(message, exit_code=exit_code, **said)
    if said["code"] == "internal.error":
        return RuntimeError(f"a process that reads files failed: {message}")
    error: PersonactlError = EnvironmentProblem(message, **said)
    return error
