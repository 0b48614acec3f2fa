"""Receipts: every entry has one, and nothing in one can be changed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_bench import NOW, Bench, forge
from personactl_ledger import (
    Ledger,
    LedgerConflict,
    LedgerMissing,
    LedgerTrust,
    ReceiptError,
    Timestamp,
    parse_receipt,
    verify_receipt,
)

FORGED = forge.Forge()
FORGED.freeze()
FORGED.whole_run()
FORGED.key_add("person", forge.signer("person").public_key)
FORGED.key_add("root", forge.signer("second root").public_key)
FORGED.key_add("operator", forge.signer("second operator").public_key, by=forge.signer("second root"))
FORGED.note("by the second operator", by=forge.signer("second operator"))
FORGED.checkpoint()
TRUST = LedgerTrust(FORGED.origin, FORGED.log.vkeys(FORGED.origin), (FORGED.root.public_key,))
SIZE = FORGED.growth.frontier.size
RECEIPT = FORGED.receipt(6)


@pytest.mark.parametrize("index", [index for index in range(SIZE) if FORGED.store.taken_back_by(index) is None])
def test_every_entry_has_a_receipt(index: int) -> None:
    data = FORGED.receipt(index)
    report = verify_receipt(data, TRUST, subject_sha256=None)
    leaf = FORGED.store.leaf(index)
    assert leaf is not None and report.entry.leaf == leaf[0]
    assert (report.index, report.size, report.origin, report.development) == (index, SIZE, FORGED.origin, True)
    assert report.signature_types == (1,)
    assert any("no retirement, revocation or void" in note for note in report.notes)
    assert parse_receipt(data).to_bytes() == data


def test_what_was_taken_back_gets_no_receipt(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.output("rain")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    assert verify_receipt(ledger.prove(4), bench.trust(), subject_sha256=None).index == 4
    ledger.append([bench.void("rain", 4)], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    with pytest.raises(LedgerConflict) as refused:
        ledger.prove(4)
    assert refused.value.code == "ledger.voided"


def test_a_receipt_carries_the_keys_that_it_needs_and_no_more() -> None:
    def kinds(index: int) -> list[int]:
        return [item.index for item in parse_receipt(FORGED.receipt(index)).keys]

    assert kinds(0) == []
    assert kinds(1) == [0]
    assert kinds(3) == [0, 1]
    assert kinds(6) == [0, 1, 4]
    assert kinds(SIZE - 1) == [0, SIZE - 3, SIZE - 2]


def test_time_stamps_travel_along_and_are_said_to_be_unchecked(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    data = ledger.prove(3, timestamps=[Timestamp(tsa="tsa", hash_algorithm="sha512", token=b"token")])
    report = verify_receipt(data, bench.trust(), subject_sha256=None)
    assert report.timestamps == 1
    assert any("time stamps" in note for note in report.notes)


def test_no_receipt_without_a_checkpoint_that_covers_the_entry(bench: Bench, ledger: Ledger) -> None:
    with pytest.raises(LedgerMissing) as refused:
        ledger.prove(3)
    assert refused.value.code == "ledger.no-checkpoint"
    ledger.checkpoint(bench.log, now=NOW)
    ledger.append([bench.note("x")], now=NOW)
    with pytest.raises(LedgerMissing):
        ledger.prove(4)
    with pytest.raises(LedgerMissing) as refused:
        ledger.prove(5)
    assert refused.value.code == "ledger.entry-missing"
    assert verify_receipt(ledger.prove(3), bench.trust(), subject_sha256=None).size == 4


def test_a_reader_proves_entries_of_keys_enrolled_after_it_was_opened(bench: Bench, ledger: Ledger) -> None:
    with Ledger.open_reader(bench.path) as reader:
        second = forge.signer("second operator")
        from personactl_ledger import Draft, key_add_leaf

        leaf = key_add_leaf(
            origin=bench.origin, role="operator", public_key=second.public_key, root=bench.root, now=NOW
        )
        ledger.append([Draft(leaf)], now=NOW)
        ledger.append([bench.draft("note", second)], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
        assert verify_receipt(reader.prove(5), bench.trust(), subject_sha256=None).index == 5


def test_the_subject_is_compared_only_when_asked() -> None:
    right = verify_receipt(RECEIPT, TRUST, subject_sha256=None).entry.subject_sha256
    assert verify_receipt(RECEIPT, TRUST, subject_sha256=right)
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(RECEIPT, TRUST, subject_sha256="0" * 64)
    assert (refused.value.code, refused.value.exit_code) == ("receipt.subject", 4)
    assert refused.value.where == "SPEC 9.2 step 9"


@settings(max_examples=150)
@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    """Layout may change; whatever is still accepted says the very same."""
    at = data.draw(st.integers(0, len(RECEIPT) - 1))
    changed = bytearray(RECEIPT)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        report = verify_receipt(bytes(changed), TRUST, subject_sha256=None)
    except ReceiptError:
        return
    original = parse_receipt(RECEIPT)
    assert parse_receipt(bytes(changed)) == original or report.checkpoint.body == original.proof.checkpoint.body
    assert report.entry.leaf == original.leaf


@settings(max_examples=100)
@given(st.sampled_from(("leaf", "keys.0", "keys.1", "keys.2")), st.data())
def test_no_changed_byte_of_a_leaf_goes_unnoticed(where: str, data: st.DataObject) -> None:
    document = json.loads(RECEIPT)
    _, _, number = where.partition(".")
    holder = document["keys"][int(number)] if number else document
    leaf = bytearray(b64decode(holder["leaf"]))
    leaf[data.draw(st.integers(0, len(leaf) - 1))] ^= data.draw(st.integers(1, 255))
    holder["leaf"] = b64encode(leaf).decode()
    with pytest.raises(ReceiptError):
        verify_receipt(json.dumps(document).encode(), TRUST, subject_sha256=None)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_refused_and_nothing_else_is_raised(data: bytes) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(data, TRUST, subject_sha256=None)


def test_oversized_and_overfull_receipts_are_refused() -> None:
    document = json.loads(RECEIPT)
    for changed in (
        RECEIPT + b" " * 2**20,
        json.dumps(document | {"keys": document["keys"] * 22}).encode(),
        json.dumps(document | {"keys": [{"leaf": "", "index": True, "path": []}]}).encode(),
        json.dumps(document | {"timestamps": [{"tsa": "x", "hashAlgorithm": "md5", "token": ""}]}).encode(),
        json.dumps(document | {"timestamps": [{}] * 17}).encode(),
        json.dumps(document | {"proof": None}).encode(),
        json.dumps([document]).encode(),
        b"[" * 100_000,
    ):
        with pytest.raises(ReceiptError) as refused:
            verify_receipt(changed, TRUST, subject_sha256=None)
        assert refused.value.code == "receipt.malformed"


def test_a_trust_file_with_a_broken_log_key_trusts_nobody() -> None:
    trust = LedgerTrust(TRUST.origin, (TRUST.log_keys[0][:-1],), TRUST.root_keys)
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(RECEIPT, trust, subject_sha256=None)
    assert (refused.value.code, refused.value.exit_code) == ("receipt.log-key", 5)


@pytest.mark.parametrize("index", [2, 5, 6])
def test_a_key_that_nothing_in_the_receipt_needs_is_refused(index: int, verifier: ModuleType, tmp_path: Path) -> None:
    """A ledger key, and two person keys of which one signs for nobody: 6 was enrolled by the root that 5 enrols."""
    book = forge.Forge()
    book.run_open("r", forge.signer("run"))
    book.output("r", "x", forge.signer("run"))
    second = forge.signer("second root")
    book.key_add("root", second.public_key)
    book.key_add("person", forge.signer("ada").public_key, by=second)
    book.output("r", "y", forge.signer("run"))
    book.checkpoint()
    document = json.loads(book.receipt(7))
    have = [item["index"] for item in document["keys"]]
    assert have == [0, 1, 3]
    for place in {index, 5} if index == 6 else {index}:
        said = json.loads(book.receipt(place))
        path = said["proof"].partition("\n\n")[0].split("\n")[2:]
        document["keys"].append({"leaf": said["leaf"], "index": place, "path": path})
    document["keys"].sort(key=lambda item: item["index"])
    data = json.dumps(document).encode()
    trust = LedgerTrust(book.origin, book.log.vkeys(book.origin), (book.root.public_key,))
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(data, trust, subject_sha256=None)
    assert (refused.value.code, refused.value.where) == ("receipt.key-chain", "SPEC 9.2 step 8")
    (tmp_path / "trust.json").write_text(forge.dumps(book.trust()))
    with pytest.raises(verifier.Bad) as bad:
        verifier.verify_receipt(verifier.Report(), data, verifier.Trust(tmp_path / "trust.json"), None)
    assert (bad.value.code, bad.value.clause) == ("receipt.key-chain", "9.2 step 8")
