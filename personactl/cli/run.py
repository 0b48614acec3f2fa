"""`personactl run`: the whole chain for one manifest or plan; running it again resumes."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from personactl.cli.prepare import from_either
from personactl.cli.project import here, now
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.render.counts import counted
from personactl.render.terminal import Styled, Terminal

PATH = click.Path(path_type=Path)


@click.command(cls=SessionCommand)
@click.argument("path", metavar="MANIFEST|PLAN", type=PATH)
@click.option("--events", type=PATH, metavar="FILE", help="Append what happens as NDJSON.")
@pass_terminal
def run(terminal: Terminal, *, path: Path, events: Path | None) -> int:
    """Generate, score, gate, disclose and record; resumes.

    Give a manifest (*.toml), or a plan that `personactl plan -o FILE.json` wrote: a plan that its manifest no longer
    gives is refused. Running it again makes only what is missing.
    """
    from personactl import keys
    from personactl.render import runs
    from personactl.render.progress import EventLog, Observers, for_terminal
    from personactl.run import Interrupted, execute, local_context

    config = here()
    prepared = from_either(config, path)
    resume = shlex.join(["personactl", "run", str(path)])
    context = local_context(
        prepared.plan, config=config, keyset=keys.load(config.keys_path), persona=prepared.persona,
        model_path=prepared.model_path, resume=resume,
    )  # fmt: skip
    logs = [] if events is None else [EventLog(events, now, terminal)]
    terminal.note(f"{prepared.plan.run_id}: {counted(len(prepared.plan.shots), 'picture')} planned")
    try:
        with Observers(for_terminal(terminal), *logs) as observers:
            summary = execute(prepared.plan, context, observer=observers)
    except Interrupted as stopped:
        runs.show(terminal, stopped.summary, exit_code=stopped.exit_code)
        terminal.alert("interrupted; nothing finished is lost. Resume with: ", Styled(stopped.resume, "bold"))
        return stopped.exit_code
    runs.show(terminal, summary, exit_code=summary.exit_code)
    return summary.exit_code
