"""Taking sealed values out of a file, and proving that it holds them no more (SPEC 10.3, 17.1).

One transaction: the rows go, all other rows are written anew, the entries that say so stand. Afterwards the bytes of
the file and of its journals are looked through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from personactl_ledger.database import storage_errors
from personactl_ledger.errors import LedgerConflict, LedgerStorage
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.remains import Remain, find_remains
from personactl_ledger.store import Store

Fields = Mapping[int, tuple[str, ...]]
"""Index of an entry → names of sealed fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """`entries` are the indexes of the entries that say so, `elsewhere` (index, field) of values that are equal to a
    removed one and still stored, `bytes_read` the size of what was looked through, `in_entries` whether eight bytes or
    more of a removed value stand in entries too, which keep them."""

    entries: tuple[int, ...]
    elsewhere: tuple[tuple[int, str], ...]
    bytes_read: int
    in_entries: bool


def remove(ledger: Ledger, wanted: Fields, drafts: Sequence[Draft], *, now: str) -> Removal:
    """Delete the stored values of `wanted` and append `drafts`, if any, in one transaction.

    Raises LedgerConflict (code ledger.conflict) when one is not stored, what `append` raises; then nothing was
    changed. Raises LedgerStorage (code ledger.erase-remains) when the rows are deleted and their bytes still found.
    """
    secrets, values = _secrets(ledger, wanted)
    rows = [(index, field) for index, names in wanted.items() for field in names]

    def delete(store: Store, _: tuple[int, ...]) -> None:
        if store.erase_sealed(rows) != len(rows):
            raise LedgerConflict("sealed values changed while they were erased", code="ledger.conflict")

    entries: tuple[int, ...] = ()
    if drafts:
        entries = ledger.append(drafts, now=now, also=delete)
    else:
        with ledger.write() as store:
            delete(store, ())
    with storage_errors(ledger.path):
        remains, in_entries = _remains(ledger, secrets)
        size = ledger.path.stat().st_size
        elsewhere = tuple(ledger.store.sealed_as(values))
    if remains:
        raise _still_there(remains, entries)
    return Removal(entries=entries, elsewhere=elsewhere, bytes_read=size, in_entries=in_entries)


def stored_values(ledger: Ledger, wanted: Fields) -> set[str]:
    """The values of these fields, as far as they are stored."""
    return _secrets(ledger, wanted)[1]


def _secrets(ledger: Ledger, wanted: Fields) -> tuple[list[bytes], set[str]]:
    secrets, values = [], set()
    with storage_errors(ledger.path):
        for index, names in wanted.items():
            for field, salt, value in ledger.store.sealed(index):
                if field in names:
                    secrets.append(salt + value.encode())
                    values.add(value)
    return secrets, values


def _remains(ledger: Ledger, secrets: Sequence[bytes]) -> tuple[list[Remain], bool]:
    """(what remains, whether parts of it stand in entries, where they are no remains)."""
    stored = [salt + value.encode() for salt, value in ledger.store.all_sealed()]
    held = False

    def accounted(part: bytes) -> bool:
        nonlocal held
        found = ledger.store.holds_text(part)
        held = held or found
        return found

    return find_remains(ledger.path, secrets, stored, accounted), held


def _still_there(remains: Sequence[Remain], entries: Sequence[int]) -> LedgerStorage:
    places = ", ".join(f"{item.path.name} at byte {item.offset}" for item in remains[:5])
    said = f"entry {entries[0]} says what was erased and the" if entries else "the"
    return LedgerStorage(
        f"{said} rows are deleted, but bytes of them still stand in {places}",
        where=str(remains[0].path),
        hint="personactl ledger backup makes a copy of stored rows only; restore from it, then destroy this file",
        code="ledger.erase-remains",
    )
