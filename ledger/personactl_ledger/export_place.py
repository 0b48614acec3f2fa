"""Files and folders that appear whole or not at all, and never in place of anything (SPEC 16.1).

Everything is built under another name in the same folder, synced to the disk, and then named. Whatever fails on the
way, a full disk for one, leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from personactl_ledger.database import storage_errors, sync_directory
from personactl_ledger.errors import LedgerConflict, LedgerError, LedgerStorage
from personactl_ledger.placing import writing

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
"""What file systems answer that have no hard links, such as those of memory sticks."""


@contextmanager
def staged(*targets: Path) -> Iterator[list[Path]]:
    """Names to build at, one for each target; they are renamed when the block ends well, and removed when it does not.

    A name that the block built nothing at is skipped. Raises LedgerConflict (code export.exists) before anything is
    written when a target is there, LedgerError (code export.selection) when two are the same, LedgerStorage when a
    folder is not there or the disk fails.
    """
    _require_apart(targets)
    for target in targets:
        _require_free(target)
        _require_folder(target)
    drafts = [target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial") for target in targets]
    try:
        with storage_errors(targets[0]):
            yield drafts
            for draft, target in zip(drafts, targets, strict=True):
                with writing(draft, target):
                    _sync(draft)
            for draft, target in zip(drafts, targets, strict=True):
                with writing(draft, target):
                    _name(draft, target)
            for folder in {target.absolute().parent for target in targets}:
                sync_directory(folder)
    finally:
        for draft in drafts:
            _remove(draft)


def _require_apart(targets: Sequence[Path]) -> None:
    places = [os.path.abspath(target) for target in targets]  # noqa: PTH100  (links need not be followed)
    for place, target in zip(places, targets, strict=True):
        if places.count(place) > 1:
            raise LedgerError(
                "two forms of the export were to be written to this path", where=str(target),
                hint="give each form, and what lies beside JSON lines, a path of its own", code="export.selection",
                exit_code=2,
            )  # fmt: skip


def _require_folder(target: Path) -> None:
    folder = target.absolute().parent
    if not folder.is_dir():
        raise LedgerStorage(f"there is no folder {folder}", where=str(target), hint="make it, or name another path")


def _require_free(target: Path) -> None:
    if os.path.lexists(target):
        raise LedgerConflict(
            "there is something at this path already; an export overwrites nothing", where=str(target),
            hint="choose another path", code="export.exists",
        )  # fmt: skip


def _sync(draft: Path) -> None:
    """Every file and folder below the draft, so that the new name never stands for something that a power cut takes."""
    if draft.is_dir():
        for folder, _, names in os.walk(draft):
            for name in names:
                _sync_file(Path(folder) / name)
            sync_directory(Path(folder))
    elif draft.exists():
        _sync_file(draft)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(draft: Path, target: Path) -> None:
    if not draft.exists():
        return
    _require_free(target)
    if draft.is_dir():
        draft.rename(target)  # onto an empty folder that somebody made in this instant at the most
        return
    try:
        os.link(draft, target)  # unlike a rename it never replaces
    except FileExistsError:
        _require_free(target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        draft.rename(target)


def _remove(draft: Path) -> None:
    with suppress(OSError):
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink(missing_ok=True)
