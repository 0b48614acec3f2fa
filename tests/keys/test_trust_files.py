"""Trust files: exported, parsed strictly, and found only where the user put them."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import key_folders
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from key_folders import NOW_TEXT, ORIGIN, Authority
from personactl_ledger.note import COSIGNATURE_ED25519, ED25519, ML_DSA_44, Vkey

from personactl import keys
from personactl.errors import ConflictError, EnvironmentProblem, StorageError, TrustError, UsageProblem
from personactl.keys import trust, trust_store

KID = "SHA256:O6dg/3bAPWf6OkOK8Jvk6jMgONQd/bCy8JCxWA8WTaQ="
SMALL_ORDER = bytes([1]) + bytes(31)
"""The neutral element of Ed25519: a "signature" under it holds for any message."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = key_folders.make(tmp_path_factory.mktemp("keys") / "keys")
    return keys.export_trust(
        keys.load(folder), name="Example Studio", origin=ORIGIN, detector="https://example.org/verify", now=NOW_TEXT
    )


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path / "home")}


def _as_witness(raw: bytes, name: str = "w.example") -> str:
    return str(Vkey.of(name, COSIGNATURE_ED25519, raw))


_RAW = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
WITNESS, WITNESS_AGAIN = _as_witness(_RAW), _as_witness(_RAW, "again.example")


def changed(exported: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(exported), **changes}).encode()


def test_an_exported_file_parses_to_what_went_in(exported: bytes) -> None:
    parsed = trust.parse(exported, "trust.json")
    assert (parsed.name, parsed.origin, parsed.development) == ("Example Studio", ORIGIN, True)
    assert parsed.issued_at == NOW_TEXT
    assert len(parsed.log_keys) == 2
    assert parsed.ledger.origin == ORIGIN
    assert parsed.ledger.root_keys == parsed.root_keys
    assert parsed.ledger.approvers is None


def test_an_exported_file_holds_no_private_key(exported: bytes) -> None:
    assert b"PRIVATE" not in exported


def test_approvers_travel(exported: bytes, tmp_path: Path) -> None:
    loaded = keys.load(key_folders.make(tmp_path / "keys"))
    data = keys.export_trust(
        loaded, name="x", origin=ORIGIN, detector="", now=NOW_TEXT, approvers=(1, (loaded.operator.public_key,))
    )
    assert trust.parse(data, "x").approvers == (1, (loaded.operator.public_key,))


def _leaf_pem() -> str:
    authority = Authority()
    return key_folders.pem(authority.leaf(ec.generate_private_key(ec.SECP256R1()))).decode()


MLDSA_KEY = str(Vkey.of(ORIGIN, ML_DSA_44, bytes(1312)))
OTHER_MLDSA_KEY = str(Vkey.of(ORIGIN, ML_DSA_44, b"\x01" * 1312))


def _ed25519_keys(good: bytes) -> list[str]:
    return [line for line in json.loads(good)["logKeys"] if Vkey.parse(line).type == ED25519]


def _moved(good: bytes, origin: str) -> bytes:
    """The file for another origin, with log keys of that very name: nothing but the origin's form is wrong."""
    keys = [Vkey.parse(line) for line in json.loads(good)["logKeys"]]
    return changed(good, origin=origin, logKeys=[str(Vkey.of(origin, key.type, key.public_key)) for key in keys])


REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "not JSON": lambda good: good[:-5],
    "a list": lambda good: b"[]",
    "not UTF-8": lambda good: b"\xff" + good,
    "too large": lambda good: good + b" " * (1 << 20),
    "too deep": lambda good: changed(good, detector=0).replace(
        b'"detector": 0', b'"detector": ' + b"[" * 99 + b"]" * 99
    ),
    "a huge number": lambda good: changed(good, detector=0).replace(b'"detector": 0', b'"detector": ' + b"9" * 5000),
    "a fraction": lambda good: changed(good, detector=0.5),
    "not a number": lambda good: changed(good, detector=float("nan")),
    "a key twice": lambda good: good.replace(b'"name"', b'"name": "Mallory", "name"', 1),
    "critical that is text": lambda good: changed(good, critical="extra"),
    "a critical name twice": lambda good: changed(good, critical=["name", "name"]),
    "a report key of small order": lambda good: changed(good, reportKeys=[b64encode(SMALL_ORDER).decode()]),
    "a report key twice": lambda good: changed(good, reportKeys=2 * json.loads(good)["rootKeys"]),
    "report keys that are no list": lambda good: changed(good, reportKeys=json.loads(good)["rootKeys"][0]),
    "witnesses without a quorum": lambda good: changed(good, witnesses={"vkeys": []}),
    "a quorum above the witnesses": lambda good: changed(good, witnesses={"quorum": 1, "vkeys": []}),
    "a quorum that is true": lambda good: changed(good, witnesses={"quorum": True, "vkeys": ["w"]}),
    "a negative quorum": lambda good: changed(good, witnesses={"quorum": -1, "vkeys": ["w"]}),
    "a quorum above the distinct witnesses": lambda good: changed(
        good, witnesses={"quorum": 2, "vkeys": [WITNESS, WITNESS_AGAIN]}
    ),
    "a quorum as text": lambda good: changed(good, witnesses={"quorum": "1", "vkeys": [WITNESS]}),
    "witnesses with a third key": lambda good: changed(good, witnesses={"quorum": 0, "vkeys": [], "x": 1}),
    "a witness that is text": lambda good: changed(good, witnesses={"quorum": 1, "vkeys": ["hello"]}),
    "a witness with another hash": lambda good: changed(
        good, witnesses={"quorum": 1, "vkeys": ["example.org/witness+00000000+AA"]}
    ),
    "a witness twice": lambda good: changed(good, witnesses={"quorum": 1, "vkeys": [WITNESS, WITNESS]}),
    "a log key as a witness": lambda good: changed(good, witnesses={"quorum": 1, "vkeys": _ed25519_keys(good)}),
    "the ledger as its own witness": lambda good: changed(
        good, witnesses={"quorum": 1, "vkeys": [_as_witness(Vkey.parse(_ed25519_keys(good)[0]).public_key)]}
    ),
    "a root key as a witness": lambda good: changed(
        good, witnesses={"quorum": 1, "vkeys": [_as_witness(b64decode(json.loads(good)["rootKeys"][0]))]}
    ),
    "a wrong witness that nobody asks for": lambda good: changed(good, witnesses={"quorum": 0, "vkeys": ["w"]}),
    "witnesses of null": lambda good: changed(good, witnesses=None),
    "revoked that is no list": lambda good: changed(good, revoked={}),
    "a revoked key without an index": lambda good: changed(good, revoked=[{"kid": KID}]),
    "a revoked key with a negative index": lambda good: changed(good, revoked=[{"kid": KID, "fromIndex": -1}]),
    "a revoked key from true on": lambda good: changed(good, revoked=[{"kid": KID, "fromIndex": True}]),
    "a revoked key from far away": lambda good: changed(good, revoked=[{"kid": KID, "fromIndex": 2**53}]),
    "a revoked key that is none": lambda good: changed(good, revoked=[{"kid": "SHA256:x", "fromIndex": 3}]),
    "a revoked key with more": lambda good: changed(good, revoked=[{"kid": KID, "fromIndex": 3, "why": "x"}]),
    "a revoked key twice": lambda good: changed(good, revoked=[{"kid": KID, "fromIndex": n} for n in (3, 4)]),
    "another schema": lambda good: changed(good, schema="personactl.trust/2"),
    "development as text": lambda good: changed(good, development="false"),
    "an empty name": lambda good: changed(good, name=""),
    "a name that is a path": lambda good: changed(good, name="../evil"),
    "a hidden name": lambda good: changed(good, name=".evil"),
    "a name with an escape": lambda good: changed(good, name="a\x1b[2Jb"),
    "a name with a bidi override": lambda good: changed(good, name="a\u202eb"),
    "no anchors": lambda good: changed(good, c2paAnchors=[]),
    "an anchor that is text": lambda good: changed(good, c2paAnchors=["hello"]),
    "an anchor that is a leaf": lambda good: changed(good, c2paAnchors=[_leaf_pem()]),
    "two anchors in one item": lambda good: changed(good, c2paAnchors=[json.loads(good)["c2paAnchors"][0] * 2]),
    "an anchor twice": lambda good: changed(good, c2paAnchors=json.loads(good)["c2paAnchors"] * 2),
    "too many anchors": lambda good: changed(good, c2paAnchors=[str(number) for number in range(65)]),
    "a short fingerprint": lambda good: changed(good, leafFingerprints=["abc"]),
    "an upper-case fingerprint": lambda good: changed(good, leafFingerprints=["A" * 64]),
    "no root key": lambda good: changed(good, rootKeys=[]),
    "a short root key": lambda good: changed(good, rootKeys=[b64encode(bytes(31)).decode()]),
    "a root key of small order": lambda good: changed(good, rootKeys=[b64encode(SMALL_ORDER).decode()]),
    "a root key that is not base64": lambda good: changed(good, rootKeys=["!" * 44]),
    "a log key of another origin": lambda good: changed(good, origin="elsewhere.org/x"),
    "a log key that is text": lambda good: changed(good, logKeys=["hello"]),
    "a log key with another hash": lambda good: changed(good, logKeys=[_other_hash(good)]),
    "no log key": lambda good: changed(good, logKeys=[]),
    "an ML-DSA key alone": lambda good: changed(good, logKeys=[MLDSA_KEY]),
    "an ML-DSA key before its Ed25519 key": lambda good: changed(good, logKeys=[MLDSA_KEY, *_ed25519_keys(good)]),
    "two ML-DSA keys behind one Ed25519 key": lambda good: changed(
        good, logKeys=[*_ed25519_keys(good), MLDSA_KEY, OTHER_MLDSA_KEY]
    ),
    "approvers without threshold": lambda good: changed(good, approvers={"keys": []}),
    "a threshold of none": lambda good: changed(good, approvers={"threshold": 0, "keys": json.loads(good)["rootKeys"]}),
    "a threshold above the keys": lambda good: changed(
        good, approvers={"threshold": 2, "keys": json.loads(good)["rootKeys"]}
    ),
    "a threshold that is true": lambda good: changed(
        good, approvers={"threshold": True, "keys": json.loads(good)["rootKeys"]}
    ),
    "an approver twice": lambda good: changed(
        good, approvers={"threshold": 2, "keys": json.loads(good)["rootKeys"] * 2}
    ),
    "a weak approver": lambda good: changed(
        good, approvers={"threshold": 1, "keys": [b64encode(SMALL_ORDER).decode()]}
    ),
    "a detector with an escape": lambda good: changed(good, detector="\x1b]0;x"),
    "a time without a zone": lambda good: changed(good, issuedAt="2026-11-21T08:00:00"),
    "an impossible time": lambda good: changed(good, issuedAt="2026-13-41T08:00:00Z"),
    "an origin with a space": lambda good: changed(good, origin="a b"),
    "an origin in capitals": lambda good: _moved(good, "Example.org/personactl/0123456789abcdef"),
    "an origin without a domain": lambda good: _moved(good, "/personactl/0123456789abcdef"),
    "an origin of another kind": lambda good: _moved(good, "example.org/log/0123456789abcdef"),
    "an origin that is cut short": lambda good: _moved(good, "example.org/personactl/0123"),
    "an origin with an end": lambda good: _moved(good, ORIGIN + "/more"),
}


