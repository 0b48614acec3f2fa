"""Reading what SQLite did not check first, with an end (SPEC 12.3, 12.9; docs/adr/0123).

The pages of a stranger's file need not make a tree. Where many pointers lead to one page, SQLite reads a few hundred
kilobytes for years and says nothing. So steps are counted, and rows must not hold more than the file can.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from personactl_ledger.errors import LedgerCorrupt

_STEPS_BETWEEN_LOOKS = 100_000
_STEPS = 10_000_000
_STEPS_A_PAGE = 5_000
"""Of SQLite's virtual machine. A page of 4,096 bytes has some hundred rows at most, and one takes some ten steps."""
_HELD = {
    "tile": ("total(length(hashes) + length(root))", ""),
    "checkpoint": ("total(length(CAST(note AS BLOB)))", ""),
    "cosignature": ("total(length(CAST(line AS BLOB)))", ""),
    "timestamp": ("total(length(token) + length(coalesce(evidence, '')))", ""),
    "sealed": ("total(length(CAST(value AS BLOB)))", " WHERE idx >= ?"),
}
"""By table, bytes that its rows hold at least: of `sealed` only those about new entries are read."""


class Unending(LedgerCorrupt):
    """More was read than a file of its size can hold (code ledger.database)."""

    def __init__(self) -> None:
        super().__init__(
            "the pages of the file do not make trees: reading them does not end",
            hint="keep the file as it is; restore a backup",
            code="ledger.database",
        )


@contextmanager
def bounded(connection: sqlite3.Connection) -> Iterator[None]:
    """While it lasts, statements of `connection` take a number of steps that fits the size of the file.

    Raises Unending when they take more.
    """
    pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
    left = (_STEPS + _STEPS_A_PAGE * pages) // _STEPS_BETWEEN_LOOKS

    def look() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    connection.set_progress_handler(look, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
            raise
        raise Unending from error
    finally:
        connection.set_progress_handler(None, 0)


def require_room(connection: sqlite3.Connection, start: int) -> None:
    """Raises Unending when the rows of a small table hold more bytes than the file has, sealed values those about
    entries from `start` on. To be asked within `bounded`, before the rows themselves are read."""
    page_count, page_size = (connection.execute(f"PRAGMA page_{name}").fetchone()[0] for name in ("count", "size"))
    for table, (held, where) in _HELD.items():
        sql = f"SELECT {held} FROM {table}{where}"  # noqa: S608  (constants)
        if connection.execute(sql, (start,) if where else ()).fetchone()[0] > page_count * page_size:
            raise Unending
