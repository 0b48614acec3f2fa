"""What a run did, and where a run stands: counts that add up, and every picture that needs attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from personactl.render import findings
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl.run import RunSummary, ShotOutcome

STYLES = {"done": "good", "standing": "good", "taken-over": "good", "rejected": "bad", "failed": "bad", "left": "warn"}
COUNTS = ("planned", "done", "failed", "rejected", "skipped")


def show(terminal: Terminal, summary: RunSummary, *, left: bool = False) -> None:
    """The end of a run: pictures that were not made, then `planned = done + failed + rejected + skipped`."""
    for outcome in summary.outcomes:
        if outcome.state in ("failed", "rejected") or (left and outcome.state == "left") or terminal.verbosity > 0:
            terminal.line(*_outcome(outcome))
    findings.show(terminal, summary.findings)
    terminal.result(document(summary), [_sum(summary), *_where(summary)])


def document(summary: RunSummary) -> dict[str, Any]:
    """The summary as `personactl.run/1`."""
    outcomes = [
        {
            "shot": item.shot_id, "index": item.index, "file": item.file_name, "state": item.state,
            "reason": item.reason, "path": item.where, "entryIndex": item.entry_index,
        }
        for item in summary.outcomes
    ]  # fmt: skip
    return {
        "schema": "personactl.run/1",
        "run": summary.run_id,
        **{name: getattr(summary, name) for name in COUNTS},
        "takenOver": summary.taken_over,
        "recovered": summary.recovered,
        "left": summary.left,
        "exit": summary.exit_code,
        "outcomes": outcomes,
        "findings": findings.document(summary.findings),
    }


def _outcome(outcome: ShotOutcome) -> list[str | Styled]:
    reason = f"  {outcome.reason}" if outcome.reason else ""
    return [f"  {outcome.file_name}  ", Styled(outcome.state, STYLES.get(outcome.state, "dim")), reason]


def _sum(summary: RunSummary) -> Line:
    parts = [f"{getattr(summary, name)} {name}" for name in COUNTS[1:]]
    style = "good" if summary.exit_code == 0 else "bad"
    return [Styled(f"{summary.planned} planned", style), " = ", " + ".join(parts)]


def _where(summary: RunSummary) -> list[Line]:
    notes: list[Line] = []
    if summary.taken_over:
        notes.append(f"  {summary.taken_over} of the skipped stand in other runs and were taken over")
    if summary.recovered:
        notes.append(f"  {summary.recovered} were finished from an earlier, interrupted start")
    made = [item for item in summary.outcomes if item.where]
    if made:
        notes.append(["  files in ", Styled(f"out/{summary.run_id}", "bold")])
    return notes
