"""Erasing sealed values, with entries that say which fields went and on what ground (SPEC 10.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from personactl_ledger.aftermath import distrusted_entries
from personactl_ledger.check_scan import erasures
from personactl_ledger.database import storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import sign_entry
from personactl_ledger.errors import LedgerConflict, LedgerMissing, ProfileError
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.quoting import quotes
from personactl_ledger.removal import Fields, remove, stored_values
from personactl_ledger.signer import Signer
from personactl_ledger.statement import statement
from personactl_ledger.view import LedgerView

State = Literal["present", "present although erased", "erased", "absent"]
STORED: tuple[State, ...] = ("present", "present although erased")
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
    """Each field that entry `index` commits to: its value is present, erased, or absent without an erasure entry;
    "present although erased" is what a check calls ledger.erased-present.

    Raises LedgerMissing (code ledger.entry-missing).
    """
    committed = ledger.entry(index).entry.predicate.get("sealed", {})
    if not committed:
        return {}
    with storage_errors(ledger.path):
        stored = {field for field, _, _ in ledger.store.sealed(index)}
    gone = {field for place, field in erased_fields(ledger) if place == index}
    return {field: _state(field in stored, field in gone) for field in sorted(committed)}


def erased_fields(ledger: LedgerView) -> Iterator[tuple[int, str]]:
    """(index, field) of everything that the erasure entries name."""
    for said in ledger.entries(kind="erasure"):
        for index, fields in erasures(said.entry):
            yield from ((index, field) for field in fields)


def _state(stored: bool, erased: bool) -> State:
    if stored:
        return "present although erased" if erased else "present"
    return "erased" if erased else "absent"


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
    """Erase the named fields of each entry, all of them where `fields` is empty, and look for what remains. What only
    distrusted entries call erased is said again, by one that is believed.

    Raises LedgerMissing (codes ledger.entry-missing, ledger.not-sealed), LedgerConflict (code ledger.erased-already),
    ProfileError (code ledger.erase-basis) for a basis with words of a value; then nothing was changed. Raises
    LedgerStorage (code ledger.erase-remains) when the entries stand, the rows are deleted, and the bytes are still
    found in the file.
    """
    require_time(now)
    wanted = {index: _present(ledger, index, fields) for index in dict.fromkeys(indexes)}
    _require_silent(basis, stored_values(ledger, wanted))
    drafts = erasure_drafts(ledger, wanted, basis=basis, operator=operator, now=now)
    done = remove(ledger, _stored(ledger, wanted), drafts, now=now)
    return Erasure(
        entries=done.entries, fields=wanted, elsewhere=done.elsewhere, bytes_read=done.bytes_read,
        in_entries=done.in_entries,
    )  # fmt: skip


def erasure_drafts(ledger: LedgerView, wanted: Fields, *, basis: str, operator: Signer, now: str) -> list[Draft]:
    """The entries that say so, each small enough to be one leaf."""
    items = list(wanted.items())
    parts = [dict(items[start : start + IN_ONE_ENTRY]) for start in range(0, len(items), IN_ONE_ENTRY)]
    return [_draft(ledger, part, basis=basis, operator=operator, now=now) for part in parts]


def _present(ledger: Ledger, index: int, fields: Sequence[str]) -> tuple[str, ...]:
    """The fields of one entry that are to go. Each must be committed to, and stored or erased by nobody believed."""
    states = sealed_fields(ledger, index)
    again = _doubted(ledger, index) if "erased" in states.values() else frozenset()
    wanted = sorted(set(fields)) or [field for field, state in states.items() if state in STORED or field in again]
    for field in wanted or sorted(states):
        if field in again and field in states:
            continue
        if states.get(field) == "erased":
            raise LedgerConflict(f"the {field} of entry {index} is erased already", code="ledger.erased-already")
        if states.get(field) not in STORED:
            what = "is not in this file" if field in states else "was never sealed"
            raise _not_sealed(f"the {field} of entry {index} {what}", states)
    if not wanted:
        raise _not_sealed(f"entry {index} seals nothing", states)
    return tuple(wanted)


def _doubted(ledger: Ledger, index: int) -> frozenset[str]:
    """Fields of the entry that are called erased by distrusted entries, and by no other."""
    distrusted = set(distrusted_entries(ledger))
    named: dict[bool, set[str]] = {True: set(), False: set()}
    for said in ledger.entries(kind="erasure"):
        for place, fields in erasures(said.entry):
            if place == index:
                named[said.index in distrusted].update(fields)
    return frozenset(named[True] - named[False])


def _stored(ledger: Ledger, wanted: Fields) -> Fields:
    """Those of `wanted` whose values are in the file."""
    with storage_errors(ledger.path):
        stored = {index: {field for field, _, _ in ledger.store.sealed(index)} for index in wanted}
    return {index: tuple(name for name in names if name in stored[index]) for index, names in wanted.items()}


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


def _draft(ledger: LedgerView, part: Fields, *, basis: str, operator: Signer, now: str) -> Draft:
    about = ledger.entry(next(iter(part))).entry
    said: dict[str, Any] = {
        "origin": ledger.origin,
        "erases": [{"index": index, "fields": list(names)} for index, names in part.items()],
        "basis": basis,
        "erasedAt": now,
    }
    payload = statement("erasure", subject=(about.subject_name, about.subject_sha256), predicate=said)
    return Draft(sign_entry(payload, operator))
