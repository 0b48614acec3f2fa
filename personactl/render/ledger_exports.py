"""What an export wrote, what it left out, and what to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger.export_ledger import ExportReport


def show(terminal: Terminal, report: ExportReport) -> None:
    """Every path, the tree, and each thing that is not in it."""
    lines: list[Line] = [["exported ", Styled(name, "bold")] for name in report.written]
    part = "" if report.lines in (None, report.size) else f"{report.lines} of the "
    lines.append([f"{part}{report.size} entries of {report.origin}"])
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
