"""One key takes over from another: what the ledger, the folder and the trust file say afterwards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rotating
from personactl_ledger import Ed25519Signer, Ledger, LedgerError, ReceiptError, check, parse_receipt, verify_receipt
from personactl_ledger.founding import key_add_leaf
from personactl_ledger.ledger import Draft
from personactl_ledger.note import parse_note
from rotating import LATER, NOW

from personactl import keys
from personactl.config import Config
from personactl.errors import ConflictError, KeyProblem, PersonactlError, UsageProblem
from personactl.keys import layout, trust, trust_store
from personactl.keys.material import FILES, ROLES
from personactl.keys.rotation_folder import Request

IN_LEDGER = [role for role in ROLES if role != "c2pa"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return rotating.make(tmp_path_factory.mktemp("made") / "project")


@pytest.fixture
def project(made: Config, tmp_path: Path) -> Config:
    return rotating.copied(made, tmp_path / "project")


def rotate(project: Config, role: str, **options: object) -> keys.Rotated:
    return keys.rotate(project, Request(role=role, **options), now=LATER)  # type: ignore[arg-type]


def trusted(project: Config) -> trust.TrustFile:
    return trust_store.read(project.trust_path)


def require_whole(project: Config) -> None:
    """Keys sound, ledger good under the project's own trust file, and everything signs."""
    assert [f.code for f in keys.check(project.keys_path, now=LATER) if f.severity == "error"] == []
    with Ledger.open_writer(project.ledger_path) as ledger:
        rotating.say(project, ledger, f"after {ledger.size}")
        ledger.checkpoint(keys.load(project.keys_path).log, now=LATER)
    report = check(project.ledger_path, trust=trusted(project).ledger)
    assert report.ok and report.exit_code == 0, report.findings
    assert report.signed_size == report.size


@pytest.mark.parametrize("role", ROLES)
def test_after_a_rotation_everything_goes_on(project: Config, role: str) -> None:
    before = {path.name: path.read_bytes() for path in project.keys_path.iterdir()}
    done = rotate(project, role)
    require_whole(project)
    after = {path.name: path.read_bytes() for path in project.keys_path.iterdir()}
    assert set(after) == set(before)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == set(FILES[role])
    assert all(path.stat().st_mode & 0o077 == 0 for path in project.keys_path.iterdir())
    assert not any(before[name] in data for name in changed if name.endswith(".pem") for data in after.values())
    assert (done.old != done.new, done.resumed, done.kept, done.published) == (True, False, None, True)


@pytest.mark.parametrize("role", IN_LEDGER)
def test_the_ledger_knows_the_successor_before_the_old_key_ends(project: Config, role: str) -> None:
    done = rotate(project, role)
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.in_use(role) == (done.new,)
        assert done.added is not None and done.ended == done.added + 1
        added, ended = ledger.entry(done.added).entry, ledger.entry(done.ended).entry
        assert (added.kind, added.predicate["kid"], added.predicate["role"]) == ("key-add", done.new, role)
        assert (ended.kind, ended.predicate["kid"]) == ("key-retire", done.old)
        if role == "root":
            assert (added.key_ids, ended.key_ids) == ((done.old,), (done.new,))


def test_two_ledger_keys_sign_one_checkpoint_and_the_new_one_the_next(project: Config) -> None:
    old = keys.load(project.keys_path).log
    done = rotate(project, "ledger")
    new = keys.load(project.keys_path).log
    with Ledger.open_reader(project.ledger_path) as ledger:
        notes = ledger.store.checkpoint_notes(4)
        both = [*old.verifier_keys(ledger.origin), *new.verifier_keys(ledger.origin)]
    assert len(notes) == 2
    lines = [[bool(parse_note(note).by(key)) for key in both] for note in notes]
    halves = len(both) // 2
    assert lines == [[True] * len(both), [False] * halves + [True] * halves]
    assert done.checkpoint == 6


def test_old_and_new_receipts_hold_under_the_new_trust_file(project: Config) -> None:
    old_trust = trusted(project)
    with Ledger.open_reader(project.ledger_path) as ledger:
        old = ledger.prove(3)
    for role in reversed(ROLES):
        rotate(project, role)
    require_whole(project)
    with Ledger.open_reader(project.ledger_path) as ledger:
        new = ledger.prove(ledger.size - 1)
        again = ledger.prove(3)
    for receipt in (old, new, again):
        assert verify_receipt(receipt, trusted(project).ledger, subject_sha256=None)
    assert verify_receipt(old, old_trust.ledger, subject_sha256=None)
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(new, old_trust.ledger, subject_sha256=None)
    assert refused.value.code == "receipt.log-key"
    fresh = trusted(project)
    assert set(old_trust.root_keys) < set(fresh.root_keys) and len(fresh.root_keys) == 2
    assert set(old_trust.log_keys) < set(fresh.log_keys)
    assert set(old_trust.leaf_fingerprints) < set(fresh.leaf_fingerprints)
    assert len(parse_receipt(new).keys) == 3  # genesis, and the two key-adds that stand behind the operator


