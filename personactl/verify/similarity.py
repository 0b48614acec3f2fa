"""Which recorded pictures a stripped file may be: nearest words of 64 or 256 bits, among millions, in little memory.

A watermark of 64 bits names an entry by itself. An ISCC Image-Code only says that two pictures look alike, so its limit
is set by what other pictures of one series are like. Measured by `bench/similarity.py` on pictures of the pocket pack;
the figures stand in ADR 0611.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

MAX_WATERMARK_DISTANCE = 6
"""Bits of 64 that may differ. A random 64-bit word lies that near to one of a million ids with probability 5e-6."""

MAX_ISCC_DISTANCE = 16
"""Bits of 256 that may differ (ADR 0611)."""

MAX_TIES = 8
"""How many entries are told where several are equally near."""

_CHUNK = 1 << 16
_ENTRY_ID = re.compile(r"[0-9a-f]{32}")
PAYLOAD_BYTES = 8
CODE_BYTES = 32


class Table:
    """Words of equal length with the entries that they belong to. 40 bytes an entry for an ISCC, 16 for a watermark."""

    def __init__(self, words: bytes, width: int, indexes: Sequence[int] | np.ndarray[Any, Any]) -> None:
        """`words`: those of all entries one after another, `width` bytes each, a multiple of 8."""
        rows = np.frombuffer(words, dtype=np.uint64).reshape(-1, width // 8)
        self._columns = [np.ascontiguousarray(column) for column in rows.T]
        self._indexes = np.asarray(indexes, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._indexes)

    def nearest(self, wanted: Sequence[bytes], limit: int) -> list[tuple[int, int]]:
        """(distance in bits, index) of the entries that are nearest to any of `wanted`, if within `limit`: the first
        `MAX_TIES` where several are equally near."""
        nearest: dict[int, int] = {}
        for word in wanted:
            for start in range(0, len(self), _CHUNK):
                for row, apart in self._within(np.frombuffer(word, dtype=np.uint64), start, limit):
                    nearest[row] = min(apart, nearest.get(row, apart))
                    limit = min(limit, apart)
        found = sorted(row for row, apart in nearest.items() if apart == limit)
        return [(limit, int(self._indexes[row])) for row in found[:MAX_TIES]]

    def _within(self, word: np.ndarray[Any, Any], start: int, limit: int) -> Iterator[tuple[int, int]]:
        """(row, distance) of the rows from `start` on, one chunk of them, that are nearest, if within `limit`.

        Most rows are out by their first 64 bits alone.
        """
        part = slice(start, start + _CHUNK)
        apart = np.bitwise_count(self._columns[0][part] ^ word[0])
        rows = np.flatnonzero(apart <= limit)
        apart = apart[rows].astype(np.uint16)
        for column, bits in zip(self._columns[1:], word[1:], strict=True):
            apart += np.bitwise_count(column[part][rows] ^ bits)
        if not len(rows) or (least := int(apart.min())) > limit:
            return
        for row in rows[apart == least][:MAX_TIES]:
            yield start + int(row), least


def distance(one: bytes, other: bytes) -> int:
    """Bits in which two words of equal length differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def payload_of(entry_id: object) -> bytes:
    """The watermark payload of an entry: the first 64 bits of its entryId; empty when it has none."""
    known = isinstance(entry_id, str) and _ENTRY_ID.fullmatch(entry_id)
    return bytes.fromhex(entry_id[: 2 * PAYLOAD_BYTES]) if known and isinstance(entry_id, str) else b""


def tables(marks: Iterable[tuple[int, object, object, bool]]) -> tuple[Table, Table]:
    """Watermark payloads and ISCC codes of (index, entryId, ISCC, whether it was taken back).

    An entry that was taken back keeps its watermark, which names it and no other. Its picture was usually made again
    and looks the same, so its code would only stand beside that of the entry that replaced it.
    """
    from personactl.disclose.fingerprint import bits_of

    payloads, codes = bytearray(), bytearray()
    named, coded = array("q"), array("q")
    for index, entry_id, iscc, taken_back in marks:
        payload, code = payload_of(entry_id), b"" if taken_back else bits_of(iscc)
        if payload:
            payloads += payload
            named.append(index)
        if code:
            codes += code
            coded.append(index)
    return (
        Table(bytes(payloads), PAYLOAD_BYTES, np.frombuffer(named, dtype=np.int64)),
        Table(bytes(codes), CODE_BYTES, np.frombuffer(coded, dtype=np.int64)),
    )
