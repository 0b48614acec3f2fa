"""One write of the ledger: BEGIN IMMEDIATE … COMMIT, all of it or nothing (SPEC 11.3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from personactl_ledger.errors import LedgerError


@dataclass(slots=True)
class Outcome:
    """`committed` turns true when what the block wrote is on the disk, also where an interrupt hid that."""

    committed: bool = False


@contextmanager
def transaction(
    connection: sqlite3.Connection, reload: Callable[[], None], fail: Callable[[], None]
) -> Iterator[Outcome]:
    """Commit what the block wrote. On any error the file and the writer's memory go back to what they were.

    After a rule was broken the writer goes on: `reload` reads its memory again. After the disk failed, or when an
    interrupt ends the tidying up, the outcome is unknown: `fail` is called, and nothing more may be written.
    """
    outcome = Outcome()
    begun = committing = False
    try:
        connection.execute("BEGIN IMMEDIATE")
        begun = True
        yield outcome
        committing = True
        connection.execute("COMMIT")
        outcome.committed = True
    except BaseException as error:
        if isinstance(error, sqlite3.Error) and not begun:
            raise
        # An interrupt that came while COMMIT worked is raised after it: then the transaction is over, without an error.
        outcome.committed = committing and not connection.in_transaction and not isinstance(error, sqlite3.Error)
        try:
            _undo(connection, error, reload, fail)
        except BaseException:
            fail()
            raise
        raise


def _undo(
    connection: sqlite3.Connection, error: BaseException, reload: Callable[[], None], fail: Callable[[], None]
) -> None:
    failed = disk_failed(error)
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not failed:
            reload()
    except (sqlite3.Error, LedgerError):
        failed = True
    if failed:
        fail()


def disk_failed(error: BaseException) -> bool:
    """Whether SQLite could not do what it was asked, other than because of a rule of the schema."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)
