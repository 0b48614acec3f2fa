"""Opening the ledger: for a question, or to write."""

from __future__ import annotations

from pathlib import Path
from time import sleep

from personactl_ledger import Ledger, LedgerLocked, LedgerStorage

_TRIES = 10
_SECONDS_BETWEEN = 0.02


def open_writer(path: Path) -> Ledger:
    """The one writer. Whoever only asks whether somebody writes holds the lock for an instant, so a lock that is taken
    is tried again for 0.2 s. Raises LedgerLocked after that, and other LedgerErrors."""
    for _ in range(_TRIES):
        try:
            return Ledger.open_writer(path)
        except LedgerLocked:
            sleep(_SECONDS_BETWEEN)
    return Ledger.open_writer(path)


def open_ledger(path: Path) -> Ledger:
    """A reader. Where a killed process left half a transaction, that is rolled back first, as SQLite wants it.

    A reader cannot roll back, and an answer must not have to wait for the next run. Raises LedgerError.
    """
    try:
        return Ledger.open_reader(path)
    except LedgerStorage as first:
        try:
            Ledger.open_writer(path).close()
        except (LedgerLocked, LedgerStorage):
            raise first from None
        return Ledger.open_reader(path)