@pytest.mark.parametrize("name", sorted(trust._REQUIRED))
def test_every_key_is_missed(exported: bytes, name: str) -> None:
    """Also those that may be empty: a misspelt `leafFingerprints` would be ignored and widen what is trusted."""
    lacking = json.dumps({key: value for key, value in json.loads(exported).items() if key != name}).encode()
    with pytest.raises(TrustError) as caught:
        trust.parse(lacking, "x")
    assert caught.value.code == "trust.file-invalid"


def test_a_key_of_a_later_version_is_ignored(exported: bytes) -> None:
    later = changed(exported, extra={"deep": [1]}, critical=["name"], revoked=[], witnesses={"quorum": 0, "vkeys": []})
    assert trust.parse(later, "x").ledger == trust.parse(exported, "x").ledger


def test_witnesses_reach_the_ledger(exported: bytes) -> None:
    asked = trust.parse(changed(exported, witnesses={"quorum": 1, "vkeys": [WITNESS]}, critical=["witnesses"]), "x")
    assert asked.ledger.witnesses == (1, (WITNESS,))
    assert trust.parse(exported, "x").ledger.witnesses == (0, ())


def test_report_keys_are_exported_and_a_file_need_not_name_any(tmp_path: Path) -> None:
    keyset = keys.load(key_folders.make(tmp_path / "keys"))
    common = {"name": "Example Studio", "origin": ORIGIN, "detector": "", "now": NOW_TEXT}
    public = keyset.root.public_key
    data = keys.export_trust(keyset, **common, report_keys=(public,))
    assert trust.parse(data, "t").report_keys == (public,)
    assert trust.parse(changed(data, critical=["reportKeys"]), "t").report_keys == (public,)
    assert trust.parse(keys.export_trust(keyset, **common), "t").report_keys == ()


