"""Giving a finished file its name: whole or not at all, and never over another file (SPEC 11.5, 17.2)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from personactl_ledger.database import sync_directory

BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite may leave beside a file, and would apply to another file of that name."""


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
