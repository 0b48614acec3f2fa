"""Verdicts of `verify` for people: one line for every file, its findings below it, and a count at the end.

    rain-0.png  PASS (development keys: not for release)  lira@1 · ledger #4
      integrity exact · credential embedded · trust trusted · disclosure synthetic · ledger exact
      not checked: watermark, approval
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from personactl.render import findings
from personactl.render.terminal import Part, Styled, Terminal

if TYPE_CHECKING:
    from personactl.model import Verdict

WORDS = {"pass": "good", "fail": "bad", "unproven": "warn", "error": "bad"}
DEVELOPMENT = "(development keys: not for release)"
NOT_CHECKED = "not-checked"


def show(terminal: Terminal, verdict: Verdict) -> None:
    """One verdict with its axes, its findings (`info` ones only with -v) and where to read more."""
    terminal.line(*_headline(verdict))
    checked, skipped = _axes(verdict)
    if checked and verdict.verdict != "error":
        terminal.prose(" · ".join(f"{name} {value}" for name, value in checked), indent="  ")
        if skipped:
            terminal.line(Styled(f"  not checked: {', '.join(skipped)}", "dim"))
    told = [item for item in verdict.findings if item.severity != "info" or terminal.verbosity > 0]
    findings.show(terminal, told, indent="  ")
    for code in dict.fromkeys(item.code for item in told if item.severity == "error"):
        terminal.line(Styled(f"  → personactl explain {code}", "dim"))


def show_summary(terminal: Terminal, verdicts: Iterable[Verdict]) -> None:
    count = Counter(verdict.verdict for verdict in verdicts)
    total = sum(count.values())
    told = ", ".join(f"{count[word]} {word}" for word in WORDS)
    terminal.line(f"{total} {'file' if total == 1 else 'files'}: {told}")


def word(verdict: Verdict) -> str:
    """The verdict as one word, with the note that a pass under development keys is not for release."""
    development = verdict.verdict == "pass" and verdict.development
    return f"{verdict.verdict.upper()} {DEVELOPMENT}" if development else verdict.verdict.upper()


def whose(verdict: Verdict) -> str:
    """`lira@1 · ledger #4`, or what is known of it."""
    known = []
    if verdict.persona is not None:
        known.append(f"{verdict.persona[0]}@{verdict.persona[1]}")
    if verdict.entry is not None and verdict.entry[2] is not None:
        known.append(f"ledger #{verdict.entry[2]}")
    return " · ".join(known)


def _headline(verdict: Verdict) -> list[Part]:
    told: list[Part] = [Styled(verdict.path, "bold"), "  ", Styled(word(verdict), WORDS[verdict.verdict])]
    if whose(verdict):
        told += ["  ", whose(verdict)]
    return told


def _axes(verdict: Verdict) -> tuple[list[tuple[str, str]], list[str]]:
    pairs = [(field.name, str(getattr(verdict.axes, field.name))) for field in fields(verdict.axes)]
    return [pair for pair in pairs if pair[1] != NOT_CHECKED], [name for name, value in pairs if value == NOT_CHECKED]
