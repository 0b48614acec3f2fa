"""Everything that lets a signed head count goes by one rule of belief (SPEC 12.8); the vectors show it for readers."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_bench import NOW, ROOM, forge
from personactl_ledger import Ledger, LedgerError, LedgerTrust, check
from personactl_ledger.aftermath import distrusted_checkpoints, distrusted_entries
from personactl_ledger.attested import attested_size
from personactl_ledger.compare import compare, read_side
from personactl_ledger.cosignature import WitnessSigner
from personactl_ledger.errors import LedgerConflict, WitnessRefused
from personactl_ledger.keyring import EnrolledKey, Keyring, Revocation
from personactl_ledger.misbehaviour import verify_misbehaviour
from personactl_ledger.restore import RestoreKeys, restore
from personactl_ledger.revocation import counting, ends_of
from personactl_ledger.signed_heads import signed_heads
from personactl_ledger.witness import AddCheckpoint, FollowedLog
from personactl_ledger.witness_state import FILE, Memory, empty_state
from witness_bench import pair, witness

import cases_belief as stories  # isort: skip  (its folder is on the path through ledger_bench)

WITNESS = WitnessSigner("auditor.example/w1", Ed25519PrivateKey.from_private_bytes(b"1" * 32))


def save(forged: forge.Forge, path: Path) -> Path:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(forged.dump())
    connection.close()
    return path


def trust_of(forged: forge.Forge, *logs: object, **more: object) -> LedgerTrust:
    lines = tuple(line for key in (logs or (forged.log,)) for line in key.vkeys(forged.origin))  # type: ignore[attr-defined]
    return LedgerTrust(forged.origin, lines, (forged.root.public_key,), **more)  # type: ignore[arg-type]


@pytest.fixture
def found_out() -> forge.Forge:
    """A ledger in which a stolen root key enrolled ledger keys, and was found out."""
    forged = stories.found_out()
    forged.checkpoint()
    return forged


# --- kept checkpoints -------------------------------------------------------------------------------------------------


def test_a_kept_checkpoint_of_a_fallen_key_fixes_nothing_and_convicts_nobody(
    found_out: forge.Forge, tmp_path: Path
) -> None:
    path = save(found_out, tmp_path / "ledger.sqlite")
    size = found_out.growth.frontier.size
    honest = found_out.store.latest_checkpoint()
    assert honest is not None and check(path, since=honest.note.encode()).since == size
    same = stories.said(found_out, size, stories.THIEF, root=honest.root)
    for note in (same, stories.said(found_out, size, stories.THIEF)):
        report = check(path, since=note.encode(), trust=trust_of(found_out))
        assert (report.exit_code, report.since, report.anchored) == (0, None, False)


# --- witnesses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    (tmp_path / FILE).write_bytes(empty_state())
    return Memory(tmp_path)


def ask(forged: forge.Forge, size: int, *keys: object) -> AddCheckpoint:
    note = stories.said(forged, size, *keys)
    return AddCheckpoint(old_size=0, proof=(), origin=forged.origin, note=note)


def test_a_witness_goes_by_what_the_trust_file_revokes(memory: Memory) -> None:
    forged = forge.Forge()
    trust = trust_of(forged, forged.log, stories.NEW_LOG, revoked=((forged.log.key_id, 4),))
    assert memory.follow(FollowedLog.of_trust(trust), now=NOW)
    with pytest.raises(WitnessRefused) as refused:
        memory.cosign(ask(forged, 9, forged.log), WITNESS, seconds=1)
    assert (refused.value.status, refused.value.code) == (403, "witness.log-signature")
    assert memory.latest(forged.origin) is None and memory.refusals(forged.origin) == []
    assert memory.cosign(ask(forged, 9, forged.log, stories.NEW_LOG), WITNESS, seconds=2)


def test_a_witness_still_cosigns_below_the_revocation(memory: Memory) -> None:
    forged = forge.Forge()
    memory.follow(FollowedLog.of_trust(trust_of(forged, revoked=((forged.log.key_id, 4),))), now=NOW)
    assert memory.cosign(ask(forged, 4, forged.log), WITNESS, seconds=1)


def test_a_new_revocation_is_told_to_a_witness_and_stays(memory: Memory) -> None:
    forged = forge.Forge()
    before, after = trust_of(forged), trust_of(forged, revoked=((forged.log.key_id, 4),))
    memory.follow(FollowedLog.of_trust(before), now=NOW)
    with pytest.raises(LedgerConflict):
        memory.follow(FollowedLog.of_trust(after), now=NOW)
    assert memory.follow(FollowedLog.of_trust(after), now=NOW, replace=True)
    assert memory.follow(FollowedLog.of_trust(after), now=NOW) is False
    with pytest.raises(WitnessRefused):
        Memory(memory.path.parent).cosign(ask(forged, 5, forged.log), WITNESS, seconds=1)


def test_a_trust_file_tells_a_witness_what_is_revoked(tmp_path: Path) -> None:
    operator, state = pair(tmp_path)
    witness("request", "--ledger", operator.path, "-o", tmp_path / "request")
    document = json.loads(operator.trust.read_text(encoding="utf-8"))
    document["revoked"] = [{"kid": operator.keyset.log.key_id, "fromIndex": 0}]
    operator.trust.write_text(json.dumps(document), encoding="utf-8")
    witness("log", "add", operator.trust, "--state", state, "--replace")
    witness("cosign", tmp_path / "request", "--state", state, "-o", tmp_path / "cosigned", exit_code=5)
    assert not (tmp_path / "cosigned").exists()


# --- restore ----------------------------------------------------------------------------------------------------------


def test_a_restore_passes_over_heads_of_fallen_keys(found_out: forge.Forge, tmp_path: Path) -> None:
    path = save(found_out, tmp_path / "ledger.sqlite")
    thief = stories.said(found_out, 1000, stories.THIEF)
    old = tmp_path / "old"
    old.write_bytes(b"damaged " + thief.encode() + stories.said(found_out, 9, found_out.log).encode())
    with Ledger.open_reader(path) as book:
        assert signed_heads(book, [thief.encode()], ()) == []
        assert [head.size for head in signed_heads(book, [thief.encode()], (old,))] == [9]
        with pytest.raises(LedgerError):
            signed_heads(book, [stories.said(found_out, 9, forge.log_signer("stranger")).encode()], ())


def test_a_restore_keeps_the_lines_of_the_key_that_is_believed(tmp_path: Path) -> None:
    forged = forge.Forge()
    stories.enrol_log(forged, stories.NEW_LOG)
    stories.revoke(forged, forged.log.key_id, 0, forged.root)
    path = save(forged, tmp_path / "ledger.sqlite")
    both, new = (stories.said(forged, 9, *keys) for keys in ((forged.log, stories.NEW_LOG), (stories.NEW_LOG,)))
    with Ledger.open_reader(path) as book:
        assert [head.note for head in signed_heads(book, [both.encode()], ())] == [new]


def test_a_restore_knows_of_revocations_that_are_replayed(tmp_path: Path) -> None:
    forged = forge.Forge()
    stories.enrol_log(forged, stories.NEW_LOG)
    backup = save(forged, tmp_path / "backup.sqlite")
    leaf = forged.say("key-revoke", forged.root, ("key", "0" * 64), kid=forged.log.key_id, fromIndex=4, revokedAt=NOW)
    forged.append(leaf)
    forged.checkpoint(log=stories.NEW_LOG)
    row = forged.store.latest_checkpoint()
    assert row is not None
    keys = RestoreKeys(root=lambda: forged.root, operator=forged.operator, log=stories.NEW_LOG)
    thief = stories.said(forged, 1000, forged.log).encode()
    done = restore(backup, tmp_path / "ledger.sqlite", anchors=[thief, row.note.encode()], replay=[leaf],
                   reason="the disk failed", keys=keys, now=NOW)  # fmt: skip
    assert (done.ended, done.origin, done.size, done.newest) == (None, forged.origin, 5, 5)


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_a_comparison_makes_no_proof_of_a_head_that_is_not_believed(found_out: forge.Forge, tmp_path: Path) -> None:
    ours = read_side(save(found_out, tmp_path / "ledger.sqlite"))
    (tmp_path / "thief").write_text(stories.said(found_out, 9, stories.THIEF), encoding="utf-8")
    (tmp_path / "own").write_text(stories.said(found_out, 9, found_out.log), encoding="utf-8")
    thief, own = read_side(tmp_path / "thief"), read_side(tmp_path / "own")
    assert compare(ours, thief).proof is None  # what the ledger itself takes back
    trust = trust_of(found_out)
    proven = compare(ours, own, trust=trust)
    assert proven.exit_code == 4 and proven.proof is not None
    later = replace(trust, revoked=((found_out.log.key_id, 8),))
    found = compare(ours, own, trust=later)
    assert (found.exit_code, found.proof) == (5, None)
    assert found.untrusted == (str(ours.path), str(own.path))
    with pytest.raises(LedgerError) as refused:
        verify_misbehaviour(proven.proof.to_bytes(), later)
    assert refused.value.code == "ledger.misbehaviour-untrusted"


# --- time stamps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "claimed"), [(0, False), (None, True)])
def test_no_time_is_claimed_of_a_checkpoint_that_is_not_believed(
    start: int | None, claimed: bool, tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    vector = ROOM / "vectors" / "ledger-stamp"
    document = json.loads((vector / "trust.json").read_text(encoding="utf-8"))
    if start is not None:
        document["revoked"] = [{"kid": forge.log_signer().key_id, "fromIndex": start}]
    (tmp_path / "trust.json").write_text(json.dumps(document), encoding="utf-8")
    path = forge.load(vector, tmp_path / "ledger.sqlite")
    trust = LedgerTrust(
        document["origin"], tuple(document["logKeys"]), tuple(map(b64decode, document["rootKeys"])),
        revoked=tuple((item["kid"], item["fromIndex"]) for item in document.get("revoked", ())),
        tsa_roots=tuple(document["tsaRoots"]),
    )  # fmt: skip
    report = check(path, trust=trust)
    code = verifier.main(["ledger", str(path), "--trust", str(tmp_path / "trust.json")])
    assert report.exit_code == code == (0 if claimed else 5)
    assert bool(report.shown) == ("existed before" in capsys.readouterr().out) == claimed


# --- what a thief revoked ---------------------------------------------------------------------------------------------


def test_a_distrusted_key_revoke_takes_nothing_back_and_ends_its_key(tmp_path: Path) -> None:
    forged = stories.taken_back()
    path = save(forged, tmp_path / "ledger.sqlite")
    with Ledger.open_writer(path) as book:
        assert distrusted_entries(book) == check(path).distrusted == (6,)
        assert book.trust().revoked == ((forged.root.key_id, 6),)
        assert set(forged.log.vkeys(forged.origin)) <= set(book.trust().log_keys)
        with pytest.raises(LedgerError) as refused:
            book.checkpoint(forged.log, now=NOW)
        assert refused.value.code == "ledger.log-key"


def test_an_approval_stands_when_the_thief_revoked_its_person(tmp_path: Path) -> None:
    forged = forge.Forge()
    ann = forge.signer("ann")
    forged.key_add("root", stories.SECOND.public_key)
    forged.key_add("person", ann.public_key)
    about = ("rain.png", forge.hex64("rain"))
    forged.append(forged.say("approval", ann, about, decision="approved", files=[], decidedAt=NOW))
    at = stories.revoke(forged, ann.key_id, 0, forged.root)
    path = save(forged, tmp_path / "ledger.sqlite")
    with Ledger.open_writer(path) as book:
        approvers = (1, (ann.public_key,))
        assert book.approval(about[1], approvers=approvers).verdict == "pending"
        by_trust = book.approval(about[1], approvers=approvers, revoked={forged.root.key_id: at})
        assert by_trust.verdict == "approved"


def test_checkpoints_of_fallen_keys_are_listed_and_not_handed_out(tmp_path: Path) -> None:
    forged = stories.robbed()
    forged.checkpoint(log=stories.THIEF)
    head = forged.store.latest_checkpoint()
    assert head is not None
    for line in WITNESS.cosign(head, 1_800_000_000):
        forged.store.insert_cosignature(head.size, line, NOW)
    with Ledger.open_reader(save(forged, tmp_path / "before.sqlite")) as book:
        assert (distrusted_checkpoints(book), attested_size(book, 1)) == ((), head.size)
    stories.revoke(forged, forged.root.key_id, 4, stories.SECOND)
    with Ledger.open_reader(save(forged, tmp_path / "after.sqlite")) as book:
        assert (distrusted_checkpoints(book), attested_size(book, 1)) == ((head.size,), None)


# --- the rule itself --------------------------------------------------------------------------------------------------


def keyring(adds: dict[str, tuple[int, str]], revokes: dict[str, tuple[int, int, str]]) -> Keyring:
    """`adds`: key → (index, signer), in order; `revokes`: key → (index, from, signer)."""
    known = Keyring()
    for key, (at, by) in adds.items():
        signers = (by,) if by else ()
        known.keys[key] = EnrolledKey(key_id=key, public_key=b"", role="root", added=at, certified_by=signers)
    for key, (at, start, by) in revokes.items():
        known.revocations[key] = Revocation(at=at, from_index=start, signers=(by,))
    return known


ROOTS = {"a": (0, ""), "b": (0, ""), "c": (0, "")}


@pytest.mark.parametrize(
    ("adds", "revokes", "told", "ends"),
    [
        ({"x": (4, "a")}, {"a": (9, 4, "b")}, {}, {"a": 4, "x": 0}),
        ({"x": (4, "a")}, {"a": (9, 5, "b")}, {}, {"a": 5}),
        ({"x": (4, "a"), "y": (5, "x"), "z": (6, "y")}, {}, {"a": 3}, {"a": 3, "x": 0, "y": 0, "z": 0}),
        ({}, {"a": (9, 6, "b")}, {"a": 3}, {"a": 3}),
        ({}, {"c": (6, 0, "a"), "a": (7, 6, "b")}, {}, {"a": 6}),  # a thief's revocation
        ({}, {"c": (6, 0, "a"), "a": (7, 7, "b")}, {}, {"a": 7, "c": 0}),  # one from before the theft
        ({}, {"c": (6, 0, "a")}, {"a": 6}, {"a": 6}),
        ({}, {"c": (6, 0, "a"), "a": (7, 6, "b"), "b": (8, 7, "d")}, {}, {"b": 7, "c": 0}),
        ({"x": (4, "a")}, {"a": (5, 4, "b"), "b": (6, 0, "x")}, {}, {"a": 4, "b": 0, "x": 0}),  # contested
        ({"x": (4, "a")}, {"a": (5, 4, "b"), "b": (6, 0, "x")}, {"a": 4}, {"a": 4, "x": 0}),  # settled
        ({"x": (4, "a")}, {"a": (5, 4, "b"), "b": (6, 0, "x")}, {"b": 1}, {"b": 0}),
        ({}, {"a": (5, 0, "a")}, {}, {"a": 0}),
    ],
)  # fmt: skip
def test_which_keys_end_where(
    adds: dict[str, tuple[int, str]], revokes: dict[str, tuple[int, int, str]], told: dict[str, int],
    ends: dict[str, int],
) -> None:  # fmt: skip
    assert ends_of(keyring(ROOTS | adds, revokes), told) == ends


def test_what_falls_with_a_key_is_no_revocation_of_its_own() -> None:
    known = keyring(ROOTS | {"x": (4, "a")}, {"a": (9, 4, "b")})
    assert counting(known, {}) == {"a": 4}


def test_a_genesis_root_counts_unless_it_is_revoked_from_the_genesis_on() -> None:
    keys = [forge.signer(name) for name in ("one", "two", "three")]
    trust = LedgerTrust("o", (), tuple(key.public_key for key in keys),
                  revoked=((keys[0].key_id, 0), (keys[1].key_id, 1)))  # fmt: skip
    assert trust.genesis_roots() == {keys[1].key_id, keys[2].key_id}
