"""JSON lines: each line is the exact bytes of one leaf (SPEC 16.2, 16.3).

    NAME             the lines
    NAME.checkpoint  the checkpoint over all entries that the tree has
    NAME.excerpt     only when lines were left out: which ones are there, and the hashes of the others

So a few lines prove their place in the signed tree without all the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from personactl_ledger.canonical import canonical_bytes
from personactl_ledger.encoding import to_base64
from personactl_ledger.errors import LedgerCorrupt
from personactl_ledger.export_state import ExportState, Selection, leaves
from personactl_ledger.export_tree import Ranges, count, covered_root
from personactl_ledger.merkle import leaf_hash, range_root
from personactl_ledger.view import LedgerView

CHECKPOINT, EXCERPT = ".checkpoint", ".excerpt"
SCHEMA = "personactl.ledger-excerpt/1"


def write_jsonl(view: LedgerView, state: ExportState, selection: Selection, target: Path) -> list[str]:
    """Write the lines to `target`, and the files beside it; returns their suffixes.

    Raises LedgerMissing without a checkpoint, LedgerCorrupt (code ledger.checkpoint-root) when the lines do not lead to
    it.
    """
    head, note = state.signed()
    ranges = selection.ranges(view, head.size)
    hashes: list[bytes] = []

    def gap(start: int, stop: int) -> bytes:
        hashes.append(range_root(start, stop, view.store.subtree))
        return hashes[-1]

    with target.open("xb") as stream:
        root = covered_root(head.size, ranges, _written(view, ranges, stream), gap)
    require_root(root == head.root, view, head.size)
    target.with_name(target.name + CHECKPOINT).write_text(note, encoding="utf-8", newline="")
    if count(ranges) == head.size:
        return ["", CHECKPOINT]
    said = {"schema": SCHEMA, "ranges": [list(pair) for pair in ranges], "hashes": [to_base64(item) for item in hashes]}
    target.with_name(target.name + EXCERPT).write_bytes(canonical_bytes(said) + b"\n")
    return ["", CHECKPOINT, EXCERPT]


def _written(view: LedgerView, ranges: Ranges, stream: BinaryIO) -> Iterator[bytes]:
    """Leaf hashes, each after its line was written."""
    for leaf in leaves(view, ranges):
        if b"\n" in leaf or b"\r" in leaf:
            raise LedgerCorrupt("a leaf holds a line break", where=str(view.path), code="ledger.envelope")
        stream.write(leaf + b"\n")
        yield leaf_hash(leaf)


def require_root(same: bool, view: LedgerView, size: int) -> None:
    """Raises LedgerCorrupt: what does not lead to its own checkpoint is not exported."""
    if not same:
        raise LedgerCorrupt(
            f"the entries do not lead to the checkpoint over {size} entries",
            where=str(view.path),
            hint="keep the file as it is and run `personactl ledger check`",
            code="ledger.checkpoint-root",
        )
