"""The writer's lock: `flock` on `<ledger>.lock` (SPEC 11.4).

Never on the database file: closing any descriptor of that file would drop the locks that SQLite itself holds on it.
The lock file is never removed, and the kernel frees the lock when its holder dies, however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import stat
from pathlib import Path
from time import sleep

from personactl_ledger.errors import LedgerLocked, LedgerStorage

WAIT = 0.2
"""Seconds. Whoever only asks whether somebody writes (`writer_active`) holds the lock for an instant."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02


class WriterLock:
    """Held from construction until `release`, by this process alone.

    While another holds it the constructor asks again, after pauses that grow from 1 to 20 ms and vary, so that nobody
    who waits is always late. A blocking `flock` would be woken sooner, but has no time limit: a thread that is left
    waiting in it would take the lock long after its caller had given up.

    Raises LedgerLocked when `wait` seconds were not enough, LedgerStorage when there is no place for the lock file.
    """

    def __init__(self, ledger: Path, wait: float = WAIT):
        self._shown = ledger
        self._ledger = ledger.absolute()
        self._path = self._ledger.with_name(ledger.name + ".lock")
        self._process = os.getpid()
        self._descriptor = -1
        self._file: tuple[int, int] | None = None
        left, pause = wait, _FIRST_PAUSE
        while not self._taken():
            if left <= 0:
                raise LedgerLocked(
                    "another process is writing to this ledger",
                    where=str(self._shown),
                    hint="wait until it has finished and run the same command again",
                )
            nap = min(left, pause * random.uniform(0.5, 1))  # noqa: S311  (spreads those who wait)
            sleep(nap)
            left -= nap
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _taken(self) -> bool:
        descriptor = self._opened()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A lock file that was replaced between these two calls would be locked by nobody else.
            if _identity(self._path) == _identity(descriptor):
                self._descriptor, descriptor = descriptor, -1
        except OSError:
            pass
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return self._descriptor >= 0

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self._path, flags, 0o600)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise self._not_plain() from None
            raise LedgerStorage(
                f"the lock file cannot be opened: {error.strerror}",
                where=str(self._shown.with_name(self._path.name)),
                hint="check that the folder exists and that you may write there",
            ) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._not_plain()
        return descriptor

    def _not_plain(self) -> LedgerStorage:
        return LedgerStorage(
            "the lock file is not a plain file",
            where=str(self._shown.with_name(self._path.name)),
            hint="find out who put it there, and remove it",
            code="ledger.lock-file",
        )

    def watch(self) -> None:
        """Remember which file stands at the ledger's path, for `require_in_place`."""
        self._file = _identity(self._ledger)

    @property
    def inherited(self) -> bool:
        """Whether this is a forked child of the process that took the lock."""
        return os.getpid() != self._process

    def require_own(self) -> None:
        """Raises LedgerLocked in a forked child: SQLite's locks are those of the process that opened the file."""
        if self.inherited:
            raise LedgerLocked(
                "the ledger was opened for writing by the parent of this process",
                where=str(self._shown),
                hint="open the ledger in this process, when the parent has closed it",
            )

    def require_in_place(self) -> None:
        """Raises LedgerStorage when the lock file or the ledger is no longer the file that was opened.

        Through a new lock file a second writer could come in; what is written to an old ledger file nobody would find.
        """
        if _identity(self._path) != _identity(self._descriptor) or _identity(self._ledger) != self._file:
            raise LedgerStorage(
                "the ledger or its lock file was removed or replaced while it was open for writing",
                where=str(self._shown),
                hint="leave both files in place while a command is at work; nothing of this call was kept",
            )

    def release(self) -> None:
        """Let the next writer in. A forked child only lets go of its own descriptor, and its parent keeps the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _identity(file: Path | int) -> tuple[int, int] | None:
    """Device and inode; None when there is no such file."""
    try:
        found = os.fstat(file) if isinstance(file, int) else file.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def writer_active(ledger: Path) -> bool:
    """Whether some process holds the writer's lock right now."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in its place must not make us wait
    try:
        descriptor = os.open(ledger.with_name(ledger.name + ".lock"), flags)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def has_journal(ledger: Path, suffix: str = "-journal") -> bool:
    """Whether a journal with content, or something that is no plain file in its place, lies beside the file."""
    try:
        about = ledger.with_name(ledger.name + suffix).lstat()
    except OSError:
        return False
    return not stat.S_ISREG(about.st_mode) or about.st_size > 0
