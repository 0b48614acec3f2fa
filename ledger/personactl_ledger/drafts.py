"""What callers hand to `append`, and what it becomes before anybody has to wait: parsed and compared with its seals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personactl_ledger.entry import Entry, read_draft
from personactl_ledger.errors import EntryRefused
from personactl_ledger.sealed import Sealed, commitment


@dataclass(frozen=True, slots=True)
class Draft:
    """A signed leaf that is to be appended, with the values behind its commitments."""

    leaf: bytes
    sealed: tuple[Sealed, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadDraft:
    """`signed_by`: the public keys that have signed the entry in this process; none when that must be verified."""

    entry: Entry
    sealed: tuple[Sealed, ...]
    signed_by: tuple[bytes, ...]


def read_drafts(drafts: Sequence[Draft]) -> list[ReadDraft]:
    """Raises FormatError for bytes that are no entry, EntryRefused (code ledger.seal) for values it did not commit to.

    SPEC 3.3, 10.2.
    """
    read = []
    for draft in drafts:
        entry, signed_by = read_draft(draft.leaf)
        _require_commitments(entry, draft.sealed)
        read.append(ReadDraft(entry, draft.sealed, signed_by))
    return read


def _require_commitments(entry: Entry, sealed: Sequence[Sealed]) -> None:
    """Each sealed value must be what the entry committed to (SPEC 10.2)."""
    committed = entry.predicate.get("sealed", {})
    for item in sealed:
        if committed.get(item.field) != commitment(item.field, item.salt, item.value):
            raise EntryRefused(f"the entry does not commit to the sealed {item.field}", code="ledger.seal")