def test_witnesses_are_exported(tmp_path: Path) -> None:
    keyset = keys.load(key_folders.make(tmp_path / "keys"))
    common = {"name": "Example Studio", "origin": ORIGIN, "detector": "", "now": NOW_TEXT}
    data = keys.export_trust(keyset, **common, witnesses=(1, (WITNESS,)))
    assert json.loads(data)["witnesses"] == {"quorum": 1, "vkeys": [WITNESS]}
    assert "witnesses" not in json.loads(keys.export_trust(keyset, **common))
    with pytest.raises(UsageProblem):
        keys.export_trust(keyset, **common, witnesses=(2, (WITNESS, WITNESS_AGAIN)))


UNCHECKED: dict[str, dict[str, Any]] = {
    "a critical key that is there": {"extra": 1, "critical": ["extra"]},
    "a critical key that is not there": {"critical": ["name", "extra"]},
    "a critical key with an escape": {"critical": ["\x1b[2J"]},
}


@pytest.mark.parametrize("what", UNCHECKED)
def test_what_this_version_does_not_check_is_refused_and_never_ignored(exported: bytes, what: str) -> None:
    with pytest.raises(TrustError) as caught:
        trust.parse(changed(exported, **UNCHECKED[what]), "some/trust.json")
    assert (caught.value.code, caught.value.exit_code) == ("trust.not-available", 5)
    assert caught.value.message.isprintable()
    assert "version" in (caught.value.hint or "")


def test_many_rotations_fit_into_a_file(exported: bytes) -> None:
    secrets = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(1, 200)]
    public = [secret.public_key().public_bytes_raw() for secret in secrets]
    pairs = [(Vkey.of(ORIGIN, ED25519, key), Vkey.of(ORIGIN, ML_DSA_44, key + bytes(1280))) for key in public]
    lines = [str(half) for pair in pairs for half in pair]
    data = changed(exported, logKeys=lines, rootKeys=[b64encode(key).decode() for key in public])
    parsed = trust.parse(data, "x")
    assert (len(parsed.log_keys), len(parsed.root_keys)) == (398, 199)


def test_revoked_keys_reach_the_ledgers_checks(exported: bytes) -> None:
    parsed = trust.parse(changed(exported, revoked=[{"kid": KID, "fromIndex": 3}]), "x")
    assert parsed.revoked == parsed.ledger.revoked == ((KID, 3),)


def _other_hash(good: bytes) -> str:
    name, digest, material = json.loads(good)["logKeys"][0].split("+", 2)
    return f"{name}+{'0' * 8 if digest != '0' * 8 else '1' * 8}+{material}"


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_not_sound_is_refused(exported: bytes, what: str) -> None:
    with pytest.raises(TrustError) as caught:
        trust.parse(REFUSED[what](exported), "some/trust.json")
    assert caught.value.code == "trust.file-invalid"
    assert caught.value.where == "some/trust.json"
    assert caught.value.exit_code == 5


def test_nothing_rides_along_beside_an_anchor(exported: bytes) -> None:
    anchor = json.loads(exported)["c2paAnchors"][0]
    for text in (f"hidden text\n{anchor}", f"{anchor}\nmore"):
        with pytest.raises(TrustError):
            trust.parse(changed(exported, c2paAnchors=[text]), "x")
    spaced = trust.parse(changed(exported, c2paAnchors=[anchor.replace("\n", " \r\n")]), "x")
    assert spaced.c2pa_anchors == (anchor,)


def test_the_store_is_the_users_own_folder(exported: bytes, env: dict[str, str], tmp_path: Path) -> None:
    trust_store.add(exported, path="x", env=env)
    stored = tmp_path / "config/personactl/trust/Example Studio.json"
    assert stored.read_bytes() == exported
    assert stored.stat().st_mode & 0o077 == 0
    assert [item.name for item in trust_store.list_all(env)] == ["Example Studio"]
    assert trust_store.show("Example Studio", env=env).origin == ORIGIN
    trust_store.remove("Example Studio", env=env)
    assert trust_store.list_all(env) == ()


