"""`personactl ledger export`."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.ledger.group import PATH, ledger, ledger_option, ledger_path
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT
from personactl.render.terminal import Terminal

LARGEST_TRUST = 1 << 20


@ledger.command()
@ledger_option
@click.option("-o", "--output", "folder", type=OUTPUT, metavar="DIR", help="All forms, with all that checks them.")
@click.option("--jsonl", type=OUTPUT, metavar="FILE", help="One entry a line, byte for byte.")
@click.option("--csv", type=OUTPUT, metavar="DIR|FILE.csv", help="The views as CSV, or one with --view.")
@click.option("--view", metavar="VIEW", help="The view of a single CSV file; v_timeline by default.")
@click.option("--tiles", type=OUTPUT, metavar="DIR", help="The static layout of C2SP tlog-tiles.")
@click.option("--copy", type=OUTPUT, metavar="FILE", help="A copy of the database.")
@click.option("--from", "first", type=click.IntRange(min=0), default=0, metavar="N", help="First entry (JSON lines).")
@click.option("--to", "last", type=click.IntRange(min=0), metavar="N", help="Last entry (JSON lines).")
@click.option("--run", help="Only entries of this run (JSON lines and CSV).")
@click.option("--with-sealed", is_flag=True, help="Copy and CSV hold the sealed personal data too.")
@click.option("--trust", "trust_file", type=PATH, metavar="FILE", help="Put this trust file into the folder.")
@pass_terminal
def export(
    terminal: Terminal, *, path: Path | None, folder: Path | None, jsonl: Path | None, csv: Path | None,
    view: str | None, tiles: Path | None, copy: Path | None, first: int, last: int | None, run: str | None,
    with_sealed: bool, trust_file: Path | None,
) -> None:  # fmt: skip
    """Write the ledger in forms that need no personactl.

    An export ends at the latest checkpoint. Nothing is overwritten. Sealed personal data is left out.
    """
    from personactl_ledger.export_ledger import ExportTargets
    from personactl_ledger.export_ledger import export as export_ledger
    from personactl_ledger.export_state import Selection

    from personactl.document import read_plain_file
    from personactl.keys import trust_store
    from personactl.render import ledger_exports
    from personactl.render.outfile import refuse_project_file

    targets = ExportTargets(jsonl=jsonl, csv=csv, tiles=tiles, copy=copy, folder=folder, view=view)
    for target in targets.paths():
        refuse_project_file(target)
    trust = None
    if trust_file is not None:
        trust_store.read(trust_file)
        trust = read_plain_file(trust_file, LARGEST_TRUST, "trust file")
    chosen = Selection(first, None if last is None else last + 1, run)
    report = export_ledger(ledger_path(path), targets, selection=chosen, with_sealed=with_sealed, trust=trust)
    ledger_exports.show(terminal, report)
