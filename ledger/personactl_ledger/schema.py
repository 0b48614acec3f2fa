"""The SQLite schema as shipped in `schema.sql`, and what a file's own schema must equal (SPEC 11.1)."""

from __future__ import annotations

import sqlite3
from functools import cache

from personactl_ledger.shipped import SCHEMA, shipped

APPLICATION_ID = 0x504C4731
USER_VERSION = 1
MAGIC = b"SQLite format 3\x00"
ROLLBACK_JOURNAL = b"\x01\x01"
"""Bytes 18 and 19 of the header of a file that is not in write-ahead-log mode."""

Objects = dict[tuple[str, str], str | None]
"""(type, name) → SQL text, as sqlite_master keeps it."""


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
    """The objects of an open database. Bytes that are no UTF-8 come back escaped, and so equal nothing of ours."""
    columns = ", ".join(f"CAST({column} AS BLOB)" for column in ("type", "name", "sql"))
    rows = connection.execute(f"SELECT {columns} FROM sqlite_master").fetchall()  # noqa: S608  (column names)
    return {(_text(kind), _text(name)): None if sql is None else _text(sql) for kind, name, sql in rows}


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "backslashreplace")
