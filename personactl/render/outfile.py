"""Files that a command writes beside its result (plans, reports, sheets, receipts, events), and what they may not be.

A file is written whole or not at all; a log is appended to. None of them may be a file that a project lives on. What
may be evidence, such as a receipt or a checkpoint, is written over nothing; what is made again from the same sources,
such as a plan or a report, takes the place of an earlier one.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from personactl_ledger.placing import place_new

from personactl.errors import ConflictError, StorageError, UsageProblem

PROJECT_FOLDERS = ("keys", "personas", ".personactl")
LEDGER_SUFFIXES = ("", ".lock", "-journal", "-wal", "-shm")
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


def write_whole(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write `data` to `path` by a temporary file in the same folder, fsync and rename; nothing partial stays.

    Pieces are written as they come. A file of that name is replaced, and its mode is kept; a link is neither followed
    nor replaced. Raises StorageError when the folder cannot take it, UsageProblem (cli.project-file).
    """
    require_place(path)
    with _telling(path):
        _write(path, data, lambda draft: draft.replace(path))


def require_place(path: Path) -> None:
    """Refuse, without touching anything, what `write_whole` would refuse: to be asked before long work.

    Raises StorageError, UsageProblem (cli.project-file).
    """
    with _telling(path):
        refuse_project_file(path)
        _refuse_folder(path)
        if path.is_symlink() and not _device(path):
            raise StorageError("this is a symbolic link", where=str(path), hint="name the file itself")
        _refuse_closed_folder(path)


def write_new(path: Path, data: bytes) -> None:
    """Write `data` to the new file `path`, whole or not at all. A device or a pipe takes it as it comes.

    Raises what `require_new` raises.
    """
    require_new(path)
    with _telling(path):
        try:
            _write(path, data, lambda draft: place_new(draft, path))
        except FileExistsError:  # it came after the check
            raise _taken(path) from None


def require_new(path: Path) -> None:
    """Refuse, without touching anything, what `write_new` would refuse: to be asked before anything is signed.

    Raises ConflictError (cli.output-exists), StorageError, UsageProblem (cli.project-file).
    """
    with _telling(path):
        refuse_project_file(path)
        _refuse_folder(path)
        if os.path.lexists(path) and ((path.is_symlink() and not _device(path)) or _ordinary(path)):
            raise _taken(path)
        _refuse_closed_folder(path)


def _write(path: Path, data: bytes | Iterable[bytes], name: Callable[[Path], object]) -> None:
    """Write a draft beside `path`, then `name` it. Raises OSError."""
    pieces = (data,) if isinstance(data, bytes) else data
    if not _ordinary(path):  # /dev/stdout, a named pipe: nothing to rename onto
        with os.fdopen(_open_stream(path), "wb") as file:
            file.writelines(pieces)
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        name(draft)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


def _refuse_folder(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        raise StorageError("this is a folder, not a file", where=str(path), hint="name a file")


def _refuse_closed_folder(path: Path) -> None:
    if _ordinary(path) and not os.access(path.parent, os.W_OK | os.X_OK):
        reason = "cannot write here" if path.parent.is_dir() else "the folder does not exist"
        raise StorageError(reason, where=str(path), hint="choose another place")


def _open_stream(path: Path) -> int:
    """A device or pipe, open for writing. A named pipe that nobody reads is refused instead of waited for."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise StorageError("nobody reads this pipe", where=str(path), hint="start its reader first") from None
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _taken(path: Path) -> ConflictError:
    return ConflictError(
        "there is something at this path already, and it is not written over",
        where=str(path),
        hint="choose another name, or remove it when nobody needs it any more",
        code="cli.output-exists",
    )


def check_appendable(path: Path) -> None:
    """Refuse, without touching anything, what `open_appending` would refuse. Raises StorageError, UsageProblem."""
    refuse_project_file(path)
    if path.is_dir():
        raise StorageError("this is a folder, not a file", where=str(path), hint="name a file")
    if path.exists() and not path.is_file() and not _device(path):
        raise _no_file(path)
    if path.is_symlink() and not _device(path):
        raise StorageError("this is a symbolic link", where=str(path), hint="name the file itself")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise StorageError("cannot write here", where=str(path), hint="choose another place")


def open_appending(path: Path) -> int:
    """A descriptor that appends to `path`, which is made when it is missing; a link is not followed, nothing is cut.

    Raises StorageError, UsageProblem (cli.project-file).
    """
    check_appendable(path)
    known = _device(path)
    try:
        descriptor = os.open(path, _APPEND | (0 if known else os.O_NOFOLLOW), 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    if not known and not stat.S_ISREG(os.fstat(descriptor).st_mode):  # it was changed since the check
        os.close(descriptor)
        raise _no_file(path)
    os.set_blocking(descriptor, True)
    return descriptor


def refuse_project_file(path: Path) -> None:
    """Raises UsageProblem (cli.project-file) where `path` is the ledger of a project, its lock or configuration, a
    manifest, or lies in one of the folders that only personactl writes."""
    for place in {path.parent.resolve() / path.name, path.resolve()}:
        project = next((folder for folder in place.parents if (folder / "personactl.toml").is_file()), None)
        if project is None:
            continue
        files, folders = _kept(project)
        manifest = place.is_relative_to(project / "manifests") and place.suffix == ".toml"
        same = place in files or manifest or any(place.is_relative_to(folder) for folder in folders)
        if same or (place.exists() and any(file.exists() and place.samefile(file) for file in files)):
            raise UsageProblem(
                "this is one of the project's own files, which no output may replace",
                where=str(path),
                hint="name a file that is no manifest and not in keys, personas or .personactl",
                code="cli.project-file",
            )


def cannot_write(path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write: {error.strerror}", where=str(path), hint="choose another place")


def _no_file(path: Path) -> StorageError:
    return StorageError("this is a pipe or a device, not a file", where=str(path), hint="name a file")


def _kept(project: Path) -> tuple[list[Path], list[Path]]:
    """The files and the folders of a project that no output may replace; the usual ones where it cannot be read."""
    from personactl import config

    ledger, keys = project / "ledger.sqlite", project / "keys"
    try:
        found = config.find(project)
        ledger, keys = found.ledger_path, found.keys_path
    except UsageProblem:
        pass
    files = [project / config.FILE_NAME, *(ledger.with_name(ledger.name + suffix) for suffix in LEDGER_SUFFIXES)]
    return files, [keys, *(project / name for name in PROJECT_FOLDERS)]


def _device(path: Path) -> bool:
    """/dev/stderr and the like: links that the system made."""
    return path.parent in (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))


def _ordinary(path: Path) -> bool:
    return not _device(path) and (path.is_file() or not path.exists())
