"""All entries in the order of the log: places, tree, clock, rules, sealed values (SPEC 12.4, 12.8)."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Mapping

from personactl_ledger.book import Book, MemoryBook
from personactl_ledger.check_scan import CLOCK, RULE, SELECT_LEAF, TILE, Finding, Said, Span, authority, wrong_tile
from personactl_ledger.encoding import moment
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import EntryRefused, LedgerError
from personactl_ledger.findings import Findings
from personactl_ledger.growth import Growth
from personactl_ledger.merkle import HASH_BYTES, Frontier
from personactl_ledger.predicates import KINDS
from personactl_ledger.projection import certified_key
from personactl_ledger.rules import Rules

_SELECT_CLOCK = (
    "SELECT CAST(coalesce(appended_at, '') AS TEXT) FROM entry NOT INDEXED WHERE idx >= ? AND idx < ? ORDER BY idx"
)
_SELECT_SEALED = "SELECT 1 FROM sealed WHERE idx = ? AND field IN (?, CAST(? AS BLOB)) LIMIT 1"
_CLOCK_WRONG = "appended_at is earlier than that of the entry before"

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""


class EntryPass:
    """Takes every span once, in order. `wanted` are tree sizes whose heads are kept in `roots`.

    A pass over the entries from `start` on begins with the tree in `growth` and what the `older` entries say.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        findings: Findings,
        wanted: set[int],
        *,
        growth: Growth | None = None,
        older: Book | None = None,
    ):
        self._growth = growth or Growth(Frontier(), [[] for _ in range(8)])
        self.start = self._growth.frontier.size
        self.rules = Rules(MemoryBook(self._entry_at, older, self.start))
        self.roots: dict[int, bytes] = {}
        self.genesis_signers: set[str] = set()
        self.unexplained: dict[int, set[str]] = {}
        """Sealed fields that are neither stored nor named by an erasure entry, by index; not kept at level tree."""
        self._connection = connection
        self._findings = findings
        self._wanted = wanted
        self._signed: dict[str, array[int]] = {}
        self._certified: dict[int, str] = {}
        self._clock = self._clocks(self.start - 1, self.start)[-1:]
        self._found: list[Finding] = []
        self._index = self.start

    def run(self, spans: Iterable[Span], size: int, progress: Progress | None) -> None:
        """Take the spans of entries [start, size). Stops where one is missing."""
        if self.start in self._wanted:
            self.roots[self.start] = self._growth.frontier.root()
        first = self._connection.execute("SELECT min(idx) FROM entry NOT INDEXED").fetchone()[0]
        if first is not None and first < 0:
            self._findings.add("ledger.index-gap", "entry 0 is missing", 0)
            return
        done = self.start
        for span in spans:
            self._take(span)
            if span.gap:
                self._findings.add("ledger.index-gap", f"entry {span.stop} is missing", span.stop)
                return
            done = span.stop
            if progress is not None:
                progress(done - self.start, size - self.start)
        if size == 0:
            self._findings.add("ledger.genesis", "the ledger is empty")
        self._tile_count(size)

    def _take(self, span: Span) -> None:
        self._found += span.findings
        self._times(span)
        for values in span.said:
            said = Said(*values)
            entry = parse_entry(said.leaf, later=True) if said.leaf else _reduced(said)
            self._judge(said.at, entry, said.wrong)
        for index, missing, erased in span.sealing:
            if missing:
                self.unexplained[index] = set(missing)
            for other, fields in erased:
                self.unexplained[other] = self.unexplained.get(other, set()) - set(fields)
                self._require_gone(index, other, fields)
        for count, hashes in span.pieces:
            self._grow(count, hashes)
        self._tell()

    def _tell(self) -> None:
        """Hand on what was found since the last time, by entries."""
        for index, place, code, message, severity in sorted(self._found, key=lambda found: found[:2]):
            self._findings.add(code, message, None if place == TILE else index, severity)
        self._found.clear()

    def _times(self, span: Span) -> None:
        """Warn of a clock that went back; the times are read again only where one did."""
        before = self._clock[-1] if self._clock else ""
        if span.clock is not None and before <= span.clock[0]:
            self._clock = [span.clock[1]]
            return
        for index, at in enumerate(self._clocks(span.start, span.stop), start=span.start):
            if at < before:
                self._found.append((index, CLOCK, "ledger.clock", _CLOCK_WRONG, "warning"))
            before = at
        self._clock = [before]

    def _clocks(self, start: int, stop: int) -> list[str]:
        return [moment(row[0]) for row in self._connection.execute(_SELECT_CLOCK, (start, stop)).fetchall()]

    def _judge(self, index: int, entry: Entry, wrong: str | None) -> None:
        """SPEC 6. An entry that is refused gives no authority; one that only records is still taken into account.

        `wrong` is that of Said; the signatures of entries that decide about others are verified here.
        """
        self._index = index
        decides = index == 0 or authority(entry.kind)
        try:
            if decides:
                self.rules.admit(index, entry)
            else:
                self._admit(index, entry, wrong)
        except LedgerError as error:
            self._found.append((index, RULE, error.code, error.message, "error"))
            if decides:
                return
        else:
            if entry.kind not in KINDS:
                message = f"the kind {entry.kind} is of a later version and decides nothing here"
                self._found.append((index, RULE, "ledger.kind-unknown", message, "warning"))
        self.rules.record(index, entry)
        self.note_signers(index, entry)

    def _admit(self, index: int, entry: Entry, wrong: str | None) -> None:
        """The signatures were verified where the entry was read; whether the signers may sign is for the rules."""
        if wrong == "":
            self.rules.admit(index, entry, verify=False)
            return
        if wrong is None:
            whole = entry if entry.leaf else self._entry_at(index)
            self.rules.admit(index, entry if whole is None else whole)
            return
        self.rules.admit_signers(index, entry, verify=False)
        raise EntryRefused(f"the signature by {wrong} is wrong", code="ledger.signature")

    def note_signers(self, index: int, entry: Entry) -> None:
        """Remember who signed what, for SPEC 12.6 and 12.8."""
        if index == 0:
            self.genesis_signers = set(entry.key_ids)
        certified = certified_key(entry) if authority(entry.kind) else None
        if certified is not None:
            self._certified[index] = certified
        for key in entry.key_ids:
            signed = self._signed.get(key)
            if signed is None:
                signed = self._signed[key] = array("Q")
            signed.append(index)

    def _entry_at(self, index: int) -> Entry | None:
        """An entry of this pass below the one that is being judged, read again."""
        row = self._connection.execute(SELECT_LEAF, (index,)).fetchone() if index <= self._index else None
        try:
            return None if row is None else parse_entry(row[0], later=True)
        except LedgerError:
            return None

    def _require_gone(self, index: int, other: int, fields: Iterable[str]) -> None:
        """SPEC 10.3, also for an entry that is older than this pass: its rows are looked up here."""
        for field in fields:
            if self._connection.execute(_SELECT_SEALED, (other, field, field)).fetchone() is not None:
                said = f"it says that the {field:.70} of entry {other} was erased, and the value is still stored"
                self._found.append((index, RULE, "ledger.erased-present", said, "error"))

    def _grow(self, count: int, hashes: bytes) -> None:
        if count * HASH_BYTES != len(hashes):
            self._growth.append_tile(hashes, self)
            self._keep_root()
            return
        for place in range(0, len(hashes), HASH_BYTES):
            self._growth.append(hashes[place : place + HASH_BYTES], self)
            self._keep_root()

    def _keep_root(self) -> None:
        frontier = self._growth.frontier
        if frontier.size in self._wanted:
            self.roots[frontier.size] = frontier.root()

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        """Called by the growing tree where a writer would write the tile: compare instead."""
        sql = "SELECT hashes, root FROM tile WHERE level = ? AND idx = ?"
        if self._connection.execute(sql, (level, index)).fetchone() != (hashes, root):
            last = self._growth.frontier.size - 1
            self._found.append((last, TILE, "ledger.tile", wrong_tile(level, index), "error"))

    def _tile_count(self, size: int) -> None:
        """No tile beyond those that the entries fill; skipped when a writer added entries meanwhile."""
        counts = self._connection.execute("SELECT level, count(*) FROM tile GROUP BY level").fetchall()
        if self._connection.execute("SELECT max(idx) + 1 FROM entry NOT INDEXED").fetchone()[0] not in (None, size):
            return
        expected = {level: size >> 8 * (level + 1) for level in range(8)}
        for level, count in counts:
            if count > expected.get(level, 0):
                self._findings.add("ledger.tile", f"level {level} has more tiles than the entries fill")

    def distrusted(self, ends: Mapping[str, int]) -> tuple[int, ...]:
        """SPEC 12.8: entries that revocations take back, and what keys certified by them signed. `ends` is what
        `ends_of` says."""
        waiting = list(ends.items())
        found: set[int] = set()
        while waiting:
            kid, start = waiting.pop()
            for index in self._signed.get(kid, ()):
                if start <= index and index not in found:
                    found.add(index)
                    if index in self._certified:
                        waiting.append((self._certified[index], 0))
        return tuple(sorted(index for index in found if index >= self.start))


def _reduced(said: Said) -> Entry:
    """An entry with what the rules read, without its bytes."""
    return Entry(
        kind=said.kind,
        subject_name="",
        subject_sha256=said.subject_sha256,
        predicate=said.fields,
        payload=b"",
        key_ids=said.key_ids,
        signatures=(),
        leaf=b"",
        leaf_hash=b"",
    )
