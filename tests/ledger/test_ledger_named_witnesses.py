"""Whom a trust entry may name as a witness, and under which names cosignatures are taken in (SPEC 6.12, 14.2, 14.9)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Draft, Ledger, LedgerError, LedgerTrust, check, key_id
from personactl_ledger.cosignature import WitnessSigner, group_witnesses
from personactl_ledger.encoding import to_base64
from personactl_ledger.errors import FormatError, WitnessProblem
from personactl_ledger.witnessing import take_in


def witness(name: str, secret: str) -> WitnessSigner:
    return WitnessSigner(name, Ed25519PrivateKey.from_private_bytes(forge.secret(secret)))


def named(bench: Bench, quorum: int, *keys: str) -> Draft:
    """A trust entry that names these witnesses."""
    asked = {"quorum": quorum, "vkeys": list(keys)}
    return bench.draft("trust", bench.root, version=1, approvers=None, witnesses=asked, setAt=NOW)


def vkeys(*signers: WitnessSigner) -> list[str]:
    return [str(key) for signer in signers for key in signer.verifier_keys]


@pytest.mark.parametrize("secret", ["root", "log", "second root", "second log"])
def test_append_refuses_keys_of_the_ledger_as_witnesses(secret: str, bench: Bench, ledger: Ledger) -> None:
    """Also those that are not in use any more."""
    second, log = forge.signer("second root"), forge.log_signer("second log")
    said = {"kid": key_id(log.public_key), "publicKey": to_base64(log.public_key), "role": "ledger", "addedAt": NOW}
    ledger.append([bench.draft("key-add", bench.root, vkeys=list(log.vkeys(ledger.origin)), **said)], now=NOW)
    said |= {"kid": second.key_id, "publicKey": to_base64(second.public_key), "role": "root"}
    ledger.append([bench.draft("key-add", bench.root, **said)], now=NOW)
    for kid in (second.key_id, key_id(log.public_key)):
        ledger.append([bench.draft("key-retire", bench.root, kid=kid, retiredAt=NOW)], now=NOW)
    size = ledger.size
    with pytest.raises(FormatError) as refused:
        ledger.append([named(bench, 1, *vkeys(witness("w.example", secret)))], now=NOW)
    assert (refused.value.code, ledger.size) == ("ledger.vkey", size)
    ledger.append([named(bench, 1, *vkeys(witness("w.example", "another")))], now=NOW)
    assert check(bench.path).ok


def test_append_refuses_other_texts_names_and_quorums(bench: Bench, ledger: Ledger) -> None:
    one, again = witness("one.example", "one"), witness("again.example", "one")
    for quorum, keys, code in (
        (1, ["nonsense"], "ledger.vkey"),
        (0, [bench.log.vkeys(ledger.origin)[0]], "ledger.vkey"),
        (0, vkeys(witness(ledger.origin, "one")), "ledger.vkey"),
        (2, vkeys(one, again), "ledger.predicate"),
    ):
        with pytest.raises(LedgerError) as refused:
            ledger.append([named(bench, quorum, *keys)], now=NOW)
        assert refused.value.code == code, keys
    ledger.append([named(bench, 1, *vkeys(one, again))], now=NOW)


def test_a_trust_file_names_no_witness_by_the_origin(bench: Bench, ledger: Ledger) -> None:
    asked = (0, tuple(vkeys(witness(ledger.origin, "one"))))
    right = bench.trust()
    with pytest.raises(FormatError):
        LedgerTrust(right.origin, right.log_keys, right.root_keys, witnesses=asked).witness_keys()


def test_no_line_under_the_name_of_the_log_is_taken_in(bench: Bench, ledger: Ledger) -> None:
    head = ledger.checkpoint(bench.log, now=NOW)
    bad, good = witness(ledger.origin, "one"), witness("w.example", "two")
    lines = [str(line) for signer in (bad, good) for line in signer.cosign(head, 1_800_000_000)]
    with pytest.raises(WitnessProblem):
        take_in(ledger, head.note + lines[0], group_witnesses(vkeys(bad, good)), now=NOW)
    kept = take_in(ledger, head.note + "".join(lines), group_witnesses(vkeys(bad, good)), now=NOW)
    assert [item.name for item in kept] == ["w.example"]
    assert check(bench.path).ok
