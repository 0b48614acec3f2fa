"""What can be found out about a span of entries without any other entry: hashes, columns, sealed values, signatures.

Spans can be scanned in any order and in other processes (check_workers.py); check_entries.py puts them together in the
order of the log and applies the rules. Signatures may be verified here, before it is known whether the signer may sign:
a key id is the digest of its key, so what a signature is worth does not depend on the entries before it (SPEC 5.1).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from itertools import groupby
from typing import Any, Literal, NamedTuple

from personactl_ledger.ed25519 import key_id, verify_signature
from personactl_ledger.encoding import from_base64, is_time, moment
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.envelope import pae
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Level
from personactl_ledger.leaf_kind import kind_at_a_glance
from personactl_ledger.merkle import leaf_hash, perfect_root
from personactl_ledger.predicates import FIELDS, KINDS, ROOT_KINDS
from personactl_ledger.projection import COLUMNS, project
from personactl_ledger.sealed import commitment
from personactl_ledger.store import TILE_WIDTH

# The casts make sure of the types: whoever made the file need not have kept to STRICT.
_LEAF = "idx, CAST(coalesce(leaf, '') AS BLOB), CAST(coalesce(appended_at, '') AS TEXT), "
SELECT_LEAF = "SELECT CAST(coalesce(leaf, '') AS BLOB) FROM entry NOT INDEXED WHERE idx = ?"
"""One entry, read again."""
_WHERE = " FROM entry NOT INDEXED WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
_SELECT = f"SELECT {_LEAF}{', '.join(COLUMNS)}{_WHERE}"
_SELECT_SHORT = f"SELECT {_LEAF}leaf_hash, kind{_WHERE}"
_SELECT_SEALED = (
    "SELECT idx, CAST(coalesce(field, '') AS TEXT), CAST(coalesce(salt, '') AS BLOB),"
    " CAST(coalesce(value, '') AS TEXT) FROM sealed WHERE idx >= ? AND idx < ?"
)
_SELECT_TILES = "SELECT idx, hashes, root FROM tile WHERE level = 0 AND idx >= ? AND idx < ?"
_SELECT_CERTIFIER = "SELECT CAST(leaf AS BLOB) FROM entry WHERE certifies = ? LIMIT 1"

HASH, CLOCK, LEAF, RULE, TILE = range(5)
"""Findings about one entry are listed in this order."""

LARGEST_ROW = 256 << 10
"""Bytes: a leaf of the longest kind, its statement and its other columns come to less."""

_READ = {kind: ("origin", *fields) for kind, fields in FIELDS.items()}

Row = tuple[Any, ...]
Finding = tuple[int, int, str, str, Literal["error", "warning"]]
"""(index, one of HASH to TILE, code, message, severity)."""


class Said(NamedTuple):
    """What the rules read of one entry. `wrong` names the first signer whose signature is wrong, "" where none is or
    none was verified, None where a key was not found. `leaf` is there where the entry decides about others."""

    at: int
    kind: str
    key_ids: tuple[str, ...]
    subject_sha256: str
    fields: dict[str, Any]
    wrong: str | None
    leaf: bytes


class Span(NamedTuple):
    """Entries [start, stop); with a `gap`, entry `stop` was asked for too and is missing. Plain values, to be sent."""

    start: int
    stop: int
    gap: bool
    pieces: list[tuple[int, bytes]]
    """The leaf hashes in order: (256, root) for a tile that was compared already, (count, hashes) for others."""
    clock: tuple[str, str] | None
    """The first and the last `appended_at` by `moment`, None where one is earlier than that before it."""
    said: list[tuple[Any, ...]]
    findings: list[Finding]
    sealing: list[tuple[int, list[str], list[tuple[int, list[str]]]]]
    """(index, sealed fields without a value, what the entry says was erased)."""


class Scanner:
    """Scans spans over one connection. The hashes of tiles in `loose` are told one by one."""

    def __init__(self, connection: sqlite3.Connection, level: Level, loose: Collection[int]):
        self._connection = connection
        self._level = level
        self._loose = frozenset(loose)
        self._keys: dict[str, bytes | None] = {}

    def span(self, start: int, stop: int) -> Span:
        """Read entries [start, stop) as far as they are dense."""
        select = _SELECT_SHORT if self._level == "tree" else _SELECT
        rows = self._rows(select, start, stop)
        sealed = self._sealed(start, stop)
        span = Span(start, stop, False, [], None, [], [], [])
        hashes = []
        for index, row in enumerate(rows, start=start):
            if row[0] != index:
                rows = rows[: index - start]
                break
            entry = None
            if self._level != "tree":
                entry = self._leaf(span, index, row[1], row[3:], sealed.get(index, ()))
            elif index == 0 or row[4] in _FOLLOWED or kind_at_a_glance(row[1]) in _FOLLOWED_LEAVES:
                entry = self._whole_row(span, index, row[1])
            digest = leaf_hash(row[1]) if entry is None else entry.leaf_hash
            hashes.append(digest)
            if row[3] != digest:
                said = "the stored leaf hash is not that of the leaf"
                span.findings.append((index, HASH, "ledger.leaf-hash", said, "error"))
        if self._level != "tree":
            _require_times(span, [row[2] for row in rows])
        end = start + len(rows)
        return span._replace(
            stop=end, gap=end < stop, clock=_clock([row[2] for row in rows]), pieces=self._pieces(span, end, hashes)
        )

    def _rows(self, select: str, start: int, stop: int) -> list[Row]:
        """All rows at once, so that no read lock is held while they are judged and a writer can go on. With a limit for
        each, because SQLite lets many rows of a hostile file share the same pages."""
        before = self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
        try:
            return self._connection.execute(select, (start, stop, stop - start)).fetchall()
        finally:
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)

    def _sealed(self, start: int, stop: int) -> dict[int, list[Row]]:
        """Sealed rows by entry. Values without an entry show up in SQLite's own foreign key check."""
        found: dict[int, list[Row]] = {}
        if self._level != "tree":
            for index, *rest in self._connection.execute(_SELECT_SEALED, (start, stop)).fetchall():
                found.setdefault(index, []).append(tuple(rest))
        return found

    def _whole_row(self, span: Span, index: int, leaf: bytes) -> Entry | None:
        """At level tree the other columns are read only of entries that decide about others, by leaf or by column."""
        row = self._connection.execute(_SELECT, (index, index + 1, 1)).fetchone()
        return self._leaf(span, index, leaf, row[3:], ())

    def _leaf(self, span: Span, index: int, leaf: bytes, columns: Row, sealed: Collection[Row]) -> Entry | None:
        """What one leaf says, against its columns and its sealed values; None where it cannot be parsed."""
        text = columns[-1]
        try:
            entry = parse_entry(leaf, later=True, likely=text.encode() if isinstance(text, str) else b"")
        except LedgerError as error:
            span.findings.append((index, LEAF, error.code, error.message, "error"))
            return None
        derived = project(entry)
        if derived[1:] != columns[1:]:
            pairs = zip(COLUMNS, derived, columns, strict=True)
            wrong = ", ".join(name for name, a, b in pairs if a != b and name != "leaf_hash")
            span.findings.append((index, LEAF, "ledger.projection", f"the leaf does not say: {wrong}", "error"))
        if "sealed" in entry.predicate or sealed or entry.kind == "erasure":
            self._seals(span, index, entry, sealed)
        span.said.append(tuple(self._say(index, entry)))
        return entry

    def _seals(self, span: Span, index: int, entry: Entry, sealed: Collection[Row]) -> None:
        committed = entry.predicate.get("sealed", {})
        for name, salt, value in sealed:
            if committed.get(name) != commitment(name, salt, value):
                said = f"the sealed {name} is not what the entry committed to"
                span.findings.append((index, LEAF, "ledger.seal", said, "error"))
        if self._level != "tree":
            missing = sorted(set(committed) - {name for name, _, _ in sealed})
            erased = erasures(entry)
            if missing or erased:
                span.sealing.append((index, missing, erased))

    def _say(self, index: int, entry: Entry) -> Said:
        kind, said = entry.kind, entry.predicate
        if index == 0 or authority(kind):
            return Said(index, kind, entry.key_ids, entry.subject_sha256, {}, "", entry.leaf)
        fields = {name: said[name] for name in _READ.get(kind, ("origin",))}
        wrong = self._wrong_signature(entry) if self._level == "full" else ""
        return Said(index, kind, entry.key_ids, entry.subject_sha256, fields, wrong, b"")

    def _wrong_signature(self, entry: Entry) -> str | None:
        keys = [self._key(name) for name in entry.key_ids]
        if None in keys:
            return None
        message = pae(entry.payload)
        for key, item in zip(keys, entry.signatures, strict=True):
            if key is not None and not verify_signature(key, item.signature, message):
                return item.key_id
        return ""

    def _key(self, name: str) -> bytes | None:
        """The key with this id, wherever the file shows it: the id proves that it is the one."""
        if name not in self._keys:
            row = self._connection.execute(_SELECT_CERTIFIER, (name,)).fetchone()
            self._keys[name] = None if row is None else _certified(row[0] or b"", name)
        return self._keys[name]

    def _pieces(self, span: Span, stop: int, hashes: list[bytes]) -> list[tuple[int, bytes]]:
        first, last = -(-span.start // TILE_WIDTH), stop // TILE_WIDTH
        stored = {
            index: tuple(rest)
            for index, *rest in self._connection.execute(_SELECT_TILES, (first, last)).fetchall()
        }  # fmt: skip
        pieces: list[tuple[int, bytes]] = []
        start = span.start
        while start < stop:
            tile = start // TILE_WIDTH
            end = min(stop, (tile + 1) * TILE_WIDTH)
            joined = b"".join(hashes[start - span.start : end - span.start])
            if end - start == TILE_WIDTH and tile not in self._loose:
                root = perfect_root(joined)
                if stored.get(tile) != (joined, root):
                    span.findings.append((end - 1, TILE, "ledger.tile", wrong_tile(0, tile), "error"))
                joined = root
            pieces.append((end - start, joined))
            start = end
        return pieces


def authority(kind: str) -> bool:
    """Whether entries of this kind decide what later entries may do: they are followed at every level."""
    return kind in ROOT_KINDS or kind == "run-open"


_FOLLOWED = frozenset(filter(authority, KINDS))
_FOLLOWED_LEAVES = frozenset(f"{kind}:1".encode() for kind in _FOLLOWED)


def erasures(entry: Entry) -> list[tuple[int, list[str]]]:
    """(index, fields) of what an erasure entry says was erased; parts in another form say nothing."""
    said = entry.predicate.get("erases") if entry.kind == "erasure" else None
    found = []
    for item in said if isinstance(said, list) else []:
        index, fields = (item.get("index"), item.get("fields")) if isinstance(item, dict) else (None, None)
        if type(index) is int and isinstance(fields, list):
            found.append((index, [field for field in fields if isinstance(field, str)]))
    return found


def wrong_tile(level: int, index: int) -> str:
    return f"tile {index} of level {level} is missing or wrong"


def _certified(leaf: bytes, name: str) -> bytes | None:
    try:
        said = parse_entry(leaf).predicate
        pair = said.get("runKey", said)
        key = from_base64(pair.get("publicKey"))
    except LedgerError:
        return None
    return key if key_id(key) == name else None


def _require_times(span: Span, times: list[str]) -> None:
    """SPEC 12.4; what was appended together has one time, which is judged once."""
    good = ""
    for index, at in enumerate(times, start=span.start):
        if at != good and not is_time(at):
            span.findings.append((index, CLOCK, "ledger.writer-clock", "appended_at is no time", "error"))
        else:
            good = at


def _clock(times: list[str]) -> tuple[str, str] | None:
    """The first and the last as `moment` has them, None where one is earlier than that before it."""
    moments = [moment(at) for at, _ in groupby(times)]  # what was appended together has one time
    return (moments[0], moments[-1]) if moments and sorted(moments) == moments else None
