"""Walk a model folder and hash every file from its opened descriptor.

Order of one file: open without following links → fstat (a regular file?) → look at its beginning (`kinds`) → hash →
fstat again. A library opens the files by name later on, so `Folder.check_unchanged` compares device, inode, size,
mtime and ctime of everything after loading, folders and the root included: a folder that was moved away and back in
between has another ctime, as has the one that it stood in. ctime cannot be set back without the privilege to change
the clock.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personactl.errors import WeightsError
from personactl.model import FileDigest
from personactl.weights import kinds

MAX_FILES = 4096
MAX_DEPTH = 8
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC

Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder as it was when it was hashed.

    `files` sorted by path (POSIX, relative to `root`). `documents`: the parsed JSON configurations by path.
    `tensors`: for each safetensors file, tensor name → shape. `stamps`: what `check_unchanged` compares; the path of a
    folder ends with "/", the root's is "/".
    """

    root: Path
    files: tuple[FileDigest, ...]
    documents: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, tuple[int, ...]]]
    stamps: Mapping[str, Stamp]

    def digest_of(self, path: str) -> FileDigest | None:
        """The file at `path`, or None."""
        return next((file for file in self.files if file.path == path), None)

    def beneath(self, *folders: str) -> tuple[FileDigest, ...]:
        """The files in any of `folders` ("" is the root itself), sorted by path."""
        prefixes = tuple("" if folder in ("", ".") else folder.rstrip("/") + "/" for folder in folders)
        return tuple(file for file in self.files if file.path.startswith(prefixes))

    def check_unchanged(self) -> None:
        """Raise WeightsError (weights.changed) when any file was added, removed, replaced or written since, and when
        a folder was moved, be it away and back."""
        now = {path: _stamp(os.fstat(descriptor)) for path, descriptor in _walk(self.root)}
        if now == self.stamps:
            return
        moved = [path for path in {*now, *self.stamps} if now.get(path) != self.stamps.get(path)]
        # A file says most; a folder deep down says more than those above it, which change with it.
        moved.sort(key=lambda path: (path.endswith("/"), path == "/", -path.count("/"), path))
        raise WeightsError(
            "a model folder or file changed while it was being used",
            where=str(self.root) if moved[0] == "/" else moved[0],
            hint="let nothing write into the model folder during a run, then run again",
            code="weights.changed",
        )


def open_folder(root: Path) -> Folder:
    """Read and hash everything beneath `root` (an absolute real path).

    Raises WeightsError: weights.missing, weights.unreadable, weights.symlink, weights.not-a-file, weights.too-many,
    weights.changed, and what `kinds.inspect` raises.
    """
    files: list[FileDigest] = []
    documents: dict[str, Any] = {}
    tensors: dict[str, Mapping[str, tuple[int, ...]]] = {}
    stamps: dict[str, Stamp] = {}
    for path, descriptor in _walk(root):
        before = stamps[path] = _stamp(os.fstat(descriptor))
        if path.endswith("/"):
            continue
        found = kinds.inspect(path, descriptor, before[2])
        if found.document is not None:
            documents[path] = found.document
        if found.shapes is not None:
            tensors[path] = found.shapes
        os.lseek(descriptor, 0, os.SEEK_SET)
        with open(descriptor, "rb", closefd=False, buffering=0) as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if _stamp(os.fstat(descriptor)) != before:
            raise WeightsError(
                "a model file changed while it was read", where=path, hint="run again", code="weights.changed"
            )
        files.append(FileDigest(path=path, sha256=sha256, size=before[2]))
    files.sort(key=lambda file: file.path)
    return Folder(root=root, files=tuple(files), documents=documents, tensors=tensors, stamps=stamps)


def _walk(root: Path) -> Iterator[tuple[str, int]]:
    """Every folder, before what it holds, and every file, with its opened descriptor, which is closed later on."""
    try:
        top = os.open(root, _OPEN_FOLDER)
    except OSError as error:
        raise WeightsError(
            f"cannot open the model folder: {error.strerror}", where=str(root), code="weights.missing"
        ) from error
    try:
        yield "/", top
        for count, (path, descriptor) in enumerate(_walk_open(top, "", 0), start=1):
            if count > MAX_FILES:
                raise WeightsError(
                    f"more than {MAX_FILES} files and folders in a model folder",
                    where=str(root),
                    code="weights.too-many",
                )
            yield path, descriptor
    finally:
        os.close(top)


def _walk_open(folder: int, prefix: str, depth: int) -> Iterator[tuple[str, int]]:
    if depth > MAX_DEPTH:
        raise WeightsError("a model folder is nested too deeply", where=prefix, code="weights.too-many")
    for name in sorted(os.listdir(folder)):
        path = prefix + name
        descriptor = _open_entry(folder, name, path)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                yield path + "/", descriptor
                yield from _walk_open(descriptor, path + "/", depth + 1)
            else:
                yield path, descriptor
        finally:
            os.close(descriptor)


def _open_entry(folder: int, name: str, path: str) -> int:
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise WeightsError(
                "symbolic links are not allowed in a model folder",
                where=path,
                hint="copy the folder with `cp -rL`, so that it holds the files themselves",
                code="weights.symlink",
            )
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise WeightsError("not a plain file", where=path, hint="remove it", code="weights.not-a-file")
        descriptor = os.open(name, _OPEN_FOLDER if stat.S_ISDIR(mode) else _OPEN_FILE, dir_fd=folder)
    except OSError as error:
        raise WeightsError(
            f"cannot read a model file: {error.strerror}", where=path, code="weights.unreadable"
        ) from error
    if stat.S_IFMT(os.fstat(descriptor).st_mode) != stat.S_IFMT(mode):
        os.close(descriptor)
        raise WeightsError(
            "a model file changed while it was read", where=path, hint="run again", code="weights.changed"
        )
    return descriptor


def _stamp(status: os.stat_result) -> Stamp:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
