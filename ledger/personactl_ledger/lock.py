"""The writer's lock: `flock` on `<ledger>.lock` (SPEC 11.4).

Never on the database file: closing any descriptor of that file would drop the locks that SQLite itself holds on it.
The lock file is never removed, and the kernel frees the lock when its holder dies, however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from time import sleep

from personactl_ledger.errors import LedgerLocked, LedgerStorage

_TRIES = 11
_SECONDS_BETWEEN = 0.02


class WriterLock:
    """Held from construction until `release`. Raises LedgerLocked when somebody else writes for more than 0.2 s.

    Whoever only asks whether somebody writes (`writer_active`) holds the lock for an instant; that is no writer.
    """

    def __init__(self, ledger: Path):
        self.path = ledger.with_name(ledger.name + ".lock")
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise _not_plain(self.path) from None
            raise LedgerStorage(
                f"the lock file cannot be opened: {error.strerror}",
                where=str(self.path),
                hint="check that the folder exists and that you may write there",
            ) from None
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.close(self._descriptor)
            raise _not_plain(self.path)
        if not self._taken():
            os.close(self._descriptor)
            raise LedgerLocked(
                "another process is writing to this ledger",
                where=str(ledger),
                hint="wait until it has finished and run the same command again",
            )

    def _taken(self) -> bool:
        for attempt in range(_TRIES):
            if attempt:
                sleep(_SECONDS_BETWEEN)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            return True
        return False

    def release(self) -> None:
        """Let the next writer in."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _not_plain(path: Path) -> LedgerStorage:
    return LedgerStorage(
        "the lock file is not a plain file",
        where=str(path),
        hint="find out who put it there, and remove it",
        code="ledger.lock-file",
    )


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
