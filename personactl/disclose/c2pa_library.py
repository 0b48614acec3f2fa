"""Reading through the C interface of the C2PA library (its `c2pa.h`), with the file's bytes handed over as they are.

c2pa-python asks Python for every piece that the library reads, through a stream, a view and a weak reference each time,
and guards each call against other threads and forks: a quarter of what a small file costs. Here two functions of a few
lines serve the library from the bytes, and a reader lives for one `with` block of one thread. The prototypes are those
of the one release that `pyproject.toml` allows.

Settings, signing and errors of all else stay with c2pa-python (`c2pa.py`).
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from personactl.disclose import native

_Pointer = ctypes.c_void_p
_READ = ctypes.CFUNCTYPE(ctypes.c_ssize_t, _Pointer, _Pointer, ctypes.c_ssize_t)
_SEEK = ctypes.CFUNCTYPE(ctypes.c_ssize_t, _Pointer, ctypes.c_ssize_t, ctypes.c_int)
_FLUSH = ctypes.CFUNCTYPE(ctypes.c_ssize_t, _Pointer)
_PROTOTYPES: dict[str, tuple[list[Any], Any]] = {
    "c2pa_create_stream": ([_Pointer, _READ, _SEEK, _READ, _FLUSH], _Pointer),
    "c2pa_release_stream": ([_Pointer], None),
    "c2pa_reader_from_context": ([_Pointer], _Pointer),
    "c2pa_reader_with_stream": ([_Pointer, ctypes.c_char_p, _Pointer], _Pointer),
    "c2pa_reader_json": ([_Pointer], _Pointer),
    "c2pa_reader_detailed_json": ([_Pointer], _Pointer),
    "c2pa_error": ([], _Pointer),
    "c2pa_free": ([_Pointer], ctypes.c_int),
}
_NOT_A_POINTER = 2
"""Freeing it fails and puts that into the thread's last error, so that none of an earlier file can be taken for the
error of this one."""
_CURRENT, _END = 1, 2
_FAILED = -1


class LibraryError(Exception):
    """What the library says against a file, in its own words: `Kind: message`."""


class _Bytes:
    """A file in memory as the library reads it: where its bytes lie, how many, and how far it is."""

    __slots__ = ("address", "data", "position", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data  # keeps the bytes where they are
        self.address = _Pointer.from_buffer(ctypes.c_char_p(data)).value or 0
        self.size, self.position = len(data), 0


_numbers = itertools.count(1)
_open: dict[int, _Bytes] = {}
"""The files that are being read, by the number that the library gives back as its context."""


def _read(number: int, place: int, length: int) -> int:
    file = _open[number]
    count = min(length, file.size - file.position)
    if count <= 0:
        return 0
    ctypes.memmove(place, file.address + file.position, count)
    file.position += count
    return count


def _seek(number: int, offset: int, whence: int) -> int:
    file = _open[number]
    if whence == _CURRENT:
        offset += file.position
    elif whence == _END:
        offset += file.size
    if offset < 0:
        return _FAILED
    file.position = offset
    return offset


_CALLBACKS = (_READ(_read), _SEEK(_seek), _READ(lambda *_: _FAILED), _FLUSH(lambda _: 0))


@cache
def _library() -> ctypes.CDLL:
    """The library that c2pa-python has loaded, with the prototypes above. Raises EnvironmentProblem."""
    library = ctypes.CDLL(str(native.packaged_library()))
    for name, (arguments, result) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library


class Reader:
    """One file whose manifest store was read and verified; only inside `reader`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def json(self) -> str:
        """The report on the file. Raises LibraryError, or UnicodeDecodeError."""
        return _text(_library().c2pa_reader_json(self._handle))

    def detailed_json(self) -> str:
        """The report with the assertions as they stand in the store. Raises LibraryError, or UnicodeDecodeError."""
        return _text(_library().c2pa_reader_detailed_json(self._handle))


@contextmanager
def reader(data: bytes, media_type: str, context: Any) -> Iterator[Reader]:
    """Read and verify one file under the settings of a `c2pa.Context`. Raises LibraryError; "ManifestNotFound: …" for a
    file without a manifest."""
    library, number = _library(), next(_numbers)
    _open[number] = _Bytes(data)
    stream = library.c2pa_create_stream(number, *_CALLBACKS)
    handle: int | None = None
    try:
        library.c2pa_free(_NOT_A_POINTER)
        if stream and (empty := library.c2pa_reader_from_context(context.execution_context)):
            # Whatever comes of it, the library owns the empty reader from here on.
            handle = library.c2pa_reader_with_stream(empty, media_type.encode("ascii"), stream)
        if not handle:
            raise _error()
        yield Reader(handle)
    finally:
        if handle:
            library.c2pa_free(handle)
        if stream:
            library.c2pa_release_stream(stream)
        del _open[number]


def _text(place: int | None) -> str:
    """The text of the library at this address, which is then given back."""
    if not place:
        raise _error()
    try:
        return ctypes.string_at(place).decode("utf-8")
    finally:
        _library().c2pa_free(place)


def _error() -> LibraryError:
    """The last error of this thread."""
    place = _library().c2pa_error()
    if not place:
        return LibraryError("Unknown: the library names no reason")
    try:
        return LibraryError(ctypes.string_at(place).decode("utf-8", "replace"))
    finally:
        _library().c2pa_free(place)
