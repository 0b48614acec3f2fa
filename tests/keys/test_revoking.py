"""Revoking a key that none follows: which keys may end so, what the ledger, the trust file and a verifier say then."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
import rotating
from personactl_ledger import (
    Draft,
    Ed25519Signer,
    EntryRefused,
    Ledger,
    ReceiptError,
    check,
    key_add_leaf,
    sign_entry,
    statement,
    verify_receipt,
)
from rotating import LATER, NOW

from personactl import keys
from personactl.config import Config
from personactl.errors import ConflictError, KeyProblem, StorageError, UsageProblem
from personactl.keys import layout, project_trust, trust_store

ANN, BOB = Ed25519Signer.generate(), Ed25519Signer.generate()
FILE = "ab" * 32


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The project with two persons enrolled, of whom one must approve."""
    project = rotating.make(tmp_path_factory.mktemp("made") / "project")
    for person in (ANN, BOB):
        keys.enrol(project, person.public_key, now=LATER)
    keys.set_approvers(project, 1, [ANN.key_id, BOB.key_id], now=LATER)
    return project


@pytest.fixture
def project(made: Config, tmp_path: Path) -> Config:
    return rotating.copied(made, tmp_path / "project")


def approve(project: Config, person: Ed25519Signer) -> int:
    with Ledger.open_writer(project.ledger_path) as ledger:
        said = {"origin": ledger.origin, "decision": "approved", "decidedAt": NOW}
        leaf = sign_entry(statement("approval", subject=("decisions", FILE), predicate=said), person)
        return ledger.append([Draft(leaf)], now=LATER)[0]


def verdict(project: Config) -> str:
    with Ledger.open_reader(project.ledger_path) as ledger:
        return ledger.approval(FILE).verdict


def sound(project: Config) -> bool:
    return check(project.ledger_path, trust=trust_store.read(project.trust_path).ledger).ok


