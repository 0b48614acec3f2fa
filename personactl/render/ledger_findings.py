"""What every check of a ledger, or of what was taken of one, says alike: its findings, and the verdict as a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger import LedgerFinding

STYLES = {"error": "bad", "warning": "warn"}
MOST_EXPLAINED = 3
AGAINST_ANCHOR = frozenset({"ledger.anchor", "ledger.rollback", "ledger.fork"})


def tell(terminal: Terminal, findings: Sequence[LedgerFinding]) -> None:
    """A line for each."""
    for item in findings:
        place = "" if item.index is None else f" at entry {item.index}"
        terminal.line(Styled(f"{item.severity}[{item.code}]", STYLES[item.severity]), f"{place}: {item.message}")


def verdict(findings: Sequence[LedgerFinding], exit_code: int) -> Styled:
    """The word for `exit_code`, that of the check alone: 0 good, 4 broken, 5 whole but not by trusted signers."""
    errors = set(_errors(findings))
    if exit_code == 0:
        return Styled("good", "good")
    if errors <= AGAINST_ANCHOR:
        return Styled("contradicts an anchor", "bad")
    if errors == {"ledger.journal"}:
        return Styled("not checked", "bad")
    return Styled("not trusted" if exit_code == 5 else "broken", "bad")


def explained(findings: Sequence[LedgerFinding]) -> list[Line]:
    """Where to read on about the first errors."""
    return [[Styled(f"  → personactl explain {code}", "dim")] for code in _errors(findings)[:MOST_EXPLAINED]]


def as_documents(findings: Sequence[LedgerFinding]) -> list[dict[str, Any]]:
    return [
        {"code": item.code, "severity": item.severity, "message": item.message, "index": item.index}
        for item in findings
    ]


def _errors(findings: Sequence[LedgerFinding]) -> list[str]:
    """The codes of errors, each once, in order."""
    return list(dict.fromkeys(item.code for item in findings if item.severity == "error"))
