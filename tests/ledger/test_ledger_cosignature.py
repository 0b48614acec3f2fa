"""Cosignatures: the bytes of C2SP tlog-cosignature, checked by other means; who counts as one witness."""

from __future__ import annotations

import hashlib
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ledger_bench import forge
from personactl_ledger import FormatError, LedgerTrust, Vkey
from personactl_ledger.checkpoint import Checkpoint, mldsa_available, parse_checkpoint
from personactl_ledger.cosignature import WitnessSigner, count_witnesses, group_witnesses, verify_cosignature
from personactl_ledger.note import ED25519, NoteSignature, group_vkeys

SECONDS = 1679315147
FORGED = forge.Forge()
HEAD = parse_checkpoint(FORGED.checkpoint())
TIME = SECONDS.to_bytes(8, "big")


def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(forge.secret(name))


def witness(name: str = "w.example/1", seed: str = "w") -> WitnessSigner:
    return WitnessSigner(name, key(seed))


def with_lines(*lines: NoteSignature) -> Checkpoint:
    return Checkpoint(origin=HEAD.origin, size=HEAD.size, root=HEAD.root, note=HEAD.note + "".join(map(str, lines)))


def vkeys(*witnesses: WitnessSigner) -> list[str]:
    return [str(item) for one in witnesses for item in one.verifier_keys]


def mldsa_witness(name: str = "w.example/1", seed: str = "w") -> WitnessSigner:
    if not mldsa_available():
        pytest.skip("the installed cryptography has no ML-DSA-44")
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    return WitnessSigner(name, key(seed), MLDSA44PrivateKey.from_seed_bytes(forge.secret(seed)))


def test_openssl_verifies_an_ed25519_cosignature_over_the_bytes_of_the_specification(tmp_path: Path) -> None:
    line = str(witness().cosign(HEAD, SECONDS)[0])
    dash, name, blob = line.rstrip("\n").split(" ")
    public = key("w").public_key()
    key_hash = hashlib.sha256(b"w.example/1\n\x04" + public.public_bytes_raw()).digest()[:4]
    data = b64decode(blob)
    assert (dash, name, data[:12]) == ("—", "w.example/1", key_hash + TIME)
    text = f"cosignature/v1\ntime 1679315147\n{HEAD.origin}\n3\n{b64encode(HEAD.root).decode()}\n"
    (tmp_path / "message").write_text(text)
    (tmp_path / "signature").write_bytes(data[12:])
    (tmp_path / "key.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature"
    assert "Success" in subprocess.check_output(command.split(), cwd=tmp_path, text=True)


def test_an_ml_dsa_cosignature_is_over_the_structure_of_the_specification() -> None:
    signer = mldsa_witness()
    line = signer.cosign(HEAD, SECONDS)[1]
    origin = HEAD.origin.encode()
    message = b"subtree/v1\n\0" + b"\x0bw.example/1" + TIME + bytes([len(origin)]) + origin
    message += bytes(8) + (3).to_bytes(8, "big") + HEAD.root
    vkey = signer.verifier_keys[1]
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    MLDSA44PublicKey.from_public_bytes(vkey.public_key).verify(line.signature[8:], message)
    assert line.signature[:8] == TIME
    assert line.key_hash == hashlib.sha256(b"w.example/1\n\x06" + vkey.public_key).digest()[:4]


def test_a_real_witness_key_of_the_public_network_is_read() -> None:
    text = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    assert str(Vkey.parse(text)) == text
    assert len(group_witnesses([text])) == 1


@pytest.mark.parametrize("seconds", [0, -1, 2**63])
def test_a_time_that_says_nothing_is_never_signed(seconds: int) -> None:
    with pytest.raises(ValueError, match="no time"):
        witness().cosign(HEAD, seconds)


def test_a_time_above_the_limit_does_not_hold() -> None:
    vkey = witness().verifier_keys[0]
    late = 2**63
    signature = key("w").sign(f"cosignature/v1\ntime {late}\n{HEAD.body}".encode())
    line = NoteSignature(vkey.name, vkey.key_hash, late.to_bytes(8, "big") + signature)
    assert verify_cosignature(with_lines(line), vkey, line) is False


@pytest.mark.parametrize("length", [0, 7, 8, 71, 73, 2428])
def test_a_line_of_another_length_does_not_hold(length: int) -> None:
    vkey = witness().verifier_keys[0]
    line = NoteSignature(vkey.name, vkey.key_hash, bytes(7) + b"\1" + bytes(max(0, length - 8)))
    line = NoteSignature(vkey.name, vkey.key_hash, line.signature[:length])
    assert verify_cosignature(HEAD, vkey, line) is False


def test_the_newest_time_of_a_witness_is_told_once() -> None:
    one, two = witness(), witness("v.example", "v")
    head = with_lines(*one.cosign(HEAD, 5), *one.cosign(HEAD, 9), *two.cosign(HEAD, 7))
    found = count_witnesses(head, group_witnesses(vkeys(one, two)))
    assert [(item.name, item.seconds) for item in found.by] == [("w.example/1", 9), ("v.example", 7)]
    assert found.wrong == ()


def test_items_that_share_a_key_are_one_witness_also_through_others() -> None:
    a, b, c = mldsa_witness("a", "x"), mldsa_witness("b", "y"), mldsa_witness("c", "z")
    mixed = [
        *vkeys(a), *vkeys(b),
        str(Vkey.of("m", 0x04, a.verifier_keys[0].public_key)), str(Vkey.of("m", 0x06, b.verifier_keys[1].public_key)),
        *vkeys(c),
    ]  # fmt: skip
    assert len(group_witnesses(mixed)) == 2
    assert len(group_witnesses([*vkeys(a), *vkeys(b), *vkeys(c)])) == 3
    head = with_lines(*a.cosign(HEAD, 5), *b.cosign(HEAD, 6))
    assert len(count_witnesses(head, group_witnesses(mixed)).by) == 1
    assert len(count_witnesses(head, group_witnesses(vkeys(a, b, c))).by) == 2


def test_an_ml_dsa_key_of_another_name_is_a_witness_by_itself() -> None:
    a, b = mldsa_witness("a", "x"), mldsa_witness("b", "y")
    assert len(group_witnesses([vkeys(a)[0], vkeys(b)[1]])) == 2
    assert len(group_witnesses([vkeys(a)[0], vkeys(a)[1]])) == 1
    (other_order,) = group_witnesses([vkeys(a)[1], vkeys(a)[0]])  # one name: one witness, and two items of it
    assert [len(item) for item in other_order] == [1, 1]


def test_a_log_key_is_no_witness_key_and_a_witness_key_no_log_key() -> None:
    log = str(Vkey.of("w.example/1", ED25519, key("w").public_key().public_bytes_raw()))
    with pytest.raises(FormatError):
        group_witnesses([log])
    with pytest.raises(FormatError):
        group_vkeys(vkeys(witness(HEAD.origin)), HEAD.origin)


@pytest.mark.parametrize("secret", ["log", "root"])
def test_the_ledgers_own_keys_cannot_witness_it(secret: str) -> None:
    own = (0, tuple(vkeys(witness("w.example/1", secret))))
    trust = LedgerTrust(FORGED.origin, FORGED.log.vkeys(FORGED.origin), (FORGED.root.public_key,), witnesses=own)
    with pytest.raises(FormatError):
        trust.witness_keys()


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "é" * 128, "\udce9"])
def test_a_name_that_no_line_can_carry_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        witness(name)
