"""`personactl ledger check`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from personactl.cli.ledger.checking_exports import check_exported, refuse_beside_export
from personactl.cli.ledger.group import (
    LARGEST_ANCHOR,
    PATH,
    ledger,
    ledger_option,
    ledger_path,
    ledger_trust,
    remembered_against,
)
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import EXIT_NO_ANCHOR, EXIT_OK, UsageProblem
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl_ledger.checkpoint import Checkpoint

Level = Literal["tree", "index", "full"]


@ledger.command()
@ledger_option
@click.option("--export", type=PATH, metavar="PATH", help="Check this export instead: JSON lines, tiles or a folder.")
@click.option("--level", type=click.Choice(get_args(Level)), default="full", show_default=True)
@click.option(
    "--anchor", "anchors", type=PATH, multiple=True, metavar="FILE", help="A receipt or checkpoint kept outside."
)
@click.option("--require-anchor", is_flag=True, help="Exit 11 when no --anchor is given.")
@click.option("--since", type=PATH, metavar="FILE", help="Read only entries after this kept checkpoint; an anchor too.")
@click.option("--save", type=OUTPUT, metavar="FILE", help="Keep the latest good checkpoint here, for --since.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", help="Processes that read entries.")
@click.option("--trust", "trust_file", type=PATH, metavar="FILE", help="Check signatures against this trust file.")
@pass_terminal
def check(
    terminal: Terminal, *, path: Path | None, export: Path | None, level: Level, anchors: tuple[Path, ...],
    require_anchor: bool, since: Path | None, save: Path | None, workers: int | None, trust_file: Path | None,
) -> int:  # fmt: skip
    """Recompute the ledger; compare it with an anchor.

    An anchor is any receipt or checkpoint that was kept outside: only with one can a cut-back ledger be noticed. With
    --since FILE --save FILE a daily check reads only what is new; run one without --since now and then. An export is
    checked by itself, without the ledger that it was taken of.
    """
    from personactl_ledger import check as check_ledger
    from personactl_ledger.kept import may_follow

    from personactl.render import ledgers
    from personactl.render.outfile import write_whole
    from personactl.render.progress import for_terminal

    if export is not None:
        refuse_beside_export(ledger=path, level=level != "full", since=since, save=save, workers=workers)
    kept, trust = [_kept(anchor, "anchor") for anchor in anchors], ledger_trust(trust_file)
    if export is not None:
        return check_exported(terminal, export, kept, trust, require_anchor=require_anchor)
    target = ledger_path(path)
    start = None if since is None else _kept(since, "kept checkpoint")
    earlier = None if save is None else _earlier(save)
    if earlier is not None:
        kept.append(earlier.note.encode())
    with closing(for_terminal(terminal)) as shown:
        report = check_ledger(
            target, level=level, anchors=kept, trust=trust, since=start, workers=workers, progress=shown.on_count
        )
    code = report.exit_code or (EXIT_NO_ANCHOR if require_anchor and not report.anchored else EXIT_OK)
    saved = save if code == EXIT_OK and may_follow(report.latest, earlier) else None
    if saved is not None:
        write_whole(saved, report.latest.encode())
    against = remembered_against(path)
    ledgers.show_check(terminal, report, exit_code=code, save=save, saved=saved, against=against)
    return code


def _earlier(save: Path) -> Checkpoint | None:
    """The checkpoint that --save has kept before, which is an anchor too; nothing else is written over."""
    from personactl_ledger import FormatError
    from personactl_ledger.checkpoint import parse_checkpoint

    from personactl.document import read_plain_file
    from personactl.render import outfile

    if save.is_file() and not save.is_symlink():
        outfile.refuse_project_file(save)
        try:
            return parse_checkpoint(read_plain_file(save, LARGEST_ANCHOR, "kept checkpoint"))
        except FormatError:
            pass
    outfile.require_new(save)
    return None


def _kept(path: Path, what: str) -> bytes:
    """An anchor's bytes. Raises UsageProblem for what is none: the wrong file says nothing about the ledger."""
    from personactl_ledger import LedgerError
    from personactl_ledger.check_signed import parse_anchor

    from personactl.document import read_plain_file

    data = read_plain_file(path, LARGEST_ANCHOR, what)
    try:
        parse_anchor(data)
    except LedgerError as error:
        raise UsageProblem(
            f"this {what} is no receipt, proof or checkpoint: {error.message}",
            where=str(path),
            hint="name a receipt, or a checkpoint that `ledger checkpoint -o` or `ledger check --save` wrote",
        ) from error
    return data
