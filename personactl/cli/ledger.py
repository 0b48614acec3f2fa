"""`personactl ledger`: read, check and prove the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from personactl.cli.project import here
from personactl.cli.session import SessionGroup, pass_terminal
from personactl.cli.unavailable import add_refusing
from personactl.errors import EXIT_NO_ANCHOR, EXIT_OK, UsageProblem
from personactl.render.columns import columns
from personactl.render.terminal import Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger import LedgerTrust, StoredEntry

PATH = click.Path(path_type=Path)
LARGEST_ANCHOR = 1 << 20
Level = Literal["tree", "index", "full"]
ledger_option = click.option(
    "--ledger", "path", type=PATH, metavar="FILE", help="This ledger instead of the project's."
)


@click.group(cls=SessionGroup)
def ledger() -> None:
    """Read, check and prove the ledger."""


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
    with Ledger.open_reader(_path(path)) as book:
        origin, size = book.origin, book.size
        start = 0 if run or kind else max(0, size - limit)
        entries = list(deque(book.entries(start, kind=kind, run=run), maxlen=limit))
    rows = [
        (str(item.index), item.appended_at, item.entry.kind, item.entry.subject_name, item.entry.subject_sha256[:12])
        for item in entries
    ]
    lines = columns(("INDEX", "APPENDED", "KIND", "SUBJECT", "SHA256"), rows, terminal.width(terminal.out))
    told = [_row(item) for item in entries]
    document = {"schema": "personactl.ledger-log/1", "origin": origin, "size": size, "entries": told}
    terminal.result(document, [*(lines or ["no entry matches"]), f"{size} entries in {origin}"])


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@ledger_option
@pass_terminal
def show(terminal: Terminal, *, index: int, path: Path | None) -> None:
    """Show one entry with all that it says."""
    import json

    from personactl_ledger import Ledger

    with Ledger.open_reader(_path(path)) as book:
        _require_index(index, book.size)
        item = book.entry(index)
    document = {
        "schema": "personactl.ledger-entry/1", **_row(item), "leafHash": item.entry.leaf_hash.hex(),
        "keyIds": list(item.entry.key_ids), "predicate": item.entry.predicate,
    }  # fmt: skip
    terminal.result(document, json.dumps(document, indent=2).splitlines())


@ledger.command()
@ledger_option
@click.option("--level", type=click.Choice(get_args(Level)), default="full", show_default=True)
@click.option(
    "--anchor", "anchors", type=PATH, multiple=True, metavar="FILE", help="A receipt or checkpoint kept outside."
)
@click.option("--require-anchor", is_flag=True, help="Exit 11 when no --anchor is given.")
@click.option("--trust", "trust_file", type=PATH, metavar="FILE", help="Check signatures against this trust file.")
@pass_terminal
def check(
    terminal: Terminal, *, path: Path | None, level: Level, anchors: tuple[Path, ...], require_anchor: bool,
    trust_file: Path | None,
) -> int:  # fmt: skip
    """Recompute the ledger; compare it with an anchor.

    An anchor is any receipt or checkpoint that was kept outside: only with one can a cut-back ledger be noticed.
    """
    from personactl_ledger import check as check_ledger

    from personactl.document import read_plain_file
    from personactl.render import ledgers

    target = _path(path)
    kept = [read_plain_file(anchor, LARGEST_ANCHOR, "anchor") for anchor in anchors]
    report = check_ledger(target, level=level, anchors=kept, trust=_trust(trust_file))
    code = EXIT_NO_ANCHOR if require_anchor and not report.anchored else EXIT_OK
    ledgers.show_check(terminal, report, exit_code=report.exit_code or code)
    return report.exit_code or code


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@ledger_option
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Write the receipt here instead of to stdout.")
@pass_terminal
def prove(terminal: Terminal, *, index: int, path: Path | None, output: Path | None) -> None:
    """Write the receipt of one entry."""
    import json

    from personactl_ledger import Ledger

    from personactl.render.outfile import write_whole

    with Ledger.open_reader(_path(path)) as book:
        _require_index(index, book.size)
        receipt = book.prove(index)
    if output is None:
        terminal.result(json.loads(receipt), receipt.decode().splitlines())
        return
    write_whole(output, receipt)
    document = {"schema": "personactl.ledger-prove/1", "index": index, "path": str(output)}
    terminal.result(document, [["receipt of entry ", str(index), ": ", Styled(str(output), "bold")]])


def _path(given: Path | None) -> Path:
    return given or here().ledger_path


def _trust(path: Path | None) -> LedgerTrust | None:
    if path is None:
        return None
    from personactl.keys import trust_store

    return trust_store.read(path).ledger


def _require_kind(kind: str | None) -> None:
    from personactl_ledger.predicates import KINDS

    if kind is not None and kind not in KINDS:
        raise UsageProblem(
            f"there is no kind of entry {kind[:80]!r}", code="cli.kind-unknown", hint=f"kinds: {', '.join(KINDS)}"
        )


def _require_index(index: int, size: int) -> None:
    if index >= size:
        raise UsageProblem(
            f"there is no entry {index}; the ledger has {size} entries", code="cli.entry-unknown",
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


add_refusing(
    ledger,
    {
        "checkpoint": "Sign a checkpoint now.",
        "witness": "Cosign checkpoints of another ledger.",
        "timestamp": "Time-stamp the latest checkpoint.",
        "export": "Export entries as JSONL, CSV or tiles.",
        "erase": "Erase sealed personal data.",
        "backup": "Write a backup.",
        "restore": "Open a new ledger from a backup.",
        "compare": "Compare two ledgers or checkpoints.",
        "merge": "Take in the entries of another writer.",
    },
)
