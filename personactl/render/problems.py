"""Errors for people and for programs.

    m.toml:7:8: error[manifest.wrong-type]: `seed` takes a whole number
        7 | seed = "forty-two"
          |        ^^^^^^^^^^^
      help: write it without quotes
    → personactl explain manifest.wrong-type

The program's form is `personactl.error/1`: code, message, where, hint, exit; several problems stand in `problems`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from personactl.render.terminal import Styled, Terminal, display_width, escape

if TYPE_CHECKING:
    from personactl.errors import Problem

LONGEST_QUOTE = 160
REPORT_A_BUG = "this is a bug in personactl: run it again with -v and send the output with `personactl doctor --json`"
_BARE = re.compile(r"[\w.+\-:]+")


def show_error(
    terminal: Terminal, *, code: str, message: str, where: str | None, hint: str | None, exit_code: int
) -> None:
    """One error without a quoted line: on stderr for people, one document on stdout in JSON mode, where
    the command has not given its document yet."""
    if terminal.json and not terminal.answered:
        terminal.result(error_document(code=code, message=message, where=where, hint=hint, exit_code=exit_code))
        return
    _headline(terminal, code, message, where)
    if hint:
        terminal.prose(f"help: {hint}", indent="  ", to_err=True)
    _explain(terminal, [code])


def show_problems(terminal: Terminal, problems: tuple[Problem, ...], *, exit_code: int) -> None:
    """Every problem of a text file, each with its line and a caret; the document lists them all."""
    if terminal.json and not terminal.answered:
        first = problems[0]
        document = error_document(
            code=first.code, message=first.message, where=first.where, hint=first.hint, exit_code=exit_code
        )
        document["problems"] = [_problem_document(problem) for problem in problems]
        terminal.result(document)
        return
    for problem in problems:
        _headline(terminal, problem.code, problem.message, problem.where)
        _quote(terminal, problem)
        if problem.hint:
            terminal.prose(f"help: {problem.hint}", indent="  ", to_err=True)
    if len(problems) > 1:
        terminal.alert(f"{len(problems)} problems")
    _explain(terminal, [problem.code for problem in problems])


def show_stop(terminal: Terminal, code: str, word: str, *, exit_code: int) -> None:
    """A command that a signal stopped before it had a result: `word` on stderr, an error document in JSON mode."""
    if terminal.json and not terminal.answered:
        terminal.result(error_document(code=code, message=word, where=None, hint=None, exit_code=exit_code))
    else:
        terminal.note(word)


def show_bug(terminal: Terminal, error: BaseException) -> None:
    """A fault of the program: one line and where to send it; the traceback only with -v."""
    kind = type(error).__name__
    if terminal.verbosity > 0:
        import traceback

        for row in "".join(traceback.format_exception(error)).splitlines():
            terminal.alert(row)
    show_error(terminal, code="internal.error", message=f"{kind}: {error}", where=None, hint=REPORT_A_BUG, exit_code=1)


def error_document(*, code: str, message: str, where: str | None, hint: str | None, exit_code: int) -> dict[str, Any]:
    return {
        "schema": "personactl.error/1",
        "code": code,
        "message": message,
        "where": where,
        "hint": hint,
        "exit": exit_code,
    }


def _problem_document(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "quote": problem.quote,
        "hint": problem.hint,
    }


def _headline(terminal: Terminal, code: str, message: str, where: str | None) -> None:
    prefix = f"{where}: " if where else ""
    terminal.alert(Styled(prefix, "bold"), Styled(f"error[{code}]", "bad"), f": {message}")


def _explain(terminal: Terminal, codes: list[str]) -> None:
    if terminal.verbosity >= 0:
        for code in dict.fromkeys(codes):
            terminal.alert(Styled(f"→ personactl explain {code}", "dim"))


def _quote(terminal: Terminal, problem: Problem) -> None:
    if not problem.quote.strip():
        return
    before, marked, after = _window(problem.quote.rstrip("\r\n"), problem.column)
    gutter = f"{problem.line:>5} | "
    caret = " " * display_width(before) + "^" * max(1, display_width(marked))
    terminal.alert(gutter, before, marked, after)
    terminal.alert(" " * (len(gutter) - 2), "| ", Styled(caret, "bad"))


def _window(quote: str, column: int) -> tuple[str, str, str]:
    """The quoted line as (before, marked, after), escaped, tabs as spaces, cut around the mark when it is long."""
    start = min(max(column - 1, 0), len(quote))
    end = start + _token_length(quote[start:])
    before, marked, after = (
        escape(part.replace("\t", "    ")) for part in (quote[:start], quote[start:end], quote[end:])
    )
    half = LONGEST_QUOTE // 2
    if len(marked) > half:
        marked = marked[: half - 1] + "…"
    if len(before) + len(marked) + len(after) > LONGEST_QUOTE:
        before = "…" + before[-(half // 2) :] if len(before) > half // 2 else before
        room = LONGEST_QUOTE - len(before) - len(marked)
        after = after[: room - 1] + "…" if len(after) > room else after
    return before, marked, after


def _token_length(rest: str) -> int:
    """Characters of the value or key that begins here: a quoted string with its quotes, or a bare word, at least 1."""
    if rest[:1] in ('"', "'"):
        close = rest.find(rest[0], 1)
        return close + 1 if close > 0 else len(rest)
    match = _BARE.match(rest)
    return match.end() if match else 1
