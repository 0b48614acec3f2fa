"""One key takes over from another inside the ledger, and what the ledger says of its keys afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import (
    Draft,
    Ed25519Signer,
    Ledger,
    LedgerError,
    LogSigner,
    ReceiptError,
    check,
    key_add_leaf,
    verify_receipt,
)
from personactl_ledger.aftermath import distrusted_checkpoints, distrusted_entries
from personactl_ledger.checkpoint import accept_checkpoint, parse_checkpoint
from personactl_ledger.succession import Ending, Signers, Succeeded, Successor, succeed

NEXT_ROOT, SECOND_ROOT = forge.signer("next root"), forge.signer("second root")
NEXT_LOG = forge.log_signer("next log")


def follow_log(bench: Bench, ledger: Ledger, new: LogSigner = NEXT_LOG, since: int | None = None) -> Succeeded:
    successor = Successor(role="ledger", public_key=new.public_key, vkeys=new.vkeys(ledger.origin))
    by = Signers(adding=[bench.root], ending=[bench.root], old=bench.log, new=new)
    return succeed(ledger, successor, Ending(kid=bench.log.key_id, from_index=since, reason="x"), by, now=NOW)


def follow_root(bench: Bench, ledger: Ledger, adding: list[Ed25519Signer], ending: list[Ed25519Signer]) -> Succeeded:
    successor = Successor(role="root", public_key=NEXT_ROOT.public_key)
    by = Signers(adding=adding, ending=ending, old=bench.log, new=bench.log)
    return succeed(ledger, successor, Ending(kid=bench.root.key_id), by, now=NOW)


@pytest.fixture
def two_roots(bench: Bench) -> Iterator[Ledger]:
    """A ledger whose genesis asks for the signatures of two root keys."""
    forged = forge.Forge(domain="example.org", second_root=SECOND_ROOT)
    target = sqlite3.connect(bench.path, isolation_level=None)
    target.executescript(forged.dump())
    target.close()
    bench.origin = forged.origin
    with Ledger.open_writer(bench.path) as ledger:
        yield ledger


def test_the_ledger_key_hands_over_by_a_checkpoint_of_both(bench: Bench, ledger: Ledger) -> None:
    done = follow_log(bench, ledger)
    assert (done.added, done.ended, done.checkpoints) == (4, 5, (5, 6))
    handed_over, next_one = (parse_checkpoint(note) for note in ledger.store.checkpoint_notes(4))
    by_old, by_new = ([log.verifier_keys(bench.origin)] for log in (bench.log, NEXT_LOG))
    assert [accept_checkpoint(handed_over, keys).accepted for keys in (by_old, by_new)] == [True, True]
    assert [accept_checkpoint(next_one, keys).accepted for keys in (by_old, by_new)] == [False, True]
    with pytest.raises(LedgerError) as refused:
        ledger.append([bench.note("x")], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    assert refused.value.code == "ledger.log-key"
    assert ledger.checkpoint(NEXT_LOG, now=NOW).size == 7
    assert check(bench.path, trust=ledger.trust()).ok


def test_a_stolen_ledger_key_signs_no_checkpoint_of_its_end(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    done = follow_log(bench, ledger, since=2)
    assert done.checkpoints == (6,)
    assert distrusted_checkpoints(ledger) == (4,)
    assert distrusted_entries(ledger) == ()
    report = check(bench.path, trust=ledger.trust())
    assert report.ok and "ledger.distrusted" in {item.code for item in report.findings}


def test_a_signer_that_is_not_enrolled_undoes_all_of_it(bench: Bench, ledger: Ledger) -> None:
    before = ledger.checkpoint(bench.log, now=NOW)
    successor = Successor(role="operator", public_key=forge.signer("next operator").public_key)
    by = Signers(adding=[bench.root], ending=[bench.root], old=NEXT_LOG, new=NEXT_LOG)
    with pytest.raises(LedgerError) as refused:
        succeed(ledger, successor, Ending(kid=bench.operator.key_id), by, now=NOW)
    assert refused.value.code == "ledger.log-key"
    assert (ledger.size, ledger.latest_checkpoint(), ledger.in_use("operator")) == (
        4, before, (bench.operator.key_id,)
    )  # fmt: skip
    ledger.append([bench.note("it goes on")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    assert check(bench.path).ok


def test_as_many_root_keys_sign_as_the_genesis_asks_for(bench: Bench, two_roots: Ledger) -> None:
    for adding, ending in (([bench.root], [NEXT_ROOT, SECOND_ROOT]), ([bench.root, SECOND_ROOT], [NEXT_ROOT])):
        with pytest.raises(LedgerError) as refused:
            follow_root(bench, two_roots, adding, ending)
        assert refused.value.code == "ledger.root-threshold"
        assert two_roots.size == 3
    follow_root(bench, two_roots, [bench.root, SECOND_ROOT], [NEXT_ROOT, SECOND_ROOT])
    assert two_roots.in_use("root") == (SECOND_ROOT.key_id, NEXT_ROOT.key_id)
    assert check(bench.path, trust=two_roots.trust()).ok


def test_a_ledgers_own_trust_lists_every_key_that_an_old_receipt_needs(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    old = ledger.prove(3)
    follow_root(bench, ledger, [bench.root], [NEXT_ROOT])
    bench.root = NEXT_ROOT
    follow_log(bench, ledger)
    found = ledger.trust()
    assert found.root_keys == (forge.signer("root").public_key, NEXT_ROOT.public_key)
    assert found.log_keys == (*bench.log.vkeys(bench.origin), *NEXT_LOG.vkeys(bench.origin))
    assert (found.approvers, found.revoked) == (None, ())
    for receipt in (old, ledger.prove(3), ledger.prove(ledger.size - 1)):
        assert verify_receipt(receipt, found, subject_sha256=None)


def test_what_a_thief_enrolled_with_a_stolen_root_key_is_not_listed(bench: Bench, ledger: Ledger) -> None:
    def add(role: str, public: bytes, root: Ed25519Signer, **more: tuple[str, ...]) -> int:
        leaf = key_add_leaf(origin=bench.origin, role=role, public_key=public, root=root, now=NOW, **more)
        return ledger.append([Draft(leaf)], now=NOW)[0]

    add("root", SECOND_ROOT.public_key, bench.root)
    thief_log, thief_root = forge.log_signer("thief log"), forge.signer("thief root")
    first = add("ledger", thief_log.public_key, bench.root, vkeys=thief_log.vkeys(bench.origin))
    add("root", thief_root.public_key, bench.root)
    add("person", forge.signer("crony").public_key, thief_root)
    ledger.checkpoint(thief_log, now=NOW)
    forged = ledger.prove(ledger.size - 1)
    said = {"kid": bench.root.key_id, "fromIndex": first, "revokedAt": NOW}
    ledger.append([bench.draft("key-revoke", SECOND_ROOT, **said)], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    found = ledger.trust()
    assert found.log_keys == bench.log.vkeys(bench.origin)
    assert found.root_keys == (bench.root.public_key, SECOND_ROOT.public_key)
    assert found.revoked == ((bench.root.key_id, first),)
    assert distrusted_entries(ledger) == check(bench.path).distrusted == (first, first + 1, first + 2)
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(forged, found, subject_sha256=None)
    assert refused.value.exit_code == 5
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(ledger.prove(first + 2), found, subject_sha256=None)
    assert refused.value.code == "receipt.revoked"


def test_a_check_under_a_trust_file_that_revokes_lists_what_the_ledger_does_not_know(
    bench: Bench, ledger: Ledger
) -> None:
    ledger.append([bench.output("rain")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    anchor = ledger.prove(3)
    trust = replace(bench.trust(), revoked=((bench.operator.key_id, 3),))
    report = check(bench.path, trust=trust, anchors=[anchor])
    assert (report.ok, report.distrusted, report.anchored) == (True, (3, 4), True)
    assert check(bench.path).distrusted == ()
    stolen = replace(bench.trust(), revoked=((bench.log.key_id, 4),))
    report = check(bench.path, trust=stolen, anchors=[anchor])
    assert (report.exit_code, report.anchored) == (5, False)
    assert [item.code for item in report.findings if item.severity == "error"] == ["ledger.trust-log-key"]
