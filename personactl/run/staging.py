"""From bytes in memory to a visible file, so that a file is either whole and on record, or not visible at all.

    stage      .personactl/staging/<entryId>: exclusive, written, fsync, read again and hashed; then the folder's fsync
    publish    link() to out/<run>/<name>, which fails where a name is taken; fsync of that folder
    discard    remove the staged name
    quarantine move a visible file that no entry vouches for to .personactl/quarantine

The staged file and the visible one are one inode on one filesystem: nothing is copied, so nothing can be torn. Errors
of fsync are reported and never tried again: the kernel may have dropped the very pages that failed (ADR 0502).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personactl.errors import ConflictError, IntegrityError, StorageError
from personactl.run.folders import STATE, Folder

STAGING = "staging"
QUARANTINE = "quarantine"
OUT = "out"
RECEIPT_SUFFIX = ".receipt"
MEDIA_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_STAGED = re.compile(r"[0-9a-f]{32}")
_CHUNK = 1 << 20


def file_sha256(folder: Folder, name: str) -> str | None:
    """SHA-256 (hex) of a regular file in `folder`; None when there is none of that name, or it is no regular file."""
    digest = hashlib.sha256()
    with _reading(folder, name) as descriptor:
        if descriptor is None:
            return None
        while chunk := os.read(descriptor, _CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_bounded(folder: Folder, name: str, limit: int) -> bytes | None:
    """The bytes of a regular file in `folder`; None when there is none of that name, or it is longer than `limit`."""
    data = b""
    with _reading(folder, name) as descriptor:
        if descriptor is None:
            return None
        while len(data) <= limit and (chunk := os.read(descriptor, _CHUNK)):
            data += chunk
    return data if len(data) <= limit else None


@contextmanager
def _reading(folder: Folder, name: str) -> Iterator[int | None]:
    """A descriptor of a regular file, reached without following a link; None without one. Raises StorageError."""
    try:
        descriptor = os.open(name, _READ, dir_fd=folder.fd)
    except FileNotFoundError:
        descriptor = -1
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):  # a link, or a socket
            with folder.reporting("the file cannot be read", name):
                raise
        descriptor = -1
    try:
        with folder.reporting("the file cannot be read", name):
            regular = descriptor >= 0 and stat.S_ISREG(os.fstat(descriptor).st_mode)
            yield descriptor if regular else None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def is_taken(folder: Folder, name: str) -> bool:
    """Whether anything at all has this name."""
    try:
        os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def visible_sha256(project: Path, run: str, name: str) -> str | None:
    """SHA-256 (hex) of the regular file out/<run>/<name>, reached without following a link; None without one."""
    try:
        with Folder.open(project, OUT, run, create=False) as folder:
            return file_sha256(folder, name)
    except FileNotFoundError:
        return None


class Staging:
    """The staging folder of a project. All its files are named by the entryId that vouches for them."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._folder = Folder.open(project, STATE, STAGING, mode=0o700)

    def close(self) -> None:
        self._folder.close()

    def staged(self) -> list[str]:
        """The entryIds of all staged files, sorted. Half-written receipts are not listed."""
        return [name for name in self._folder.names() if _STAGED.fullmatch(name)]

    def sha256(self, entry_id: str) -> str | None:
        """SHA-256 (hex) of the staged file, None when there is none."""
        return file_sha256(self._folder, entry_id)

    def stage(self, entry_id: str, data: bytes, sha256: str) -> None:
        """Write `data` durably under `entry_id`; a failure leaves no staged file.

        Raises StorageError, and IntegrityError (integrity.staged) when the bytes do not read back as `sha256`.
        """
        try:
            self._write(entry_id, data)
        except OSError as error:
            self.discard(entry_id, quietly=True)
            with self._folder.reporting("the finished file cannot be written", entry_id):
                raise error
        if self.sha256(entry_id) != sha256:
            self.discard(entry_id, quietly=True)
            raise IntegrityError(
                "a file read back differently from what was written",
                where=f"{self._folder.name}/{entry_id}",
                hint="check memory and disk of this machine",
                code="integrity.staged",
            )
        self._folder.sync()

    def publish(self, entry_id: str, sha256: str, out: Folder, name: str) -> None:
        """Make the staged file visible as `name` in `out`, never over another file, and durably so.

        A file of that name with the same bytes counts as published: an earlier start got that far.
        Raises ConflictError (conflict.name-taken), StorageError.
        """
        check_name(name)
        try:
            os.link(entry_id, name, src_dir_fd=self._folder.fd, dst_dir_fd=out.fd, follow_symlinks=False)
        except FileExistsError:
            if file_sha256(out, name) != sha256:
                raise name_taken(out, name) from None
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                raise StorageError(
                    "the finished file cannot be linked into place",
                    where=f"{out.name}/{name}",
                    hint=f"{STATE} and {OUT} must lie on one filesystem that knows hard links",
                    code="storage.no-link",
                ) from error
            with out.reporting("the finished file cannot be made visible", name):
                raise
        out.sync()

    def discard(self, entry_id: str, *, quietly: bool = False) -> None:
        """Remove the staged name if it is there. `quietly`: on the way out of another error, which matters more."""
        try:
            os.unlink(entry_id, dir_fd=self._folder.fd)
        except FileNotFoundError:
            return
        except OSError:
            if quietly:
                return
            with self._folder.reporting("a staged file cannot be removed", entry_id):
                raise

    def replace(self, data: bytes, out: Folder, name: str) -> None:
        """Write `name` in `out` whole or not at all, over an older one: for receipts, which may be written again."""
        check_name(name)
        partial = f"receipt-{secrets.token_hex(8)}"
        try:
            self._write(partial, data)
            os.rename(partial, name, src_dir_fd=self._folder.fd, dst_dir_fd=out.fd)
        except OSError as error:
            self.discard(partial, quietly=True)
            with out.reporting("the receipt cannot be written", name):
                raise error

    def sweep(self) -> None:
        """Remove half-written receipts of an earlier start; they are made again."""
        for name in self._folder.names():
            if name.startswith("receipt-"):
                self.discard(name)

    def quarantine(self, out: Folder, name: str) -> str:
        """Move `name` out of sight, keeping its bytes. Returns the new path relative to the project."""
        place = f"{out.name.rpartition('/')[2]}-{secrets.token_hex(4)}"
        with Folder.open(self._project, STATE, QUARANTINE, place, mode=0o700) as kept:
            with out.reporting("a file without an entry cannot be moved to quarantine", name):
                os.rename(name, name, src_dir_fd=out.fd, dst_dir_fd=kept.fd)
            kept.sync()
            out.sync()
            return f"{kept.name}/{name}"

    def _write(self, name: str, data: bytes) -> None:
        descriptor = os.open(name, _NEW, 0o644, dir_fd=self._folder.fd)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_name(name: str) -> None:
    """Refuse a file name that is not one plain component. Raises ConflictError (conflict.bad-name)."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ConflictError(f"{name!r} is not a file name", hint="plan again", code="conflict.bad-name")


def name_taken(out: Folder, name: str) -> ConflictError:
    """The error for an output name that something else has."""
    return ConflictError(
        "another file has the name of an output",
        where=f"{out.name}/{name}",
        hint="move that file away, then run the same command again",
        code="conflict.name-taken",
    )
