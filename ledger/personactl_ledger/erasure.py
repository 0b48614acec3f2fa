"""Erasing sealed values, and proving that the file holds them no more (SPEC 10.3, 17.1).

One transaction: the rows go, all other rows are written anew, the erasure entries stand. Afterwards the bytes of the
file and of its journals are looked through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from personactl_ledger.check_scan import erasures
from personactl_ledger.database import storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import sign_entry
from personactl_ledger.errors import LedgerConflict, LedgerMissing, LedgerStorage, ProfileError
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.quoting import quotes
from personactl_ledger.remains import Remain, find_remains
from personactl_ledger.signer import Signer
from personactl_ledger.statement import statement
from personactl_ledger.store import Store
from personactl_ledger.view import LedgerView

State = Literal["present", "erased", "absent"]
IN_ONE_ENTRY = 400
"""Entries that one erasure entry names, so that its leaf stays below 65,535 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased. `entries` are the indexes of the erasure entries, `fields` the erased ones by index, `elsewhere`
    (index, field) of values that are equal to an erased one and still stored, `bytes_read` the size of what was
    looked through, `in_entries` whether eight bytes or more of an erased value stand in entries too, which keep them.
    """

    entries: tuple[int, ...]
    fields: dict[int, tuple[str, ...]]
    elsewhere: tuple[tuple[int, str], ...]
    bytes_read: int
    in_entries: bool


def sealed_fields(ledger: LedgerView, index: int) -> dict[str, State]:
    """Each field that entry `index` commits to: its value is present, erased, or absent without an erasure entry.

    Raises LedgerMissing (code ledger.entry-missing).
    """
    committed = ledger.entry(index).entry.predicate.get("sealed", {})
    if not committed:
        return {}
    with storage_errors(ledger.path):
        stored = {field for field, _, _ in ledger.store.sealed(index)}
    gone: set[str] = set()
    for said in ledger.entries(kind="erasure"):
        gone |= {field for place, fields in erasures(said.entry) if place == index for field in fields}
    return {
        field: "present" if field in stored else "erased" if field in gone else "absent" for field in sorted(committed)
    }


def sealed_of_personas(ledger: LedgerView, personas: Sequence[str]) -> list[int]:
    """Entries about personas (their ids) that have a stored sealed value.

    Raises LedgerMissing (code ledger.not-sealed) for a persona that has none.
    """
    found: list[int] = []
    for persona in personas:
        with storage_errors(ledger.path):
            indexes = ledger.store.sealed_of_persona(persona)
        if not indexes:
            raise LedgerMissing(
                f"no entry about the persona {persona!r:.80} has a sealed value in this file",
                where=str(ledger.path),
                hint="personactl ledger log shows what there is",
                code="ledger.not-sealed",
            )
        found += indexes
    return found


def erase(
    ledger: Ledger, indexes: Sequence[int], fields: Sequence[str], *, basis: str, operator: Signer, now: str
) -> Erasure:
    """Erase the named fields of each entry, all of them where `fields` is empty, and look for what remains.

    Raises LedgerMissing (codes ledger.entry-missing, ledger.not-sealed), LedgerConflict (code ledger.erased-already),
    ProfileError (code ledger.erase-basis) for a basis with words of a value; then nothing was changed. Raises
    LedgerStorage (code ledger.erase-remains) when the entries stand, the rows are deleted, and the bytes are still
    found in the file.
    """
    require_time(now)
    wanted = {index: _present(ledger, index, fields) for index in dict.fromkeys(indexes)}
    secrets, values = _secrets(ledger, wanted)
    _require_silent(basis, values)
    drafts = [_draft(ledger, part, basis=basis, operator=operator, now=now) for part in _parts(wanted)]
    rows = [(index, field) for index, names in wanted.items() for field in names]

    def delete(store: Store, _: tuple[int, ...]) -> None:
        if store.erase_sealed(rows) != len(rows):
            raise LedgerConflict("sealed values changed while they were erased", code="ledger.conflict")

    entries = ledger.append(drafts, now=now, also=delete)
    with storage_errors(ledger.path):
        remains, in_entries = _remains(ledger, secrets)
        size = ledger.path.stat().st_size
        elsewhere = tuple(ledger.store.sealed_as(values))
    if remains:
        raise _still_there(remains, entries)
    return Erasure(entries=entries, fields=wanted, elsewhere=elsewhere, bytes_read=size, in_entries=in_entries)


def _present(ledger: Ledger, index: int, fields: Sequence[str]) -> tuple[str, ...]:
    """The fields of one entry that are to go. Each must be committed to and stored."""
    states = sealed_fields(ledger, index)
    wanted = sorted(set(fields)) or [field for field, state in states.items() if state == "present"]
    for field in wanted or sorted(states):
        if states.get(field) == "erased":
            raise LedgerConflict(f"the {field} of entry {index} is erased already", code="ledger.erased-already")
        if states.get(field) != "present":
            what = "is not in this file" if field in states else "was never sealed"
            raise _not_sealed(f"the {field} of entry {index} {what}", states)
    if not wanted:
        raise _not_sealed(f"entry {index} seals nothing", states)
    return tuple(wanted)


def _not_sealed(message: str, states: Mapping[str, State]) -> LedgerMissing:
    fields = ", ".join(f"{field} ({state})" for field, state in states.items()) or "none"
    return LedgerMissing(message, hint=f"sealed fields of this entry: {fields}", code="ledger.not-sealed")


def _require_silent(basis: str, values: set[str]) -> None:
    """The ground stays on record for ever: it must not tell words of what is erased (SPEC 10.3)."""
    if quotes(basis, values):
        raise ProfileError(
            "the basis holds the value that is to be erased, or words of it, and would keep them on record",
            hint="change --basis: name the request, its date, its number, not the person and no word of the value",
            code="ledger.erase-basis",
        )


def _secrets(ledger: Ledger, wanted: Mapping[int, tuple[str, ...]]) -> tuple[list[bytes], set[str]]:
    secrets, values = [], set()
    with storage_errors(ledger.path):
        for index, names in wanted.items():
            for field, salt, value in ledger.store.sealed(index):
                if field in names:
                    secrets.append(salt + value.encode())
                    values.add(value)
    return secrets, values


def _parts(wanted: Mapping[int, tuple[str, ...]]) -> list[dict[int, tuple[str, ...]]]:
    items = list(wanted.items())
    return [dict(items[start : start + IN_ONE_ENTRY]) for start in range(0, len(items), IN_ONE_ENTRY)]


def _draft(ledger: Ledger, part: Mapping[int, tuple[str, ...]], *, basis: str, operator: Signer, now: str) -> Draft:
    about = ledger.entry(next(iter(part))).entry
    said: dict[str, Any] = {
        "origin": ledger.origin,
        "erases": [{"index": index, "fields": list(names)} for index, names in part.items()],
        "basis": basis,
        "erasedAt": now,
    }
    payload = statement("erasure", subject=(about.subject_name, about.subject_sha256), predicate=said)
    return Draft(sign_entry(payload, operator))


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
    return LedgerStorage(
        f"entry {entries[0]} says what was erased and the rows are deleted, but bytes of them still stand in {places}",
        where=str(remains[0].path),
        hint="personactl ledger backup makes a copy of stored rows only; restore from it, then destroy this file",
        code="ledger.erase-remains",
    )
