"""A stolen root key takes along what it enrolled since: the project's own keys too, which then sign nothing more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import rotating
from personactl_ledger import Ed25519Signer, Ledger, check
from rotating import LATER

from personactl import continuity, doctor, keys
from personactl.config import Config
from personactl.errors import KeyProblem
from personactl.keys import layout
from personactl.keys.rotation_folder import Request

SECOND, ANN = Ed25519Signer.generate(), Ed25519Signer.generate()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project with a second root key, whose operator and ledger keys were enrolled after that by the first one."""
    project = rotating.make(tmp_path_factory.mktemp("made") / "project")
    keys.enrol(project, SECOND.public_key, role="root", now=LATER)
    for role in ("operator", "ledger"):
        keys.rotate(project, Request(role=role), now=LATER)
    return project


@pytest.fixture
def project(made: Config, tmp_path: Path) -> Config:
    return rotating.copied(made, tmp_path / "project")


def stolen(project: Config, since: int = 5) -> keys.Rotated:
    request = Request(role="root", compromised_since=since, reason="stolen")
    return keys.rotate(project, request, now=LATER, more_roots=[SECOND])


def codes(project: Config) -> list[tuple[str, str]]:
    found = keys.check(project.keys_path, ledger=project.ledger_path, now=LATER)
    return [(finding.code, finding.hint) for finding in found if finding.severity == "error"]


def test_the_keys_that_fell_are_named_until_others_follow(project: Config) -> None:
    assert codes(project) == []
    done = stolen(project)
    assert done.fallen == keys.load(project.keys_path).signing
    assert codes(project) == [
        ("keys.distrusted", "personactl keys rotate operator"), ("keys.distrusted", "personactl keys rotate ledger")
    ]  # fmt: skip
    told = [item for item in doctor.examine(project.project, {}) if "distrusted" in item.value]
    assert [(item.name, item.state, item.exit_code) for item in told] == [("keys", "error", 9)] * 2
    assert [role for role, _ in keys.rotate(project, Request(role="operator"), now=LATER).fallen] == ["ledger"]
    assert keys.rotate(project, Request(role="ledger"), now=LATER).fallen == ()
    assert codes(project) == []


SIGNING: dict[str, Callable[[Config], object]] = {
    "enrol": lambda project: keys.enrol(project, ANN.public_key, now=LATER),
    "approvers": lambda project: keys.set_approvers(project, 1, [ANN.key_id], now=LATER),
    "revoke": lambda project: keys.revoke(project, SECOND.key_id, reason="x", now=LATER),
}


@pytest.mark.parametrize("command", SIGNING)
def test_nothing_is_signed_with_them(project: Config, command: str) -> None:
    stolen(project)
    before = project.ledger_path.read_bytes()
    with pytest.raises(KeyProblem) as refused:
        SIGNING[command](project)
    assert (refused.value.code, refused.value.exit_code) == ("keys.distrusted", 9)
    assert refused.value.hint == "personactl keys rotate ledger"
    assert project.ledger_path.read_bytes() == before


def test_each_key_is_asked_in_its_role(project: Config) -> None:
    stolen(project)
    for role, kid in keys.load(project.keys_path).signing:
        with pytest.raises(KeyProblem) as refused, continuity.open_writer(project, signers=[(role, kid)]):
            pass
        assert refused.value.hint == f"personactl keys rotate {role}"
    with continuity.open_writer(project, signers=[("root", SECOND.key_id)]):
        pass


def test_after_both_were_rotated_everything_is_believed_again(project: Config) -> None:
    stolen(project)
    for role in ("ledger", "operator"):
        keys.rotate(project, Request(role=role), now=LATER)
    keys.enrol(project, ANN.public_key, now=LATER)
    with Ledger.open_reader(project.ledger_path) as ledger:
        last = ledger.size - 1
    report = check(project.ledger_path)
    assert report.ok and last not in report.distrusted


def test_a_revocation_names_them_too(project: Config) -> None:
    first = keys.load(project.keys_path).root.key_id
    keys.rotate(project, Request(role="root"), now=LATER, more_roots=[SECOND])
    done = keys.revoke(project, first, reason="a copy leaked", compromised_since=5, now=LATER, more_roots=[SECOND])
    assert {role for role, _ in done.fallen} == {"operator", "ledger", "root"}


def test_a_second_root_key_that_falls_with_the_stolen_one_certifies_nothing(project: Config) -> None:
    before = {path: path.read_bytes() for path in (project.ledger_path, *project.keys_path.iterdir())}
    with pytest.raises(KeyProblem) as refused:
        stolen(project, since=4)
    assert refused.value.code == "keys.root-alone"
    assert SECOND.key_id in refused.value.message
    assert {path: path.read_bytes() for path in (project.ledger_path, *project.keys_path.iterdir())} == before


def test_a_root_key_that_fell_certifies_nothing_and_one_that_stands_does(project: Config) -> None:
    """The folder's root key was enrolled by one that turns out to be stolen; the second one helps."""
    first = keys.load(project.keys_path).root.key_id
    keys.rotate(project, Request(role="root"), now=LATER)
    keys.rotate(project, Request(role="ledger"), now=LATER, more_roots=[SECOND])
    third = keys.load(project.keys_path).root
    revoked = project.keys_path / "root.pem"
    kept = revoked.read_bytes()
    revoked.unlink()
    keys.revoke(project, first, reason="a copy leaked", compromised_since=5, now=LATER, more_roots=[SECOND])
    revoked.write_bytes(kept)
    revoked.chmod(0o600)
    with pytest.raises(KeyProblem) as refused:
        keys.rotate(project, Request(role="ledger"), now=LATER)
    assert refused.value.code == "keys.root-alone"
    done = keys.rotate(project, Request(role="root"), now=LATER, more_roots=[SECOND])
    assert done.old == third.key_id
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert done.added is not None
        assert ledger.entry(done.added).entry.key_ids == (SECOND.key_id,)


def test_other_keys_than_those_of_the_ledger_are_named(project: Config) -> None:
    """A lost folder, and new keys in its place: none of them can sign for this ledger."""
    shutil.rmtree(project.keys_path)
    (missing,) = keys.check(project.keys_path, ledger=project.ledger_path)
    assert missing.hint.startswith("put the keys back from their backup")
    keys.create_development(project.keys_path, organisation="Example Studio", domain="example.org", now=LATER)
    assert [code for code, _ in codes(project)] == ["keys.not-in-use"] * 3
    assert all("key folder back" in hint for _, hint in codes(project))
    project.ledger_path.unlink()
    assert codes(project) == []


def test_a_ledger_that_cannot_be_asked_is_no_fault_of_the_keys(project: Config) -> None:
    project.ledger_path.write_bytes(b"no ledger")
    found = keys.check(project.keys_path, ledger=project.ledger_path, now=LATER)
    assert [finding.severity for finding in found if finding.code.startswith("ledger.")] == ["warning"]
    assert codes(project) == []


def test_a_key_file_that_is_gone_is_put_back_from_a_backup(project: Config) -> None:
    (project.keys_path / layout.OPERATOR_KEY).unlink()
    with pytest.raises(KeyProblem) as refused:
        keys.load(project.keys_path)
    assert (refused.value.code, refused.value.hint) == ("keys.file-missing", layout.PUT_BACK)
