"""Errors for people: where, code, message, the quoted line with its caret, help. And for programs: one document."""

from __future__ import annotations

import json

import pytest
from terminals import on_screen, piped

from personactl.errors import Problem
from personactl.render.problems import show_bug, show_error, show_problems, show_stop


def problem(quote: str, column: int, **changes: object) -> Problem:
    fields: dict[str, object] = {
        "code": "manifest.wrong-type", "message": "`seed` takes a whole number", "path": "m.toml", "line": 7,
        "column": column, "quote": quote, "hint": "write it without quotes",
    }  # fmt: skip
    return Problem(**{**fields, **changes})  # type: ignore[arg-type]


def shown(*problems: Problem) -> list[str]:
    terminal, _, err = piped()
    show_problems(terminal, problems, exit_code=2)
    return err.getvalue().splitlines()


def test_a_problem_quotes_its_line_and_underlines_the_value() -> None:
    assert shown(problem('seed = "forty-two"', 8)) == [
        "m.toml:7:8: error[manifest.wrong-type]: `seed` takes a whole number",
        '    7 | seed = "forty-two"',
        "      |        ^^^^^^^^^^^",
        "  help: write it without quotes",
        "→ personactl explain manifest.wrong-type",
    ]


@pytest.mark.parametrize(
    ("quote", "column", "caret"),
    [
        ("cuont = 4", 1, "^^^^^"),
        ("size = [1, 1023]", 12, "           ^^^^"),
        ("\tx = 1", 2, "    ^"),
        ('name = "日本"', 8, "       ^^^^^^"),
        ('日本 = "x"', 6, "       ^^^"),
        ("x = 1", 99, "     ^"),
        ('x = "open', 5, "    ^^^^^"),
        ("[a] b", 1, "^"),
    ],
)
def test_the_caret_stands_below_what_it_means(quote: str, column: int, caret: str) -> None:
    assert shown(problem(quote, column))[2] == f"      | {caret}"


def test_the_quoted_line_cannot_move_the_cursor_and_keeps_its_caret() -> None:
    rows = shown(problem('a = "\x1b[2J\u202e" # b', 5))
    assert rows[1] == '    7 | a = "\\x1b[2J\\u202e" # b'
    assert rows[2] == "      |     ^^^^^^^^^^^^^^^"


def test_a_very_long_line_is_cut_around_the_mark() -> None:
    rows = shown(problem("x" * 5000 + ' = "' + "y" * 5000 + '"', 5004))
    assert max(map(len, rows)) < 200
    assert "^" in rows[2]
    assert rows[1][rows[2].index("^")] == '"'


def test_a_problem_without_a_line_shows_none() -> None:
    assert [row for row in shown(problem("", 1)) if "|" in row] == []


def test_all_problems_are_shown_and_each_code_is_explained_once() -> None:
    rows = shown(problem("a = 1", 1), problem("b = 1", 1), problem("c", 1, code="manifest.unknown-key"))
    assert sum("error[" in row for row in rows) == 3
    assert "3 problems" in rows
    assert [row for row in rows if row.startswith("→")] == [
        "→ personactl explain manifest.wrong-type",
        "→ personactl explain manifest.unknown-key",
    ]


def test_the_document_lists_all_problems() -> None:
    terminal, out, err = piped()
    terminal.json = True
    show_problems(terminal, (problem("a = 1", 1), problem("b = 1", 2)), exit_code=2)
    document = json.loads(out.getvalue())
    assert document["schema"] == "personactl.error/1"
    assert (document["code"], document["where"], document["exit"]) == ("manifest.wrong-type", "m.toml:7:1", 2)
    assert [item["column"] for item in document["problems"]] == [1, 2]
    assert err.getvalue() == ""


def test_an_error_without_place_and_help_is_one_line() -> None:
    terminal, _, err = piped()
    terminal.verbosity = -1
    show_error(terminal, code="a.b", message="what happened", where=None, hint=None, exit_code=2)
    assert err.getvalue() == "error[a.b]: what happened\n"


def test_a_bug_says_where_to_send_it_and_shows_the_traceback_only_when_asked() -> None:
    for verbosity in (0, 1):
        terminal, _, err = piped()
        terminal.verbosity = verbosity
        try:
            raise KeyError("lost")
        except KeyError as error:
            show_bug(terminal, error)
        assert "error[internal.error]: KeyError: 'lost'" in err.getvalue()
        assert "personactl doctor --json" in err.getvalue()
        assert ("Traceback" in err.getvalue()) is bool(verbosity)


def test_colour_adds_to_the_words() -> None:
    terminal, _, screen = on_screen()
    show_error(terminal, code="a.b", message="what happened", where="x", hint=None, exit_code=2)
    assert "\x1b[31merror[a.b]\x1b[0m: what happened" in screen.getvalue()


@pytest.mark.parametrize("stopped", [False, True])
def test_after_its_document_a_command_tells_errors_on_stderr_only(stopped: bool) -> None:
    terminal, out, err = piped()
    terminal.json = True
    terminal.result({"schema": "personactl.run/1"})
    if stopped:
        show_stop(terminal, "cli.interrupted", "interrupted", exit_code=130)
    else:
        show_error(terminal, code="a.b", message="too late", where=None, hint=None, exit_code=2)
    assert json.loads(out.getvalue()) == {"schema": "personactl.run/1"}
    assert ("interrupted" if stopped else "error[a.b]: too late") in err.getvalue()
