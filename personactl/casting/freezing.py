"""Freeze a persona version: the ledger says it first, then the folder remembers it.

Crash order: 1. references enrolled (`enrolment`), 2. `persona-freeze` entry committed, 3. checkpoint signed, 4.
frozen.json written. A crash after 2 leaves a version that is on record and not marked; freezing again finds the entry
and goes on at 3. So no marker ever names an entry that does not exist, and no version has two entries.
"""

from __future__ import annotations

from dataclasses import dataclass

from personactl_ledger import Draft, Ledger, StoredEntry, seal, sign_entry, statement
from personactl_ledger.aftermath import distrusted_entries

from personactl import continuity
from personactl import persona as personas
from personactl.casting.enrolment import Enrolment, enrol
from personactl.config import Config
from personactl.errors import PersonaError
from personactl.keys import KeySet, moments
from personactl.keys.moments import Moment
from personactl.model import Persona


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeResult:
    """`persona` is loaded again, frozen; `already`: the version was frozen before and nothing was written.

    `enrolment` says what became of its references, None where the version was on record already.
    """

    persona: Persona
    entry_index: int
    origin: str
    already: bool
    enrolment: Enrolment | None = None


def freeze(config: Config, keyset: KeySet, persona: Persona, *, now: Moment) -> FreezeResult:
    """Enrol what is not enrolled of its references, sign `persona` into the ledger and mark it frozen; from then on
    this version never changes. `now` is read under the writer's lock.

    Raises PersonaError (persona.frozen-otherwise) when the ledger holds the same version with another record,
    ConflictError (run.distrusted) when the entry that froze it is not to be believed,
    UsageProblem (file.*) or PersonaError when the version is no longer what was loaded, LedgerError, StorageError, and
    as `enrol`.
    """
    current = _unchanged(config, persona)
    marker = personas.marker(config.project, current)
    with continuity.open_writer(config, signers=keyset.signing) as ledger:
        time = moments.read(now)
        stored = _recorded(ledger, current)
        if marker is not None and (
            stored is None or (marker.origin, marker.entry_index) != (ledger.origin, stored.index)
        ):
            raise _frozen_elsewhere(current, marker, ledger)
        if stored is not None and stored.index in distrusted_entries(ledger):
            raise personas.distrusted_freeze(current.id, current.version, stored.index)
        enrolment = None
        if stored is None:
            enrolment = enrol(config, keyset, current, now=time)
            current = enrolment.persona
        index = stored.index if stored is not None else _record(ledger, keyset, current, time)
        ledger.checkpoint(keyset.log, now=time)
        if marker is None:
            frozen_at = stored.entry.predicate["frozenAt"] if stored is not None else time
            current = personas.mark_frozen(
                config.project, current, entry_index=index, origin=ledger.origin, frozen_at=frozen_at
            )
        return FreezeResult(
            persona=current, entry_index=index, origin=ledger.origin, already=marker is not None, enrolment=enrolment
        )


def _unchanged(config: Config, persona: Persona) -> Persona:
    current = personas.load(config.project, persona.id, persona.version)
    if current.record_sha256 != persona.record_sha256:
        raise PersonaError(
            "the record changed while it was being frozen",
            where=f"{persona.id}@{persona.version}",
            hint="run the same command again",
            code="persona.changed",
        )
    return current


def _recorded(ledger: Ledger, persona: Persona) -> StoredEntry | None:
    """The entry that froze this version, None when there is none."""
    for stored in ledger.entries(kind="persona-freeze"):
        said = stored.entry.predicate
        if (said["persona"]["id"], said["persona"]["version"]) != (persona.id, persona.version):
            continue
        if said["recordSha256"] != persona.record_sha256:
            raise PersonaError(
                f"entry {stored.index} of the ledger froze this version with another record",
                where=f"{persona.id}@{persona.version}",
                hint=f"restore that record, or make a new version: personactl persona new {persona.id} "
                f"--from {persona.id}@{persona.version}",
                code="persona.frozen-otherwise",
            )
        return stored
    return None


def _record(ledger: Ledger, keyset: KeySet, persona: Persona, now: str) -> int:
    name = seal("name", persona.name)
    subject, predicate = personas.freeze_statement(
        persona, origin=ledger.origin, frozen_at=now, sealed={name.field: name.commitment}
    )
    leaf = sign_entry(statement("persona-freeze", subject=subject, predicate=predicate), keyset.operator)
    return ledger.append([Draft(leaf=leaf, sealed=(name,))], now=now)[0]


def _frozen_elsewhere(persona: Persona, marker: personas.Marker, ledger: Ledger) -> PersonaError:
    return PersonaError(
        f"frozen.json names entry {marker.entry_index} of {marker.origin}, which this ledger ({ledger.origin}) is not",
        where=f"{persona.id}@{persona.version}",
        hint="make a new version for this ledger, or restore the ledger that froze it",
        code="persona.frozen-elsewhere",
    )
