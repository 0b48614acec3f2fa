"""`keys.create_development` and `keys.load`: complete or absent, closed to others, never overwritten, never shown."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import key_folders
import pytest
from cryptography import x509

from personactl import keys
from personactl.errors import ConflictError, KeyProblem, StorageError, UsageProblem
from personactl.keys import layout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return key_folders.make(tmp_path / "keys")


def test_the_folder_is_closed_to_everyone_else_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = key_folders.make(tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_every_role_has_its_own_key(folder: Path) -> None:
    loaded = keys.load(folder)
    assert loaded.development
    assert len({loaded.root.public_key, loaded.operator.public_key}) == 2
    assert loaded.root_public_keys == (loaded.root.public_key,)
    assert json.loads((folder / layout.INDEX).read_text())["createdAt"] == key_folders.NOW_TEXT


def test_the_ledger_signs_with_two_algorithms(folder: Path) -> None:
    assert (folder / layout.LEDGER_MLDSA_KEY).exists()
    assert len(keys.load(folder).log.vkeys(key_folders.ORIGIN)) == 2


def test_the_chain_is_the_leaf_alone_issued_by_the_root(folder: Path) -> None:
    chain = x509.load_pem_x509_certificates((folder / layout.C2PA_CHAIN).read_bytes())
    root = x509.load_pem_x509_certificate((folder / layout.C2PA_ROOT_CERTIFICATE).read_bytes())
    assert len(chain) == 1
    chain[0].verify_directly_issued_by(root)


def test_a_new_folder_breaks_no_rule(folder: Path) -> None:
    assert [finding.code for finding in keys.check(folder)] == ["keys.leaf-long-lived"]


@pytest.mark.parametrize("taken", ["folder", "file", "link"])
def test_a_taken_name_is_refused_and_untouched(tmp_path: Path, taken: str) -> None:
    target = tmp_path / "keys"
    if taken == "folder":
        target.mkdir()
        (target / "mine").write_text("kept")
    elif taken == "file":
        target.write_text("kept")
    else:
        (tmp_path / "elsewhere").mkdir()
        target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConflictError) as caught:
        key_folders.make(target)
    assert caught.value.code == "keys.folder-exists"
    if taken == "folder":
        assert [path.name for path in target.iterdir()] == ["mine"]
    assert not list(tmp_path.glob(".keys-*"))


def test_keys_are_made_once(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConflictError):
        key_folders.make(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("step", ["write", "sync"])
def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layout, "_write" if step == "write" else "sync_folder", full)
    with pytest.raises(StorageError, match="No space left"):
        key_folders.make(tmp_path / "keys")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("organisation", ["", "   ", "x" * 65, "Evil\nStudio", "a\x1b[31m"])
def test_a_name_that_no_certificate_carries_is_refused(tmp_path: Path, organisation: str) -> None:
    with pytest.raises(UsageProblem):
        keys.create_development(
            tmp_path / "keys", organisation=organisation, domain="example.org", now=key_folders.NOW_TEXT
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["", layout.ROOT_KEY, layout.C2PA_LEAF_KEY])
def test_open_modes_are_refused_with_the_command_that_mends_them(folder: Path, target: str) -> None:
    path = folder / target
    path.chmod(path.stat().st_mode | 0o040)
    with pytest.raises(KeyProblem) as caught:
        keys.load(folder)
    assert caught.value.code == "keys.permissions-open"
    assert "chmod" in (caught.value.hint or "")
    assert "keys.permissions-open" in {finding.code for finding in keys.check(folder)}


@pytest.mark.parametrize("name", layout.REQUIRED)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(KeyProblem, match=name):
        keys.load(folder)
    assert any(name in finding.message for finding in keys.check(folder))


@pytest.mark.parametrize("name", [layout.ROOT_KEY, layout.OPERATOR_KEY, layout.LEDGER_KEY, layout.LEDGER_MLDSA_KEY])
@pytest.mark.parametrize("content", ["garbage", "other-kind", "encrypted"])
def test_an_unusable_key_is_named_and_never_quoted(folder: Path, name: str, content: str) -> None:
    secret = (folder / name).read_bytes().splitlines()[1]
    other = {
        "garbage": b"-----BEGIN PRIVATE KEY-----\n" + secret[:20] + b"\n-----END PRIVATE KEY-----\n",
        "other-kind": (folder / layout.C2PA_LEAF_KEY).read_bytes(),
        "encrypted": _encrypted(),
    }[content]
    (folder / name).write_bytes(other)
    with pytest.raises(KeyProblem) as caught:
        keys.load(folder)
    assert name in caught.value.message
    assert secret[:20].decode() not in f"{caught.value!r} {caught.value.message} {caught.value.__cause__}"
    assert any(finding.code == "keys.file-unreadable" and name in finding.message for finding in keys.check(folder))


def test_a_key_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "operator.pem"
    (folder / layout.OPERATOR_KEY).rename(moved)
    (folder / layout.OPERATOR_KEY).symlink_to(moved)
    with pytest.raises(KeyProblem, match="symbolic link"):
        keys.load(folder)


def test_another_root_key_is_noticed(folder: Path, tmp_path: Path) -> None:
    other = key_folders.make(tmp_path / "other")
    (folder / layout.ROOT_KEY).write_bytes((other / layout.ROOT_KEY).read_bytes())
    with pytest.raises(KeyProblem) as caught:
        keys.load(folder)
    assert caught.value.code == "keys.root-mismatch"
    assert "keys.root-mismatch" in {finding.code for finding in keys.check(folder)}


def test_the_root_key_may_live_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / layout.ROOT_KEY).rename(tmp_path / "offline.pem")
    loaded = keys.load(folder)
    assert len(loaded.root_public_keys) == 1
    assert loaded.operator.sign(b"message")
    with pytest.raises(KeyProblem) as caught:
        _ = loaded.root
    assert caught.value.code == "keys.root-offline"
    assert {finding.code: finding.severity for finding in keys.check(folder)}["keys.root-offline"] == "info"


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"schema": "personactl.keys/2"}'])
def test_a_broken_index_is_named(folder: Path, content: str) -> None:
    (folder / layout.INDEX).write_text(content)
    with pytest.raises(KeyProblem) as caught:
        keys.load(folder)
    assert caught.value.code == "keys.index-invalid"


def test_no_secret_is_in_any_repr(folder: Path) -> None:
    loaded = keys.load(folder)
    shown = f"{loaded!r} {loaded} {loaded.c2pa!r} {loaded.root!r} {loaded.operator!r} {loaded.log!r}"
    secrets = [
        line
        for name in (*layout.REQUIRED, *layout.OPTIONAL)
        if name.endswith((".key", ".pem")) and name not in (layout.C2PA_CHAIN, layout.C2PA_ROOT_CERTIFICATE)
        for line in (folder / name).read_text().splitlines()
        if not line.startswith("-----")
    ]
    assert len(secrets) >= 7
    assert not [secret for secret in secrets if secret in shown]
    assert "PRIVATE KEY" not in shown


def _encrypted() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"test-only")
    )
