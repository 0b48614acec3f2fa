"""What crosses the pipe between a worker and its parent: frames of JSON, read back field by field.

    frame     4 bytes, big-endian: the number of bytes that follow; then one JSON value in UTF-8
    orders    {"path", "receipts", "empty", "descriptor"}     parent → worker
    answers   {"ready": true}, then {"verdict": …} or {"fault": text} for each order; {"refused": error} at the start

A worker has read a stranger's bytes, so nothing that it answers is unpickled or believed in its form: a verdict is
built anew from values whose types are those of `verdict.Verdict`; anything else is refused. JSON in Python keeps the
lone surrogates by which undecodable bytes of file names travel.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union

from personactl.verdict import Verdict
from personactl.verify.walking import Target

MAX_FRAME = 16 << 20
"""Largest answer that is read. A verdict of a file with a title of 10,000 characters takes about 12 KiB."""
LENGTH_BYTES = 4
MAX_REMEMBERED, MAX_REMEMBERED_LENGTH = 512, 2000
"""Axes and findings that are kept for the next verdicts, and how many characters one of them may have."""

Reader = Callable[[Any], Any]


class WireError(ValueError):
    """An answer that does not have the form of answers."""


def frame(value: Any) -> bytes:
    """One frame. Dataclasses become objects, tuples become lists."""
    body = json.dumps(value, default=_fields, separators=(",", ":"), allow_nan=False).encode("ascii")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _names(value.__class__)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


class Frames:
    """Puts frames together from the pieces that a pipe gives."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def add(self, data: bytes) -> Iterator[Any]:
        """The values of the frames that `data` completes, each before the next is looked at: what was said before
        nonsense was said. Raises WireError for one that is too long or is not JSON."""
        self._buffer += data
        while len(self._buffer) >= LENGTH_BYTES:
            size = int.from_bytes(self._buffer[:LENGTH_BYTES], "big")
            if size > MAX_FRAME:
                raise WireError(f"it has {size} bytes")
            end = LENGTH_BYTES + size
            if len(self._buffer) < end:
                break
            body = bytes(self._buffer[LENGTH_BYTES:end])
            del self._buffer[:end]
            yield value(body)


def value(body: bytes) -> Any:
    """One JSON value. Raises WireError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"it is no JSON ({type(error).__name__})") from None


# --- orders ------------------------------------------------------------------------------------------------------


def order(target: Target) -> bytes:
    return frame({
        "path": str(target.path), "receipts": [str(place) for place in target.receipts],
        "empty": target.empty_folder, "descriptor": target.descriptor,
    })  # fmt: skip


def target_of(value: Any) -> Target:
    """The target of an order. The parent wrote it, so that its form is not doubted."""
    return Target(
        path=Path(value["path"]),
        receipts=tuple(Path(place) for place in value["receipts"]),
        empty_folder=value["empty"],
        descriptor=value["descriptor"],
    )


# --- verdicts ----------------------------------------------------------------------------------------------------


def verdict_of(value: Any) -> Verdict:
    """The verdict of its JSON. Raises WireError unless every field is there, has its type, and nothing else is."""
    verdict: Verdict = _read_verdict()(value)
    return verdict


def _reader(kind: Any) -> Reader:
    """How a value of this type is read: str, int, bool, None, Literal, unions, tuples and frozen dataclasses."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return _dataclass(typing.cast(type, kind))
    if origin is Literal:
        return _checked(lambda value: type(value) is str and value in arguments, f"one of {arguments}")
    if origin in (Union, types.UnionType):
        return _union([_reader(item) for item in arguments])
    if origin is tuple:
        return _tuple([_reader(item) for item in arguments if item is not ...], open_end=... in arguments)
    if kind in (str, int, bool, types.NoneType):
        return _checked(lambda value: type(value) is kind, kind.__name__)
    raise TypeError(f"{kind} cannot cross the pipe")


def _checked(holds: Callable[[Any], bool], wanted: str) -> Reader:
    def read(value: Any) -> Any:
        if not holds(value):
            raise WireError(f"{type(value).__name__} where {wanted} belongs")
        return value

    return read


def _union(readers: list[Reader]) -> Reader:
    def read(value: Any) -> Any:
        for reader in readers:
            try:
                return reader(value)
            except WireError:
                continue
        raise WireError(f"a {type(value).__name__} does not fit")

    return read


def _tuple(readers: list[Reader], *, open_end: bool) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not list or not (open_end or len(value) == len(readers)):
            raise WireError("a list is missing or has another length")
        return tuple(map(readers[0], value)) if open_end else tuple(r(v) for r, v in zip(readers, value, strict=True))

    return read


def _dataclass(kind: type) -> Reader:
    hints = typing.get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}

    def read(value: Any) -> Any:
        if type(value) is not dict or value.keys() != readers.keys():
            raise WireError(f"this is no {kind.__name__}")
        return kind(**{name: reader(value[name]) for name, reader in readers.items()})

    return _remembering(read) if all(_is_text(hint) for hint in hints.values()) else read


def _is_text(kind: Any) -> bool:
    return kind is str or typing.get_origin(kind) is Literal


def _remembering(read: Reader) -> Reader:
    """The same reader for a class whose fields are all texts, which most files of a delivery have in common. Nothing
    but the very texts is equal to them, so that what was read once need not be looked at again."""
    known: dict[Any, Any] = {}

    def recall(value: Any) -> Any:
        try:
            key = tuple(value.items())
            found = known.get(key)
        except (AttributeError, TypeError):  # no object, or a field that is no text
            return read(value)
        if found is None:
            found = read(value)
            if len(known) >= MAX_REMEMBERED:
                known.clear()
            if sum(map(len, value.values())) <= MAX_REMEMBERED_LENGTH:
                known[key] = found
        return found

    return recall


@cache
def _read_verdict() -> Reader:
    """Made when the first verdict comes: who judges in its own process needs none."""
    return _reader(Verdict)
