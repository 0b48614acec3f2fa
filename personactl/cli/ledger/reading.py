"""`personactl ledger log|show|prove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli.ledger.group import ledger, ledger_option, ledger_path
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import UsageProblem
from personactl.render.columns import columns
from personactl.render.counts import counted
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl_ledger import LedgerView, StoredEntry


@ledger.command()
@ledger_option
@click.option("--run", help="Only entries of this run.")
@click.option("--kind", help="Only entries of this kind, such as output or reject.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Newest entries shown.")
@pass_terminal
def log(terminal: Terminal, *, path: Path | None, run: str | None, kind: str | None, limit: int) -> None:
    """List entries, oldest first."""
    from collections import deque

    from personactl_ledger import Ledger

    _require_kind(kind)
    with Ledger.open_reader(ledger_path(path)) as book:
        origin, size = book.origin, book.size
        limit = min(limit, size)
        start = 0 if run or kind else max(0, size - limit)
        entries = list(deque(book.entries(start, kind=kind, run=run), maxlen=limit))
    rows = [
        (str(item.index), item.appended_at, item.entry.kind, item.entry.subject_name, item.entry.subject_sha256[:12])
        for item in entries
    ]
    lines = columns(("INDEX", "APPENDED", "KIND", "SUBJECT", "SHA256"), rows, terminal.width(terminal.out))
    told = [_row(item) for item in entries]
    document = {"schema": "personactl.ledger-log/1", "origin": origin, "size": size, "entries": told}
    terminal.result(document, [*(lines or ["no entry matches"]), f"{counted(size, 'entry')} in {origin}"])


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@ledger_option
@pass_terminal
def show(terminal: Terminal, *, index: int, path: Path | None) -> None:
    """Show one entry with all that it says."""
    import json

    from personactl_ledger import Ledger
    from personactl_ledger.erasure import sealed_fields

    with Ledger.open_reader(ledger_path(path)) as book:
        _require_index(index, book.size)
        item = book.entry(index)
        sealed = sealed_fields(book, index)
    document = {
        "schema": "personactl.ledger-entry/1", **_row(item), "leafHash": item.entry.leaf_hash.hex(),
        "keyIds": list(item.entry.key_ids), "sealed": sealed, "predicate": item.entry.predicate,
    }  # fmt: skip
    terminal.result(document, json.dumps(document, indent=2).splitlines())


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@ledger_option
@click.option("-o", "--output", type=OUTPUT, metavar="FILE", help="Write the receipt here instead of to stdout.")
@click.option("--at", "size", type=click.IntRange(min=1), metavar="SIZE", help="Stand on the checkpoint of this size.")
@pass_terminal
def prove(terminal: Terminal, *, index: int, path: Path | None, output: Path | None, size: int | None) -> None:
    """Write the receipt of one entry.

    It stands on the newest checkpoint over the entry that a witness cosigned, else that was time-stamped, else on the
    latest, and carries all that others said of it.
    """
    import json

    from personactl_ledger import Ledger
    from personactl_ledger.attested import attested_size

    from personactl.render import receipts
    from personactl.render.outfile import require_new, write_new, write_whole

    with Ledger.open_reader(ledger_path(path)) as book:
        _require_index(index, book.size)
        renewed = output is not None and _renews(book, index, output)
        if output is not None and not renewed:
            require_new(output)
        receipt = book.prove(index, size=attested_size(book, index) if size is None else size)
    if output is None:
        terminal.result(json.loads(receipt), receipt.decode().splitlines())
        return
    (write_whole if renewed else write_new)(output, receipt)
    receipts.show_written(terminal, receipt, output)


def _renews(book: LedgerView, index: int, output: Path) -> bool:
    """Whether a receipt of this entry is there that the ledger at hand has grown from: then it is written again."""
    from personactl_ledger.kept import grew_from
    from personactl_ledger.receipt import MAX_BYTES

    from personactl.document import read_plain_file

    try:
        return grew_from(book, index, read_plain_file(output, MAX_BYTES, "receipt"))
    except UsageProblem:
        return False


def _require_kind(kind: str | None) -> None:
    from personactl_ledger.predicates import KINDS

    if kind is not None and kind not in KINDS:
        raise UsageProblem(
            f"there is no kind of entry {kind[:80]!r}", code="cli.kind-unknown", hint=f"kinds: {', '.join(KINDS)}"
        )


def _require_index(index: int, size: int) -> None:
    if index >= size:
        raise UsageProblem(
            f"there is no entry {index}; the ledger has {counted(size, 'entry')}", code="cli.entry-unknown",
            hint="personactl ledger log",
        )  # fmt: skip


def _row(item: StoredEntry) -> dict[str, Any]:
    entry = item.entry
    return {
        "index": item.index,
        "appendedAt": item.appended_at,
        "kind": entry.kind,
        "subject": {"name": entry.subject_name, "sha256": entry.subject_sha256},
    }
