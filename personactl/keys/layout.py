"""The key folder on disk: names, modes, reading and the one atomic way to make it.

The folder has mode 0700 and each file in it 0600. It appears complete under its name or not at all.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from personactl.document import read_plain_file
from personactl.errors import ConflictError, KeyProblem, StorageError, UsageProblem

ROOT_KEY = "root.pem"
OPERATOR_KEY = "operator.pem"
LEDGER_KEY = "ledger.pem"
LEDGER_MLDSA_KEY = "ledger-mldsa.pem"
C2PA_ROOT_CERTIFICATE = "c2pa-root.pem"
C2PA_ROOT_KEY = "c2pa-root.key"
C2PA_LEAF_KEY = "c2pa-leaf.key"
C2PA_CHAIN = "c2pa-chain.pem"
INDEX = "keys.json"
ROTATION = ".rotation"
"""A folder that is there while one key takes over from another; `keys rotate` finishes what it holds."""
ROTATION_MARK = "rotation.json"
OLD = "old"
"""A folder for keys that were kept after their rotation."""

REQUIRED = (OPERATOR_KEY, LEDGER_KEY, C2PA_ROOT_CERTIFICATE, C2PA_LEAF_KEY, C2PA_CHAIN, INDEX)
OPTIONAL = (ROOT_KEY, LEDGER_MLDSA_KEY, C2PA_ROOT_KEY)
"""Root keys may live offline; the second ledger key needs a cryptography release with ML-DSA."""

MOVE_AWAY = "move the folder away first; files signed with its keys stay verifiable by their trust file"

PUT_BACK = "put the keys back from their backup; only without a ledger: personactl keys init --dev makes new ones"

FOLDER_MODE = 0o700
FILE_MODE = 0o600
MAX_FILE_BYTES = 64 * 1024


def too_open(mode: int) -> bool:
    """True when anyone but the owner may read, write or enter. `mode` as in `os.stat_result.st_mode`."""
    return bool(stat.S_IMODE(mode) & 0o077)


def require_closed(folder: Path) -> None:
    """Raise KeyProblem when the folder or a key file is open to other users."""
    for path in (folder, *(folder / name for name in (*REQUIRED, *OPTIONAL))):
        if path.exists() and too_open(path.stat().st_mode):
            raise KeyProblem(
                f"{path.name} is open to other users (mode {stat.S_IMODE(path.stat().st_mode):04o})",
                where=str(path),
                hint=f"chmod -R go= '{folder}'",
                code="keys.permissions-open",
            )


def read(folder: Path, name: str) -> bytes:
    """The bytes of one key file. Raises KeyProblem when it is missing, a link, not a plain file or too large."""
    try:
        return read_plain_file(folder / name, MAX_FILE_BYTES, f"key file {name}", beneath=folder)
    except UsageProblem as problem:
        missing = problem.code == "file.missing"
        raise KeyProblem(
            problem.message,
            where=str(folder / name),
            hint=PUT_BACK if missing else problem.hint,
            code="keys.file-missing" if missing else "keys.file-unreadable",
        ) from None


def fill(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    """A new folder `name` in `folder`, which is there with all its files, on the disk, or not at all. Raises OSError.

    What a process that died left of another try is removed first.
    """
    for left in folder.glob(f"{name}-*"):
        shutil.rmtree(left)
    staging = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
    try:
        staging.chmod(FOLDER_MODE)
        for file, data in files.items():
            _write(staging / file, data)
        sync_folder(staging)
        staging.rename(folder / name)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    sync_folder(folder)


def create(folder: Path, files: Mapping[str, bytes], *, hint: str = MOVE_AWAY) -> None:
    """Make the folder with all `files` in one step: a sibling is filled and synced, then renamed over nothing.
    `hint` says what to do when the name is taken.

    Raises ConflictError when the name is taken by anything but an empty folder, StorageError when the place cannot be
    written. On any failure nothing is left.
    """
    _refuse_taken(folder, hint)
    staging: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        staging.chmod(FOLDER_MODE)
        for name, data in files.items():
            _write(staging / name, data)
        sync_folder(staging)
        staging.rename(folder)  # fails on a folder with content, so a race cannot overwrite keys
        staging = None
        sync_folder(folder.parent)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise _taken(folder, hint) from None
        raise StorageError(
            f"the key folder cannot be written: {error.strerror}", where=str(folder), hint="choose another place"
        ) from None
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _refuse_taken(folder: Path, hint: str) -> None:
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise _taken(folder, hint)


def _taken(folder: Path, hint: str) -> ConflictError:
    return ConflictError(
        "keys are never overwritten, and this name is taken",
        where=str(folder),
        hint=hint,
        code="keys.folder-exists",
    )


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, FILE_MODE)  # a tighter umask must not lock the owner out
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