def refused(project: Config, kid: str, **more: object) -> str:
    with pytest.raises((KeyProblem, ConflictError, EntryRefused)) as caught:
        keys.revoke(project, kid, reason="x", now=LATER, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_an_approver_who_left_approves_no_more_and_what_was_approved_stands(project: Config) -> None:
    approve(project, ANN)
    done = keys.revoke(project, ANN.key_id, reason="left", now=LATER)
    assert (done.role, done.from_index, done.already, done.distrusted) == ("person", done.index, False, ())
    assert done.approvers == (1, 1)
    assert verdict(project) == "approved"
    with pytest.raises(EntryRefused) as caught:
        approve(project, ANN)
    assert caught.value.code == "ledger.signer-revoked"
    with Ledger.open_reader(project.ledger_path) as ledger:
        said = ledger.entry(done.index).entry.predicate
        head = ledger.latest_checkpoint()
        assert (said["kid"], said["fromIndex"], said["reason"]) == (ANN.key_id, done.index, "left")
        assert head is not None and head.size == ledger.size
    assert trust_store.read(project.trust_path).revoked == ((ANN.key_id, done.index),)
    assert sound(project)


def test_a_stolen_key_takes_its_approvals_with_it(project: Config) -> None:
    index = approve(project, ANN)
    done = keys.revoke(project, ANN.key_id, reason="stolen", compromised_since=index, now=LATER)
    assert (done.from_index, done.distrusted) == (index, (index,))
    assert verdict(project) == "pending"
    assert sound(project)


def test_when_too_few_approvers_are_left_it_is_told(project: Config) -> None:
    keys.set_approvers(project, 2, [ANN.key_id, BOB.key_id], now=LATER)
    assert keys.revoke(project, ANN.key_id, reason="left", now=LATER).approvers == (2, 1)
    keys.set_approvers(project, 1, [BOB.key_id], now=LATER)
    assert keys.revoke(project, ANN.key_id, reason="left", now=LATER).approvers is None


def test_a_run_key_takes_its_outputs_with_it(project: Config) -> None:
    run_key = Ed25519Signer.generate()
    operator = keys.load(project.keys_path).operator
    with Ledger.open_writer(project.ledger_path) as ledger:
        opened = run_open(ledger, run_key)
        ledger.append([Draft(sign_entry(opened, operator))], now=LATER)
        said = {"origin": ledger.origin, "run": "r-1", "entryId": "cd" * 16, "jobKey": "ef" * 32}
        leaf = sign_entry(statement("output", subject=("a.png", FILE), predicate=said), run_key)
        (index,) = ledger.append([Draft(leaf)], now=LATER)
        ledger.checkpoint(keys.load(project.keys_path).log, now=LATER)
        receipt = ledger.prove(index)
    before = trust_store.read(project.trust_path).ledger
    assert verify_receipt(receipt, before, subject_sha256=FILE).index == index
    done = keys.revoke(project, run_key.key_id, reason="dumped core", compromised_since=index, now=LATER)
    assert (done.role, done.distrusted, done.approvers) == ("run", (index,), None)
    with pytest.raises(ReceiptError) as caught:
        verify_receipt(receipt, trust_store.read(project.trust_path).ledger, subject_sha256=FILE)
    assert (caught.value.code, caught.value.exit_code) == ("receipt.revoked", 5)


def run_open(ledger: Ledger, run_key: Ed25519Signer) -> bytes:
    public = {"kid": run_key.key_id, "publicKey": b64encode(run_key.public_key).decode()}
    said = {
        "origin": ledger.origin, "run": "r-1", "planSha256": "55" * 32, "planned": 1, "runKey": public,
        "startedAt": NOW,
    }  # fmt: skip
    return statement("run-open", subject=("plan", "55" * 32), predicate=said)


def test_an_old_key_whose_copy_leaked_after_it_was_retired(project: Config) -> None:
    old = keys.load(project.keys_path).log.key_id
    keys.rotate(project, keys.Request(role="ledger"), now=LATER)
    with Ledger.open_reader(project.ledger_path) as ledger:
        size = ledger.size
    done = keys.revoke(project, old, reason="a backup leaked", compromised_since=4, now=LATER)
    assert (done.role, done.from_index) == ("ledger", 4)
    assert done.distrusted_checkpoints and max(done.distrusted_checkpoints) < size
    assert sound(project)


@pytest.mark.parametrize("role", ["operator", "ledger", "root"])
def test_the_key_that_signs_for_the_project_needs_a_successor(project: Config, role: str) -> None:
    before = project.ledger_path.read_bytes()
    with Ledger.open_reader(project.ledger_path) as ledger:
        (kid,) = ledger.in_use(role)
    with pytest.raises(KeyProblem) as caught:
        keys.revoke(project, kid, reason="stolen", compromised_since=0, now=LATER)
    assert caught.value.code == "keys.needs-successor"
    assert f"keys rotate {role}" in str(caught.value.hint)
    assert project.ledger_path.read_bytes() == before


def test_the_last_operator_key_needs_a_successor_wherever_it_is_kept(project: Config, tmp_path: Path) -> None:
    """The folder may be an old copy, whose own operator key was followed long ago."""
    stale = rotating.copied(project, tmp_path / "stale")
    last = keys.rotate(project, keys.Request(role="operator"), now=LATER).new
    (stale.ledger_path).write_bytes(project.ledger_path.read_bytes())
    assert refused(stale, last) == "keys.needs-successor"


def test_a_second_root_key_ends_by_the_word_of_the_first(project: Config) -> None:
    second = Ed25519Signer.generate()
    keys.enrol(project, second.public_key, role="root", now=LATER)
    done = keys.revoke(project, second.key_id, reason="lost", now=LATER, more_roots=[second])
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.entry(done.index).entry.key_ids == (keys.load(project.keys_path).root.key_id,)
        assert second.key_id not in ledger.in_use("root")
    assert sound(project)


def test_the_last_root_key_stays_when_its_file_is_elsewhere(project: Config, tmp_path: Path) -> None:
    root = keys.load(project.keys_path).root
    (project.keys_path / layout.ROOT_KEY).rename(tmp_path / "stick.pem")
    assert refused(project, root.key_id) == "keys.root-offline"
    assert refused(project, ANN.key_id) == "keys.root-offline"
    other = Ed25519Signer.generate()
    assert refused(project, root.key_id, more_roots=[other]) == "ledger.signer-unknown"


def test_unknown_keys_and_later_beginnings_are_refused(project: Config) -> None:
    assert refused(project, "SHA256:" + "A" * 43 + "=") == "keys.unknown"
    assert refused(project, "nonsense") == "keys.unknown"
    assert refused(project, ANN.key_id, compromised_since=999) == "ledger.key-revoke-index"
    with pytest.raises(UsageProblem):
        keys.revoke(project, ANN.key_id, reason=" ", now=LATER)


def test_a_key_is_revoked_once_and_the_same_again_changes_nothing(project: Config) -> None:
    first = keys.revoke(project, ANN.key_id, reason="left", now=LATER)
    with Ledger.open_reader(project.ledger_path) as ledger:
        size = ledger.size
    for since in (None, first.from_index):
        again = keys.revoke(project, ANN.key_id, reason="left", compromised_since=since, now=LATER)
        assert (again.index, again.from_index, again.already) == (first.index, first.from_index, True)
    assert refused(project, ANN.key_id, compromised_since=2) == "keys.revoked-already"
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.size == size


def test_cut_off_after_the_entry_the_same_command_does_the_rest(
    project: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> bool:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(project_trust, "refresh", full)
        with pytest.raises(StorageError):
            keys.revoke(project, ANN.key_id, reason="stolen", compromised_since=5, now=LATER)
    assert trust_store.read(project.trust_path).revoked == ()
    done = keys.revoke(project, ANN.key_id, reason="stolen", compromised_since=5, now=LATER)
    assert (done.already, done.published) == (True, True)
    assert trust_store.read(project.trust_path).revoked == ((ANN.key_id, 5),)


def test_an_operator_key_beside_that_of_the_project_may_end(project: Config) -> None:
    other, keyset = Ed25519Signer.generate(), keys.load(project.keys_path)
    with Ledger.open_writer(project.ledger_path) as ledger:
        leaf = key_add_leaf(
            origin=ledger.origin, role="operator", public_key=other.public_key, root=keyset.root, now=LATER
        )
        ledger.append([Draft(leaf)], now=LATER)
    assert keys.revoke(project, other.key_id, reason="the second machine is gone", now=LATER).role == "operator"
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.in_use("operator") == (keyset.operator.key_id,)
