"""`personactl ledger backup|restore|merge`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from personactl.cli.ledger.group import (
    LARGEST_ANCHOR,
    PATH,
    ledger,
    ledger_option,
    ledger_path,
    ledger_trust,
    ledger_writer,
)
from personactl.cli.project import here, now
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT, TEXT
from personactl.render.terminal import Terminal


@ledger.command()
@click.argument("file", type=OUTPUT)
@click.option("--without-sealed", is_flag=True, help="Leave out all sealed values, so that erasing need not find it.")
@ledger_option
@pass_terminal
def backup(terminal: Terminal, *, file: Path, without_sealed: bool, path: Path | None) -> None:
    """Copy the ledger to a new file, also during a run.

    The copy is checked before it gets its name. Keep its checkpoint elsewhere: it is the anchor for later checks.
    """
    from personactl_ledger.backup import backup as copy

    from personactl.render import care
    from personactl.render.outfile import refuse_project_file
    from personactl.render.progress import for_terminal

    refuse_project_file(file)
    with closing(for_terminal(terminal)) as shown:
        made = copy(ledger_path(path), file, without_sealed=without_sealed, progress=shown.on_count)
    care.show_backup(terminal, made)


@ledger.command()
@click.argument("backup", type=PATH)
@click.option(
    "--anchor", "anchors", type=PATH, multiple=True, metavar="FILE", help="A receipt or checkpoint kept outside."
)
@click.option(
    "--replay", "exports", type=PATH, multiple=True, metavar="FILE", help="JSONL of exact leaves that the backup lacks."
)
@click.option("--reason", type=TEXT, required=True, metavar="TEXT", help="Why; a new ledger says it.")
@ledger_option
@pass_terminal
def restore(
    terminal: Terminal, *, backup: Path, anchors: tuple[Path, ...], exports: tuple[Path, ...], reason: str,
    path: Path | None,
) -> None:  # fmt: skip
    """Put a backup in place of a ledger that was lost.

    It goes on under its origin only when nothing later was signed, or --replay brings it. Otherwise a new ledger
    begins, and says which one ended. What stood there is kept under another name.
    """
    from personactl_ledger.brought import checkpoints_beside, exact_leaves

    from personactl import keys
    from personactl.document import read_plain_file
    from personactl.render import care
    from personactl.run.restoring import restore_ledger

    config = here()
    kept = [read_plain_file(anchor, LARGEST_ANCHOR, "anchor") for anchor in (*anchors, *checkpoints_beside(exports))]
    done = restore_ledger(
        config, keys.load(config.keys_path), backup, path or config.ledger_path, anchors=kept,
        replay=exact_leaves(exports), reason=reason, now=now(),
    )  # fmt: skip
    care.show_restore(terminal, done.ledger, done.trust)


@ledger.command()
@click.argument("other", type=PATH)
@click.option(
    "--trust", "trust_file", type=PATH, required=True, metavar="FILE", help="The trust file of the other ledger."
)
@click.option(
    "--reason", type=TEXT, default="another writer", show_default=True, metavar="TEXT", help="Why; it stays on record."
)
@ledger_option
@pass_terminal
def merge(terminal: Terminal, *, other: Path, trust_file: Path, reason: str, path: Path | None) -> None:
    """Take in the entries of another writer.

    The other ledger is checked in full first. Only what is new since the last merge is taken in; its entries stay
    provable there.
    """
    from personactl_ledger.merge import merge as take_in

    from personactl import keys
    from personactl.render import care
    from personactl.render.phases import Phases

    keyset = keys.load(here().keys_path)
    trust = ledger_trust(trust_file)
    if trust is None:
        raise RuntimeError("--trust is required")
    with ledger_writer(path, signers=keyset.signing) as book, closing(Phases(terminal)) as shown:
        done = take_in(
            book, other, trust=trust, operator=keyset.operator, reason=reason, now=now(), checking=shown.counter(),
            progress=shown.counter(),
        )  # fmt: skip
        book.checkpoint(keyset.log, now=now())
    care.show_merge(terminal, done)
