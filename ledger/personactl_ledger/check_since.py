"""Going on from a checkpoint that the verifier kept: its root fixes the older entries (SPEC 12.9).

The tree at the size of the checkpoint is made from the stored tiles. When its root is that of the checkpoint, nobody
can have put other hashes in their place (SHA-256), and every older entry that is looked up is led to them. Which older
entries there are to look up, the columns of the file say: a check of everything compares those.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from personactl_ledger.book import AdoptionRecord, OutputRecord, RunState, adoption_record, output_record
from personactl_ledger.check_scan import SELECT_LEAF
from personactl_ledger.check_signed import parse_anchor
from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import LedgerError
from personactl_ledger.growth import Growth
from personactl_ledger.keyring import Keyring
from personactl_ledger.merkle import HASH_BYTES, leaf_hash, perfect_root, range_root
from personactl_ledger.predicates import ROOT_KINDS
from personactl_ledger.projection import TAKES_BACK, certified_key
from personactl_ledger.revocation import believed
from personactl_ledger.store import BY_ROOT, TILE_WIDTH
from personactl_ledger.taken import Taken, other_origin

LEVELS = 8
_TILES_KEPT = 64
_ROOT_ENTRIES = f"SELECT idx FROM entry WHERE kind IN {BY_ROOT} AND idx < ? ORDER BY idx"  # noqa: S608  (a constant)
_BEGUN = f"SELECT idx FROM entry WHERE kind NOT IN {BY_ROOT} AND idx < ? LIMIT 1"  # noqa: S608  (a constant)
_MERGES = "SELECT idx FROM entry WHERE kind IN ('merged', 'merge') AND idx < ? ORDER BY idx"
_RUN_OPEN = "SELECT idx FROM entry WHERE run = ? AND kind = 'run-open' AND idx < ? ORDER BY idx DESC LIMIT 1"
_RUN_ENTRIES = (
    "SELECT idx, kind FROM entry WHERE run = ? AND kind IN ('output', 'reject', 'void', 'run-close')"
    " AND idx > ? AND idx < ? ORDER BY idx"
)
_ENTRY_ID = (
    "SELECT idx FROM entry WHERE entry_id = ? AND entry_id IS NOT NULL"
    " AND kind IN ('output', 'reject', 'adoption') AND idx < ? LIMIT 1"
)
_STANDING = (
    "SELECT idx FROM entry AS o WHERE job_key = ? AND kind = 'output' AND idx < ?"
    " AND NOT EXISTS (SELECT 1 FROM entry AS v WHERE v.voids = o.idx AND v.idx < ?) LIMIT 1"
)
_TAKEN_BACK = "SELECT idx FROM entry WHERE voids = ? AND idx < ? LIMIT 1"
_CERTIFIES = "SELECT idx FROM entry WHERE certifies = ? AND kind = 'run-open' AND idx < ? LIMIT 1"
_FROZEN = (
    "SELECT idx FROM entry WHERE kind = 'persona-freeze' AND idx < ?"
    " AND json_extract(statement, '$.predicate.persona.id') = ?"
    " AND json_extract(statement, '$.predicate.persona.version') = ? LIMIT 1"
)


class NotKept(Exception):
    """The file cannot be tied to the kept checkpoint, or an answer needs all entries: everything has to be read."""


class KeptTree:
    """The tree of the checkpoint in `data`, each hash led to its root.

    Raises NotKept where the checkpoint cannot be read, covers nothing or more than `size` entries, or the stored hashes
    do not lead to its root.
    """

    def __init__(self, connection: sqlite3.Connection, data: bytes, size: int):
        try:
            self.head: Checkpoint = parse_anchor(data)
        except LedgerError as error:
            raise NotKept from error
        self.size = self.head.size
        if not 0 < self.size <= size:
            raise NotKept
        self._connection = connection
        self._edges = []
        count = self.size
        for level in range(LEVELS):
            self._edges.append(self._stored(level, count - count % TILE_WIDTH, count))
            count //= TILE_WIDTH
        if self.growth().frontier.root() != self.head.root:
            raise NotKept
        self._tiles: dict[tuple[int, int], bytes] = {}
        self.opened: list[tuple[int, Entry]] = []
        """The older run-open entries that were looked up: their keys may sign new entries."""

    def growth(self) -> Growth:
        """The right edge, to go on from."""
        return Growth.of_edges(self._edges)

    def root_at(self, size: int) -> bytes:
        """The tree head over the first `size` entries, at most those of the checkpoint."""
        return range_root(0, size, self._subtree) if size else b""

    def entry(self, index: int) -> Entry:
        """An older entry, its leaf led to the root. Raises NotKept."""
        row = self._connection.execute(SELECT_LEAF, (index,)).fetchone()
        if row is None or not 0 <= index < self.size or leaf_hash(row[0]) != self._node(0, index):
            raise NotKept
        try:
            return parse_entry(row[0], later=True)
        except LedgerError as error:
            raise NotKept from error

    def root_entries(self) -> list[tuple[int, Entry]]:
        """The older entries about keys, in order."""
        return [
            (row[0], self.entry(row[0])) for row in self._connection.execute(_ROOT_ENTRIES, (self.size,)).fetchall()
        ]

    def require_signed(self, origin: str, keyring: Keyring, ends: Mapping[str, int]) -> None:
        """Raises NotKept unless a key of this ledger signed the checkpoint that does not end below its size."""
        keys = [key.vkeys for key in keyring.keys.values() if key.vkeys]
        if self.head.origin != origin or not believed(self.head, accept_checkpoint(self.head, keys).by, ends):
            raise NotKept

    def _node(self, level: int, index: int) -> bytes:
        """Hash `index` of tile level `level`: a leaf hash, or the root of a full tile."""
        tile, place = divmod(index, TILE_WIDTH)
        if tile == (self.size >> 8 * level) // TILE_WIDTH:
            return self._edges[level][place]
        hashes = self._tile(level, tile)
        return hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]

    def _tile(self, level: int, tile: int) -> bytes:
        """The hashes of a full tile, led to the root."""
        if (level, tile) not in self._tiles:
            row = self._connection.execute(
                "SELECT hashes FROM tile WHERE level = ? AND idx = ?", (level, tile)
            ).fetchone()
            hashes = row[0] if row is not None and isinstance(row[0], bytes) else b""
            if len(hashes) != TILE_WIDTH * HASH_BYTES or perfect_root(hashes) != self._node(level + 1, tile):
                raise NotKept
            if len(self._tiles) >= _TILES_KEPT:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[level, tile] = hashes
        return self._tiles[level, tile]

    def _subtree(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, 8)
        first = index << height
        return perfect_root(b"".join(self._node(tile_level, first + n) for n in range(1 << height)))

    def _stored(self, level: int, start: int, stop: int) -> list[bytes]:
        """Hashes as the file has them; the root tells whether they are right."""
        if level == 0:
            sql = "SELECT leaf_hash FROM entry NOT INDEXED WHERE idx >= ? AND idx < ? ORDER BY idx"
        else:
            sql = f"SELECT root FROM tile WHERE level = {level - 1} AND idx >= ? AND idx < ? ORDER BY idx"  # noqa: S608
        found = [row[0] for row in self._connection.execute(sql, (start, stop)).fetchall()]
        if len(found) != stop - start or not all(type(item) is bytes and len(item) == HASH_BYTES for item in found):
            raise NotKept
        return found


class KeptBook:
    """What the rules ask about older entries: found by the columns of the file, believed by the leaves (SPEC 12.9)."""

    def __init__(self, connection: sqlite3.Connection, tree: KeptTree):
        self._connection = connection
        self._tree = tree

    def run(self, run: str) -> RunState | None:
        index = self._find(_RUN_OPEN, run, self._tree.size)
        if index is None:
            return None
        entry = self._require(index, "run-open", "run", run)
        self._tree.opened.append((index, entry))
        state = RunState.opened(index, entry)
        for at, kind in self._connection.execute(_RUN_ENTRIES, (run, index, self._tree.size)).fetchall():
            state.record(at, kind)
        return state

    def entry_id(self, entry_id: str) -> int | None:
        index = self._find(_ENTRY_ID, entry_id, self._tree.size)
        if index is not None and self._tree.entry(index).predicate.get("entryId") != entry_id:
            raise NotKept
        return index

    def standing(self, job_key: str) -> int | None:
        index = self._find(_STANDING, job_key, self._tree.size, self._tree.size)
        if index is not None:
            self._require(index, "output", "jobKey", job_key)
        return index

    def output(self, index: int) -> OutputRecord | None:
        entry = self._tree.entry(index) if 0 <= index < self._tree.size else None
        if entry is None or entry.kind != "output":
            return None
        return output_record(entry, voided=self._taken_back(index))

    def adoption(self, index: int) -> AdoptionRecord | None:
        entry = self._tree.entry(index) if 0 <= index < self._tree.size else None
        if entry is None or entry.kind != "adoption":
            return None
        return adoption_record(entry, withdrawn=self._taken_back(index))

    def frozen(self, persona: str, version: int) -> int | None:
        index = self._find(_FROZEN, self._tree.size, persona, version)
        if index is not None:
            said = self._tree.entry(index).predicate.get("persona")
            if not isinstance(said, dict) or (said.get("id"), said.get("version")) != (persona, version):
                raise NotKept
        return index

    def certified(self, key: str) -> bool:
        index = self._find(_CERTIFIES, key, self._tree.size)
        if index is not None and certified_key(self._tree.entry(index)) != key:
            raise NotKept
        return index is not None

    def committed(self, index: int) -> frozenset[str]:
        return frozenset(self._tree.entry(index).predicate.get("sealed", {}))

    def taken(self, origin: str) -> Taken:
        found = Taken()
        for row in self._connection.execute(_MERGES, (self._tree.size,)).fetchall():
            entry = self._tree.entry(row[0])
            if entry.kind not in ("merged", "merge"):
                raise NotKept
            if other_origin(entry) == origin:
                found.record(row[0], entry)
        return found

    def begun(self) -> bool:
        index = self._find(_BEGUN, self._tree.size)
        if index is not None and self._tree.entry(index).kind in ROOT_KINDS:
            raise NotKept
        return index is not None

    def record(self, index: int, entry: Entry) -> None:
        raise TypeError("older entries are not recorded again")

    def _taken_back(self, index: int) -> bool:
        by = self._find(_TAKEN_BACK, index, self._tree.size)
        if by is not None:
            entry = self._tree.entry(by)
            if entry.kind not in TAKES_BACK or entry.predicate[TAKES_BACK[entry.kind]] != index:
                raise NotKept
        return by is not None

    def _require(self, index: int, kind: str, name: str, value: str) -> Entry:
        entry = self._tree.entry(index)
        if entry.kind != kind or entry.predicate.get(name) != value:
            raise NotKept
        return entry

    def _find(self, sql: str, *values: Any) -> int | None:
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else int(row[0])
