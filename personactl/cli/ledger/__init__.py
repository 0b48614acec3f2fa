"""`personactl ledger`: read, check, prove, sign, copy and erase. One file for each family of commands."""

from __future__ import annotations

from personactl.cli.ledger import checking, reading, signing, stamping, witnessing
from personactl.cli.ledger.group import ledger
from personactl.cli.unavailable import add_refusing

__all__ = ["checking", "ledger", "reading", "signing", "stamping", "witnessing"]

add_refusing(
    ledger,
    {
        "export": "Export entries as JSONL, CSV or tiles.",
        "erase": "Erase sealed personal data.",
        "backup": "Write a backup.",
        "restore": "Open a new ledger from a backup.",
        "compare": "Compare two ledgers or checkpoints.",
        "merge": "Take in the entries of another writer.",
    },
)
