"""What an export wrote and left out, and what a check of one found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from personactl.render import ledger_findings
from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger.export_check import ExportCheck
    from personactl_ledger.export_ledger import ExportReport

FORMS = {"jsonl": "JSON lines", "excerpt": "an excerpt", "tiles": "tiles", "folder": "a folder"}


def show(terminal: Terminal, report: ExportReport) -> None:
    """Every path, the tree, and each thing that is not in it."""
    lines: list[Line] = [["exported ", Styled(name, "bold")] for name in report.written]
    part = "" if report.lines in (None, report.size) else f"{report.lines} of the "
    lines.append([f"{part}{counted(report.size, 'entry')} of {report.origin}"])
    if report.root_hex is not None:
        lines.append([Styled(f"  root {report.root_hex}", "dim")])
    if report.left_out:
        lines.append([f"  note: {report.left_out} later entries are in no checkpoint yet and were left out"])
    if report.sealed:
        lines.append([Styled(f"  note: {report.sealed} sealed values are in it: personal data", "warn")])
    document = {
        "schema": "personactl.ledger-export/1",
        "origin": report.origin,
        "size": report.size,
        "lines": report.lines,
        "root": report.root_hex,
        "leftOut": report.left_out,
        "sealed": report.sealed,
        "paths": list(report.written),
    }
    terminal.result(document, lines)


def show_check(terminal: Terminal, report: ExportCheck, *, exit_code: int) -> None:
    """Every finding, the verdict as a word, what was there, and each note about what it cannot show."""
    ledger_findings.tell(terminal, report.findings)
    word = ledger_findings.verdict(report.findings, report.exit_code)
    size = counted(report.size, "entry")
    there = f"{report.lines} of {size}" if report.kind == "excerpt" else size
    lines: list[Line] = [
        [word, f": {there} in {report.origin or 'an unknown ledger'} ({FORMS[report.kind]})"],
        *([[Styled(f"  root {report.root_hex}", "dim")]] if report.root_hex else []),
        *([f"  note: {note}"] for note in report.notes),
        *ledger_findings.explained(report.findings),
    ]
    document = {
        "schema": "personactl.ledger-check-export/1",
        "ok": report.exit_code == 0,
        "exit": exit_code,
        "form": report.kind,
        "origin": report.origin,
        "size": report.size,
        "root": report.root_hex,
        "lines": report.lines,
        "anchored": report.anchored,
        "notes": list(report.notes),
        "findings": ledger_findings.as_documents(report.findings),
    }
    terminal.result(document, lines)
