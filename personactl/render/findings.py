"""Findings for people: severity as a word, the code, the message, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from personactl.render.terminal import Styled, Terminal

if TYPE_CHECKING:
    from personactl.model import Finding

STYLES = {"error": "bad", "warning": "warn", "info": "dim"}


def show(terminal: Terminal, findings: Iterable[Finding], *, indent: str = "", to_err: bool = False) -> None:
    """Each finding as `severity[code]: message` and an indented `help:` line."""
    write = terminal.alert if to_err else terminal.line
    for finding in findings:
        label = Styled(f"{finding.severity}[{finding.code}]", STYLES[finding.severity])
        write(indent, label, f": {finding.message}")
        if finding.hint:
            terminal.prose(f"help: {finding.hint}", indent=f"{indent}  ", to_err=to_err)


def document(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {"code": item.code, "severity": item.severity, "message": item.message, "hint": item.hint} for item in findings
    ]
