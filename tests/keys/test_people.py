"""Enrolling persons and naming approvers: what the ledger and the trust file say afterwards."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
import rotating
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from personactl_ledger import Ed25519Signer, EntryRefused, FormatError, Ledger, Vkey, check, key_id
from personactl_ledger.note import COSIGNATURE_ED25519
from personactl_ledger.witnessing import trusted_witnesses
from rotating import LATER

from personactl import keys
from personactl.config import Config
from personactl.errors import KeyProblem, PersonactlError, UsageProblem
from personactl.keys import layout, trust_store

ANN, BOB = Ed25519PrivateKey.from_private_bytes(b"a" * 32), Ed25519PrivateKey.from_private_bytes(b"b" * 32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return rotating.make(tmp_path_factory.mktemp("made") / "project")


@pytest.fixture
def project(made: Config, tmp_path: Path) -> Config:
    return rotating.copied(made, tmp_path / "project")


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def enrol(project: Config, *people: Ed25519PrivateKey) -> list[str]:
    return [keys.enrol(project, raw(person), now=LATER).kid for person in people]


def pem(key: object) -> bytes:
    data: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return data


@pytest.mark.parametrize("data", [pem(ANN.public_key()), b64encode(raw(ANN)), b64encode(raw(ANN)) + b"\n"])
def test_a_public_key_is_read_from_pem_or_base64(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "ann").write_bytes(data)
    assert keys.read_public_key(tmp_path / "ann") == raw(ANN)


REFUSED: dict[str, tuple[str, bytes]] = {
    "a private key": (
        "keys.private-given", ANN.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ),
    "a private key behind a public one": (
        "keys.private-given",
        pem(ANN.public_key()) + ANN.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    ),
    "a key of another kind": ("keys.public-unreadable", pem(generate_private_key(SECP256R1()).public_key())),
    "nothing": ("keys.public-unreadable", b""),
    "text": ("keys.public-unreadable", b"hello"),
    "broken PEM": ("keys.public-unreadable", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
    "31 bytes": ("keys.public-unreadable", b64encode(bytes(31))),
    "base64 without padding": ("keys.public-unreadable", b64encode(raw(ANN)).rstrip(b"=")),
    "a point of small order": ("ledger.key-weak", b64encode(bytes([1]) + bytes(31))),
    "a point that is not reduced": ("ledger.key-weak", b64encode((2**255 - 16).to_bytes(32, "little"))),
    "a large file": ("file.too-large", b"A" * 10_000),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_sound_public_key_is_refused(tmp_path: Path, what: str) -> None:
    code, data = REFUSED[what]
    (tmp_path / "key").write_bytes(data)
    with pytest.raises((PersonactlError, EntryRefused)) as refused:
        keys.read_public_key(tmp_path / "key")
    assert refused.value.code == code


def test_a_person_is_enrolled_by_the_root_key_and_the_name_is_sealed(project: Config) -> None:
    done = keys.enrol(project, raw(ANN), name="Ann Example", now=LATER)
    with Ledger.open_reader(project.ledger_path) as ledger:
        entry = ledger.entry(done.index).entry
        assert (entry.kind, entry.predicate["role"], entry.predicate["kid"]) == ("key-add", "person", key_id(raw(ANN)))
        assert b"Ann Example" not in entry.leaf
        assert ledger.unseal(done.index) == {"name": "Ann Example"}
        assert ledger.latest_checkpoint().size == ledger.size  # type: ignore[union-attr]
    assert check(project.ledger_path).ok


def test_a_key_is_enrolled_once_and_for_one_role(project: Config) -> None:
    enrol(project, ANN)
    for twice in (raw(ANN), keys.load(project.keys_path).operator.public_key):
        with pytest.raises(EntryRefused) as refused:
            keys.enrol(project, twice, now=LATER)
        assert refused.value.code == "ledger.key-twice"


def test_the_root_key_may_lie_elsewhere(project: Config, tmp_path: Path) -> None:
    (project.keys_path / layout.ROOT_KEY).rename(tmp_path / "stick.pem")
    with pytest.raises(KeyProblem) as refused:
        enrol(project, ANN)
    assert refused.value.code == "keys.root-offline"
    root = keys.load_root_signer(tmp_path / "stick.pem")
    kid = keys.enrol(project, raw(ANN), now=LATER, more_roots=[root]).kid
    with pytest.raises(KeyProblem):
        keys.set_approvers(project, 1, [kid], now=LATER)
    assert keys.set_approvers(project, 1, [kid], now=LATER, more_roots=[root]).version == 1


def test_a_root_key_of_another_ledger_is_refused(project: Config) -> None:
    (project.keys_path / layout.ROOT_KEY).unlink()
    with pytest.raises(EntryRefused) as refused:
        keys.enrol(project, raw(ANN), now=LATER, more_roots=[Ed25519Signer.generate()])
    assert refused.value.code == "ledger.signer-unknown"


def test_approvers_stand_in_the_ledger_and_in_the_trust_file(project: Config) -> None:
    ann, bob = enrol(project, ANN, BOB)
    first = keys.set_approvers(project, 2, [ann, bob], now=LATER)
    assert (first.version, first.already) == (1, False)
    assert trust_store.read(project.trust_path).approvers == (2, (raw(ANN), raw(BOB)))
    again = keys.set_approvers(project, 2, [ann, bob], now=LATER)
    assert (again.version, again.index, again.already) == (1, first.index, True)
    second = keys.set_approvers(project, 1, [bob], now=LATER)
    assert (second.version, second.already) == (2, False)
    assert trust_store.read(project.trust_path).approvers == (1, (raw(BOB),))
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.approval("ab" * 32).approvers == (bob,)
        said = ledger.entry(second.index).entry.predicate
        exported = keys.export_trust(
            keys.load(project.keys_path), name="x", origin=ledger.origin, detector="", now=LATER, ledger=ledger.trust()
        )
    assert said["witnesses"] is None
    assert json.loads(exported)["approvers"] == {"threshold": 1, "keys": [b64encode(raw(BOB)).decode()]}
    assert check(project.ledger_path, trust=trust_store.read(project.trust_path).ledger).ok


def test_what_a_trust_entry_says_of_witnesses_stays(project: Config) -> None:
    from personactl_ledger import Draft
    from personactl_ledger.key_entries import trust_leaf

    (ann,) = enrol(project, ANN)
    witnesses = {"quorum": 1, "vkeys": [str(Vkey.of("w.example", COSIGNATURE_ED25519, raw(BOB)))]}
    with Ledger.open_writer(project.ledger_path) as ledger:
        leaf = trust_leaf(
            origin=ledger.origin, version=1, approvers=None, witnesses=witnesses, now=LATER,
            roots=[keys.load(project.keys_path).root],
        )  # fmt: skip
        ledger.append([Draft(leaf)], now=LATER)
    done = keys.set_approvers(project, 1, [ann], now=LATER)
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert (done.version, ledger.entry(done.index).entry.predicate["witnesses"]) == (2, witnesses)


def test_witnesses_are_named_and_who_approves_stays(project: Config) -> None:
    (ann,) = enrol(project, ANN)
    keys.set_approvers(project, 1, [ann], now=LATER)
    vkey = str(Vkey.of("w.example", COSIGNATURE_ED25519, raw(BOB)))
    done = keys.set_witnesses(project, 1, [vkey], now=LATER)
    assert (done.version, done.already) == (2, False)
    assert keys.set_witnesses(project, 1, [vkey], now=LATER).already
    with Ledger.open_reader(project.ledger_path) as ledger:
        said = ledger.entry(done.index).entry.predicate
        assert [[key.name for key in group] for (group,) in trusted_witnesses(ledger)] == [["w.example"]]
    assert said["witnesses"] == {"quorum": 1, "vkeys": [vkey]}
    assert said["approvers"] == {"threshold": 1, "keys": [ann]}
    none = keys.set_witnesses(project, 0, [], now=LATER)
    with Ledger.open_reader(project.ledger_path) as ledger:
        said = ledger.entry(none.index).entry.predicate
    assert (said["version"], said["witnesses"], said["approvers"]["keys"]) == (3, None, [ann])
    assert check(project.ledger_path, trust=trust_store.read(project.trust_path).ledger).ok


def test_what_is_no_witness_is_refused(project: Config) -> None:
    vkey = str(Vkey.of("w.example", COSIGNATURE_ED25519, raw(BOB)))
    log = keys.load(project.keys_path).log
    with Ledger.open_reader(project.ledger_path) as ledger:
        origin, size = ledger.origin, ledger.size
    for quorum, named in ((2, [vkey]), (1, []), (1, [vkey, vkey]), (1, ["x"]), (0, list(log.vkeys(origin)))):
        with pytest.raises(UsageProblem):
            keys.set_witnesses(project, quorum, named, now=LATER)
    own = str(Vkey.of("w.example", COSIGNATURE_ED25519, log.public_key))
    with pytest.raises(FormatError) as refused:
        keys.set_witnesses(project, 1, [own], now=LATER)
    assert refused.value.code == "ledger.vkey"
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.size == size


def test_strangers_and_wrong_numbers_are_refused(project: Config) -> None:
    (ann,) = enrol(project, ANN)
    for threshold, named in ((0, [ann]), (2, [ann]), (1, []), (2, [ann, ann])):
        with pytest.raises(UsageProblem):
            keys.set_approvers(project, threshold, named, now=LATER)
    for stranger in (key_id(raw(BOB)), keys.load(project.keys_path).operator.key_id):
        with pytest.raises(EntryRefused) as refused:
            keys.set_approvers(project, 1, [stranger], now=LATER)
        assert refused.value.code == "ledger.trust-approver"
    assert trust_store.read(project.trust_path).approvers is None


def test_a_persons_key_is_followed_by_another(project: Config) -> None:
    (ann,) = enrol(project, ANN)
    done = keys.enrol(
        project, raw(BOB), name="Ann again", replaces=keys.ending(ann, compromised_since=5, reason="lost"), now=LATER
    )
    assert done.ended == done.index + 1
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.in_use("person") == (done.kid,)
        assert ledger.unseal(done.index) == {"name": "Ann again"}
    assert trust_store.read(project.trust_path).revoked == ((ann, 5),)
    assert check(project.ledger_path, trust=trust_store.read(project.trust_path).ledger).ok
    with pytest.raises(KeyProblem) as refused:
        keys.enrol(project, bytes(32), replaces=keys.ending(ann, compromised_since=None, reason=""), now=LATER)
    assert refused.value.code == "keys.not-in-use"


def test_a_second_root_key_takes_over_when_the_first_is_stolen(project: Config) -> None:
    second = Ed25519Signer(ANN)
    index = keys.enrol(project, second.public_key, role="root", now=LATER).index
    assert second.public_key in trust_store.read(project.trust_path).root_keys
    request = keys.Request(role="root", compromised_since=index + 1, reason="stolen")
    done = keys.rotate(project, request, now=LATER, more_roots=[second])
    with Ledger.open_reader(project.ledger_path) as ledger:
        assert ledger.in_use("root") == (second.key_id, done.new)
    assert done.distrusted == ()
    with pytest.raises(UsageProblem):
        keys.enrol(
            project, raw(BOB), role="root", replaces=keys.ending(done.new, compromised_since=None, reason=""), now=LATER
        )


def test_half_of_the_options_about_the_earlier_key_are_usage() -> None:
    assert keys.ending(None, compromised_since=None, reason="") is None
    for kid, since, reason in ((None, 3, "x"), (None, None, "x"), ("SHA256:x", 3, "")):
        with pytest.raises(UsageProblem):
            keys.ending(kid, compromised_since=since, reason=reason)
