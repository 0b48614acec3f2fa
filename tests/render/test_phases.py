"""Progress of several parts: each is counted by itself, and the line of one goes before that of the next."""

from __future__ import annotations

from terminals import on_screen, piped

from personactl.render.phases import Phases


def test_each_part_is_counted_from_nought() -> None:
    terminal, _, err = piped()
    shown = Phases(terminal)
    checking, taking = shown.counter(), shown.counter()
    for counter in (checking, taking):
        counter(500, 1000)
        counter(1000, 1000)
    shown.close()
    counted = [line.split("  ")[:2] for line in err.getvalue().splitlines()]
    assert counted == [[" 50 %", "500 of 1000"], ["100 %", "1000 of 1000"]] * 2


def test_on_a_screen_the_first_line_is_gone_when_the_second_comes() -> None:
    terminal, out, err = on_screen(NO_COLOR="1")
    shown = Phases(terminal)
    shown.counter()(300, 700)
    before = len(err.getvalue())
    shown.counter()(40, 90)
    shown.close()
    assert out.getvalue() == ""
    after = err.getvalue()[before:]
    assert "40/90" in after
    assert after.index("\x1b[?25h") < after.index("40/90")  # the cursor is given back in between


def test_work_that_is_done_at_once_shows_nothing() -> None:
    terminal, _, err = piped()
    shown = Phases(terminal)
    shown.counter()(7, 7)
    shown.close()
    Phases(terminal).close()
    assert err.getvalue() == ""
