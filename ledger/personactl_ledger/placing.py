"""Giving a finished file its name: whole or not at all, and never over another file (SPEC 11.5, 17.2)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from personactl_ledger.database import storage_problem, sync_directory, translate
from personactl_ledger.errors import LedgerStorage

BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite may leave beside a file, and would apply to another file of that name."""
_ONLY_WRITING = (
    "SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC",
    "SQLITE_IOERR_DIR_FSYNC", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_DELETE",
)  # fmt: skip
"""Errors that reading an open file does not have."""


@contextmanager
def writing(draft: Path, target: Path) -> Iterator[None]:
    """What fails in the block because `draft` cannot be written is told of `target`, the name that it is to get.

    What a file that is read at the same time says stays about that one. Raises LedgerStorage.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise
        raise storage_problem(error, target) from error
    except sqlite3.Error as error:
        if not (getattr(error, "sqlite_errorname", "") or "").startswith(_ONLY_WRITING):
            raise
        raise translate(error, target) from error
    except LedgerStorage as error:
        if error.where == str(draft):
            error.where = str(target)
        raise


def place_new(draft: Path, target: Path) -> None:
    """Name `draft` `target`; it is on the disk when this returns. Raises FileExistsError when the name is taken."""
    _sync(draft)
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: claim the name, then take it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        draft.replace(target)
    draft.unlink(missing_ok=True)
    sync_directory(target.absolute().parent)


def place_instead(draft: Path, target: Path, aside: Path) -> None:
    """Name `draft` `target`, and what stood there `aside`, with its journals. `target` is never absent in between.

    Journals go first: one that stays would be applied to the new file. Raises FileExistsError when `aside` is taken.
    """
    _sync(draft)
    folder = target.absolute().parent
    os.link(target, aside)
    for suffix in BESIDE:
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(aside.with_name(aside.name + suffix))
    sync_directory(folder)
    draft.replace(target)
    sync_directory(folder)


def discard(draft: Path) -> None:
    """Remove an unfinished file and what SQLite and the writer's lock left beside it."""
    for suffix in ("", *BESIDE, ".lock"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
