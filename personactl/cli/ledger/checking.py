"""`personactl ledger check`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import click

from personactl.cli.ledger.checking_exports import check_exported, refuse_beside_export
from personactl.cli.ledger.group import PATH, ledger, ledger_option, ledger_path, ledger_trust
from personactl.cli.session import pass_terminal
from personactl.errors import EXIT_NO_ANCHOR, EXIT_OK
from personactl.render.terminal import Terminal

LARGEST_ANCHOR = 1 << 20
Level = Literal["tree", "index", "full"]


@ledger.command()
@ledger_option
@click.option("--export", type=PATH, metavar="PATH", help="Check this export instead: JSON lines, tiles or a folder.")
@click.option("--level", type=click.Choice(get_args(Level)), default="full", show_default=True)
@click.option(
    "--anchor", "anchors", type=PATH, multiple=True, metavar="FILE", help="A receipt or checkpoint kept outside."
)
@click.option("--require-anchor", is_flag=True, help="Exit 11 when no --anchor is given.")
@click.option("--trust", "trust_file", type=PATH, metavar="FILE", help="Check signatures against this trust file.")
@pass_terminal
def check(
    terminal: Terminal, *, path: Path | None, export: Path | None, level: Level, anchors: tuple[Path, ...],
    require_anchor: bool, trust_file: Path | None,
) -> int:  # fmt: skip
    """Recompute the ledger; compare it with an anchor.

    An anchor is any receipt or checkpoint that was kept outside: only with one can a cut-back ledger be noticed. An
    export is checked by itself, without the ledger that it was taken of.
    """
    from personactl_ledger import check as check_ledger

    from personactl.document import read_plain_file
    from personactl.render import ledgers

    if export is not None:
        refuse_beside_export(ledger=path is not None, level=level != "full")
    kept = [read_plain_file(anchor, LARGEST_ANCHOR, "anchor") for anchor in anchors]
    if export is not None:
        return check_exported(terminal, export, kept, ledger_trust(trust_file), require_anchor=require_anchor)
    report = check_ledger(ledger_path(path), level=level, anchors=kept, trust=ledger_trust(trust_file))
    code = EXIT_NO_ANCHOR if require_anchor and not report.anchored else EXIT_OK
    ledgers.show_check(terminal, report, exit_code=report.exit_code or code)
    return report.exit_code or code
