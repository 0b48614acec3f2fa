"""Checking a whole ledger file without trusting anything in it but the leaves' bytes (SPEC 12).

Levels: `tree` recomputes leaf hashes, tiles and checkpoints and follows the key entries; `index` also parses every
leaf, derives its columns again and applies the rules; `full` also verifies every signature.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from personactl_ledger.book import MemoryBook
from personactl_ledger.check_file import check_database, check_header, check_journals, check_schema
from personactl_ledger.check_signed import (
    StoredCheckpoint,
    check_anchor,
    check_checkpoints,
    check_trust,
    parse_anchor,
    read_checkpoints,
)
from personactl_ledger.database import connect_reader, require_file, storage_errors
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import CheckReport, Findings, LedgerFinding, Level
from personactl_ledger.growth import Growth
from personactl_ledger.merkle import Frontier, leaf_hash
from personactl_ledger.predicates import KINDS, ROOT
from personactl_ledger.projection import COLUMNS, project
from personactl_ledger.rules import Rules
from personactl_ledger.sealed import commitment
from personactl_ledger.trust import LedgerTrust

__all__ = ["CheckReport", "LedgerFinding", "Level", "check"]

CHUNK = 2048
Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""

_SELECT = (
    f"SELECT idx, leaf, appended_at, {', '.join(COLUMNS)} FROM entry NOT INDEXED "  # noqa: S608  (constants)
    f"WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT {CHUNK}"
)
_SELECT_SEALED = (
    "SELECT s.idx, s.field, s.salt, s.value, e.leaf FROM sealed AS s LEFT JOIN entry AS e ON e.idx = s.idx "  # noqa: S608
    f"WHERE (s.idx, s.field) > (?, ?) AND s.idx < ? ORDER BY s.idx, s.field LIMIT {CHUNK}"
)
NO_ANCHOR = "no outside anchor was given: that the file was cut back to an earlier state is not excluded"


def check(
    path: Path | str,
    *,
    level: Level = "full",
    anchors: Sequence[bytes] = (),
    trust: LedgerTrust | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check a ledger file, read-only, also while a writer is active (SPEC 12).

    `anchors` are the bytes of receipts, tlog-proofs or checkpoints that were handed out before. Raises LedgerMissing
    when there is no file, LedgerStorage when it cannot be read; everything else is a finding.
    """
    path = Path(path)
    require_file(path)
    audit = _Audit(path, level, anchors, trust, progress)
    try:
        with storage_errors(path):
            audit.run()
    except LedgerError as error:
        if error.code != "ledger.corrupt":
            raise
        audit.findings.add("ledger.database", error.message)
    return audit.report()


