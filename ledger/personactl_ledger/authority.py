"""What SQL a connection to a ledger may run: a belt beside the triggers and the tree (SQLite's authorizer).

The writer adds rows to the tables of schema.sql and deletes from `sealed` (SPEC 10.3); readers read. Anything else is
refused when the statement is prepared: UPDATE, DROP, ALTER, ATTACH (and so VACUUM INTO), new tables or triggers,
loading of extensions, settings that were read back. It is no evidence: whoever has the file can open it without these
rules.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

APPENDED = frozenset({"entry", "tile", "checkpoint", "cosignature", "timestamp", "sealed"})
DELETED = frozenset({"sealed"})

_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION,
     sqlite3.SQLITE_SAVEPOINT}
)  # fmt: skip
_UNFIT_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
_WITH_ARGUMENT = frozenset(
    {"quick_check", "integrity_check", "foreign_key_check", "foreign_key_list", "table_info", "table_xinfo",
     "table_list", "index_info", "index_xinfo", "index_list", "busy_timeout", "cache_size", "max_page_count"}
)  # fmt: skip
"""PRAGMAs whose argument says what to look at, or only how much memory, time or space to use."""
_UNASKED = frozenset({"incremental_vacuum", "optimize", "shrink_memory", "wal_checkpoint"})
"""PRAGMAs that do something without an argument."""
_READER_SETTINGS = frozenset({("trusted_schema", "on"), ("recursive_triggers", "on"), ("temp_store", "file")})
"""What `tables`, exports and sqlite-utils set on connections that read."""
_WRITER_SETTINGS = frozenset({("journal_mode", "delete")})
"""What closing a ledger sets (docs/adr/0100)."""

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def reader(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
    """SQLITE_OK for what only reads."""
    return _verdict(_reads(action, first, second, _READER_SETTINGS))


def writer(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
    """SQLITE_OK for what reads, appends, or erases a sealed value."""
    if action == sqlite3.SQLITE_INSERT:
        return _verdict(first in APPENDED)
    if action == sqlite3.SQLITE_DELETE:
        return _verdict(first in DELETED)
    return _verdict(_reads(action, first, second, _WRITER_SETTINGS))


def restrict(connection: sqlite3.Connection, authorizer: Authorizer) -> None:
    """From now on `connection` runs only what `authorizer` allows. Other statements raise sqlite3.DatabaseError.

    Where Python can say so (3.12 on) SQLite's defensive mode is on as well: no writable_schema, no journal that is off.
    """
    connection.set_authorizer(authorizer)
    configure: Any = getattr(connection, "setconfig", None)
    if configure is not None:
        configure(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)  # type: ignore[attr-defined,unused-ignore]


def _reads(action: int, first: str | None, second: str | None, settings: frozenset[tuple[str, str]]) -> bool:
    if action in _READING:
        return True
    if action == sqlite3.SQLITE_FUNCTION:
        return second not in _UNFIT_FUNCTIONS
    if action == sqlite3.SQLITE_PRAGMA and first is not None:
        name = first.lower()
        if second is None:
            return name not in _UNASKED
        return name in _WITH_ARGUMENT or (name, second.lower()) in settings
    return False


def _verdict(allowed: bool) -> int:
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
