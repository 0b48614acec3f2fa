"""One write of the ledger: BEGIN IMMEDIATE … COMMIT, all of it or nothing (SPEC 11.3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from personactl_ledger.errors import LedgerError


@contextmanager
def transaction(connection: sqlite3.Connection, reload: Callable[[], None], fail: Callable[[], None]) -> Iterator[None]:
    """Commit what the block wrote. On any error the file and the writer's memory go back to what they were.

    After a rule was broken the writer goes on: `reload` reads its memory again. After the disk failed the outcome is
    unknown: `fail` is called, and nothing more may be written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        failed = isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if not failed:
                reload()
        except (sqlite3.Error, LedgerError):
            failed = True
        if failed:
            fail()
        raise
