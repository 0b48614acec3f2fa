"""What a fork does to ledgers that are open for writing.

The parent goes on writing. The child refuses to (`WriterLock.require_own`), and drops its copy of the lock's descriptor
at once, which would keep the next writer out for as long as the child lives. No fork falls into a transaction of
another thread: SQLite would roll it back a second time when the child ends.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, ExitStack

from personactl_ledger.lock import WriterLock

Mutex = AbstractContextManager[object]

_writers: dict[WriterLock, Mutex] = {}
_forking = threading.local()


def register(lock: WriterLock, mutex: Mutex) -> None:
    """Called when a ledger was opened for writing. `mutex` is held by whoever writes."""
    _writers[lock] = mutex


def forget(lock: WriterLock) -> None:
    """Called when it is closed; calling it again does nothing."""
    _writers.pop(lock, None)


def _before() -> None:
    _forking.held = ExitStack()
    for _, mutex in sorted(_writers.items(), key=_place):
        _forking.held.enter_context(mutex)


def _place(writer: tuple[WriterLock, Mutex]) -> int:
    """One order of the ledgers, so that two forks do not wait for each other."""
    return id(writer[0])


def _in_parent() -> None:
    _forking.held.close()


def _in_child() -> None:
    _forking.held.close()
    for lock in _writers:
        lock.release()
    _writers.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
