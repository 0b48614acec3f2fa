"""Freezing: what the ledger entry says about a version, and the marker that remembers it beside the record.

The marker is a convenience that keeps people from editing by mistake; the proof is the ledger's persona-freeze entry,
which an operator key signs. The append itself is the caller's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personactl.document import Key, PersonaProblems, Section, parse_json, read_plain_file
from personactl.document.kinds import Pattern, Text, Version, Whole
from personactl.document.source import Unparsable
from personactl.errors import ConflictError
from personactl.model import Persona

MARKER_SCHEMA = "personactl.frozen/1"
_LIMIT = 16 * 1024
_MARKER = Section(
    name="frozen.json",
    keys=(
        Key(name="schema", kind=Version(value=MARKER_SCHEMA), required=True, doc="Version of the marker's format."),
        Key(
            name="recordSha256",
            kind=Pattern(regex="[0-9a-f]{64}", means="a SHA-256 as 64 lower-case hex digits"),
            required=True,
            doc="Digest of persona.json when it was frozen.",
        ),
        Key(name="entryIndex", kind=Whole(least=0, most=2**53 - 1), required=True, doc="Index of the ledger entry."),
        Key(name="origin", kind=Text(most=300, least=1), required=True, doc="Origin of the ledger."),
        Key(name="frozenAt", kind=Text(most=40, least=1), required=True, doc="Time of the entry, RFC 3339."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """frozen.json: which record was frozen, by which entry of which ledger."""

    record_sha256: str
    entry_index: int
    origin: str
    frozen_at: str


def freeze_statement(
    persona: Persona, *, origin: str, frozen_at: str, sealed: Mapping[str, str]
) -> tuple[tuple[str, str], dict[str, Any]]:
    """(subject, predicate) of a persona-freeze entry, as `personactl_ledger.statement` takes them.

    `sealed` holds the commitment (hex) to the name, {"name": seal("name", persona.name).commitment}: a name is
    personal data or a trade secret and never stands in a leaf.
    """
    consent = persona.record.get("consent")
    predicate: dict[str, Any] = {
        "origin": origin,
        "persona": {"id": persona.id, "version": persona.version, "parent": persona.record.get("parent")},
        "personaOrigin": persona.origin,
        "consentSha256": None if consent is None else consent["documentSha256"],
        "recordSha256": persona.record_sha256,
        "references": [{"role": reference.role, "sha256": reference.sha256} for reference in persona.references],
        "sealed": dict(sealed),
        "frozenAt": frozen_at,
    }
    return ("persona.json", persona.record_sha256), predicate


def distrusted_freeze(persona: str, version: int, entry_index: int) -> ConflictError:
    """The error for a version whose only persona-freeze entry is not to be believed. A version is frozen once (ledger
    SPEC 6.7), so another one has to be."""
    name = f"{persona}@{version}"
    return ConflictError(
        f"the freeze of this version (entry {entry_index}) was signed by a key that was revoked from before it",
        where=name,
        hint=f"look at the record, then freeze it as a new version: personactl persona new {persona} --from {name}, "
        "then persona freeze",
        code="run.distrusted",
    )


def marker_bytes(persona: Persona, *, entry_index: int, origin: str, frozen_at: str) -> bytes:
    """frozen.json of a version that the ledger has recorded."""
    value = {
        "schema": MARKER_SCHEMA,
        "recordSha256": persona.record_sha256,
        "entryIndex": entry_index,
        "origin": origin,
        "frozenAt": frozen_at,
    }
    return (json.dumps(value, indent=2) + "\n").encode()


def read_marker(path: Path, project: Path) -> Marker | None:
    """The marker at `path`, or None when there is none. Raises PersonaProblems when it is not one."""
    if not os.path.lexists(path):
        return None
    data = read_plain_file(path, _LIMIT, "freeze marker", beneath=project)
    try:
        document = parse_json(data, path=str(path), room="persona", limit=_LIMIT)
    except Unparsable as error:
        raise PersonaProblems(error.problems) from None
    problems = document.problems(_MARKER.faults(document.value))
    if problems:
        raise PersonaProblems(problems)
    value = document.value
    return Marker(
        record_sha256=value["recordSha256"],
        entry_index=value["entryIndex"],
        origin=value["origin"],
        frozen_at=value["frozenAt"],
    )
