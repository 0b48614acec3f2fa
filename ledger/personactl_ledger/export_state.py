"""What an export is taken of: a ledger up to one checkpoint, read while a writer may go on (SPEC 16.1).

Entries below a checkpoint never change, so they are read in chunks and no lock is held between two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.envelope import MAX_LEAF_BYTES
from personactl_ledger.errors import LedgerMissing
from personactl_ledger.export_tree import Ranges, ranges_of
from personactl_ledger.note import MAX_SIGNATURES, parse_note
from personactl_ledger.store import CHUNK
from personactl_ledger.view import LedgerView


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportState:
    """`size` entries of `ledger_size` are exported. `note` is the checkpoint with all cosignatures, None when the
    ledger has none; `stamps` is the highest id of a time stamp."""

    size: int
    ledger_size: int
    checkpoint: Checkpoint | None
    note: str | None
    stamps: int

    def signed(self) -> tuple[Checkpoint, str]:
        """Checkpoint and note. Raises LedgerMissing (code ledger.no-checkpoint)."""
        if self.checkpoint is None or self.note is None:
            raise LedgerMissing(
                "no checkpoint was signed yet, and this form of export ends at one",
                hint="personactl ledger checkpoint",
                code="ledger.no-checkpoint",
            )
        return self.checkpoint, self.note


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries of the state: [first, stop), and those of one run only. The default is all of them."""

    first: int = 0
    stop: int | None = None
    run: str | None = None

    def ranges(self, view: LedgerView, size: int) -> Ranges:
        """The indexes below `size`. Raises LedgerMissing (code export.nothing) when there are none."""
        stop = size if self.stop is None else min(self.stop, size)
        found: Ranges = ((self.first, stop),) if self.first < stop else ()
        if self.run is not None and found:
            sql = "SELECT idx FROM entry WHERE run = ? AND idx >= ? AND idx < ? ORDER BY idx"
            rows = view.store.connection.execute(sql, (self.run, self.first, stop)).fetchall()
            found = ranges_of(row[0] for row in rows)
        if not found:
            raise LedgerMissing(
                f"no entry below the checkpoint over {size} entries is meant", hint="personactl ledger log",
                code="export.nothing",
            )  # fmt: skip
        return found


def take_state(view: LedgerView) -> ExportState:
    """Sizes, latest checkpoint and cosignatures as they are at one moment.

    Raises FormatError (codes ledger.note, ledger.checkpoint-malformed) when a stored line makes no note of them.
    """
    store = view.store
    store.connection.execute("BEGIN")
    try:
        ledger_size, last = store.size(), store.latest_checkpoint()
        lines = store.cosignature_lines(last.size) if last is not None else []
        stamps = store.connection.execute("SELECT coalesce(max(id), 0) FROM timestamp").fetchone()[0]
    finally:
        store.connection.execute("COMMIT")
    return ExportState(
        size=last.size if last is not None else ledger_size,
        ledger_size=ledger_size,
        checkpoint=last,
        note=None if last is None else _cosigned(last, lines),
        stamps=stamps,
    )


def _cosigned(last: Checkpoint, lines: list[str]) -> str:
    """The note with as many cosignatures as a note can hold (SPEC 7.1)."""
    room = MAX_SIGNATURES - len(parse_note(last.note).signatures)
    return parse_checkpoint(last.note + "".join(lines[:room])).note


def leaves(view: LedgerView, ranges: Ranges) -> Iterator[bytes]:
    """The exact bytes of the leaves in the ranges, in order."""
    # Cut and cast: whoever made the file need not have kept to its rules. What is cut does not lead to the checkpoint.
    blob = f"CAST(substr(coalesce(leaf, ''), 1, {MAX_LEAF_BYTES}) AS BLOB)"
    sql = f"SELECT idx, {blob} FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT {CHUNK}"  # noqa: S608
    for first, stop in ranges:
        start = first
        while start < stop:
            rows = view.store.connection.execute(sql, (start, stop)).fetchall()
            yield from (row[1] for row in rows)
            if not rows:
                break
            start = rows[-1][0] + 1
