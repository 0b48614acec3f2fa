"""A map from text keys to entry indexes in 16 bytes a slot: open addressing over two arrays, nothing ever removed.

A Python dictionary with its key and value objects takes ten times as much, and a check of a million entries keeps two
such maps. Only Python's own 64-bit digest of a key is stored; it is seeded afresh in every process, so a file cannot be
made to collide. Equal digests are settled by asking the caller whether the entry really has the key.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

_MASK = 2**64 - 1
_SMALLEST = 1024

Same = Callable[[int], bool]
"""Whether the entry at an index has the key that is looked for."""


class KeyTable:
    """At most half of the slots are used, so a search ends after a step or two."""

    __slots__ = ("_digests", "_places", "_used")

    def __init__(self) -> None:
        self._digests = array("Q", bytes(8 * _SMALLEST))
        self._places = array("Q", bytes(8 * _SMALLEST))
        """Index + 1, or 0 in a free slot."""
        self._used = 0

    def find(self, key: str, same: Same) -> int | None:
        """The index that was put under `key`."""
        found = self._places[self._slot(hash(key) & _MASK, same)]
        return found - 1 if found else None

    def put(self, key: str, index: int, same: Same) -> None:
        """Put `index` under `key`, in place of an earlier one."""
        digest = hash(key) & _MASK
        slot = self._slot(digest, same)
        if not self._places[slot]:
            self._used += 1
        self._digests[slot] = digest
        self._places[slot] = index + 1
        if self._used * 2 > len(self._places):
            self._grow()

    def _slot(self, digest: int, same: Same) -> int:
        """The slot with the key, else the free one where it goes."""
        places, digests = self._places, self._digests
        last = len(places) - 1
        slot = digest & last
        while place := places[slot]:
            if digests[slot] == digest and same(place - 1):
                return slot
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        digests, places = self._digests, self._places
        size = 2 * len(places)
        self._digests = array("Q", bytes(8 * size))
        self._places = array("Q", bytes(8 * size))
        for digest, place in zip(digests, places, strict=True):
            if place:
                slot = digest & (size - 1)
                while self._places[slot]:
                    slot = (slot + 1) & (size - 1)
                self._digests[slot] = digest
                self._places[slot] = place
