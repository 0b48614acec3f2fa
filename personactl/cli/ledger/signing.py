"""`personactl ledger checkpoint`."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.ledger.group import ledger, ledger_option, ledger_writer
from personactl.cli.project import here, now
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT
from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal


@ledger.command()
@ledger_option
@click.option("-o", "--output", type=OUTPUT, metavar="FILE", help="Also write it to this file, to be kept outside.")
@pass_terminal
def checkpoint(terminal: Terminal, *, path: Path | None, output: Path | None) -> None:
    """Sign a checkpoint now.

    A checkpoint covers every entry so far. Kept where the operator cannot reach it, it is an anchor for `ledger check`.
    """
    from personactl.keys import load
    from personactl.render.outfile import require_new, write_new

    if output is not None:
        require_new(output)
    log = load(here().keys_path).log
    with ledger_writer(path, signers=[("ledger", log.key_id)]) as book:
        before = book.latest_checkpoint()
        head = book.checkpoint(log, now=now())
    covered = 0 if before is None else before.size
    if output is not None:
        write_new(output, head.note.encode())
    document = {
        "schema": "personactl.ledger-checkpoint/1", "origin": head.origin, "size": head.size, "root": head.root.hex(),
        "signed": head.size > covered, "added": head.size - covered, "path": None if output is None else str(output),
    }  # fmt: skip
    told = [f"{counted(head.size, 'entry')} in {head.origin}"]
    lines: list[Line] = [["checkpoint over ", *told], f"  root {head.root.hex()}"]
    if head.size == covered:
        lines[0] = ["nothing was added since the latest checkpoint, over ", *told]
    if output is not None:
        lines.append(["  kept in ", Styled(str(output), "bold"), "; an anchor for personactl ledger check"])
    terminal.result(document, lines)
