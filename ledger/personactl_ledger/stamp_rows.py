"""Rows of the table `timestamp` (SPEC 8.3, 11): plain SQL, and the form that a receipt carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personactl_ledger.der import split
from personactl_ledger.errors import LedgerCorrupt
from personactl_ledger.receipt import Timestamp
from personactl_ledger.store import Store

_COLUMNS = "id, size, tsa, hash_algorithm, token, covers, coalesce(evidence, X'')"


@dataclass(frozen=True, slots=True, kw_only=True)
class StampRow:
    """One row. `token` is the response in DER, `covers` the id of the row that it renews, `evidence` DER values one
    after another."""

    id: int
    size: int
    tsa: str
    hash_algorithm: str
    token: bytes
    covers: int | None
    evidence: bytes


def rows_of(store: Store, size: int) -> list[StampRow]:
    """The tokens over the checkpoint of that size, oldest first."""
    return _rows(store, "WHERE size = ? ORDER BY id", (size,))


def newest_row(store: Store) -> StampRow | None:
    """The token that was stored last."""
    found = _rows(store, "ORDER BY id DESC LIMIT 1", ())
    return found[0] if found else None


def has_token(store: Store, token: bytes) -> bool:
    """Whether these very bytes are stored."""
    return store.connection.execute("SELECT 1 FROM timestamp WHERE token = ?", (token,)).fetchone() is not None


def insert_row(
    store: Store, size: int, tsa: str, hash_algorithm: str, token: bytes, covers: int | None, evidence: Sequence[bytes],
    received_at: str,
) -> None:  # fmt: skip
    """Add one, inside the caller's transaction."""
    store.connection.execute(
        "INSERT INTO timestamp (id, size, tsa, hash_algorithm, token, covers, evidence, received_at) "
        "VALUES ((SELECT coalesce(max(id) + 1, 1) FROM timestamp), ?, ?, ?, ?, ?, ?, ?)",
        (size, tsa, hash_algorithm, token, covers, b"".join(evidence) or None, received_at),
    )


def stamps_of(store: Store, size: int) -> tuple[Timestamp, ...]:
    """The tokens over a checkpoint as a receipt carries them: `covers` is a place in this list (SPEC 8.3).

    Raises LedgerCorrupt (code ledger.timestamp) when a row covers none of them.
    """
    rows = rows_of(store, size)
    places: dict[int | None, int | None] = {None: None, **{row.id: place for place, row in enumerate(rows)}}
    if not all(row.covers in places for row in rows):
        raise LedgerCorrupt(f"a time stamp over {size} entries renews one over others", code="ledger.timestamp")
    return tuple(
        Timestamp(
            tsa=row.tsa,
            hash_algorithm=row.hash_algorithm,
            token=row.token,
            covers=places[row.covers],
            evidence=tuple(value.encoded for value in split(row.evidence)),
        )
        for row in rows
    )


def _rows(store: Store, which: str, values: tuple[int, ...]) -> list[StampRow]:
    found = store.connection.execute(f"SELECT {_COLUMNS} FROM timestamp {which}", values)  # noqa: S608
    return [
        StampRow(
            id=row[0], size=row[1], tsa=row[2], hash_algorithm=row[3], token=bytes(row[4]), covers=row[5],
            evidence=bytes(row[6]),
        )
        for row in found.fetchall()
    ]  # fmt: skip
