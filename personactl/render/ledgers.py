"""What a check of the ledger found, and what it could not see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.render import ledger_findings
from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger import CheckReport


def show_check(
    terminal: Terminal, report: CheckReport, *, exit_code: int, save: Path | None = None, saved: Path | None = None,
    against: Sequence[str] = (),
) -> None:  # fmt: skip
    """Every finding, the verdict as a word, and each note about what this check did not cover.

    `save` is where the latest checkpoint was to be kept, `saved` the same when it was. `against` is what the project
    remembers and the file contradicts.
    """
    ledger_findings.tell(terminal, report.findings)
    lines: list[Line] = [
        *_summary(report),
        *([Styled(f"  note: {note}", "warn")] for note in against),
        *([f"  note: {note}"] for note in report.notes),
    ]
    lines += ledger_findings.explained(report.findings)
    if saved is not None:
        lines.append(["  kept for --since: ", Styled(str(saved), "bold")])
    elif save is not None:
        lines.append(["  nothing was kept: there is no checkpoint that this check found good"])
    terminal.result(_document(report, exit_code, saved, against), lines)


def _document(report: CheckReport, exit_code: int, saved: Path | None, against: Sequence[str]) -> dict[str, Any]:
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
        "notes": [*against, *report.notes],
        "findings": ledger_findings.as_documents(report.findings),
    }


def _summary(report: CheckReport) -> list[Line]:
    word = ledger_findings.verdict(report.findings, report.exit_code)
    if not report.origin:  # nothing of it could be read as entries
        return [[word, f": no entry was read ({report.level} check)"]]
    lines: list[Line] = [
        [word, f": {counted(report.size, 'entry')} in {report.origin} ({report.level} check)"],
        [Styled(f"  root {report.root_hex}, {report.checkpoints} checkpoints, {report.signed_size} signed", "dim")],
    ]
    if report.development:
        lines.append([Styled("  development keys: not for release", "warn")])
    return [*lines, *([f"  {shown}"] for shown in report.shown)]