def test_a_relative_configuration_home_is_ignored(env: dict[str, str], tmp_path: Path) -> None:
    assert trust_store.folder({**env, "XDG_CONFIG_HOME": "here"}) == tmp_path / "home/.config/personactl/trust"


def test_a_user_without_a_home_folder_has_stored_nothing_and_can_store_nothing(
    exported: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def homeless(_class: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", classmethod(homeless))
    assert trust_store.list_all({}) == ()
    assert trust_store.load_all([], {}) == ()
    (tmp_path / "trust.json").write_bytes(exported)
    assert [item.origin for item in trust_store.load_all([tmp_path / "trust.json"], {})] == [ORIGIN]
    with pytest.raises(TrustError):
        trust_store.show("Example Studio", env={})
    with pytest.raises(EnvironmentProblem) as caught:
        trust_store.add(exported, path="x", env={})
    assert (caught.value.code, caught.value.exit_code) == ("trust.no-home", 8)


def test_the_same_file_twice_is_fine_and_another_of_its_name_is_not(exported: bytes, env: dict[str, str]) -> None:
    trust_store.add(exported, path="x", env=env)
    trust_store.add(exported, path="x", env=env)
    other = changed(exported, detector="another")
    with pytest.raises(ConflictError):
        trust_store.add(other, path="x", env=env)
    assert trust_store.show("Example Studio", env=env).detector != "another"
    trust_store.add(other, path="x", env=env, replace=True)
    assert trust_store.show("Example Studio", env=env).detector == "another"


@pytest.mark.parametrize("name", ["nobody", "../Example Studio", "", "*"])
def test_an_unknown_name_is_refused(exported: bytes, env: dict[str, str], name: str) -> None:
    trust_store.add(exported, path="x", env=env)
    with pytest.raises(TrustError):
        trust_store.remove(name, env=env)
    assert len(trust_store.list_all(env)) == 1


def test_what_a_killed_process_of_the_same_number_left_is_in_nobodys_way(
    exported: bytes, env: dict[str, str], tmp_path: Path
) -> None:
    store = tmp_path / "config/personactl/trust"
    store.mkdir(parents=True)
    (store / f".Example Studio.json.{os.getpid()}").write_text("half")
    trust_store.add(exported, path="x", env=env)
    assert [item.name for item in trust_store.list_all(env)] == ["Example Studio"]


def test_a_store_that_cannot_be_written_leaves_nothing(exported: bytes, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    with pytest.raises(StorageError):
        trust_store.add(exported, path="x", env=env)


def test_the_first_source_that_names_a_file_decides_alone(exported: bytes, env: dict[str, str], tmp_path: Path) -> None:
    files = {}
    for number, source in enumerate(("flag", "environment", "store")):
        files[source] = tmp_path / f"{source}.json"
        files[source].write_bytes(changed(exported, name=source, detector=str(number)))
    trust_store.add(files["store"].read_bytes(), path="x", env=env)
    assert [item.name for item in trust_store.load_all([], env)] == ["store"]
    env["PERSONACTL_TRUST"] = str(files["environment"])
    assert [item.name for item in trust_store.load_all([], env)] == ["environment"]
    assert [item.name for item in trust_store.load_all([files["flag"], files["flag"]], env)] == ["flag"]


def test_the_environment_may_name_several_files(exported: bytes, env: dict[str, str], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_bytes(changed(exported, name=name))
    env["PERSONACTL_TRUST"] = f"{tmp_path}/a.json:{tmp_path}/b.json"
    assert [item.name for item in trust_store.load_all([], env)] == ["a", "b"]


def test_the_working_directory_never_decides(
    exported: bytes, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trust.json").write_bytes(exported)
    monkeypatch.chdir(tmp_path)
    assert trust_store.load_all([], env) == ()
    with pytest.raises(TrustError) as caught:
        trust_store.load_all([], {**env, "PERSONACTL_TRUST": "trust.json"})
    assert caught.value.code == "trust.path-relative"


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "device"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    import os

    path = tmp_path / "trust.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    with pytest.raises(TrustError) as caught:
        trust_store.read(path)
    assert caught.value.code == "trust.file-unreadable"
