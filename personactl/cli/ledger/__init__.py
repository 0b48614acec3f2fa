"""`personactl ledger`: read, check, prove, sign, copy and erase. One file for each family of commands."""

from __future__ import annotations

from personactl.cli.ledger import checking, comparing, copying, erasing, reading
from personactl.cli.ledger.group import ledger
from personactl.cli.unavailable import add_refusing

__all__ = ["checking", "comparing", "copying", "erasing", "ledger", "reading"]

add_refusing(
    ledger,
    {
        "checkpoint": "Sign a checkpoint now.",
        "witness": "Cosign checkpoints of another ledger.",
        "timestamp": "Time-stamp the latest checkpoint.",
        "export": "Export entries as JSONL, CSV or tiles.",
    },
)
