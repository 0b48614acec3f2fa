"""Plain SQL over the tables of schema.sql. No rule lives here; transactions belong to the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personactl_ledger.book import AdoptionRecord, OutputRecord, RunState, adoption_record, output_record
from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.merkle import perfect_root
from personactl_ledger.note import NoteSignature
from personactl_ledger.predicates import ROOT_KINDS
from personactl_ledger.projection import COLUMNS, project
from personactl_ledger.sealed import Sealed
from personactl_ledger.taken import Taken, other_origin

TILE_WIDTH = 256
CHUNK = 512
"""Rows fetched at a time, so that no read lock is held while the caller works and a writer can go on."""

SIZE = f"coalesce(min(max(idx), {2**63 - 2}) + 1, 0)"
"""The number of entries, if their indexes are dense. A hostile index near 2^63 would overflow."""
BY_ROOT = f"({', '.join(map(repr, ROOT_KINDS))})"
"""The kinds that root keys sign, as SQL has a list."""
_INSERT_ENTRY = (
    f"INSERT INTO entry (idx, appended_at, leaf, {', '.join(COLUMNS)}) "  # noqa: S608  (column names are constants)
    f"VALUES (?, ?, ?, {', '.join('?' * len(COLUMNS))})"
)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry in its place. `appended_at` is the operator's clock; it is not part of the leaf and proves nothing."""

    index: int
    entry: Entry
    appended_at: str


