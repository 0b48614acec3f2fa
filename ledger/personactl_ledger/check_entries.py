"""One pass over all entries: places, hashes, tiles, columns, rules, sealed values (SPEC 12.4, 12.8)."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from personactl_ledger.book import MemoryBook
from personactl_ledger.encoding import is_time
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Findings, Level
from personactl_ledger.growth import Growth
from personactl_ledger.merkle import Frontier, leaf_hash
from personactl_ledger.predicates import KINDS, ROOT
from personactl_ledger.projection import COLUMNS, certified_key, project
from personactl_ledger.rules import Rules
from personactl_ledger.sealed import commitment

CHUNK = 2048
# The casts make sure of the types: whoever made the file need not have kept to STRICT.
_SELECT = (
    "SELECT idx, CAST(coalesce(leaf, '') AS BLOB), CAST(coalesce(appended_at, '') AS TEXT), "  # noqa: S608  (constants)
    f"{', '.join(COLUMNS)} FROM entry NOT INDEXED WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT {CHUNK}"
)
_SELECT_SEALED = (
    "SELECT idx, CAST(coalesce(field, '') AS TEXT), CAST(coalesce(salt, '') AS BLOB),"
    " CAST(coalesce(value, '') AS TEXT) FROM sealed WHERE idx >= ? AND idx <= ?"
)
_LOWEST = -(2**63)

Row = tuple[Any, ...]
Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""


class EntryPass:
    """Reads every entry below `size` once. `wanted` are tree sizes whose heads are kept in `roots`."""

    def __init__(self, connection: sqlite3.Connection, level: Level, findings: Findings, wanted: set[int]):
        self.rules = Rules(MemoryBook())
        self.roots: dict[int, bytes] = {}
        self.genesis_signers: set[str] = set()
        self.unexplained: dict[int, set[str]] = {}
        """Sealed fields that are neither stored nor named by an erasure entry, by index; not kept at level tree."""
        self._connection = connection
        self._level = level
        self._findings = findings
        self._wanted = wanted
        self._growth = Growth(Frontier(), [[] for _ in range(8)])
        self._signed: dict[str, array[int]] = {}
        self._certified: dict[int, str] = {}
        self._clock = ""

    def run(self, size: int, progress: Progress | None) -> None:
        """Read entries [0, size). Stops where one is missing."""
        done = 0
        for rows in self._chunks(size):
            sealed = self._sealed(rows[0][0], rows[-1][0])
            for row in rows:
                if row[0] != done:
                    self._findings.add("ledger.index-gap", f"entry {done} is missing", done)
                    return
                self._row(done, row, sealed.get(done, ()))
                done += 1
            if progress is not None:
                progress(done, size)
        if done < size:  # an index near 2^63 is in no range of indexes
            self._findings.add("ledger.index-gap", f"entry {done} is missing", done)
        if size == 0:
            self._findings.add("ledger.genesis", "the ledger is empty")
        self._tile_count(size)

    def _chunks(self, size: int) -> Iterator[list[Row]]:
        """Whole chunks, so that no read lock is held while they are judged and a writer can go on."""
        start = _LOWEST
        while rows := self._connection.execute(_SELECT, (start, size)).fetchall():
            yield rows
            start = rows[-1][0] + 1

    def _sealed(self, first: int, last: int) -> dict[int, list[Row]]:
        """Sealed rows of a chunk by entry. Values without an entry show up in SQLite's own foreign key check."""
        found: dict[int, list[Row]] = {}
        if self._level != "tree":
            for index, *rest in self._connection.execute(_SELECT_SEALED, (first, last)).fetchall():
                found.setdefault(index, []).append(tuple(rest))
        return found

    def _row(self, index: int, row: Row, sealed: list[Row] | tuple[()]) -> None:
        _, leaf, appended_at, *columns = row
        digest = leaf_hash(leaf)
        if columns[0] != digest:
            self._findings.add("ledger.leaf-hash", "the stored leaf hash is not that of the leaf", index)
        if appended_at < self._clock:
            self._findings.add("ledger.clock", "appended_at is earlier than that of the entry before", index, "warning")
        self._clock = max(self._clock, appended_at)
        if self._level != "tree" and not is_time(appended_at):
            self._findings.add("ledger.writer-clock", "appended_at is no time", index)
        if self._level != "tree" or index == 0 or _authority(str(columns[1])):
            self._leaf(index, leaf, columns, sealed)
        self._growth.append(digest, self)
        if index + 1 in self._wanted:
            self.roots[index + 1] = self._growth.frontier.root()

    def _leaf(self, index: int, leaf: bytes, columns: list[Any], sealed: list[Row] | tuple[()]) -> None:
        """What one leaf says, against its columns, its sealed values, and all leaves before it."""
        try:
            entry = parse_entry(leaf, later=True)
        except LedgerError as error:
            self._findings.add(error.code, error.message, index)
            return
        derived = project(entry)
        if derived[1:] != tuple(columns[1:]):
            wrong = [
                name for name, a, b in zip(COLUMNS, derived, columns, strict=True) if a != b and name != "leaf_hash"
            ]
            self._findings.add("ledger.projection", f"the leaf does not say: {', '.join(wrong)}", index)
        committed = entry.predicate.get("sealed", {})
        for name, salt, value in sealed:
            if committed.get(name) != commitment(name, salt, value):
                self._findings.add("ledger.seal", f"the sealed {name} is not what the entry committed to", index)
        if self._level != "tree":
            missing = set(committed) - {name for name, _, _ in sealed}
            if missing:
                self.unexplained[index] = missing
            for erased, fields in erasures(entry):
                self.unexplained[erased] = self.unexplained.get(erased, set()) - fields
        self._judge(index, entry)

    def _judge(self, index: int, entry: Entry) -> None:
        """SPEC 6. An entry that is refused gives no authority; one that only records is still taken into account."""
        authority = _authority(entry.kind)
        try:
            self.rules.admit(index, entry, verify=authority or self._level == "full")
        except LedgerError as error:
            self._findings.add(error.code, error.message, index)
            if authority:
                return
        else:
            if entry.kind not in KINDS:
                message = f"the kind {entry.kind} is of a later version and decides nothing here"
                self._findings.add("ledger.kind-unknown", message, index, "warning")
        self.rules.record(index, entry)
        if index == 0:
            self.genesis_signers = set(entry.key_ids)
        certified = certified_key(entry)
        if certified is not None:
            self._certified[index] = certified
        for key in entry.key_ids:
            self._signed.setdefault(key, array("Q")).append(index)

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        """Called by the growing tree where a writer would write the tile: compare instead."""
        sql = "SELECT hashes, root FROM tile WHERE level = ? AND idx = ?"
        if self._connection.execute(sql, (level, index)).fetchone() != (hashes, root):
            self._findings.add("ledger.tile", f"tile {index} of level {level} is missing or wrong")

    def _tile_count(self, size: int) -> None:
        """No tile beyond those that the entries fill; skipped when a writer added entries meanwhile."""
        counts = self._connection.execute("SELECT level, count(*) FROM tile GROUP BY level").fetchall()
        if self._connection.execute("SELECT max(idx) + 1 FROM entry NOT INDEXED").fetchone()[0] not in (None, size):
            return
        expected = {level: size >> 8 * (level + 1) for level in range(8)}
        for level, count in counts:
            if count > expected.get(level, 0):
                self._findings.add("ledger.tile", f"level {level} has more tiles than the entries fill")

    def distrusted(self, size: int, revoked: Mapping[str, int]) -> tuple[int, ...]:
        """SPEC 12.8: entries that a later key-revoke takes back, and what keys certified by them signed; the same for
        the keys that the verifier's trust file revokes (9.1)."""
        waiting = [(kid, said.from_index, said.at) for kid, said in self.rules.keyring.revocations.items()]
        waiting += [(kid, start, size) for kid, start in revoked.items()]
        found: set[int] = set()
        while waiting:
            kid, start, stop = waiting.pop()
            for index in self._signed.get(kid, ()):
                if start <= index < stop and index not in found:
                    found.add(index)
                    if index in self._certified:
                        waiting.append((self._certified[index], index, size))
        return tuple(sorted(found))


def erasures(entry: Entry) -> list[tuple[int, set[str]]]:
    """(index, fields) of what an erasure entry says was erased (SPEC 10.3)."""
    said = entry.predicate["erases"] if entry.kind == "erasure" else []
    return [(item["index"], set(item["fields"])) for item in said]


def _authority(kind: str) -> bool:
    """Whether entries of this kind decide what later entries may do: they are followed at every level."""
    return KINDS.get(kind) == ROOT or kind == "run-open"
