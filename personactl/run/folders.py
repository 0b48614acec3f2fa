"""Folders of the project, opened component by component without following a link, and held as descriptors.

Every later step names files relative to such a descriptor, so that nobody can swap a folder for a link in between.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personactl.errors import StorageError

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
STATE = ".personactl"


def storage_error(error: OSError, what: str, where: str) -> StorageError:
    """A failed call of the operating system, in words: what could not be done, where, and what mends it."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint, code = "free some space, then run the same command again", "storage.full"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        hint, code = "make this place writable for you, then run the same command again", "storage.read-only"
    elif error.errno in (errno.ELOOP, errno.ENOTDIR):
        hint, code = "put a plain folder there; links are not followed", "storage.linked-folder"
    else:
        hint, code = "the disk may be failing: look at the system log before running again", "storage.failed"
    return StorageError(f"{what}: {reason}", where=where, hint=hint, code=code)


class Folder:
    """An open folder below the project. `name` is its path relative to the project, for messages."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.fd = descriptor
        self.name = name

    @classmethod
    def open(cls, project: Path, *parts: str, create: bool = True, mode: int = 0o755) -> Folder:
        """Open `project`/`parts`; the project itself may be reached through links, nothing below it.

        `create` makes missing folders and writes their names to the disk. Raises StorageError (storage.linked-folder,
        storage.read-only, storage.full, storage.failed); FileNotFoundError when not `create` and one is missing.
        """
        walked = str(project)
        try:
            descriptor = os.open(project, _FLAGS)
        except OSError as error:
            raise storage_error(error, "the project folder cannot be opened", walked) from error
        for part in parts:
            walked = os.path.join(walked, part)  # noqa: PTH118
            try:
                below = _step(descriptor, part, create, mode)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise storage_error(error, "the folder cannot be opened", walked) from error
            finally:
                os.close(descriptor)
            descriptor = below
        return cls(descriptor, "/".join(parts) or ".")

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def sync(self) -> None:
        """Write the folder's own entries to the disk. Raises StorageError; never tried twice (ADR 0502)."""
        with self.reporting("the folder cannot be written to the disk"):
            os.fsync(self.fd)

    def names(self) -> list[str]:
        """The names in the folder, sorted."""
        with self.reporting("the folder cannot be listed"):
            return sorted(os.listdir(self.fd))  # noqa: PTH208 - pathlib takes no descriptor

    @contextmanager
    def reporting(self, what: str, name: str = "") -> Iterator[None]:
        """Turns an OSError of the block into the StorageError that names this folder (and a file in it)."""
        try:
            yield
        except OSError as error:
            raise storage_error(error, what, f"{self.name}/{name}" if name else self.name) from error


def _step(parent: int, part: str, create: bool, mode: int) -> int:
    try:
        return os.open(part, _FLAGS | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        if not create:
            raise
    os.mkdir(part, mode, dir_fd=parent)
    os.fsync(parent)
    return os.open(part, _FLAGS | os.O_NOFOLLOW, dir_fd=parent)
