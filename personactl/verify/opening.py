"""Read a file that someone else wrote: once, whole, from one descriptor, and only a plain file of a known type.

Everything that follows works on these bytes in memory, so that a file cannot change between two looks. Links, pipes,
devices and folders are refused without waiting on them; the type is what the first bytes say, never the name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import FileIO
from pathlib import Path

from personactl.verify.evidence import Source
from personactl.verify.findings import finding
from personactl.verify.limits import MAX_BYTES

MAX_RECEIPT_BYTES = 1024 * 1024

EXTENSIONS = {
    "image/png": frozenset({".png"}),
    "image/jpeg": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
    "image/webp": frozenset({".webp"}),
    "image/avif": frozenset({".avif"}),
    "image/tiff": frozenset({".tif", ".tiff"}),
    "video/mp4": frozenset({".mp4", ".m4v"}),
    "video/quicktime": frozenset({".mov", ".qt"}),
}
"""The types that this version judges, with the names that fit them."""


class RefusedError(Exception):
    """The file is not read. `code` is one of `findings.CODES`, the message completes the finding."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def open_source(path: Path, shown: str, *, limit: int = MAX_BYTES, descriptor: int | None = None) -> Source:
    """The bytes of a delivered file with their digest and sniffed type, or the finding that says why not.

    `descriptor`: read this open file instead of what lies at `path`, from its beginning.
    """
    try:
        data = read_plain(path, limit) if descriptor is None else _read_open(descriptor, limit)
    except RefusedError as refusal:
        return Source(path=shown, problem=finding(refusal.code, refusal.message))
    digest = hashlib.sha256(data).hexdigest()
    media_type = sniff(data)
    if media_type is None:
        message = "it is empty" if not data else "its first bytes are not those of a type that is supported"
        code = "verify.unreadable" if not data else "verify.unsupported-type"
        return Source(path=shown, data=data, sha256=digest, problem=finding(code, message))
    return Source(path=shown, data=data, sha256=digest, media_type=media_type)


def read_plain(path: Path, limit: int) -> bytes:
    """The bytes of a plain file of at most `limit` bytes. Raises RefusedError; never blocks on a pipe or a device."""
    try:
        with _open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            data = b"" if size > limit else _read_all(file, size + 1)  # a larger number would be allocated first
    except OSError as error:
        raise RefusedError("verify.unreadable", f"it cannot be read: {error.strerror}") from None
    if max(size, len(data)) > limit:
        raise RefusedError("verify.too-large", f"it has more than {limit} bytes")
    return data


def _read_open(descriptor: int, limit: int) -> bytes:
    """The bytes of a file that is open already. Raises RefusedError."""
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        file.seek(0)
        data = _read_all(file, min(limit, os.fstat(descriptor).st_size) + 1)
    if len(data) > limit:
        raise RefusedError("verify.too-large", f"it has more than {limit} bytes")
    return data


def _open_plain(path: Path) -> FileIO:
    return os.fdopen(_descriptor_of(path), "rb", buffering=0)


def _read_all(file: FileIO, size: int) -> bytes:
    """Up to `size` bytes. One call for nearly every file; a network share may give less at a time."""
    data = file.read(size) or b""
    while 0 < len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


def _descriptor_of(path: Path | str) -> int:
    """A plain file, opened by one call that follows no link and waits for nobody. Raises RefusedError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        raise RefusedError("verify.not-found", "there is no such file") from None
    except ValueError:
        raise RefusedError("verify.unreadable", "no file can have this name") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedError("verify.not-a-plain-file", "it is a symbolic link") from None
        if error.errno == errno.ENAMETOOLONG:  # a name of 255 bytes is allowed, with ".receipt" after it no longer
            raise RefusedError("verify.not-found", "no file can be opened by so long a name") from None
        if error.errno == errno.ENXIO:
            raise RefusedError("verify.not-a-plain-file", "it is a socket or a device") from None
        raise RefusedError("verify.unreadable", f"it cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedError("verify.not-a-plain-file", "it is a folder, a pipe or a device")
    return descriptor


def sniff(data: bytes) -> str | None:
    """The media type by the first bytes, None when it is not one that is read."""
    from personactl.disclose import formats  # it brings the libraries of all formats; who only walks needs none

    row = formats.sniff(data)
    return None if row is None else row.media_type


def begins_as_picture(path: Path | str) -> bool:
    """Whether a plain file starts like a picture, whatever it is called. False for anything that is not read."""
    from personactl.disclose import formats

    try:
        descriptor = _descriptor_of(path)
    except RefusedError:
        return False
    try:
        return sniff(os.read(descriptor, formats.SNIFFED_BYTES)) is not None
    except OSError:
        return False
    finally:
        os.close(descriptor)


def extension_fits(path: Path, media_type: str) -> bool:
    return path.suffix.lower() in EXTENSIONS[media_type]
