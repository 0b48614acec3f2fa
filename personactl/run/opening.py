"""Opening the ledger for a question."""

from __future__ import annotations

from pathlib import Path

from personactl_ledger import Ledger, LedgerLocked, LedgerStorage


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
