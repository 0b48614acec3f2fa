"""`personactl plan`: everything that will be done; writes nothing but the file it is asked for."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.prepare import from_manifest
from personactl.cli.project import here
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import EXIT_OK, EXIT_WORK_TO_DO
from personactl.render.terminal import Terminal

PATH = click.Path(path_type=Path)


@click.command(cls=SessionCommand)
@click.argument("manifest", type=PATH)
@click.option(
    "-o", "--output", type=OUTPUT, metavar="FILE", help="Write the plan to this file, for `personactl run FILE`."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 20 when there is work to do.")
@pass_terminal
def plan(terminal: Terminal, *, manifest: Path, output: Path | None, detailed_exitcode: bool) -> int:
    """Show everything that will be done; write nothing."""
    from personactl.plan import require_clean, to_json
    from personactl.render import plans
    from personactl.render.outfile import write_whole
    from personactl.render.terminal import dump_json
    from personactl.run import outstanding

    config = here()
    made = from_manifest(config, manifest).plan
    document = to_json(made)
    left = len(outstanding(config, made))
    plans.show(terminal, made, left=left)
    require_clean(made)
    if output is not None:
        write_whole(output, dump_json(document).encode())
        terminal.note(f"plan written: {output}")
    terminal.result(document)
    return EXIT_WORK_TO_DO if detailed_exitcode and left else EXIT_OK
