"""`personactl status`: where a run stands; works during a run."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.project import here
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.render.terminal import Styled, Terminal


@click.command(cls=SessionCommand)
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--why", "shot", metavar="SHOT", help="Tell why this shot would run again, or would not.")
@click.option("--sheet", type=click.Path(path_type=Path), metavar="FILE", help="Write a contact sheet (PNG).")
@pass_terminal
def status(terminal: Terminal, *, run_id: str | None, shot: str | None, sheet: Path | None) -> None:
    """Show what is done, left, failed and rejected."""
    from personactl import run as room
    from personactl.render import runs

    config = here()
    if shot is not None:
        reason = room.why(config, run_id, shot)
        terminal.result({"schema": "personactl.why/1", "run": run_id, "shot": shot, "reason": reason}, [reason])
        return
    state = room.status(config, run_id)
    if sheet is not None:
        runs.write_sheet(state, sheet, project=config.project)
        terminal.note("contact sheet: ", Styled(str(sheet), "bold"))
    runs.show_status(terminal, state)
