"""Copying a ledger while it is in use (SPEC 17.2): stored rows only, checked before the copy gets its name."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger.check import check
from personactl_ledger.check_entries import Progress
from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.errors import LedgerConflict, LedgerCorrupt
from personactl_ledger.ledger import Ledger
from personactl_ledger.placing import discard, place_new, writing
from personactl_ledger.view import LedgerView


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that was written. `size` counts entries, `file_bytes` bytes, `sealed` the sealed values in it; `sha256` is
    that of the file in hex, `checkpoint` the latest one in it."""

    path: Path
    origin: str
    size: int
    file_bytes: int
    sha256: str
    sealed: int
    checkpoint: Checkpoint | None


def backup(
    path: Path | str, target: Path | str, *, without_sealed: bool = False, progress: Progress | None = None
) -> Backup:
    """Copy the ledger at `path` to the new file `target`, also while a writer is at work.

    `without_sealed` leaves all sealed values out, so that the copy need not be found again when one is erased.
    `progress` is told of the entries of the copy that were checked, (done, total). Raises LedgerConflict (code
    ledger.backup-exists), LedgerCorrupt (code ledger.backup-broken) when the copy does not check, and what reading the
    ledger raises. Then nothing is left at `target`.
    """
    path, target = Path(path), Path(target)
    if os.path.lexists(target):
        raise _taken(target)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
    try:
        with writing(draft, target):
            with Ledger.open_reader(path) as book:
                copy_rows(book, draft, without_sealed=without_sealed)
            report = check(draft, level="index", progress=progress)
            if report.exit_code:
                raise broken(path, report.first_error)
            made = _described(draft, target)
            place_new(draft, target)
        return made
    except FileExistsError:
        raise _taken(target) from None
    finally:
        with storage_errors(target):
            discard(draft)


def _described(draft: Path, target: Path) -> Backup:
    with storage_errors(draft), Ledger.open_reader(draft) as copy, draft.open("rb") as stream:
        return Backup(
            path=target,
            origin=copy.origin,
            size=copy.size,
            file_bytes=draft.stat().st_size,
            sha256=hashlib.file_digest(stream, "sha256").hexdigest(),
            sealed=sum(1 for _ in copy.store.all_sealed()),
            checkpoint=copy.latest_checkpoint(),
        )


def copy_rows(book: LedgerView, target: Path, *, without_sealed: bool = False) -> None:
    """Write the rows of an open ledger to the new file `target`, in one read transaction. Raises LedgerStorage."""
    with storage_errors(target):
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with storage_errors(book.path), writing(target, target):
        book.store.copy_into(target)
    if without_sealed:
        with storage_errors(target):
            connection = sqlite3.connect(target, isolation_level=None)
            try:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("DELETE FROM sealed")
                connection.execute("VACUUM")
            finally:
                connection.close()


def broken(path: Path, reason: str) -> LedgerCorrupt:
    """A ledger, or a copy of one, that does not check."""
    return LedgerCorrupt(
        f"a check of the copy failed: {reason}",
        where=str(path),
        hint="personactl ledger check",
        code="ledger.backup-broken",
    )


def _taken(target: Path) -> LedgerConflict:
    return LedgerConflict(
        "there is something at this path already; a backup never replaces a file",
        where=str(target),
        hint="choose another name, such as one with the date",
        code="ledger.backup-exists",
    )
