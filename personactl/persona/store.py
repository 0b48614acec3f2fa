"""Persona versions on disk: personas/<id>/<version>/persona.json, its reference pictures, and frozen.json.

Nothing is read through a link, every reference is compared with its digest, and a version appears whole or not at all:
it is written into a hidden folder beside its place and then renamed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personactl.document import check_no_symlink, read_plain_file
from personactl.document.kinds import IDENT_REGEX
from personactl.errors import ConflictError, IntegrityError, PersonaError, StorageError
from personactl.model import Persona, Reference
from personactl.persona.freeze import read_marker
from personactl.persona.record import LIMIT, SCHEMA, parse, record_bytes

RECORD_NAME = "persona.json"
MARKER_NAME = "frozen.json"
NONCE_BYTES = 32
_REFERENCE_LIMIT = 64 << 20


def load(project: Path, persona_id: str, version: int) -> Persona:
    """One version, with its references verified. Raises PersonaError (missing, invalid), IntegrityError (altered)."""
    folder = version_folder(project, persona_id, version)
    if not folder.is_dir():
        raise PersonaError(
            f"there is no persona {persona_id}@{version}",
            where=_relative(folder, project),
            hint="see `personactl persona list`, or make it with `personactl persona new`",
            code="persona.missing",
        )
    path = folder / RECORD_NAME
    data = read_plain_file(path, LIMIT, "persona record", beneath=project)
    record = parse(data, _relative(path, project))
    if (record["id"], record["version"]) != (persona_id, version):
        raise PersonaError(
            f"the record says {record['id']}@{record['version']}, its folder says {persona_id}@{version}",
            where=_relative(path, project),
            hint="a version's folder is personas/<id>/<version>",
            code="persona.wrong-folder",
        )
    digest = hashlib.sha256(data).hexdigest()
    marker = read_marker(folder / MARKER_NAME, project)
    if marker is not None and marker.record_sha256 != digest:
        raise IntegrityError(
            f"persona {persona_id}@{version} is frozen and was changed afterwards",
            where=_relative(path, project),
            hint=f"restore it, or make the next version: personactl persona new {persona_id} --from {persona_id}"
            f"@{version}",
            code="persona.frozen-altered",
        )
    persona = _persona(record, digest, folder, frozen=marker is not None)
    for reference in persona.references:
        reference_data(project, persona, reference)
    return persona


def list_all(project: Path) -> tuple[Persona, ...]:
    """Every version of every persona, by id and version. A broken one raises as `load` does."""
    root = project / "personas"
    found: list[tuple[str, int]] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if re.fullmatch(IDENT_REGEX, folder.name) and folder.is_dir():
            found += [(folder.name, version) for version in versions(project, folder.name)]
    return tuple(load(project, persona_id, version) for persona_id, version in found)


def versions(project: Path, persona_id: str) -> tuple[int, ...]:
    """The versions that a persona has, ascending."""
    root = project / "personas" / _checked_id(persona_id)
    names = [entry.name for entry in root.iterdir()] if root.is_dir() else []
    return tuple(sorted(int(name) for name in names if re.fullmatch("[1-9][0-9]{0,5}", name)))


def create(project: Path, persona_id: str, *, from_version: int | None = None, source: Path | None = None) -> Persona:
    """The next version of a persona, not frozen.

    `from_version` copies a version of the same persona, which becomes the parent. `source` imports a record (a file,
    or a folder with persona.json) with the references that it names. With neither, the record is a synthetic blank.
    Each version has a nonce of its own, an imported one too. Raises PersonaError, IntegrityError (a copied reference
    is altered), ConflictError, StorageError.
    """
    known = versions(project, persona_id)
    version = max(known, default=0) + 1
    files: dict[str, bytes] = {}
    if from_version is not None:
        parent = load(project, persona_id, from_version)
        record = {**parent.record, "parent": f"{persona_id}@{from_version}"}
        files = _reference_files(parent, project)
    elif source is not None:
        record, files = _imported(source)
        record["parent"] = None
    else:
        record = _blank(persona_id)
    record = {**record, "id": persona_id, "version": version, "nonce": secrets.token_hex(NONCE_BYTES)}
    _write_version(project, persona_id, version, record_bytes(record), files)
    return load(project, persona_id, version)


def update(project: Path, persona: Persona, record: Mapping[str, Any], files: Mapping[str, bytes]) -> Persona:
    """Replace the record of a version that is not frozen, after adding new reference files (path → bytes).

    Files come first and the record last, so that a record never names a picture that is not there. An existing file
    is not overwritten. Raises PersonaError persona.frozen, and as `load`.
    """
    folder = version_folder(project, persona.id, persona.version)
    if persona.frozen or (folder / MARKER_NAME).exists():
        raise PersonaError(
            f"persona {persona.id}@{persona.version} is frozen",
            hint=f"make the next version: personactl persona new {persona.id} --from {persona.id}@{persona.version}",
            code="persona.frozen",
        )
    data = record_bytes(record)
    parse(data, _relative(folder / RECORD_NAME, project))
    check_no_symlink(folder, "persona folder", beneath=project)
    for name, content in files.items():
        target = folder / name
        check_no_symlink(target, "reference", beneath=folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_new(target, content)
    try:
        _write_temporary(folder, data).replace(folder / RECORD_NAME)
        _sync_folder(folder)
    except OSError as error:
        where = _relative(folder / RECORD_NAME, project)
        raise StorageError(f"cannot write the record: {error.strerror}", where=where) from None
    return load(project, persona.id, persona.version)


def version_folder(project: Path, persona_id: str, version: int) -> Path:
    """personas/<id>/<version>, from an id and a version that cannot lead elsewhere."""
    if not 1 <= version <= 999_999:
        raise PersonaError(f"a persona version is a number from 1, not {version}", code="persona.missing")
    return project / "personas" / _checked_id(persona_id) / str(version)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist: whole and durable, or not at all. Raises ConflictError, StorageError.

    Order: hidden temporary file, fsync, link under its name (which never overwrites), fsync of the folder. A crash in
    between leaves at most the hidden file, which nothing reads.
    """
    try:
        temporary = _write_temporary(path.parent, data)
        try:
            os.link(temporary, path, follow_symlinks=False)
        finally:
            temporary.unlink()
        _sync_folder(path.parent)
    except FileExistsError:
        raise ConflictError(f"{path.name} exists already", where=str(path), code="persona.file-exists") from None
    except OSError as error:
        raise StorageError(f"cannot write {path.name}: {error.strerror}", where=str(path)) from None


