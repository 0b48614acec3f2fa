"""`personactl explain`: one page for each code."""

from __future__ import annotations

import click

from personactl.cli.session import SessionCommand, pass_terminal
from personactl.render.terminal import Terminal


@click.command(cls=SessionCommand)
@click.argument("code", required=False)
@pass_terminal
def explain(terminal: Terminal, *, code: str | None) -> None:
    """Explain a finding or error code."""
    from personactl import explain as pages

    if code is None:
        names = pages.codes()
        terminal.result({"schema": "personactl.codes/1", "codes": list(names)}, names)
        return
    text = pages.page(code)
    terminal.result({"schema": "personactl.explain/1", "code": code, "text": text}, text.rstrip("\n").split("\n"))
