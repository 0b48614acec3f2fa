"""What the walkers of the formats find in a file: the blocks that carry marks, without decoding a pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

MAX_PARTS = 20_000
"""Chunks or segments of one file. A PNG of 160 MB in the usual 8 KiB chunks fits; the C2PA library takes 16 µs a chunk,
so that a file of empty chunks could hold it for an hour."""

Part = TypeVar("Part")


class ContainerError(ValueError):
    """The file breaks the rules of its format; the message says which."""


class OverLimitError(ContainerError):
    """The file may be well-formed, but nothing goes on with it: whoever read or decoded it would be busy for long, or
    things may hide in it."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """The mark-carrying blocks of one file, each as often as it occurs.

    `exif` holds TIFF structures without the "Exif" prefix, `c2pa` whole JUMBF manifest stores; `trailing` counts the
    bytes after the end of the content. `unhashed`: where (start, length) a data hash leaves something out, in a format
    in which that is more than the manifest store.
    """

    xmp: list[bytes] = field(default_factory=list)
    exif: list[bytes] = field(default_factory=list)
    c2pa: list[bytes] = field(default_factory=list)
    trailing: int = 0
    unhashed: list[tuple[int, int]] = field(default_factory=list)


def bounded(found: Iterable[Part]) -> Iterator[Part]:
    """The same parts. Raises OverLimitError when there are more than MAX_PARTS."""
    for number, part in enumerate(found):
        if number >= MAX_PARTS:
            raise OverLimitError(f"it has more than {MAX_PARTS} parts")
        yield part
