"""Looking through the bytes of a file for what was erased (SPEC 17.1): free pages, slack, overflow pages, journals.

A secret is salt || value, as SQLite writes them side by side. It is cut at every offset into windows of eight bytes;
the files are read eight bytes at a time. Fifteen bytes of a secret, wherever they begin, hold such a window whole.
Windows that a stored row holds too are no trace of the erased one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

WINDOW = 8
CHUNK = 1 << 20
GROUP = 2_000_000
"""Bytes of secrets that are looked for in one pass; bounds the memory."""
SUFFIXES = ("", "-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Remain:
    """Eight bytes of an erased secret that still stand at `offset` of `path`."""

    path: Path
    offset: int


def find_remains(
    ledger: Path, secrets: Sequence[bytes], stored: Sequence[bytes], accounted: Callable[[bytes], bool]
) -> list[Remain]:
    """Where bytes of `secrets` stand in the file or a journal beside it.

    `stored` are the secrets that were not erased; `accounted` tells whether eight bytes stand in another stored text.
    Raises OSError when a file cannot be read.
    """
    found: list[Remain] = []
    known: dict[int, bool] = {}
    for group in _groups(secrets):
        wanted = _windows(group)
        for secret in stored:
            wanted.difference_update(*(_numbers(secret[shift:]) for shift in range(WINDOW)))
        wanted.discard(0)  # zeroes are what erasing leaves
        for path in (ledger.with_name(ledger.name + suffix) for suffix in SUFFIXES):
            for offset, window in _hits(path, wanted):
                if window not in known:
                    known[window] = accounted(window.to_bytes(WINDOW, sys.byteorder))
                if not known[window]:
                    found.append(Remain(path, offset))
    return found


def _groups(secrets: Sequence[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for secret in secrets:
        group.append(secret)
        size += len(secret)
        if size >= GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def _windows(secrets: Iterable[bytes]) -> set[int]:
    """Every eight bytes of every secret, at every offset, as numbers."""
    found: set[int] = set()
    for secret in secrets:
        for shift in range(WINDOW):
            found.update(_numbers(secret[shift:]))
    return found


def _hits(path: Path, wanted: set[int]) -> Iterator[tuple[int, int]]:
    """(offset, window) of each wanted window at a multiple of eight."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        start = 0
        while data := stream.read(CHUNK):
            numbers = _numbers(data)
            if not wanted.isdisjoint(numbers):
                yield from ((start + place * WINDOW, n) for place, n in enumerate(numbers) if n in wanted)
            start += len(data)


def _numbers(data: bytes) -> memoryview[int]:
    """`data` as numbers of eight bytes each; up to seven bytes at the end are left out."""
    whole = len(data) - len(data) % WINDOW
    return memoryview(data)[:whole].cast("Q")