class Store:
    """Reads and writes rows of one open connection."""

    def __init__(self, connection: sqlite3.Connection):
        self.connection = connection

    # --- entries -----------------------------------------------------------------------------------------------------

    def size(self) -> int:
        """Number of entries; the dense index makes it the highest plus one."""
        return int(self._one(f"SELECT {SIZE} FROM entry")[0])  # noqa: S608

    def insert(self, index: int, entry: Entry, appended_at: str) -> None:
        self.connection.execute(_INSERT_ENTRY, (index, appended_at, entry.leaf, *project(entry)))

    def leaf(self, index: int) -> tuple[bytes, str] | None:
        """(leaf, appended_at)."""
        row = self._maybe("SELECT leaf, appended_at FROM entry WHERE idx = ?", (index,))
        return None if row is None else (bytes(row[0]), str(row[1]))

    def leaf_hash(self, index: int) -> bytes:
        return bytes(self._one("SELECT leaf_hash FROM entry WHERE idx = ?", (index,))[0])

    def has_leaf(self, digest: bytes) -> bool:
        return self._maybe("SELECT 1 FROM entry WHERE leaf_hash = ?", (digest,)) is not None

    def entries(self, start: int, stop: int, *, kind: str | None, run: str | None) -> Iterator[StoredEntry]:
        """Entries of [start, stop) in order, in chunks."""
        where, values = ["idx >= ?", "idx < ?"], [start, stop]
        filters: list[Any] = [*values]
        for column, value in (("kind", kind), ("run", run)):
            if value is not None:
                where.append(f"{column} = ?")
                filters.append(value)
        sql = f"SELECT idx, leaf, appended_at FROM entry WHERE {' AND '.join(where)} ORDER BY idx LIMIT {CHUNK}"  # noqa: S608
        while True:
            rows = self.connection.execute(sql, filters).fetchall()
            for index, leaf, appended_at in rows:
                yield StoredEntry(index, parse_entry(leaf, later=True), appended_at)
            if len(rows) < CHUNK:
                return
            filters[0] = rows[-1][0] + 1

    def indexes_of_subject(self, sha256: str) -> list[int]:
        return self._column("SELECT idx FROM entry WHERE subject_sha256 = ? ORDER BY idx", (sha256,))

    def index_of_entry_id(self, entry_id: str) -> int | None:
        """The output, reject or adoption with this entryId."""
        sql = (
            "SELECT idx FROM entry WHERE entry_id = ? AND entry_id IS NOT NULL"
            " AND kind IN ('output', 'reject', 'adoption') LIMIT 1"
        )
        return self._index(sql, (entry_id,))

    def standing(self, job_key: str) -> int | None:
        """The output of this jobKey that no entry voids."""
        sql = (
            "SELECT idx FROM entry AS o WHERE job_key = ? AND kind = 'output' "
            "AND NOT EXISTS (SELECT 1 FROM entry AS v WHERE v.voids = o.idx) LIMIT 1"
        )
        return self._index(sql, (job_key,))

    def certifier(self, key: str) -> int | None:
        """The key-add or run-open entry that certifies this key id."""
        return self._index("SELECT idx FROM entry WHERE certifies = ?", (key,))

    def root_entries(self) -> list[tuple[int, bytes]]:
        """(index, leaf) of every entry about keys, in order."""
        sql = f"SELECT idx, leaf FROM entry WHERE kind IN {BY_ROOT} ORDER BY idx"  # noqa: S608  (a constant)
        return [(index, bytes(leaf)) for index, leaf in self.connection.execute(sql).fetchall()]

    def run_state(self, run: str, below: int) -> RunState | None:
        """The latest start of a run among the entries below `below`."""
        sql = "SELECT idx, leaf FROM entry WHERE run = ? AND kind = 'run-open' AND idx < ? ORDER BY idx DESC LIMIT 1"
        row = self._maybe(sql, (run, below))
        if row is None:
            return None
        state = RunState.opened(row[0], parse_entry(row[1]))
        later = (
            "SELECT idx, kind FROM entry WHERE run = ? AND kind IN ('output', 'reject', 'void', 'run-close') "
            "AND idx > ? AND idx < ? ORDER BY idx"
        )
        for index, kind in self.connection.execute(later, (run, state.open_index, below)).fetchall():
            state.record(index, kind)
        return state

    def output(self, index: int) -> OutputRecord | None:
        """The output entry at `index`, and whether it was voided."""
        row = self._maybe("SELECT leaf FROM entry WHERE idx = ? AND kind = 'output'", (index,))
        if row is None:
            return None
        return output_record(parse_entry(row[0]), voided=self.taken_back_by(index) is not None)

    def adoption(self, index: int) -> AdoptionRecord | None:
        """The adoption entry at `index`, and whether it was withdrawn."""
        row = self._maybe("SELECT leaf FROM entry WHERE idx = ? AND kind = 'adoption'", (index,))
        if row is None:
            return None
        return adoption_record(parse_entry(row[0]), withdrawn=self.taken_back_by(index) is not None)

    def taken_back_by(self, index: int) -> int | None:
        """The void or withdrawal that names entry `index`."""
        return self._index("SELECT idx FROM entry WHERE voids = ?", (index,))

    def frozen(self, persona: str, version: int) -> int | None:
        """The persona-freeze entry of a persona's version."""
        sql = (
            "SELECT idx FROM entry WHERE kind = 'persona-freeze'"
            " AND json_extract(statement, '$.predicate.persona.id') = ?"
            " AND json_extract(statement, '$.predicate.persona.version') = ? LIMIT 1"
        )
        return self._index(sql, (persona, version))

    def merges(self, origin: str) -> Iterator[tuple[int, bytes]]:
        """(index, leaf) of the merged and merge entries about another ledger, in order."""
        sql = (
            "SELECT idx, leaf FROM entry WHERE kind IN ('merged', 'merge') AND idx > ?"
            " AND coalesce(json_extract(statement, '$.predicate.source.origin'),"
            " json_extract(statement, '$.predicate.merges.origin')) = ? ORDER BY idx LIMIT ?"
        )
        last = -1
        while rows := self.connection.execute(sql, (last, origin, CHUNK)).fetchall():
            yield from ((int(index), bytes(leaf)) for index, leaf in rows)
            last = rows[-1][0]

    def begun(self) -> bool:
        """Whether an entry stands here that no root key signs."""
        return self._maybe(f"SELECT 1 FROM entry WHERE kind NOT IN {BY_ROOT} LIMIT 1") is not None  # noqa: S608

    # --- sealed values -----------------------------------------------------------------------------------------------

    def insert_sealed(self, index: int, sealed: Iterable[Sealed]) -> None:
        rows = [(index, s.field, s.salt, s.value) for s in sealed]
        self.connection.executemany("INSERT INTO sealed (idx, field, salt, value) VALUES (?, ?, ?, ?)", rows)

    def erase_sealed(self, rows: Iterable[tuple[int, str]]) -> int:
        """Delete values by (index, field) and write all others anew, on pages that were zeroed before. How many went.

        Without the second step a page that SQLite split long ago may still hold a copy of what moved away from it.
        """
        run = self.connection.execute
        gone = sum(run("DELETE FROM sealed WHERE idx = ? AND field = ?", row).rowcount for row in rows)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as kept:  # as compact as the file itself
            kept.execute("CREATE TABLE kept (idx, field, salt, value)")
            kept.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", run("SELECT idx, field, salt, value FROM sealed"))
            run("DELETE FROM sealed")
            self.connection.executemany(
                "INSERT INTO sealed (idx, field, salt, value) VALUES (?, ?, ?, ?)",
                kept.execute("SELECT idx, field, salt, value FROM kept ORDER BY idx, field"),
            )
        return gone

    def sealed(self, index: int) -> list[tuple[str, bytes, str]]:
        """(field, salt, value) of one entry."""
        sql = "SELECT field, salt, value FROM sealed WHERE idx = ? ORDER BY field"
        return [(f, bytes(s), v) for f, s, v in self.connection.execute(sql, (index,)).fetchall()]

    def all_sealed(self) -> Iterator[tuple[bytes, str]]:
        """(salt, value) of every stored value."""
        for salt, value in self.connection.execute("SELECT salt, value FROM sealed"):
            yield bytes(salt), str(value)

    def sealed_as(self, values: Container[str]) -> list[tuple[int, str]]:
        """(index, field) of the stored values that are among `values`."""
        rows = self.connection.execute("SELECT idx, field, value FROM sealed ORDER BY idx, field")
        return [(int(index), str(field)) for index, field, value in rows if value in values]

    def sealed_of_persona(self, persona: str) -> list[int]:
        """Entries about a persona that have a stored value."""
        sql = (
            "SELECT DISTINCT e.idx FROM sealed AS s JOIN entry AS e ON e.idx = s.idx"
            " WHERE json_extract(e.statement, '$.predicate.persona.id') = ? ORDER BY e.idx"
        )
        return self._column(sql, (persona,))

    def holds_text(self, part: bytes) -> bool:
        """Whether some bytes stand in a stored text that is not sealed: a statement, a note, the schema."""
        places = ("entry.statement", "checkpoint.note", "cosignature.line", "timestamp.tsa", "sqlite_master.sql")
        for table, column in (place.split(".") for place in places):
            sql = f"SELECT 1 FROM {table} WHERE instr(CAST({column} AS BLOB), ?) LIMIT 1"  # noqa: S608  (constants)
            if self._maybe(sql, (part,)) is not None:
                return True
        return False

    # --- tiles and checkpoints ---------------------------------------------------------------------------------------

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        self.connection.execute(
            "INSERT INTO tile (level, idx, hashes, root) VALUES (?, ?, ?, ?)", (level, index, hashes, root)
        )

    def subtree(self, level: int, index: int) -> bytes:
        """The root of a perfect subtree of 2**level leaves, from tiles and, at the right edge, from their parts."""
        tile_level, height = divmod(level, 8)
        count = 1 << height
        tile, offset = divmod(index << height, TILE_WIDTH)
        row = self._maybe("SELECT hashes FROM tile WHERE level = ? AND idx = ?", (tile_level, tile))
        if row is not None:
            return perfect_root(row[0][offset * 32 : (offset + count) * 32])
        first = index << height
        return perfect_root(b"".join(self.nodes(tile_level, first, first + count)))

    def nodes(self, tile_level: int, start: int, stop: int) -> list[bytes]:
        """Hashes [start, stop) of tile level `tile_level` from the level below: leaf hashes, or roots of full tiles."""
        if tile_level == 0:
            sql, values = "SELECT leaf_hash FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", (start, stop)
        else:
            sql = f"SELECT root FROM tile WHERE level = {tile_level - 1} AND idx >= ? AND idx < ? ORDER BY idx"  # noqa: S608
            values = (start, stop)
        return [bytes(row[0]) for row in self.connection.execute(sql, values).fetchall()]

    def insert_checkpoint(self, checkpoint: Checkpoint, created_at: str) -> None:
        self.connection.execute(
            "INSERT INTO checkpoint (size, root, note, created_at) VALUES (?, ?, ?, ?)",
            (checkpoint.size, checkpoint.root.hex(), checkpoint.note, created_at),
        )

    def latest_checkpoint(self) -> Checkpoint | None:
        """The largest, with the log's own signatures only."""
        row = self._maybe("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return None if row is None else parse_checkpoint(str(row[0]))

    def checkpoint_notes(self, above: int) -> list[str]:
        """The notes of all checkpoints over more than `above` entries, smallest first."""
        sql = "SELECT note FROM checkpoint WHERE size > ? ORDER BY size"
        return [str(row[0]) for row in self.connection.execute(sql, (above,)).fetchall()]

    def cosignature_lines(self, size: int) -> list[str]:
        """Witness lines over the checkpoint of that size, each ending in a newline."""
        sql = "SELECT line FROM cosignature WHERE size = ? ORDER BY key_name, key_hash"
        return [str(row[0]) for row in self.connection.execute(sql, (size,)).fetchall()]

    def checkpoint(self, size: int) -> Checkpoint | None:
        """The one over so many entries, with the log's own signatures only."""
        row = self._maybe("SELECT note FROM checkpoint WHERE size = ?", (size,))
        return None if row is None else parse_checkpoint(str(row[0]))

    def cosigned_size(self, key_name: str, key_hash: bytes) -> int:
        """The largest checkpoint that has a line of this witness key; 0 for none."""
        sql = "SELECT coalesce(max(size), 0) FROM cosignature WHERE key_name = ? AND key_hash = ?"
        return int(self._one(sql, (key_name, key_hash))[0])

    def insert_cosignature(self, size: int, line: NoteSignature, received_at: str) -> bool:
        """Keep the first line of a witness key over a checkpoint; False when there was one."""
        values = (size, line.name, line.key_hash)
        if (
            self._maybe("SELECT 1 FROM cosignature WHERE size = ? AND key_name = ? AND key_hash = ?", values)
            is not None
        ):
            return False
        self.connection.execute(
            "INSERT INTO cosignature (size, key_name, key_hash, line, received_at) VALUES (?, ?, ?, ?, ?)",
            (*values, str(line), received_at),
        )
        return True

    def newest_trust(self) -> bytes | None:
        """The leaf of the newest trust entry."""
        row = self._maybe("SELECT leaf FROM entry WHERE kind = 'trust' ORDER BY idx DESC LIMIT 1")
        return None if row is None else bytes(row[0])

    def copy_into(self, target: Path) -> None:
        """Write all rows to the empty file `target`, as they are at one moment (SQLite's backup, in one step)."""
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            self.connection.backup(copy)
        finally:
            copy.close()

    # --- small readers -----------------------------------------------------------------------------------------------

    def _maybe(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self.connection.execute(sql, values).fetchone()
        return row

    def _one(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        row = self._maybe(sql, values)
        if row is None:
            raise sqlite3.DatabaseError("a row that must exist is missing")
        return row

    def _column(self, sql: str, values: Sequence[Any]) -> list[int]:
        return [int(row[0]) for row in self.connection.execute(sql, values).fetchall()]

    def _index(self, sql: str, values: Sequence[Any]) -> int | None:
        row = self._maybe(sql, values)
        return None if row is None else int(str(row[0]))


class TableBook:
    """The rules' look-ups answered by the tables; the latest start of each run is kept in memory."""

    def __init__(self, store: Store):
        self._store = store
        self._runs: dict[str, RunState] = {}
        self._taken: dict[str, Taken] = {}

    def run(self, run: str) -> RunState | None:
        if run not in self._runs:
            state = self._store.run_state(run, self._store.size())
            if state is None:
                return None
            self._runs[run] = state
        return self._runs[run]

    def entry_id(self, entry_id: str) -> int | None:
        return self._store.index_of_entry_id(entry_id)

    def standing(self, job_key: str) -> int | None:
        return self._store.standing(job_key)

    def output(self, index: int) -> OutputRecord | None:
        return self._store.output(index)

    def adoption(self, index: int) -> AdoptionRecord | None:
        return self._store.adoption(index)

    def frozen(self, persona: str, version: int) -> int | None:
        return self._store.frozen(persona, version)

    def committed(self, index: int) -> frozenset[str]:
        row = self._store.leaf(index)
        return frozenset() if row is None else frozenset(parse_entry(row[0], later=True).predicate.get("sealed", {}))

    def taken(self, origin: str) -> Taken:
        if origin not in self._taken:
            found = self._taken[origin] = Taken()
            for index, leaf in self._store.merges(origin):
                found.record(index, parse_entry(leaf))
        return self._taken[origin]

    def begun(self) -> bool:
        return self._store.begun()

    def certified(self, key: str) -> bool:
        return self._store.certifier(key) is not None

    def record(self, index: int, entry: Entry) -> None:
        """Called after the row was inserted."""
        if entry.kind in ("merged", "merge") and other_origin(entry) in self._taken:
            self._taken[other_origin(entry)].record(index, entry)
        run = entry.predicate.get("run")
        if entry.kind == "run-open":
            self._runs[entry.predicate["run"]] = RunState.opened(index, entry)
        elif entry.kind in ("output", "reject", "void", "run-close") and run in self._runs:
            self._runs[run].record(index, entry.kind)
