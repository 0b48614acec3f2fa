"""Personas: strict records, versions on disk, freezing, and the composition of prompts.

persona.load(project, "lira", 2) → Persona        references verified, links refused, frozen record compared
persona.create(project, "lira", from_version=1)   the next version; `update` changes one that is not frozen
persona.compose(persona, manifest, shot)          (prompt, negative)
persona.freeze_statement(…), persona.mark_frozen  what the ledger entry says, and the marker beside the record
"""

from __future__ import annotations

from pathlib import Path

from personactl.model import Persona
from personactl.persona.freeze import Marker, distrusted_freeze, freeze_statement, marker_bytes, read_marker
from personactl.persona.prompt import compose
from personactl.persona.record import PHRASE_LENGTH, ROLES, parse, record_bytes
from personactl.persona.store import (
    MARKER_NAME,
    create,
    list_all,
    load,
    reference_data,
    replace_whole,
    update,
    version_folder,
    versions,
    write_new,
)

__all__ = [
    "PHRASE_LENGTH",
    "ROLES",
    "Marker",
    "compose",
    "create",
    "distrusted_freeze",
    "freeze_statement",
    "list_all",
    "load",
    "mark_frozen",
    "mark_refrozen",
    "marker",
    "parse",
    "record_bytes",
    "reference_data",
    "update",
    "versions",
]


def mark_frozen(project: Path, persona: Persona, *, entry_index: int, origin: str, frozen_at: str) -> Persona:
    """Write frozen.json after the ledger has recorded the version, and load it again.

    Raises ConflictError when the version is already marked.
    """
    folder = version_folder(project, persona.id, persona.version)
    data = marker_bytes(persona, entry_index=entry_index, origin=origin, frozen_at=frozen_at)
    write_new(folder / MARKER_NAME, data)
    return load(project, persona.id, persona.version)


def mark_refrozen(project: Path, persona: Persona, *, entry_index: int, origin: str, frozen_at: str) -> None:
    """Let frozen.json of a frozen version name the entry of the ledger that follows one that ended."""
    folder = version_folder(project, persona.id, persona.version)
    data = marker_bytes(persona, entry_index=entry_index, origin=origin, frozen_at=frozen_at)
    replace_whole(folder / MARKER_NAME, data)


def marker(project: Path, persona: Persona) -> Marker | None:
    """The marker of a frozen version, or None."""
    return read_marker(version_folder(project, persona.id, persona.version) / MARKER_NAME, project)
