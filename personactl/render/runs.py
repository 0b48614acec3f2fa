"""What a run did, and where a run stands: counts that add up, and every picture that needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.render import findings
from personactl.render.columns import columns
from personactl.render.contact_sheet import Cell, render
from personactl.render.counts import counted
from personactl.render.terminal import Line, Part, Styled, Terminal

if TYPE_CHECKING:
    from personactl.run import PictureStatus, RunStatus, RunSummary, ShotOutcome

STYLES = {"done": "good", "standing": "good", "taken-over": "good", "rejected": "bad", "failed": "bad", "left": "warn"}
COUNTS = ("done", "failed", "rejected", "skipped")
_WRONG = {"run.file-missing": "missing", "integrity.altered": "altered", "run.distrusted": "distrusted"}


# --- the end of a run ------------------------------------------------------------------------------------------------


def show(terminal: Terminal, summary: RunSummary, *, exit_code: int) -> None:
    """Pictures that were not made, then `planned = done + failed + rejected + skipped`, then where the files are."""
    for outcome in summary.outcomes:
        if outcome.state in ("failed", "rejected") or terminal.verbosity > 0:
            terminal.line(*_outcome(outcome))
    findings.show(terminal, summary.findings)
    terminal.result(document(summary, exit_code), [_sum(summary), *_notes(summary)])


def document(summary: RunSummary, exit_code: int) -> dict[str, Any]:
    """The summary as `personactl.run/1`."""
    return {
        "schema": "personactl.run/1",
        "run": summary.run_id,
        "planned": summary.planned,
        **{name: getattr(summary, name) for name in COUNTS},
        "takenOver": summary.taken_over,
        "recovered": summary.recovered,
        "voided": summary.voided,
        "left": summary.left,
        "firstIndex": summary.first_index,
        "lastIndex": summary.last_index,
        "exit": exit_code,
        "outcomes": [_outcome_document(item) for item in summary.outcomes],
        "findings": findings.document(summary.findings),
    }


def _outcome_document(item: ShotOutcome) -> dict[str, Any]:
    return {
        "shot": item.shot_id,
        "index": item.index,
        "file": item.file_name,
        "state": item.state,
        "reason": item.reason,
        "path": item.where,
        "entryIndex": item.entry_index,
    }


def _outcome(outcome: ShotOutcome) -> list[Part]:
    reason = f"  {outcome.reason}" if outcome.reason else ""
    return [f"  {outcome.file_name}  ", Styled(outcome.state, STYLES[outcome.state]), reason]


def _sum(summary: RunSummary) -> Line:
    parts = [f"{getattr(summary, name)} {name}" for name in COUNTS]
    whole = summary.done + summary.skipped == summary.planned and not summary.left
    return [Styled(f"{summary.planned} planned", "good" if whole else "bad"), " = ", " + ".join(parts)]


def _notes(summary: RunSummary) -> list[Line]:
    told = [
        (summary.taken_over, "stand in other runs and were taken over"),
        (summary.recovered, "were finished from an earlier, interrupted start"),
        (summary.left, "were not reached; the same command goes on"),
    ]
    notes: list[Line] = [f"  {number} {text}" for number, text in told if number]
    if summary.rejected or summary.failed:
        notes.append(f"  why: personactl status {summary.run_id} --why SHOT")
    if any(item.where for item in summary.outcomes):
        notes.append(["  files and receipts: ", Styled(f"out/{summary.run_id}", "bold")])
    return notes


# --- where a run stands ----------------------------------------------------------------------------------------------


def show_status(terminal: Terminal, status: RunStatus) -> None:
    """A line for every picture and the counts."""
    rows = [(item.file_name, _state(item), str(item.attempts), _identity(item)) for item in status.pictures]
    lines = columns(("PICTURE", "STATE", "ATTEMPTS", "IDENTITY"), rows, terminal.width(terminal.out))
    counts = " + ".join(f"{getattr(status, name)} {name}" for name in ("done", "failed", "rejected", "left"))
    active = "; a command is writing to this ledger now" if status.active else ""
    starts = f"started {counted(status.starts, 'time')}"
    lines += [
        [Styled(status.run_id, "bold"), f"  {status.manifest_path}, {starts}{active}"],
        f"{status.planned} planned = {counts}",
    ]
    terminal.result(status_document(status), lines)


def status_document(status: RunStatus) -> dict[str, Any]:
    """The status as `personactl.status/1`."""
    value = asdict(status)
    pictures = [{_camel(name): item for name, item in picture.items()} for picture in value.pop("pictures")]
    return {
        "schema": "personactl.status/1",
        **{_camel(name): item for name, item in value.items()},
        "pictures": pictures,
    }


def show_why(terminal: Terminal, run_id: str, reasons: Sequence[tuple[str, str]]) -> None:
    """The reason of each picture, which may have several lines."""
    for name, reason in reasons:
        first, *others = reason.split("\n")
        terminal.line(Styled(name, "bold"), f"  {first}")
        for line in others:
            terminal.line("  ", line)
    told = [{"file": name, "reason": reason} for name, reason in reasons]
    terminal.result({"schema": "personactl.why/1", "run": run_id, "shots": told})


def contact_sheet(status: RunStatus, project: Path) -> bytes:
    """Every picture of the run with its name, its score and what became of it, as PNG."""
    cells = [
        Cell(
            picture=project / item.path if item.path else None,
            lines=tuple(filter(None, (item.file_name, _identity(item), _unusual(item)))),
        )
        for item in status.pictures
    ]
    return render(f"{status.run_id}: {status.done} of {status.planned} done, {status.rejected} rejected", cells)


def _unusual(item: PictureStatus) -> str:
    return "" if item.state == "done" and not item.reason else _state(item).text


def _state(item: PictureStatus) -> Styled:
    """The state; for an output also what became of its file since."""
    lost = _WRONG.get(item.reason)
    return Styled(f"{item.state}, {lost}", "bad") if lost else Styled(item.state, STYLES[item.state])


def _identity(item: PictureStatus) -> str:
    """Verdict and score, then the code of what is wrong with the shot or its file."""
    score = f" {item.score} (threshold {item.threshold})" if item.score else ""
    verdict = f"{item.verdict}{score}" if item.verdict else ""
    return "  ".join(filter(None, (verdict, item.reason)))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
