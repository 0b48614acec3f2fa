"""Image file directories (TIFF 6.0, section 2): read from files of strangers, and written. Both byte orders, BigTIFF.

A directory says where its values lie, so that a few bytes can point at the same megabyte a thousand times. Hence a
`Structure` counts what it has handed out: entries up to a limit, and no more bytes of values than the file has.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from personactl.disclose.parts import ContainerError

MAX_ENTRIES = 8_000
"""Fields of a whole file. The C2PA library needs a tenth of a second for as many, and for more in proportion."""
MAX_DIRECTORIES = 2_000

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of each field type; 13 (IFD) is of the TIFF technical notes, 16 to 18 are those of BigTIFF."""
_UNSIGNED = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}

Order = Literal["<", ">"]


class Entry(NamedTuple):
    """One field: tag, type, number of values, where its bytes lie in the file, and where that number stands."""

    tag: int
    type: int
    number: int
    start: int
    end: int
    number_at: tuple[int, int]


class Field(NamedTuple):
    """One field to be written, its values as bytes in the order of the file."""

    tag: int
    type: int
    number: int
    values: bytes


class Directory(NamedTuple):
    """The fields of one directory and where it ends; `next` is the offset of the following one, 0 for none."""

    entries: tuple[Entry, ...]
    end: int
    next: int


def recognised(data: bytes) -> bool:
    """True for the first bytes of a TIFF or BigTIFF file of either byte order."""
    return data[:4] in (b"II*\0", b"MM\0*") or data[:8] in (b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")


class Structure:
    """A file made of directories. Nothing is read before it is asked for. `furthest`: the end of what was looked at."""

    def __init__(self, data: bytes) -> None:
        """Raises ContainerError for what is not a TIFF structure."""
        if not recognised(data):
            raise ContainerError("the file does not begin like a TIFF")
        self.order: Order = "<" if data[:2] == b"II" else ">"
        self._data, self._big = data, 43 in data[2:4]
        self._offset_size = 8 if self._big else 4
        self._room, self._entries, self._directories = len(data), 0, 0
        start = 8 if self._big else 4
        self.furthest = start + self._offset_size
        self.first = self._number(start, self._offset_size)

    def directory(self, position: int) -> Directory:
        """The directory at an offset. Raises ContainerError, also when more were read than any file needs."""
        count_size, offset_size = (8, 8) if self._big else (2, 4)
        entry_size = 4 + 2 * offset_size
        count, start = self._number(position, count_size), position + count_size
        self._entries, self._directories = self._entries + count, self._directories + 1
        if self._entries > MAX_ENTRIES or self._directories > MAX_DIRECTORIES:
            raise ContainerError(f"the TIFF has more than {MAX_ENTRIES} fields or {MAX_DIRECTORIES} directories")
        end = start + count * entry_size
        following = self._number(end, offset_size)
        form = struct.Struct(self.order + ("HHQQ" if self._big else "HHII"))
        entries = []
        for number, (tag, kind, values, offset) in enumerate(form.iter_unpack(self._data[start:end])):
            if kind not in _SIZES:
                continue  # "readers should skip over fields containing an unexpected field type" (section 2)
            size = _SIZES[kind] * values
            inline = start + (number + 1) * entry_size - offset_size
            place = inline if size <= offset_size else offset
            self._reach(place + size)
            entries.append(Entry(tag, kind, values, place, place + size, (inline - offset_size, offset_size)))
        self._reach(end + offset_size)
        return Directory(tuple(entries), end + offset_size, following)

    def bytes_of(self, entry: Entry) -> bytes:
        """The values of a field as they lie in the file. Raises ContainerError once fields are found to overlap."""
        self._room -= entry.end - entry.start
        if self._room < 0:
            raise ContainerError("fields of the TIFF overlap")
        return self._data[entry.start : entry.end]

    def numbers(self, entry: Entry) -> np.ndarray[tuple[int], np.dtype[np.unsignedinteger]]:
        """The values of a field of unsigned integers. Raises ContainerError for a field of another type."""
        if entry.type not in _UNSIGNED:
            raise ContainerError(f"the TIFF field {entry.tag} has the type {entry.type}, which is no whole number")
        return np.frombuffer(self.bytes_of(entry), dtype=self.order + _UNSIGNED[entry.type])

    def stretches(self, starts: Entry, lengths: Entry) -> None:
        """Account for data that two fields place in the file. Raises ContainerError for any that lies outside."""
        first, size = self.numbers(starts), self.numbers(lengths)
        if len(first) != len(size):
            raise ContainerError(f"the TIFF places {len(first)} pieces and gives {len(size)} lengths")
        if not len(first):
            return
        if max(int(first.max()), int(size.max())) > len(self._data):
            raise ContainerError("picture data of the TIFF lies outside the file")
        self._reach(int((first.astype(np.int64) + size.astype(np.int64)).max()))

    def _number(self, position: int, size: int) -> int:
        if position + size > len(self._data):
            raise ContainerError("the TIFF points outside the file")
        little: Literal["little", "big"] = "little" if self.order == "<" else "big"
        return int.from_bytes(self._data[position : position + size], little)

    def _reach(self, end: int) -> None:
        if end > len(self._data):
            raise ContainerError("the TIFF points outside the file")
        self.furthest = max(self.furthest, end)


def header(order: Order, first: int) -> bytes:
    """The eight bytes that a TIFF begins with."""
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, first)


def written(order: Order, fields: Sequence[Field], start: int) -> bytes:
    """One directory that stands at `start` and has no successor, its longer values right behind it.

    Each value begins at an even offset where `start` is even, as section 2 demands.
    """
    ordered = sorted(fields)
    place = start + 2 + 12 * len(ordered) + 4
    table, behind = [struct.pack(order + "H", len(ordered))], bytearray()
    for field in ordered:
        if len(field.values) <= 4:
            value = field.values.ljust(4, b"\0")
        else:
            value = struct.pack(order + "I", place + len(behind))
            behind += field.values + b"\0" * (len(field.values) % 2)
        table.append(struct.pack(order + "HHI", field.tag, field.type, field.number) + value)
    return b"".join((*table, bytes(4), behind))


def numbers(order: Order, tag: int, kind: int, *values: int) -> Field:
    """A field of whole numbers of the type SHORT or LONG; a RATIONAL is given as numerator and denominator."""
    form, each = {SHORT: ("H", 1), LONG: ("I", 1), RATIONAL: ("I", 2)}[kind]
    return Field(tag, kind, len(values) // each, struct.pack(f"{order}{len(values)}{form}", *values))
