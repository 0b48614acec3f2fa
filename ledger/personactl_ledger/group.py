"""Callers of `append` that meet share one transaction and one sync.

Each caller queues its drafts. One of them has the turn: it waits for the writer's mutex, lets the next one have the
turn, and appends all that is queued, in the order of the queue. The others sleep until their answer is there. So a
caller that is alone waits for nobody, and those who come during a commit share the next one.
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from personactl_ledger.drafts import ReadDraft
from personactl_ledger.errors import LedgerError, LedgerStorage
from personactl_ledger.store import Store
from personactl_ledger.transaction import Outcome

Also = Callable[[Store, tuple[int, ...]], None]

_LOOK_AGAIN = 1.0
"""Seconds after which a sleeper looks for itself, in case Ctrl-C was pressed twice and nobody could be woken."""


@dataclass(eq=False, slots=True)
class Call:
    """One call of `append`. It is settled by its own error, or by the outcome of the transaction that it is part of."""

    drafts: Sequence[ReadDraft]
    now: str
    also: Also | None = None
    indexes: tuple[int, ...] = ()
    outcome: Outcome | None = None
    error: Exception | None = None
    given_up: bool = False
    woken: threading.Event = field(default_factory=threading.Event)
    """Set when the call is settled, or when the one who had the turn was interrupted."""

    @property
    def settled(self) -> bool:
        return self.error is not None or (self.outcome is not None and self.outcome.committed)

    def answer(self) -> tuple[int, ...]:
        if self.error is not None:
            raise self.error
        return self.indexes


def fail_all(calls: Sequence[Call], error: Exception) -> None:
    """No call of the group was kept. Each gets an error object of its own: a traceback belongs to one thread."""
    for call in calls:
        if not call.settled:
            call.error = copy.copy(error) if len(calls) > 1 and isinstance(error, LedgerError) else error


Commit = Callable[[Sequence[Call]], None]
"""Settles each call, or raises what interrupted it."""


class Group:
    """The queue, and whose turn it is to lead."""

    def __init__(self, mutex: AbstractContextManager[object]):
        self._mutex = mutex
        self._turn = threading.RLock()
        self._waiting: deque[Call] = deque()

    def submit(self, call: Call, commit: Commit) -> tuple[int, ...]:
        """The indexes of the call's entries, once they are on the disk. Raises the call's own error.

        `commit` is called under the mutex, by one caller for all that have queued. When the waiting itself is
        interrupted, the call was appended whole or not at all, and nobody was told.
        """
        try:
            self._waiting.append(call)
            while not call.settled:
                if self._turn.acquire(blocking=False):
                    self._lead(commit)
                    _require_settled(call)
                else:
                    call.woken.wait(_LOOK_AGAIN)
                    call.woken.clear()
        except BaseException:
            call.given_up = True
            with suppress(RuntimeError):  # when the turn is not this thread's
                self._turn.release()
            _wake(list(self._waiting))
            raise
        return call.answer()

    def _lead(self, commit: Commit) -> None:
        """Append what is queued. An interrupt is for this thread alone: the others' calls go back into the queue.

        The turn is passed on before the queue is emptied: so whoever queued and did not get the turn is in the queue.
        """
        with self._mutex:
            self._turn.release()
            calls = []
            while self._waiting:
                call = self._waiting.popleft()
                if not call.given_up and not call.settled:
                    calls.append(call)
            try:
                if calls:
                    commit(calls)
            except BaseException:
                self._waiting.extendleft(call for call in reversed(calls) if not call.settled)
                raise
            finally:
                _wake(calls)


def _require_settled(call: Call) -> None:
    """Whoever had the mutex is answered or was in the queue, unless a second Ctrl-C met the one who led before."""
    if not call.settled:
        raise LedgerStorage(
            "the write was interrupted twice; whether it was kept has to be read again",
            hint="close the ledger and run the command again",
        )


def _wake(calls: Sequence[Call]) -> None:
    for call in calls:
        call.woken.set()
