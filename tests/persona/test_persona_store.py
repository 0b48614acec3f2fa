"""Versions on disk: verified when read, whole when written, unchangeable once frozen."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import pytest

from personactl import persona
from personactl.errors import ConflictError, IntegrityError, PersonaError, StorageError, UsageProblem
from personactl.model import Persona

PICTURE = b"\x89PNG not really, but bytes are bytes"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def lira(project: Path) -> Persona:
    """lira@1 with one reference, not frozen."""
    blank = persona.create(project, "lira")
    reference = {"role": "hero", "path": "refs/hero.png", "sha256": hashlib.sha256(PICTURE).hexdigest()}
    record = {**blank.record, "references": [reference]}
    return persona.update(project, blank, record, {"refs/hero.png": PICTURE})


def freeze(project: Path, who: Persona) -> Persona:
    return persona.mark_frozen(
        project, who, entry_index=7, origin="example.org/personactl/ab", frozen_at="2026-11-21T10:00:00Z"
    )


def folder_of(project: Path, version: int = 1) -> Path:
    return project / "personas" / "lira" / str(version)


def test_a_new_persona_is_a_synthetic_blank(project: Path) -> None:
    found = persona.create(project, "lira-two")
    assert (found.id, found.version, found.name, found.origin) == ("lira-two", 1, "Lira Two", "synthetic")
    assert (found.references, found.frozen) == ((), False)
    data = (project / "personas/lira-two/1/persona.json").read_bytes()
    assert found.record_sha256 == hashlib.sha256(data).hexdigest()


def test_every_version_has_a_fresh_nonce(project: Path, lira: Persona) -> None:
    """Also a copy and an import: two versions with one nonce would show which of their digests cover the same text."""
    versions = [
        persona.create(project, "mara"),
        lira,
        persona.create(project, "lira", from_version=1),
        persona.create(project, "lira", source=folder_of(project)),
    ]
    nonces = {found.record["nonce"] for found in versions}
    assert len(nonces) == len(versions)
    assert all(len(bytes.fromhex(nonce)) == 32 for nonce in nonces)
    assert persona.load(project, "lira", 1).record["nonce"] == lira.record["nonce"]


def test_references_are_added_and_verified(project: Path, lira: Persona) -> None:
    assert lira.references[0].path == "refs/hero.png"
    assert persona.load(project, "lira", 1) == lira
    (folder_of(project) / "refs/hero.png").write_bytes(PICTURE + b"!")
    with pytest.raises(PersonaError) as caught:
        persona.load(project, "lira", 1)
    assert caught.value.code == "persona.reference-altered"


def test_the_next_version_copies_record_and_references(project: Path, lira: Persona) -> None:
    freeze(project, lira)
    second = persona.create(project, "lira", from_version=1)
    assert (second.version, second.record["parent"], second.frozen) == (2, "lira@1", False)
    assert second.references == lira.references
    assert (folder_of(project, 2) / "refs/hero.png").read_bytes() == PICTURE
    assert not (folder_of(project, 2) / "frozen.json").exists()
    assert persona.create(project, "lira", from_version=1).version == 3
    assert persona.versions(project, "lira") == (1, 2, 3)


def test_all_versions_are_listed_in_order(project: Path, lira: Persona) -> None:
    persona.create(project, "abel")
    for _ in range(10):
        persona.create(project, "lira", from_version=1)
    (project / "personas" / "notes.txt").write_text("no persona")
    (project / "personas" / "lira" / ".new-x").mkdir()
    assert [(found.id, found.version) for found in persona.list_all(project)] == [
        ("abel", 1), *[("lira", version) for version in range(1, 12)]
    ]  # fmt: skip


def test_no_personas_is_an_empty_list(project: Path) -> None:
    assert persona.list_all(project) == ()


def test_a_record_from_outside_is_imported_with_its_references(project: Path, lira: Persona, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    found = persona.create(other, "mara", source=folder_of(project))
    assert (found.id, found.version, found.record["parent"]) == ("mara", 1, None)
    assert (other / "personas/mara/1/refs/hero.png").read_bytes() == PICTURE
    assert persona.create(other, "mara", source=folder_of(project) / "persona.json").version == 2


def test_an_import_with_an_altered_reference_leaves_nothing(project: Path, lira: Persona, tmp_path: Path) -> None:
    (folder_of(project) / "refs/hero.png").write_bytes(b"other")
    with pytest.raises(PersonaError):
        persona.create(tmp_path, "mara", source=folder_of(project))
    assert not (tmp_path / "personas").exists()


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failed_write_leaves_no_half_version(
    project: Path, lira: Persona, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("personactl.persona.store.os.fsync", fsync)
    with pytest.raises(StorageError):
        persona.create(project, "lira", from_version=1)
    assert [path.name for path in (project / "personas/lira").iterdir()] == ["1"]


def test_a_frozen_record_cannot_be_changed(project: Path, lira: Persona) -> None:
    frozen = freeze(project, lira)
    assert frozen.frozen
    with pytest.raises(PersonaError) as caught:
        persona.update(project, frozen, {**frozen.record, "hair": "short hair"}, {})
    assert caught.value.code == "persona.frozen"
    with pytest.raises(PersonaError):
        persona.update(project, lira, lira.record, {})


def test_an_edited_frozen_record_is_an_integrity_failure(project: Path, lira: Persona) -> None:
    freeze(project, lira)
    path = folder_of(project) / "persona.json"
    path.write_bytes(path.read_bytes().replace(b"Lira", b"Mira"))
    with pytest.raises(IntegrityError) as caught:
        persona.load(project, "lira", 1)
    assert (caught.value.code, caught.value.exit_code) == ("persona.frozen-altered", 4)


def test_white_space_alone_changes_a_frozen_record(project: Path, lira: Persona) -> None:
    freeze(project, lira)
    path = folder_of(project) / "persona.json"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(IntegrityError):
        persona.load(project, "lira", 1)


def test_an_altered_reference_of_a_frozen_version_is_an_integrity_failure(project: Path, lira: Persona) -> None:
    freeze(project, lira)
    (folder_of(project) / "refs/hero.png").write_bytes(b"other")
    with pytest.raises(IntegrityError) as caught:
        persona.load(project, "lira", 1)
    assert caught.value.code == "persona.reference-altered"


def test_a_version_is_frozen_once(project: Path, lira: Persona) -> None:
    freeze(project, lira)
    with pytest.raises(ConflictError):
        freeze(project, lira)
    marker = persona.marker(project, lira)
    assert marker is not None
    assert (marker.entry_index, marker.record_sha256) == (7, lira.record_sha256)


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "personactl.frozen/9"}', '{"recordSha256": 1}'])
def test_a_broken_marker_does_not_count_as_unfrozen(project: Path, lira: Persona, text: str) -> None:
    (folder_of(project) / "frozen.json").write_text(text)
    with pytest.raises(PersonaError):
        persona.load(project, "lira", 1)


@pytest.mark.parametrize("failing", ["write", "fsync", "link"])
def test_a_marker_is_written_whole_or_not_at_all(
    project: Path, lira: Persona, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(f"personactl.persona.store.os.{'fchmod' if failing == 'write' else failing}", broken)
        with pytest.raises(StorageError):
            freeze(project, lira)
    assert sorted(path.name for path in folder_of(project).iterdir()) == ["persona.json", "refs"]
    assert freeze(project, lira).frozen


def test_what_freezing_says(lira: Persona) -> None:
    subject, predicate = persona.freeze_statement(
        lira, origin="o", frozen_at="2026-11-21T10:00:00Z", sealed={"name": "c0"}
    )
    assert subject == ("persona.json", lira.record_sha256)
    assert predicate == {
        "origin": "o",
        "persona": {"id": "lira", "version": 1, "parent": None},
        "personaOrigin": "synthetic",
        "consentSha256": None,
        "recordSha256": lira.record_sha256,
        "references": [{"role": "hero", "sha256": hashlib.sha256(PICTURE).hexdigest()}],
        "sealed": {"name": "c0"},
        "frozenAt": "2026-11-21T10:00:00Z",
    }
    assert "Lira" not in json.dumps(predicate)
    assert lira.record["nonce"] not in json.dumps(predicate)


@pytest.mark.parametrize(("persona_id", "version"), [("none", 1), ("lira", 9), ("../x", 1), ("lira", 0), ("", 1)])
def test_what_is_not_there_is_said(project: Path, lira: Persona, persona_id: str, version: int) -> None:
    with pytest.raises(PersonaError) as caught:
        persona.load(project, persona_id, version)
    assert caught.value.code == "persona.missing"


def test_a_record_in_the_wrong_folder_is_refused(project: Path, lira: Persona) -> None:
    folder_of(project).rename(folder_of(project, 5))
    with pytest.raises(PersonaError) as caught:
        persona.load(project, "lira", 5)
    assert caught.value.code == "persona.wrong-folder"


@pytest.mark.parametrize("part", ["persona.json", "refs", "refs/hero.png", ".", ".."])
def test_links_are_refused_everywhere(project: Path, lira: Persona, part: str) -> None:
    path = (folder_of(project) / part).resolve()
    away = project / "away"
    path.rename(away)
    path.symlink_to(away)
    with pytest.raises(UsageProblem) as caught:
        persona.load(project, "lira", 1)
    assert caught.value.code == "file.symlink"


def test_a_new_version_is_not_written_through_a_link(project: Path, lira: Persona, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / "personas" / "mara").symlink_to(elsewhere)
    with pytest.raises(UsageProblem) as caught:
        persona.create(project, "mara")
    assert caught.value.code == "file.symlink"
    assert not list(elsewhere.iterdir())


def test_an_existing_reference_is_not_overwritten(project: Path, lira: Persona) -> None:
    with pytest.raises(ConflictError):
        persona.update(project, lira, lira.record, {"refs/hero.png": b"other"})
    assert persona.load(project, "lira", 1) == lira


@pytest.mark.parametrize("name", ["../x.png", "/absolute/x.png"])
def test_a_reference_does_not_leave_the_version(project: Path, lira: Persona, name: str) -> None:
    with pytest.raises(UsageProblem):
        persona.update(project, lira, lira.record, {name: b"x"})
    assert not (folder_of(project).parent / "x.png").exists()
