"""`personactl ledger check --export`: an export by the rules of SPEC 16.9, without the ledger that it was taken of.

An option, not a guess from the bytes: whoever damages a file must not choose the rules by which it is judged, and an
export shows less than a ledger (no sealed values, no time stamps).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from personactl.errors import EXIT_NO_ANCHOR, EXIT_OK, UsageProblem
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl_ledger import LedgerTrust


def refuse_beside_export(**given: object) -> None:
    """Raises UsageProblem (code cli.check-export) where an option has a value that says nothing about an export."""
    named = [f"--{name}" for name, value in given.items() if value]
    if named:
        raise UsageProblem(
            f"{' and '.join(named)} cannot go with --export: an export is always checked as a whole, by itself",
            hint="personactl ledger check --export PATH", code="cli.check-export",
        )  # fmt: skip


def check_exported(
    terminal: Terminal, place: Path, anchors: Sequence[bytes], trust: LedgerTrust | None, *, require_anchor: bool
) -> int:
    """Check, show, and return the exit code: that of the check, else 11 where an anchor was required and none held."""
    from personactl_ledger.export_check import check_export

    from personactl.render import ledger_exports

    report = check_export(place, anchors=anchors, trust=trust)
    code = report.exit_code or (EXIT_NO_ANCHOR if require_anchor and not report.anchored else EXIT_OK)
    ledger_exports.show_check(terminal, report, exit_code=code)
    return code