def test_the_stand_alone_verifier_accepts_what_was_rotated(project: Config, tmp_path: Path, repository: Path) -> None:
    """With real ledger keys of two halves each, which the vectors cannot have."""
    with Ledger.open_reader(project.ledger_path) as ledger:
        (tmp_path / "old.receipt").write_bytes(ledger.prove(3))
    for role in ROLES:
        rotate(project, role)
    (tmp_path / "middle").write_text(handed_over(project))
    require_whole(project)
    program = [sys.executable, str(repository / "ledger" / "verify_ledger.py")]
    trust_file = ["--trust", str(project.trust_path)]
    anchors = [part for name in ("old.receipt", "middle") for part in ("--anchor", str(tmp_path / name))]
    whole = ["ledger", str(project.ledger_path), *anchors]
    for arguments in (whole, ["receipt", str(tmp_path / "old.receipt")]):
        done = subprocess.run([*program, *arguments, *trust_file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def handed_over(project: Config) -> str:
    """The checkpoint that two ledger keys signed."""
    with Ledger.open_reader(project.ledger_path) as ledger:
        return max(ledger.store.checkpoint_notes(0), key=lambda note: len(parse_note(note).signatures))


def test_rotating_twice_keeps_the_first_keys_listed(project: Config) -> None:
    for role in (*ROLES, *ROLES):
        rotate(project, role)
    require_whole(project)
    fresh = trusted(project)
    assert len(fresh.root_keys) == 3 and len(fresh.leaf_fingerprints) == 3


def test_an_old_key_is_kept_only_when_asked(project: Config) -> None:
    old = (project.keys_path / layout.LEDGER_KEY).read_bytes()
    done = rotate(project, "ledger", keep_old=True)
    assert done.kept is not None and done.kept.parent == project.keys_path / layout.OLD
    assert (done.kept / layout.LEDGER_KEY).read_bytes() == old
    kept = [project.keys_path / layout.OLD, done.kept, *done.kept.iterdir()]
    assert [path.name for path in kept if path.stat().st_mode & 0o077] == []
    require_whole(project)


def test_the_old_leaf_can_go_out_of_the_trust_file(project: Config) -> None:
    (before,) = trusted(project).leaf_fingerprints
    done = rotate(project, "c2pa", unlist_old=True)
    assert trusted(project).leaf_fingerprints == (done.new,)
    assert done.old == before


def test_what_was_added_to_the_trust_file_by_hand_stays(project: Config) -> None:
    document = json.loads(project.trust_path.read_bytes())
    stranger = Ed25519Signer.generate().key_id
    document |= {"detector": "https://example.org/check", "extra": 1, "leafFingerprints": []}
    document["revoked"] = [{"kid": stranger, "fromIndex": 7}]
    project.trust_path.write_text(json.dumps(document))
    rotate(project, "ledger")
    fresh = json.loads(project.trust_path.read_bytes())
    assert (fresh["detector"], fresh["extra"], fresh["leafFingerprints"]) == ("https://example.org/check", 1, [])
    assert fresh["revoked"] == document["revoked"]
    assert len(fresh["logKeys"]) == 2 * len(document["logKeys"])


@pytest.mark.parametrize("content", [None, b"{}", b"another"])
def test_a_trust_file_that_is_not_this_ledgers_is_left_alone(project: Config, content: bytes | None) -> None:
    if content is None:
        project.trust_path.unlink()
    else:
        project.trust_path.write_bytes(content)
    assert rotate(project, "operator").published is False
    assert (project.trust_path.read_bytes() if content else project.trust_path.exists()) == (content or False)


# --- stolen keys -----------------------------------------------------------------------------------------------------


def test_a_stolen_operator_key_is_revoked_and_what_it_signed_since_is_listed(project: Config) -> None:
    with Ledger.open_writer(project.ledger_path) as ledger:
        stolen = rotating.say(project, ledger, "by the thief")
        ledger.checkpoint(keys.load(project.keys_path).log, now=NOW)
        early, late = ledger.prove(3), ledger.prove(stolen)
    done = rotate(project, "operator", compromised_since=stolen, reason="a laptop was lost")
    assert (done.distrusted, done.distrusted_checkpoints) == ((stolen,), ())
    require_whole(project)
    assert trusted(project).revoked == ((done.old, stolen),)
    assert verify_receipt(early, trusted(project).ledger, subject_sha256=None)
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(late, trusted(project).ledger, subject_sha256=None)
    assert (refused.value.code, refused.value.exit_code) == ("receipt.revoked", 5)
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert done.ended is not None
        said = ledger.entry(done.ended).entry
        assert (said.kind, said.predicate["reason"]) == ("key-revoke", "a laptop was lost")


def test_a_stolen_ledger_key_signs_nothing_more(project: Config) -> None:
    with Ledger.open_reader(project.ledger_path) as ledger:
        old = ledger.prove(3)
    done = rotate(project, "ledger", compromised_since=3, reason="stolen")
    assert (done.distrusted, done.distrusted_checkpoints) == ((), (4,))
    require_whole(project)
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert len(ledger.store.checkpoint_notes(4)) == 2  # by the new key alone: at the rotation, and afterwards
        assert verify_receipt(ledger.prove(3), trusted(project).ledger, subject_sha256=None)
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(old, trusted(project).ledger, subject_sha256=None)
    assert refused.value.code == "receipt.revoked"


def test_a_stolen_root_key_does_not_certify_its_successor(project: Config) -> None:
    with pytest.raises(KeyProblem) as refused:
        rotate(project, "root", compromised_since=4, reason="stolen")
    assert refused.value.code == "keys.root-alone"
    require_untouched(project)
    second = Ed25519Signer.generate()
    keyset = keys.load(project.keys_path)
    with Ledger.open_writer(project.ledger_path) as ledger:
        leaf = key_add_leaf(origin=ledger.origin, role="root", public_key=second.public_key, root=keyset.root, now=NOW)
        (index,) = ledger.append([Draft(leaf)], now=NOW)
    request = Request(role="root", compromised_since=index + 1, reason="stolen")
    done = keys.rotate(project, request, now=LATER, more_roots=[second])
    assert done.distrusted == ()
    require_whole(project)
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert done.added is not None and done.ended is not None
        assert ledger.entry(done.added).entry.key_ids == (second.key_id,)
        assert set(ledger.entry(done.ended).entry.key_ids) == {second.key_id, done.new}


def test_an_index_of_the_future_is_refused_and_nothing_stays(project: Config) -> None:
    with pytest.raises(LedgerError) as refused:
        rotate(project, "operator", compromised_since=99, reason="stolen")
    assert refused.value.code == "ledger.key-revoke-index"
    require_untouched(project)


# --- refusals --------------------------------------------------------------------------------------------------------


def require_untouched(project: Config) -> None:
    assert not (project.keys_path / layout.ROTATION).exists()
    assert check(project.ledger_path).size == 4
    require_whole(project)


@pytest.mark.parametrize(("role", "file"), [
    ("operator", layout.ROOT_KEY), ("ledger", layout.ROOT_KEY), ("root", layout.ROOT_KEY),
    ("c2pa", layout.C2PA_ROOT_KEY),
])  # fmt: skip
def test_a_root_key_that_is_kept_elsewhere_is_asked_for(project: Config, tmp_path: Path, role: str, file: str) -> None:
    away = tmp_path / "stick.pem"
    (project.keys_path / file).rename(away)
    with pytest.raises(KeyProblem) as refused:
        rotate(project, role)
    assert (refused.value.code, refused.value.exit_code) == ("keys.root-offline", 9)
    require_untouched(project)
    if role in ("operator", "ledger"):
        root = keys.load_root_signer(away)
        keys.rotate(project, Request(role=role), now=LATER, more_roots=[root])
        require_whole(project)


def test_a_root_key_from_elsewhere_that_others_can_read_is_refused(project: Config) -> None:
    (project.keys_path / layout.ROOT_KEY).chmod(0o644)
    with pytest.raises(KeyProblem) as refused:
        keys.load_root_signer(project.keys_path / layout.ROOT_KEY)
    assert refused.value.code == "keys.permissions-open"


@pytest.mark.parametrize("role", IN_LEDGER)
def test_a_folder_from_before_the_rotation_is_refused(project: Config, tmp_path: Path, role: str) -> None:
    shutil.copytree(project.keys_path, tmp_path / "backup")
    rotate(project, role)
    shutil.rmtree(project.keys_path)
    (tmp_path / "backup").rename(project.keys_path)
    with pytest.raises(PersonactlError) as refused:
        rotate(project, role)
    assert refused.value.code == "keys.not-in-use"
    assert not (project.keys_path / layout.ROTATION).exists()


@pytest.mark.parametrize("request_", [
    Request(role="c2pa", compromised_since=0, reason="x"), Request(role="operator", unlist_old=True),
    Request(role="ledger", compromised_since=0),
])  # fmt: skip
def test_options_that_do_not_fit_are_usage(project: Config, request_: Request) -> None:
    with pytest.raises(UsageProblem):
        keys.rotate(project, request_, now=LATER)
    require_untouched(project)


def test_while_a_writer_is_at_work_nothing_is_rotated(project: Config) -> None:
    with Ledger.open_writer(project.ledger_path), pytest.raises(LedgerError) as refused:
        rotate(project, "operator")
    assert refused.value.exit_code == 75
    require_untouched(project)


def test_another_rotation_has_to_wait_for_the_unfinished_one(project: Config) -> None:
    assert rotating.killed_at("recorded", project, "ledger")
    for other in (Request(role="operator"), Request(role="ledger", compromised_since=1, reason="x")):
        with pytest.raises(ConflictError) as refused:
            keys.rotate(project, other, now=LATER)
        assert "keys rotate ledger --keep-old" in (refused.value.hint or "")
    assert rotate(project, "ledger").kept is not None
    require_whole(project)