class _Audit:
    """One pass over one file. Each method is one clause of SPEC 12."""

    def __init__(
        self,
        path: Path,
        level: Level,
        anchors: Sequence[bytes],
        trust: LedgerTrust | None,
        progress: Progress | None,
    ):
        self.path, self.level, self.anchors, self.trust, self.progress = path, level, anchors, trust, progress
        self.findings = Findings()
        self.rules = Rules(MemoryBook())
        self.growth = Growth(Frontier(), [[] for _ in range(8)])
        self.size = 0
        self.roots: dict[int, bytes] = {}
        self.wanted: set[int] = set()
        self.checkpoints: list[StoredCheckpoint] = []
        self.genesis_signers: set[str] = set()
        self.signed_by: dict[str, array[int]] = {}
        self.distrusted: list[int] = []
        self.anchored = False
        self._clock = ""
        self._connection: sqlite3.Connection | None = None

    def run(self) -> None:
        if not (check_header(self.path, self.findings) and check_journals(self.path, self.findings)):
            return
        connection = self._connection = connect_reader(self.path)
        try:
            if not check_schema(connection, self.findings):
                return
            check_database(connection, self.level, self.findings)
            # Checkpoints first: a writer that is at work can only add entries between the two statements.
            self.checkpoints = read_checkpoints(connection, self.findings)
            self.size = int(connection.execute("SELECT coalesce(max(idx) + 1, 0) FROM entry NOT INDEXED").fetchone()[0])
            self.wanted = {row.checkpoint.size for row in self.checkpoints} | self._anchor_sizes() | {self.size}
            self._entries(connection)
            self._tile_count(connection)
            self._sealed(connection)
            self._heads()
            self._revocations()
        finally:
            connection.close()

    def _anchor_sizes(self) -> set[int]:
        sizes = set()
        for data in self.anchors:
            try:
                sizes.add(parse_anchor(data).size)
            except LedgerError:
                continue  # check_anchor reports it
        return sizes

    def _entries(self, connection: sqlite3.Connection) -> None:
        """SPEC 12.4: dense places, leaf hashes, tiles, columns, rules."""
        for index, (place, leaf, appended_at, *columns) in enumerate(_rows(connection, self.size)):
            if place != index:
                self.findings.add("ledger.index-gap", f"entry {index} is missing", index)
                return
            digest = leaf_hash(leaf)
            if columns[0] != digest:
                self.findings.add("ledger.leaf-hash", "the stored leaf hash is not that of the leaf", index)
            self._entry(index, leaf, appended_at, tuple(columns))
            self.growth.append(digest, self)
            if index + 1 in self.wanted:
                self.roots[index + 1] = self.growth.frontier.root()
            if self.progress is not None and index % CHUNK == CHUNK - 1:
                self.progress(index + 1, self.size)
        if self.size == 0:
            self.findings.add("ledger.genesis", "the ledger is empty")
        if self.progress is not None:
            self.progress(self.size, self.size)

    def _entry(self, index: int, leaf: bytes, appended_at: str, columns: tuple[object, ...]) -> None:
        """What one leaf says, against its columns and against all leaves before it."""
        if appended_at < self._clock:
            self.findings.add("ledger.clock", "appended_at is earlier than that of the entry before", index, "warning")
        self._clock = max(self._clock, appended_at)
        if self.level == "tree" and index and not _authority(str(columns[1])):
            return
        try:
            entry = parse_entry(leaf)
        except LedgerError as error:
            self.findings.add(error.code, error.message, index)
            return
        wrong = [
            name for name, a, b in zip(COLUMNS, columns, project(entry), strict=True) if a != b and name != "leaf_hash"
        ]
        if wrong:
            self.findings.add("ledger.projection", f"columns that the leaf does not say: {', '.join(wrong)}", index)
        self._judge(index, entry)

    def _judge(self, index: int, entry: Entry) -> None:
        """SPEC 6. An entry that is refused gives no authority; one that only records is still taken into account."""
        authority = _authority(entry.kind)
        try:
            self.rules.admit(index, entry, verify=authority or self.level == "full")
        except LedgerError as error:
            self.findings.add(error.code, error.message, index)
            if authority:
                return
        self.rules.record(index, entry)
        if index == 0:
            self.genesis_signers = set(entry.key_ids)
        for key in entry.key_ids:
            self.signed_by.setdefault(key, array("Q")).append(index)

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        """Called by the growing tree where a writer would write the tile: compare instead (SPEC 12.4)."""
        assert self._connection is not None  # noqa: S101  (the tree grows only while the file is open)
        sql = "SELECT hashes, root FROM tile WHERE level = ? AND idx = ?"
        row = self._connection.execute(sql, (level, index)).fetchone()
        if row is None or (bytes(row[0]), bytes(row[1])) != (hashes, root):
            self.findings.add("ledger.tile", f"tile {index} of level {level} is missing or wrong")

    def _tile_count(self, connection: sqlite3.Connection) -> None:
        """No tile beyond those that the entries fill; skipped when a writer added entries meanwhile."""
        if connection.execute("SELECT max(idx) + 1 FROM entry NOT INDEXED").fetchone()[0] != self.size:
            return
        for level, count in connection.execute("SELECT level, count(*) FROM tile GROUP BY level").fetchall():
            if count > self.size >> 8 * (level + 1):
                self.findings.add("ledger.tile", f"level {level} has more tiles than the entries fill")

    def _sealed(self, connection: sqlite3.Connection) -> None:
        """SPEC 10: each value that is still there is the one that its entry committed to."""
        if self.level == "tree":
            return
        last: tuple[int, str] = (-1, "")
        while rows := connection.execute(_SELECT_SEALED, (*last, self.size)).fetchall():
            for index, name, salt, value, leaf in rows:
                try:
                    committed = parse_entry(leaf or b"").predicate.get("sealed", {})
                except LedgerError:
                    committed = {}
                if committed.get(name) != commitment(name, salt, value):
                    self.findings.add("ledger.seal", f"the sealed {name} is not what the entry committed to", index)
            last = (rows[-1][0], rows[-1][1])

    def _heads(self) -> None:
        """SPEC 12.5 to 12.7."""
        origin, keyring = self.rules.origin, self.rules.keyring
        check_checkpoints(self.checkpoints, self.roots, origin, keyring, self.findings)
        if not self.checkpoints:
            self.findings.add("ledger.no-checkpoint", "no checkpoint was signed yet", severity="warning")
        if self.trust is not None:
            latest = self.checkpoints[-1].checkpoint if self.checkpoints else None
            check_trust(self.trust, latest, origin, self.genesis_signers, self.findings)
        held = [check_anchor(data, self.roots, origin, keyring, self.trust, self.findings) for data in self.anchors]
        self.anchored = bool(held) and all(held)

    def _revocations(self) -> None:
        """SPEC 12.8: entries that a later key-revoke takes back, and what keys certified by them signed."""
        waiting = [(kid, said.from_index, said.at) for kid, said in self.rules.keyring.revocations.items()]
        found: set[int] = set()
        while waiting:
            kid, start, stop = waiting.pop()
            for index in self.signed_by.get(kid, ()):
                if start <= index < stop and index not in found:
                    found.add(index)
                    waiting += [(certified, index, self.size) for certified in self._certified_by(index)]
        for index in sorted(found):
            self.findings.add("ledger.distrusted", "signed by a key that was revoked from before it", index, "warning")
        self.distrusted = sorted(found)

    def _certified_by(self, index: int) -> list[str]:
        assert self._connection is not None  # noqa: S101  (called while the file is open)
        rows = self._connection.execute(
            "SELECT certifies FROM entry NOT INDEXED WHERE idx = ? AND certifies IS NOT NULL", (index,)
        )
        return [str(row[0]) for row in rows.fetchall()]

    def report(self) -> CheckReport:
        head = self.checkpoints[-1].checkpoint.size if self.checkpoints else 0
        notes = [] if self.anchored else [NO_ANCHOR]
        if head < self.size:
            notes.append(f"{self.size - head} entries after the latest checkpoint are not signed by the ledger key yet")
        if self.level != "full":
            notes.append(f"level {self.level}: the signatures of entries were not all checked")
        if self.findings.left_out:
            notes.append(f"{self.findings.left_out} more findings are not listed")
        return CheckReport(
            ok=not self.findings.broken,
            size=self.size,
            root_hex=self.roots[self.size].hex() if self.size in self.roots else "",
            origin=self.rules.origin,
            findings=tuple(self.findings.items),
            anchored=self.anchored and not self.findings.broken,
            level=self.level,
            checkpoints=len(self.checkpoints),
            signed_size=head,
            development=self.rules.development,
            distrusted=tuple(self.distrusted),
            notes=tuple(notes),
        )


def _authority(kind: str) -> bool:
    """Whether entries of this kind decide what later entries may do: they are followed at every level."""
    return KINDS.get(kind) == ROOT or kind == "run-open"


def _rows(connection: sqlite3.Connection, size: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the entry table below `size`, in chunks, so that a writer is not kept waiting."""
    start = 0
    while start < size:
        rows = connection.execute(_SELECT, (start, size)).fetchall()
        if not rows:
            return
        yield from rows
        start = rows[-1][0] + 1
