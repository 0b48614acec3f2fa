"""Terminals made of text buffers, as tests need them."""

from __future__ import annotations

import io

from personactl.render.terminal import Terminal


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def piped(**environ: str) -> tuple[Terminal, io.StringIO, io.StringIO]:
    """(terminal, stdout, stderr) with both streams piped."""
    out, err = io.StringIO(), io.StringIO()
    return Terminal(out, err, environ=environ), out, err


def on_screen(**environ: str) -> tuple[Terminal, Screen, Screen]:
    """(terminal, stdout, stderr) with both streams on a terminal of 80 columns unless COLUMNS says otherwise."""
    out, err = Screen(), Screen()
    return Terminal(out, err, environ={"COLUMNS": "80", **environ}), out, err
