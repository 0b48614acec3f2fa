"""The terminal's rules, one by one (render/terminal.py)."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminals import on_screen, piped

from personactl.render.columns import columns
from personactl.render.terminal import Styled, display_width, dump_json, escape, plain

HOSTILE = {
    "\x1b[31mred": "\\x1b[31mred",
    "a\nb": "a\\nb",
    "a\rb": "a\\rb",
    "tab\there": "tab\\there",
    "nul\0": "nul\\x00",
    "c1\x9b2J": "c1\\x9b2J",
    "del\x7f": "del\\x7f",
    "gpj.\u202eevil": "gpj.\\u202eevil",
    "zero\u200bwidth": "zero\\u200bwidth",
    "line\u2028sep": "line\\u2028sep",
    "tag\U000e0041": "tag\\U000e0041",
    "byte\udcff": "byte\\xff",
    "lone\ud800": "lone\\ud800",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_character_is_written_as_its_escape(text: str) -> None:
    assert escape(text) == HOSTILE[text]


@pytest.mark.parametrize("text", ["plain.png", "Ünïcode", "日本", "→ · ≥", "a b"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert escape(text) == text


@given(st.text(alphabet=st.characters()))
def test_nothing_that_is_printed_can_move_the_cursor_or_turn_the_text(text: str) -> None:
    shown = escape(text)
    assert [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")] == []
    assert escape(shown) == shown


def test_one_call_prints_one_line_whatever_it_is_given() -> None:
    terminal, out, _ = piped()
    terminal.line("a\nb\r\n", Styled("\x1b[2J", "bad"))
    assert out.getvalue() == "a\\nb\\r\\n\\x1b[2J\n"


def test_a_pipe_gets_no_colour_and_a_terminal_does() -> None:
    terminal, out, _ = piped()
    terminal.line(Styled("FAIL", "bad"))
    assert out.getvalue() == "FAIL\n"
    terminal, screen, _ = on_screen()
    terminal.line(Styled("FAIL", "bad"))
    assert screen.getvalue() == "\x1b[31mFAIL\x1b[0m\n"


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_the_environment_switches_colour_off(environ: dict[str, str]) -> None:
    terminal, screen, _ = on_screen(**environ)
    terminal.line(Styled("FAIL", "bad"))
    assert "\x1b" not in screen.getvalue()


def test_an_empty_no_color_means_nothing() -> None:
    terminal, screen, _ = on_screen(NO_COLOR="")
    terminal.line(Styled("FAIL", "bad"))
    assert "\x1b" in screen.getvalue()


@pytest.mark.parametrize(("choice", "colored"), [("always", True), ("never", False)])
def test_the_option_wins_over_everything(choice: str, colored: bool) -> None:
    terminal, out, _ = piped(NO_COLOR="1") if colored else on_screen()
    terminal.color = choice  # type: ignore[assignment]
    terminal.line(Styled("FAIL", "bad"))
    assert ("\x1b[31m" in out.getvalue()) is colored


def test_each_stream_is_asked_for_itself() -> None:
    terminal, out, _ = on_screen()
    _, _, terminal.err = piped()
    terminal.line(Styled("x", "bad"))
    terminal.alert(Styled("x", "bad"))
    assert "\x1b" in out.getvalue()
    assert "\x1b" not in terminal.err.getvalue()  # type: ignore[attr-defined]


def test_quiet_drops_notes_and_nothing_else() -> None:
    terminal, out, err = piped()
    terminal.verbosity = -1
    terminal.note("note")
    terminal.detail("detail")
    terminal.alert("alert")
    terminal.line("line")
    assert (out.getvalue(), err.getvalue()) == ("line\n", "alert\n")


def test_json_mode_prints_one_document_and_no_lines() -> None:
    terminal, out, err = piped()
    terminal.json = True
    terminal.line("for people")
    terminal.note("note")
    terminal.result({"schema": "test/1", "name": "\x1b"}, ["for people"])
    assert json.loads(out.getvalue()) == {"schema": "test/1", "name": "\x1b"}
    assert err.getvalue() == "note\n"


def test_a_document_without_schema_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="schema"):
        piped()[0].result({"name": "x"})


@given(st.text(alphabet=st.characters()))
def test_json_is_printable_ascii_without_lone_surrogates(text: str) -> None:
    dumped = dump_json({"schema": "test/1", "items": [text], text: 1})
    assert all(" " <= character <= "~" or character == "\n" for character in dumped)
    json.dumps(json.loads(dumped), ensure_ascii=False).encode("utf-8")


def test_prose_wraps_on_a_narrow_terminal_and_never_off_one() -> None:
    words = "word " * 40
    terminal, out, _ = piped()
    terminal.prose(words, indent="  ")
    assert out.getvalue().count("\n") == 1
    terminal, screen, _ = on_screen(COLUMNS="50")
    terminal.prose(words.strip(), indent="  ")
    rows = screen.getvalue().splitlines()
    assert len(rows) > 3
    assert max(map(len, rows)) <= 50
    assert [row for row in rows[1:] if not row.startswith("    word")] == []


def test_wrapped_prose_escapes_too() -> None:
    terminal, screen, _ = on_screen(COLUMNS="40", NO_COLOR="1")
    terminal.prose("\x1b[2J " * 30)
    assert "\x1b" not in screen.getvalue()


def test_columns_align_wide_characters_and_cut_only_on_a_terminal() -> None:
    rows = [("日本", "x" * 100), ("ab", Styled("y" * 100, "dim"))]
    lines = [plain(line) for line in columns(("NAME", "TEXT"), rows)]
    assert lines[0] == "NAME  TEXT"
    assert lines[1] == "日本  " + "x" * 100
    assert lines[2] == "ab    " + "y" * 100
    cut = [plain(line) for line in columns(("NAME", "TEXT"), rows, width=40)]
    assert [display_width(line) for line in cut] == [10, 40, 40]
    assert cut[2].endswith("…")
    assert columns(("NAME",), []) == []
