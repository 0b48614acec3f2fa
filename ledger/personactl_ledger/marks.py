"""What re-encoded copies of delivered files are found by: for each file entry its entryId and its ISCC."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

Marks = tuple[int, str | None, str | None, bool]
"""(index, entryId, ISCC or whatever stands in its place, whether the entry was taken back)."""

_ROWS = 4096
_SQL = (
    "SELECT idx, entry_id, json_extract(statement, '$.predicate.iscc'),"
    " EXISTS (SELECT 1 FROM entry AS v WHERE v.voids = o.idx)"
    " FROM entry AS o WHERE kind = ? AND idx > ? ORDER BY idx LIMIT ?"
)


def marks(connection: sqlite3.Connection) -> Iterator[Marks]:
    """Of every output and adoption, read in parts so that no lock is held in between."""
    for kind in ("output", "adoption"):
        last = -1
        while rows := connection.execute(_SQL, (kind, last, _ROWS)).fetchall():
            yield from ((int(index), entry_id, iscc, bool(taken)) for index, entry_id, iscc, taken in rows)
            last = rows[-1][0]
