"""Callers of `append` that meet share one transaction and one sync.

Each caller queues its drafts and then waits for the writer's mutex. Whoever gets it appends all that is queued, in the
order of the queue, and the others find their answers when it is their turn. So a caller that is alone waits for nobody.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from personactl_ledger.drafts import ReadDraft
from personactl_ledger.errors import LedgerError
from personactl_ledger.store import Store
from personactl_ledger.transaction import Outcome

Also = Callable[[Store, tuple[int, ...]], None]


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
    """The queue."""

    def __init__(self, mutex: AbstractContextManager[object]):
        self._mutex = mutex
        self._waiting: deque[Call] = deque()

    def submit(self, call: Call, commit: Commit) -> tuple[int, ...]:
        """The indexes of the call's entries, once they are on the disk. Raises the call's own error.

        `commit` is called under the mutex, by one caller for all that have queued.
        When the waiting itself is interrupted, the call was appended whole or not at all, and nobody was told.
        """
        try:
            self._waiting.append(call)
            with self._mutex:
                if not call.settled:
                    self._lead(commit)
        except BaseException:
            call.given_up = True
            raise
        return call.answer()

    def _lead(self, commit: Commit) -> None:
        """Append what is queued. An interrupt is for this thread alone: the others' calls go back into the queue."""
        calls = []
        while self._waiting:
            call = self._waiting.popleft()
            if not call.given_up:
                calls.append(call)
        try:
            commit(calls)
        except BaseException:
            self._waiting.extendleft(call for call in reversed(calls) if not call.settled)
            raise
