"""`personactl ledger`: read, check, prove, sign, copy and erase. One file for each family of commands."""

from __future__ import annotations

from personactl.cli.ledger import (
    checking,
    comparing,
    copying,
    erasing,
    exporting,
    reading,
    signing,
    stamping,
    witnessing,
)
from personactl.cli.ledger.group import ledger

__all__ = [
    "checking",
    "comparing",
    "copying",
    "erasing",
    "exporting",
    "ledger",
    "reading",
    "signing",
    "stamping",
    "witnessing",
]