def replace_whole(path: Path, data: bytes) -> None:
    """Put a file in the place of another, whole and durable. Raises StorageError."""
    try:
        _write_temporary(path.parent, data).replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"cannot write {path.name}: {error.strerror}", where=str(path)) from None


def _write_temporary(folder: Path, data: bytes) -> Path:
    """A hidden file in `folder` with the data on disk; removed again when writing fails."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _persona(record: Mapping[str, Any], digest: str, folder: Path, *, frozen: bool) -> Persona:
    return Persona(
        id=record["id"],
        version=record["version"],
        name=record["name"],
        origin=record["origin"],
        record=record,
        record_sha256=digest,
        folder=str(folder.absolute()),
        references=tuple(
            Reference(
                role=row["role"],
                path=row["path"],
                sha256=row["sha256"],
                license=row.get("license", ""),
                source=row.get("source", ""),
                marks=tuple(row.get("marks", ())),
            )
            for row in record.get("references", ())
        ),
        frozen=frozen,
    )


def reference_data(project: Path, persona: Persona, reference: Reference) -> bytes:
    """The bytes of one reference, compared with the record. Raises PersonaError, IntegrityError when it is frozen."""
    path = Path(persona.folder) / reference.path
    data = read_plain_file(path, _REFERENCE_LIMIT, "reference picture", beneath=project)
    if hashlib.sha256(data).hexdigest() == reference.sha256:
        return data
    message = f"the reference {reference.path} of {persona.id}@{persona.version} is not the file of the record"
    where = _relative(path, project)
    if persona.frozen:
        raise IntegrityError(message, where=where, hint="restore the file", code="persona.reference-altered")
    hint = "restore the file, or put its SHA-256 into the record"
    raise PersonaError(message, where=where, hint=hint, code="persona.reference-altered")


def _reference_files(persona: Persona, project: Path) -> dict[str, bytes]:
    """Path → bytes of the references, and of the pictures as they came before enrolment where they are still there."""
    files = {reference.path: reference_data(project, persona, reference) for reference in persona.references}
    for row in persona.record.get("references", ()):
        name = row.get("originalPath", "")
        path = Path(persona.folder) / name
        if name and path.is_file():
            data = read_plain_file(path, _REFERENCE_LIMIT, "reference picture", beneath=project)
            if hashlib.sha256(data).hexdigest() == row.get("originalSha256"):
                files.setdefault(name, data)
    return files


def _imported(source: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The record and reference files of a persona outside the project."""
    path = source / RECORD_NAME if source.is_dir() else source
    data = read_plain_file(path, LIMIT, "persona record")
    record = parse(data, str(path))
    root = path.parent
    persona = _persona(record, hashlib.sha256(data).hexdigest(), root, frozen=False)
    return record, _reference_files(persona, root)


def _blank(persona_id: str) -> dict[str, Any]:
    name = persona_id.replace("-", " ").title()
    return {"schema": SCHEMA, "id": persona_id, "version": 1, "parent": None, "name": name, "origin": "synthetic"}


def _write_version(project: Path, persona_id: str, version: int, record: bytes, files: Mapping[str, bytes]) -> None:
    """Write the whole version into a hidden folder, then rename it into place. Nothing is left when that fails."""
    target = version_folder(project, persona_id, version)
    check_no_symlink(target, "persona folder", beneath=project)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    except OSError as error:
        where = _relative(target.parent, project)
        raise StorageError(f"cannot make a folder for the persona: {error.strerror}", where=where) from None
    try:
        staging.chmod(0o755)
        for name, content in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_new(path, content)
        write_new(staging / RECORD_NAME, record)
        staging.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        hint = "run the command again"
        raise ConflictError(f"cannot put {persona_id}@{version} in place: {error.strerror}", hint=hint) from None
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _checked_id(persona_id: str) -> str:
    if re.fullmatch(IDENT_REGEX, persona_id) is None:
        hint = "ids have lower-case letters, digits and hyphens"
        raise PersonaError(f'"{persona_id[:64]}" is no persona id', hint=hint, code="persona.missing")
    return persona_id


def _relative(path: Path, project: Path) -> str:
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
