"""The tree over the lines of an export, also when lines are left out (SPEC 16.3). No files here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from personactl_ledger.errors import FormatError
from personactl_ledger.merkle import node_hash

Ranges = tuple[tuple[int, int], ...]
"""Indexes [start, stop) that grow and neither touch nor overlap."""
Gap = Callable[[int, int], bytes]
"""(start, stop) → the root over leaves that the export leaves out."""


def ranges_of(indexes: Iterable[int]) -> Ranges:
    """Growing indexes as ranges."""
    found: list[tuple[int, int]] = []
    for index in indexes:
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return tuple(found)


def parse_ranges(value: Any, size: int) -> Ranges:
    """Ranges as they stand in an excerpt file, all below `size`. Raises FormatError (code export.excerpt)."""
    edge = -1
    if not isinstance(value, list) or not value:
        raise FormatError("the excerpt names no range", code="export.excerpt")
    for item in value:
        pair = isinstance(item, list) and len(item) == 2 and all(type(number) is int for number in item)
        if not pair or not edge < item[0] < item[1] <= size:
            raise FormatError("the ranges of the excerpt do not grow, or leave the tree", code="export.excerpt")
        edge = item[1]
    return tuple((start, stop) for start, stop in value)


def covered_root(size: int, ranges: Ranges, lines: Iterator[bytes], gap: Gap) -> bytes:
    """The root over `size` leaves (size >= 1): `lines` gives the leaf hashes inside `ranges`, `gap` everything else.

    `gap` is asked in the order of the tree for the largest subtrees of the recursion of SPEC 4.1 without a line. Raises
    FormatError (code export.size) when there are fewer lines.
    """
    starts = [start for start, _ in ranges]

    def root(start: int, stop: int) -> bytes:
        place = bisect_right(starts, stop - 1) - 1  # the last range that begins below `stop`
        if place < 0 or ranges[place][1] <= start:
            return gap(start, stop)
        if stop - start == 1:
            digest = next(lines, None)
            if digest is None:
                raise FormatError("there are fewer lines than the checkpoint covers", code="export.size")
            return digest
        middle = start + (1 << (stop - start - 1).bit_length() - 1)
        left = root(start, middle)
        return node_hash(left, root(middle, stop))

    return root(0, size)


def count(ranges: Sequence[tuple[int, int]]) -> int:
    """Number of lines in the ranges."""
    return sum(stop - start for start, stop in ranges)
