"""A receipt for others stands on a checkpoint that somebody outside has seen, also when later ones were signed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger, LedgerMissing, ReceiptError, parse_receipt, verify_receipt
from personactl_ledger.attested import attested_size
from personactl_ledger.cosignature import WitnessSigner, group_witnesses
from personactl_ledger.stamp_rows import insert_row
from personactl_ledger.succession import Ending, Signers, Successor, succeed
from personactl_ledger.witnessing import take_in
from witness_bench import environment

WITNESS = WitnessSigner("auditor.example/w1", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
SECOND = WitnessSigner("auditor.example/w2", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
OUTPUT = 4


@pytest.fixture
def told(bench: Bench, ledger: Ledger) -> Ledger:
    """An output at 4, under a checkpoint over 5 entries."""
    ledger.append([bench.output("rain")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    return ledger


def grow(bench: Bench, ledger: Ledger) -> int:
    ledger.append([bench.note(f"note {ledger.size}")], now=NOW)
    return ledger.checkpoint(bench.log, now=NOW).size


def vkeys(*signers: WitnessSigner) -> tuple[str, ...]:
    return tuple(str(key) for signer in signers for key in signer.verifier_keys)


def cosign(ledger: Ledger, signer: WitnessSigner = WITNESS) -> int:
    """Over the latest checkpoint; its size."""
    head = ledger.latest_checkpoint()
    assert head is not None
    lines = "".join(str(line) for line in signer.cosign(head, 1_800_000_000))
    take_in(ledger, head.note + lines, group_witnesses(vkeys(signer)), now=NOW)
    return head.size


def stamp(ledger: Ledger) -> int:
    """A row over the latest checkpoint, whose token nobody judges here; its size."""
    head = ledger.latest_checkpoint()
    assert head is not None
    with ledger.write() as store:
        insert_row(store, head.size, "tsa", "sha512", bytes([0x30, 0x03, 0x02, 0x01, head.size]), None, (), NOW)
    return head.size


def test_later_checkpoints_do_not_hide_what_a_witness_cosigned(bench: Bench, told: Ledger) -> None:
    asking = replace(bench.trust(), witnesses=(1, vkeys(WITNESS)))
    before = told.prove(OUTPUT)
    cosigned = cosign(told)
    latest = grow(bench, told)
    for late in (before, told.prove(OUTPUT)):
        with pytest.raises(ReceiptError) as caught:
            verify_receipt(late, asking, subject_sha256=None)
        assert caught.value.code == "receipt.witness-quorum"
    assert attested_size(told, OUTPUT) == cosigned < latest
    report = verify_receipt(told.prove(OUTPUT, size=cosigned), asking, subject_sha256=None)
    assert (report.size, [item.name for item in report.witnesses]) == (cosigned, [WITNESS.name])


def test_the_newest_cosigned_one_comes_before_a_stamped_one(bench: Bench, told: Ledger) -> None:
    assert attested_size(told, OUTPUT) is None
    stamped = stamp(told)
    grow(bench, told)
    assert attested_size(told, OUTPUT) == stamped
    assert len(parse_receipt(told.prove(OUTPUT, size=stamped)).timestamps) == 1
    cosigned = cosign(told)
    grow(bench, told)
    stamp(told)
    assert attested_size(told, OUTPUT) == cosigned
    grow(bench, told)
    assert attested_size(told, OUTPUT) == cosigned
    newer = cosign(told, SECOND)
    assert attested_size(told, OUTPUT) == newer


def test_an_entry_that_none_of_them_covers_stands_on_the_latest(bench: Bench, told: Ledger) -> None:
    cosigned = cosign(told)
    latest = grow(bench, told)
    assert attested_size(told, latest - 1) is None
    assert attested_size(told, cosigned - 1) == cosigned


def test_a_checkpoint_by_a_key_that_was_stolen_before_is_passed_over(bench: Bench, told: Ledger) -> None:
    believed = cosign(told)
    grow(bench, told)
    stolen = cosign(told)
    assert attested_size(told, OUTPUT) == stolen > believed
    log = forge.log_signer("the next log")
    successor = Successor(role="ledger", public_key=log.public_key, vkeys=tuple(log.vkeys(told.origin)))
    ending = Ending(kid=bench.log.key_id, from_index=believed, reason="stolen")
    by = Signers(adding=(bench.root,), ending=(bench.root,), old=bench.log, new=log)
    succeed(told, successor, ending, by, now=NOW)
    assert attested_size(told, OUTPUT) == believed


def test_a_size_that_was_not_signed_or_does_not_cover_the_entry_is_refused(bench: Bench, told: Ledger) -> None:
    latest = grow(bench, told)
    for index, size in ((OUTPUT, 4), (OUTPUT, 99), (latest - 1, latest - 1)):
        with pytest.raises(LedgerMissing) as caught:
            told.prove(index, size=size)
        assert caught.value.code == "ledger.no-checkpoint"
    assert parse_receipt(told.prove(OUTPUT, size=latest - 1)).proof.checkpoint.size == latest - 1


def test_the_command_says_what_the_receipt_stands_on(bench: Bench, told: Ledger, tmp_path: Path) -> None:
    cosigned = cosign(told)
    cosign(told, SECOND)
    stamp(told)
    latest = grow(bench, told)
    found = prove(bench, OUTPUT, "-o", str(tmp_path / "a.receipt"))
    assert (found["size"], found["cosignedBy"], found["timeStamps"]) == (cosigned, [WITNESS.name, SECOND.name], ["tsa"])
    asking = replace(bench.trust(), witnesses=(2, vkeys(WITNESS, SECOND)))
    assert verify_receipt((tmp_path / "a.receipt").read_bytes(), asking, subject_sha256=None).size == cosigned
    found = prove(bench, OUTPUT, "-o", str(tmp_path / "b.receipt"), "--at", str(latest))
    assert (found["size"], found["cosignedBy"], found["timeStamps"]) == (latest, [], [])
    assert prove(bench, OUTPUT, "--at", "99", exit_code=2)["code"] == "ledger.no-checkpoint"


def prove(bench: Bench, index: int, *options: str, exit_code: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "personactl", "ledger", "prove", str(index), "--ledger", str(bench.path), "--json"]
    done = subprocess.run([*command, *options], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document
