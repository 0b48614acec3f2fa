"""Verdicts of `verify` for people: one line for every file, what was found below it, and a count at the end.

rain-0.png  PASS (development keys: not for release) · exact bytes · credential embedded · … · lira@1 · entry #4
cut.png  ERROR · the picture ends early
  error[verify.truncated]: the picture ends early
    help: ask for the file again
  → personactl explain verify.truncated
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from personactl.render import findings
from personactl.render.counts import counted
from personactl.render.terminal import Styled, Terminal, quote, shorten

if TYPE_CHECKING:
    from personactl.model import Finding
    from personactl.verdict import Verdict

STYLES = {"pass": "good", "fail": "bad", "unproven": "warn", "error": "bad"}


def show(terminal: Terminal, verdict: Verdict) -> None:
    """One verdict, its findings (`info` ones and all axes only with -v), and where to read more."""
    from personactl.verify import summary_line

    word, dot, rest = summary_line(verdict).partition(" · ")
    word, rest = word.replace(verdict.verdict, verdict.verdict.upper(), 1), shorten(rest)
    terminal.line(Styled(quote(verdict.path), "bold"), "  ", Styled(word, STYLES[verdict.verdict]), dot, rest)
    if terminal.verbosity > 0:
        axes = " · ".join(f"{name} {value}" for name, value in asdict(verdict.axes).items())
        terminal.line(Styled(f"  {axes}", "dim"))
    told = [_short(item) for item in verdict.findings if item.severity != "info" or terminal.verbosity > 0]
    findings.show(terminal, told, indent="  ")
    for code in dict.fromkeys(item.code for item in told if item.severity == "error"):
        terminal.line(Styled(f"  → personactl explain {code}", "dim"))


def _short(item: Finding) -> Finding:
    return replace(item, message=shorten(item.message), hint=shorten(item.hint))


def show_summary(terminal: Terminal, count: Mapping[str, int]) -> None:
    """`count`: how many files have each verdict."""
    total = sum(count.values())
    told = ", ".join(f"{count.get(word, 0)} {word}" for word in STYLES)
    terminal.line(f"{counted(total, 'file')}: {told}")


def whose(verdict: Verdict) -> str:
    """`lira@1, entry #4`, or what is known of it."""
    known = []
    if verdict.persona is not None:
        known.append(f"{verdict.persona[0]}@{verdict.persona[1]}")
    if verdict.entry is not None and verdict.entry[2] is not None:
        known.append(f"entry #{verdict.entry[2]}")
    return ", ".join(known)
