"""Comparing what two parties hold of one log: ledgers, receipts, proofs, checkpoints in any mix (SPEC 17.5).

A ledger file gives a whole tree: its leaves are hashed anew, tiles and columns are not believed. Anything else gives
one signed head. One tree is enough to place a head; two bare heads of different sizes say nothing about each other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from personactl_ledger.check_bounds import bounded, require_room
from personactl_ledger.check_file import check_database
from personactl_ledger.check_signed import parse_anchor
from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, parse_checkpoint
from personactl_ledger.database import connect_reader, require_file, require_format, storage_errors
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import FormatError, LedgerCorrupt, LedgerError
from personactl_ledger.findings import Findings
from personactl_ledger.keyring import Keyring
from personactl_ledger.merkle import consistency_path, leaf_hash, perfect_root, range_root
from personactl_ledger.misbehaviour import Misbehaviour, parse_misbehaviour
from personactl_ledger.note import Vkey
from personactl_ledger.revocation import believed, ends_of
from personactl_ledger.rules import origin_of
from personactl_ledger.schema import MAGIC
from personactl_ledger.store import Store
from personactl_ledger.trust import LedgerTrust, earliest

Verdict = Literal["same", "inconsistent", "unknown"]
MAX_HEAD_BYTES = 1024 * 1024
_SELECT = "SELECT idx, CAST(coalesce(leaf, '') AS BLOB) FROM entry NOT INDEXED WHERE idx >= ? ORDER BY idx LIMIT 2048"
NEWEST = 64
"""Signed heads of a ledger that are looked at, the newest ones."""


@dataclass(slots=True)
class Side:
    """What one party holds. `hashes` are all leaf hashes, one after another, None for a bare head; `heads` the signed
    heads, smallest first; `keys` the ledger keys that its own entries enrol, `ends` where they take keys back
    (SPEC 12.8)."""

    path: Path
    origin: str
    heads: list[Checkpoint]
    hashes: bytearray | None = None
    keys: list[tuple[Vkey, ...]] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Entries that it speaks of."""
        return len(self.hashes) // 32 if self.hashes is not None else self.heads[-1].size

    def subtree(self, level: int, index: int) -> bytes:
        if self.hashes is None:
            raise ValueError("a bare head has no leaves")
        return perfect_root(bytes(self.hashes[(index << level) * 32 : ((index + 1) << level) * 32]))

    def root(self, size: int) -> bytes:
        """The root over its first `size` leaves, or of its head of that size."""
        return range_root(0, size, self.subtree) if self.hashes is not None else self.heads[-1].root


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`origins` and `sizes` are those of the two sides, in the order they were given; `origin` is the first.
    `first_difference` is the first differing entry, where both are ledgers. In `proof` both heads are signed by the
    log. `untrusted` names what the trust file's log keys did not sign, or no key that it believes (SPEC 9.1), `notes`
    what could not be said and what would help."""

    verdict: Verdict
    origins: tuple[str, str]
    sizes: tuple[int, int]
    first_difference: int | None
    proof: Misbehaviour | None
    untrusted: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def origin(self) -> str:
        return self.origins[0]

    @property
    def exit_code(self) -> int:
        """4 inconsistent, 5 not signed by trusted keys, 10 cannot tell, 0 one history."""
        if self.verdict == "inconsistent" and not self.untrusted:
            return 4
        return 5 if self.untrusted else 10 if self.verdict == "unknown" else 0


def read_side(path: Path | str) -> Side:
    """A ledger, receipt, tlog-proof or checkpoint. Raises LedgerMissing, LedgerCorrupt, FormatError, LedgerStorage."""
    path = Path(path)
    require_file(path)
    with storage_errors(path), path.open("rb") as stream:
        data = stream.read(MAX_HEAD_BYTES + 1)
    if data.startswith(MAGIC):
        return _ledger(path)
    try:
        if len(data) > MAX_HEAD_BYTES:
            raise FormatError("it is longer than a receipt can be")
        head = parse_anchor(data)
    except LedgerError as error:
        _refuse_misbehaviour(data, path)
        raise FormatError(
            f"this is no ledger, receipt, proof or checkpoint: {error.message}",
            where=str(path),
            code="ledger.compare-input",
        ) from None
    return Side(path, head.origin, [head])


def _refuse_misbehaviour(data: bytes, path: Path) -> None:
    """Such a proof is the outcome of a comparison, and holds both sides already."""
    try:
        parse_misbehaviour(data)
    except FormatError:
        return
    raise LedgerError(
        "this is a proof of misbehaviour, which stands for itself",
        where=str(path),
        hint=f"personactl ledger compare --proof {path} --trust FILE",
        code="ledger.compare-input",
        exit_code=2,
    )


def compare(first: Side, second: Side, *, trust: LedgerTrust | None = None) -> Comparison:
    """Whether the two can be of one history."""
    notes: list[str] = []
    untrusted = _untrusted((first, second), trust, notes)
    difference, proof = None, None
    if first.origin != second.origin:
        verdict: Verdict = "unknown"
        notes.append("nothing of one can contradict the other: bring two files of one ledger, which have one origin")
    else:
        smaller, larger = sorted((first, second), key=lambda side: (side.size, side.hashes is None))
        verdict = _verdict(smaller, larger, notes)
    if verdict == "inconsistent":
        if smaller.hashes is not None and larger.hashes is not None:
            difference = _first_difference(smaller.hashes, larger.hashes)
        proof = _proof(smaller, larger, _Belief.of((first, second), trust))
        if proof is None:
            notes.append("the part that differs is not under two signed checkpoints: there is no portable proof")
    return Comparison(
        verdict=verdict, origins=(first.origin, second.origin), sizes=(first.size, second.size),
        first_difference=difference, proof=proof, untrusted=untrusted, notes=tuple(notes),
    )  # fmt: skip


def _verdict(smaller: Side, larger: Side, notes: list[str]) -> Verdict:
    size = smaller.size
    if size == larger.size or larger.hashes is not None:
        return "same" if size == 0 or smaller.root(size) == larger.root(size) else "inconsistent"
    if smaller.hashes is not None:
        notes.append(
            f"{larger.path} covers {larger.size} entries and {smaller.path} has {size}: it was cut back, or "
            "is an older copy; bring the ledger with all entries"
        )
    else:
        notes.append("two checkpoints of different sizes: bring the ledger, or a copy with all entries of the larger")
    return "unknown"


def _first_difference(first: bytearray, second: bytearray) -> int:
    """The index of the first leaf that differs; the common part differs somewhere."""
    low, high = 0, min(len(first), len(second)) // 32
    while low < high:
        middle = (low + high + 1) // 2
        if first[: middle * 32] == second[: middle * 32]:
            low = middle
        else:
            high = middle - 1
    return low


def _proof(smaller: Side, larger: Side, belief: _Belief) -> Misbehaviour | None:
    """Two signed heads, one of each side, that no tree can have, with the path from whoever holds the larger tree.

    Of each side the newest signed head that fits is enough: older ones of a tree fit wherever it does.
    """
    for mine, holder in ((smaller, larger), (larger, smaller)):
        for b in _signed(holder, belief)[:1]:
            for a in [head for head in _signed(mine, belief) if head.size <= b.size][:1]:
                if a.size == b.size:
                    found = Misbehaviour(smaller=a, larger=b, root_at_smaller=b.root, path=())
                elif holder.hashes is not None:
                    path = consistency_path(a.size, b.size, holder.subtree)
                    found = Misbehaviour(smaller=a, larger=b, root_at_smaller=holder.root(a.size), path=path)
                else:
                    continue
                if found.holds:
                    return found
    return None


@dataclass(frozen=True, slots=True)
class _Belief:
    """Whose signatures count, and from where they do not."""

    keys: Sequence[tuple[Vkey, ...]]
    ends: Mapping[str, int]

    @classmethod
    def of(cls, sides: Sequence[Side], trust: LedgerTrust | None) -> _Belief:
        """By the trust file; without one, by what the ledgers themselves enrol and revoke."""
        if trust is not None:
            return cls(trust.ledger_keys(), trust.revoked_from())
        keys = list(dict.fromkeys(key for side in sides for key in side.keys))
        return cls(keys, earliest(*(side.ends for side in sides)))

    def __contains__(self, head: Checkpoint) -> bool:
        found = accept_checkpoint(head, self.keys)
        return found.accepted and bool(believed(head, found.by, self.ends))


def _signed(side: Side, belief: _Belief) -> list[Checkpoint]:
    """The newest heads that a ledger key signed which is believed, newest first."""
    newest = [head for head in reversed(side.heads) if head.size > 0][:NEWEST]
    return [head for head in newest if head in belief]


def _untrusted(sides: Sequence[Side], trust: LedgerTrust | None, notes: list[str]) -> tuple[str, ...]:
    """Sides whose newest head the trust file does not accept."""
    if trust is None:
        notes.append("no trust file was given: whose signatures these are was not checked")
        return ()
    found = []
    belief = _Belief.of(sides, trust)
    for side in sides:
        if not side.heads:
            notes.append(f"{side.path} has no signed checkpoint")
            found.append(str(side.path))
        elif side.origin != trust.origin or side.heads[-1] not in belief:
            found.append(str(side.path))
    return tuple(found)


def _ledger(path: Path) -> Side:
    """All leaf hashes, signed heads and ledger keys of a file."""
    connection = connect_reader(path)
    try:
        require_format(connection, path)
        with _readable(connection, path):
            hashes, start = bytearray(), 0
            heads = _heads(connection)  # first: a writer that is at work can only add entries meanwhile
            while rows := connection.execute(_SELECT, (start,)).fetchall():
                for index, leaf in rows:
                    if index * 32 != len(hashes):
                        raise LedgerCorrupt(f"entry {start} is missing", where=str(path), code="ledger.index-gap")
                    hashes += leaf_hash(leaf)
                    start += 1
            origin, keyring = _authority(connection, path)
    finally:
        connection.close()
    keys = [key.vkeys for key in keyring.keys.values() if key.vkeys]
    return Side(path, origin, [head for head in heads if head.size <= start], hashes, keys, ends_of(keyring, {}))


@contextmanager
def _readable(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """SQLite checks the file first, as in a check (SPEC 12.3). Raises LedgerCorrupt (code ledger.database)."""
    with storage_errors(path), ExitStack() as stack:
        findings = Findings()
        found = check_database(connection, "tree", findings, path)
        if found == "unsound":
            raise LedgerCorrupt(findings.items[0].message, where=str(path), code="ledger.database")
        if found == "unknown":  # a writer is at work
            stack.enter_context(bounded(connection))
            require_room(connection, 0)
        yield


def _heads(connection: sqlite3.Connection) -> list[Checkpoint]:
    """Stored checkpoints that can be parsed; the others are the business of `check`."""
    found = []
    for (note,) in connection.execute("SELECT CAST(note AS TEXT) FROM checkpoint ORDER BY size").fetchall():
        with suppress(LedgerError):
            found.append(parse_checkpoint(str(note)))
    return sorted(found, key=lambda head: head.size)


def _authority(connection: sqlite3.Connection, path: Path) -> tuple[str, Keyring]:
    """The origin that the genesis makes, and the keys that entries enrol and revoke, as the file says it."""
    origin, keyring = "", Keyring()
    for index, leaf in Store(connection).root_entries():
        with suppress(LedgerError):
            entry = parse_entry(leaf)
            if index == 0 and entry.kind == "genesis":
                origin = origin_of(entry)
            if entry.kind in ("key-add", "key-revoke"):
                keyring.record(index, entry)
    if not origin:
        raise LedgerCorrupt("the ledger has no genesis entry", where=str(path), code="ledger.genesis")
    return origin, keyring
