"""`personactl ledger`: read, check, prove, sign, copy and erase. One file for each family of commands."""

from __future__ import annotations

from personactl.cli.ledger import checking, comparing, copying, erasing, reading, signing, stamping, witnessing
from personactl.cli.ledger.group import ledger
from personactl.cli.unavailable import add_refusing

__all__ = ["checking", "comparing", "copying", "erasing", "ledger", "reading", "signing", "stamping", "witnessing"]

add_refusing(
    ledger,
    {
        "export": "Export entries as JSONL, CSV or tiles.",
    },
)
