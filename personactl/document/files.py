"""Bounded reading of plain files. No link is followed, no device or pipe is opened for good, nothing is read twice.

Every component below `beneath` is opened from its parent's descriptor with O_NOFOLLOW, so that a folder swapped for a
link between check and use cannot lead outside (CWE-59, CWE-367). O_NONBLOCK keeps a FIFO from blocking the open.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from personactl.errors import UsageProblem

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_CHUNK = 1 << 20


def read_plain_file(path: Path, limit: int, what: str, *, beneath: Path | None = None) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. `what` names it in errors ("manifest", "reference").

    With `beneath` the file must lie below that folder and no component between them may be a link; `beneath` itself
    may be reached through links. Raises UsageProblem with code file.missing, file.symlink, file.not-regular,
    file.too-large, file.outside-project or file.unreadable.
    """
    if "\0" in str(path):
        raise UsageProblem(f"the path of the {what} contains a NUL", code="file.unreadable", hint="give a plain path")
    parts = (str(path),) if beneath is None else (str(beneath), *_below(path, beneath, what))
    descriptor = _open(parts, path, what)
    try:
        return _read(descriptor, path, limit, what)
    finally:
        os.close(descriptor)


def check_no_symlink(path: Path, what: str, *, beneath: Path) -> None:
    """Refuse a path of which an existing component below `beneath` is a link; missing components are accepted.

    For folders that another room opens: raises UsageProblem file.symlink or file.outside-project.
    """
    walked = _absolute(beneath)
    for part in _below(path, beneath, what):
        walked = walked / part
        if walked.is_symlink():
            raise _symlink(path, what)


def _below(path: Path, beneath: Path, what: str) -> tuple[str, ...]:
    """The components of `path` below `beneath`, which may be given through links or relative to the working folder."""
    absolute = _absolute(path)
    for root in (_absolute(beneath), beneath.resolve()):
        if absolute != root and absolute.is_relative_to(root):
            return absolute.relative_to(root).parts
    raise UsageProblem(
        f"the {what} lies outside the project folder",
        where=str(path),
        code="file.outside-project",
        hint=f"move it below {beneath}",
    )


def _absolute(path: Path) -> Path:
    """Absolute with ".." folded away by name only: resolving would follow the very links that are to be refused."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _open(parts: tuple[str, ...], path: Path, what: str) -> int:
    folder: int | None = None
    try:
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            # The first of several parts is the project folder, which the operator may well reach through a link.
            flags = _FILE if last else (_FOLDER & ~os.O_NOFOLLOW if index == 0 else _FOLDER)
            opened = _open_part(part, flags, folder, path, what)
            if folder is not None:
                os.close(folder)
            folder = opened
    except BaseException:
        if folder is not None:
            os.close(folder)
        raise
    if folder is None:
        raise UsageProblem(f"the {what} has an empty path", code="file.missing")
    return folder


def _open_part(part: str, flags: int, folder: int | None, path: Path, what: str) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    except FileNotFoundError:
        raise UsageProblem(f"there is no such {what}", where=str(path), code="file.missing") from None
    except (OSError, ValueError) as error:
        if _is_symlink(part, folder):
            raise _symlink(path, what) from None
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageProblem(f"the {what} cannot be read: {reason}", where=str(path), code="file.unreadable") from None


def _is_symlink(part: str, folder: int | None) -> bool:
    try:
        return stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode)
    except (OSError, ValueError):
        return False


def _read(descriptor: int, path: Path, limit: int, what: str) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UsageProblem(
            f"the {what} is not a regular file",
            where=str(path),
            code="file.not-regular",
            hint="folders, devices, pipes and sockets are not read",
        )
    chunks: list[bytes] = []
    size = 0
    while size <= limit:
        try:
            chunk = os.read(descriptor, min(_CHUNK, limit + 1 - size))
        except OSError as error:
            raise UsageProblem(
                f"the {what} cannot be read: {error.strerror}", where=str(path), code="file.unreadable"
            ) from None
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    raise UsageProblem(f"the {what} is larger than {limit} bytes", where=str(path), code="file.too-large")


def _symlink(path: Path, what: str) -> UsageProblem:
    return UsageProblem(
        f"the {what} is reached through a symbolic link",
        where=str(path),
        code="file.symlink",
        hint="put the file itself there; links are not followed",
    )
