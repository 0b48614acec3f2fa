"""The SQLite schema as shipped in `schema.sql`, and what a file's own schema must equal (SPEC 11.1)."""

from __future__ import annotations

import sqlite3
from functools import cache

from personactl_ledger.shipped import SCHEMA, shipped

APPLICATION_ID = 0x504C4731
USER_VERSION = 1
PAGE_SIZE = 4096
MAGIC = b"SQLite format 3\x00"
ROLLBACK_JOURNAL = b"\x01\x01"
"""Bytes 18 and 19 of the header of a file that is not in write-ahead-log mode."""

Objects = dict[tuple[str, str], tuple[str, bool, str | None]]
"""(type, name) → the table that it is of, whether it has a page of its own, SQL text, as sqlite_master keeps them."""


@cache
def schema_sql() -> str:
    """The text of schema.sql: inside the installed package, else beside it in a checkout."""
    return shipped(SCHEMA).decode("utf-8")


@cache
def expected_objects() -> Objects:
    """The objects that `schema.sql` makes in an empty database."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(schema_sql())
        return read_objects(connection)
    finally:
        connection.close()


def read_objects(connection: sqlite3.Connection) -> Objects:
    """The objects of an open database. What is not text or no UTF-8 comes back escaped, and equals nothing of ours."""
    text = "CAST(CASE WHEN typeof({0}) IN ('text', 'null') THEN {0} ELSE X'ff' END AS BLOB)"
    columns = ", ".join(text.format(column) for column in ("type", "name", "tbl_name", "sql"))
    rows = connection.execute(f"SELECT {columns}, rootpage IS NOT 0 FROM sqlite_master").fetchall()  # noqa: S608
    return {
        (_text(kind), _text(name)): (_text(table), bool(rooted), None if sql is None else _text(sql))
        for kind, name, table, sql, rooted in rows
    }


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "backslashreplace")
