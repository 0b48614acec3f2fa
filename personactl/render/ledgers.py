"""What a check of the ledger found, and what it could not see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger import CheckReport

STYLES = {"error": "bad", "warning": "warn"}


def show_check(
    terminal: Terminal, report: CheckReport, *, exit_code: int, save: Path | None = None, saved: Path | None = None
) -> None:
    """Every finding, the verdict as a word, and each note about what this check did not cover.

    `save` is where the latest checkpoint was to be kept, `saved` the same when it was.
    """
    for item in report.findings:
        place = "" if item.index is None else f" at entry {item.index}"
        terminal.line(Styled(f"{item.severity}[{item.code}]", STYLES[item.severity]), f"{place}: {item.message}")
    lines: list[Line] = [
        [_verdict(report), f": {report.size} entries in {report.origin} ({report.level} check)"],
        [Styled(f"  root {report.root_hex}, {report.checkpoints} checkpoints, {report.signed_size} signed", "dim")],
        *([f"  {shown}"] for shown in report.shown),
        *([f"  note: {note}"] for note in report.notes),
    ]
    if saved is not None:
        lines.append(["  kept for --since: ", Styled(str(saved), "bold")])
    elif save is not None:
        lines.append(["  nothing was kept: there is no checkpoint that this check found good"])
    terminal.result(_document(report, exit_code, saved), lines)


def _document(report: CheckReport, exit_code: int, saved: Path | None) -> dict[str, Any]:
    return {
        "schema": "personactl.ledger-check/1",
        "ok": report.ok,
        "exit": exit_code,
        "level": report.level,
        "origin": report.origin,
        "size": report.size,
        "root": report.root_hex,
        "checkpoints": report.checkpoints,
        "signedSize": report.signed_size,
        "anchored": report.anchored,
        "development": report.development,
        "since": report.since,
        "saved": None if saved is None else str(saved),
        "distrusted": list(report.distrusted),
        "timeStamps": list(report.shown),
        "notes": list(report.notes),
        "findings": [
            {"code": item.code, "severity": item.severity, "message": item.message, "index": item.index}
            for item in report.findings
        ],
    }


def _verdict(report: CheckReport) -> Styled:
    if report.exit_code == 0:
        return Styled("good", "good")
    return Styled("not trusted" if report.exit_code == 5 else "broken", "bad")
