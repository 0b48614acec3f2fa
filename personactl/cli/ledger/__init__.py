"""`personactl ledger`: read, check, prove, sign, copy and erase. One file for each family of commands."""

from __future__ import annotations

from personactl.cli.ledger import checking, exporting, reading
from personactl.cli.ledger.group import ledger
from personactl.cli.unavailable import add_refusing

__all__ = ["checking", "exporting", "ledger", "reading"]

add_refusing(
    ledger,
    {
        "checkpoint": "Sign a checkpoint now.",
        "witness": "Cosign checkpoints of another ledger.",
        "timestamp": "Time-stamp the latest checkpoint.",
        "erase": "Erase sealed personal data.",
        "backup": "Write a backup.",
        "restore": "Open a new ledger from a backup.",
        "compare": "Compare two ledgers or checkpoints.",
        "merge": "Take in the entries of another writer.",
    },
)
