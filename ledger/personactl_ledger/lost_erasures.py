"""What was erased after a backup goes from its copy too (SPEC 17.4).

The copy's own entries say so, replayed ones among them, and other files of the ledger do: the one that is replaced,
and those that lie beside it. Their erasure entries are not evidence here, and may be of a part of the ledger that was
lost. They name values of entries that this ledger has too, word for word; that is enough to let go of the values.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger.check_scan import erasures
from personactl_ledger.database import connect_reader, require_format, storage_errors
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.erasure import erased_fields, erasure_drafts
from personactl_ledger.errors import LedgerError
from personactl_ledger.ledger import Ledger
from personactl_ledger.merkle import leaf_hash
from personactl_ledger.removal import remove
from personactl_ledger.signer import Signer
from personactl_ledger.view import LedgerView

_ERASURES = "SELECT CAST(leaf AS BLOB) FROM entry WHERE kind = 'erasure' ORDER BY idx"
_LEAF = "SELECT CAST(leaf AS BLOB) FROM entry WHERE idx = ?"


@dataclass(frozen=True, slots=True)
class LostErasure:
    """An erasure entry that the ledger lacks: on what ground, and what of it the ledger still stores."""

    basis: str
    fields: dict[int, tuple[str, ...]]


def erase_again(
    book: Ledger, files: Iterable[Path], *, operator: Signer | None, now: str
) -> dict[int, tuple[str, ...]]:
    """Take out of `book` what its own erasure entries name, and what those of `files` do; what went, by index.

    With an `operator`, what only `files` say is said again, on the same ground. Raises LedgerStorage (code
    ledger.erase-remains).
    """
    named = set(erased_fields(book))
    own = {index: names for index in sorted({index for index, _ in named}) if (names := _named(book, index, named))}
    lost = lost_erasures(book, files, named)
    gone = dict(own)
    for item in lost:
        gone |= {index: (*gone.get(index, ()), *names) for index, names in item.fields.items()}
    if not gone:
        return {}
    drafts = [] if operator is None else [
        draft
        for item in lost
        for draft in erasure_drafts(book, item.fields, basis=item.basis, operator=operator, now=now)
    ]  # fmt: skip
    remove(book, gone, drafts, now=now)
    return gone


def _named(book: LedgerView, index: int, named: Container[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(field for field, _, _ in book.store.sealed(index) if (index, field) in named)


def lost_erasures(book: LedgerView, files: Iterable[Path], named: Iterable[tuple[int, str]]) -> list[LostErasure]:
    """Erasures that `files` tell of and `book` does not, each value once. `named` is what `book` says was erased.

    A file that cannot be read, to its end or at all, says no more than what could be read of it.
    """
    known = set(named)
    found: list[LostErasure] = []
    for path in files:
        try:
            for entry, same in _said(book, path):
                fields = {index: names for index in same if (names := _stored(book, entry, index, known))}
                known |= {(index, name) for index, names in fields.items() for name in names}
                if fields:
                    found.append(LostErasure(entry.predicate["basis"], fields))
        except LedgerError:
            continue
    return found


def _said(book: LedgerView, path: Path) -> Iterator[tuple[Entry, list[int]]]:
    """Erasure entries of the same origin in a file, each with the indexes that are the same entry here and there."""
    with closing(connect_reader(path)) as connection:
        require_format(connection, path)
        with storage_errors(path):
            for (leaf,) in connection.execute(_ERASURES):
                entry = _entry(leaf)
                if entry is None or entry.predicate.get("origin") != book.origin:
                    continue
                same = []
                for index in {index for index, _ in erasures(entry) if 0 <= index < book.size}:
                    row = connection.execute(_LEAF, (index,)).fetchone()
                    if row is not None and row[0] and leaf_hash(row[0]) == book.store.leaf_hash(index):
                        same.append(index)
                yield entry, sorted(same)


def _entry(leaf: bytes | None) -> Entry | None:
    try:
        return parse_entry(leaf or b"")
    except LedgerError:
        return None


def _stored(book: LedgerView, entry: Entry, index: int, known: set[tuple[int, str]]) -> tuple[str, ...]:
    stored = {field for field, _, _ in book.store.sealed(index)}
    named = {field for place, fields in erasures(entry) if place == index for field in fields}
    return tuple(sorted(field for field in named & stored if (index, field) not in known))
