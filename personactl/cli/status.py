"""`personactl status`: where a run stands; works during a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from personactl.cli.project import here
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import UsageProblem
from personactl.render.terminal import Styled, Terminal

if TYPE_CHECKING:
    from personactl.config import Config
    from personactl.model import Plan, Shot


@click.command(cls=SessionCommand)
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--why", "shot", metavar="SHOT", help="Tell why this shot would be made again, or would not.")
@click.option("--sheet", type=OUTPUT, metavar="FILE", help="Write a contact sheet (PNG).")
@pass_terminal
def status(terminal: Terminal, *, run_id: str | None, shot: str | None, sheet: Path | None) -> None:
    """Show what is done, left, failed and rejected.

    RUN is the id that `personactl plan` and `run` print; without it, the latest run. Works during a run.
    """
    from personactl import run as room
    from personactl.render import runs
    from personactl.render.outfile import write_whole

    if shot is not None and sheet is not None:
        raise click.UsageError("--why and --sheet cannot be given together.")
    config = here()
    state = room.status(config, run_id)
    if shot is not None:
        plan = _plan(config, state.manifest_path)
        reasons = [(item.file_name, room.why(config, plan, item)) for item in _named(plan, shot)]
        runs.show_why(terminal, state.run_id, reasons)
        return
    if sheet is not None:
        write_whole(sheet, runs.contact_sheet(state, config.project))
        terminal.note("contact sheet: ", Styled(str(sheet), "bold"))
    runs.show_status(terminal, state)


def _plan(config: Config, manifest_path: str) -> Plan:
    """What the run's manifest asks for now, which is what a new start would work on."""
    from personactl.cli.prepare import from_project

    if not manifest_path:
        raise UsageProblem(
            "the manifest of this run is not known any more", code="cli.manifest-unknown",
            hint="personactl plan MANIFEST shows what would be made",
        )  # fmt: skip
    return from_project(config, manifest_path).plan


def _named(plan: Plan, name: str) -> list[Shot]:
    """Every picture of a shot's id, or the one picture of a file name with or without its ending."""
    found = [shot for shot in plan.shots if name in (shot.shot_id, shot.file_name, shot.file_name.rpartition(".")[0])]
    if not found:
        raise UsageProblem(
            f"the manifest has no shot {name[:80]!r}", where=plan.manifest_path, code="cli.shot-unknown",
            hint="shots: " + ", ".join(dict.fromkeys(shot.shot_id for shot in plan.shots)),
        )  # fmt: skip
    return found
