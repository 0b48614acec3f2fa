"""Public lists of authorities: PEM certificates of authorities, and nothing else is taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from personactl import keys
from personactl.errors import TrustError
from personactl.keys import trust_list

NOW = "2026-11-21T08:00:00Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("list") / "keys"
    keys.create_development(place, organisation="TEST-ONLY", domain="list.example", now=NOW)
    return place


def root(folder: Path) -> bytes:
    return (folder / "c2pa-root.pem").read_bytes()


def test_a_list_is_certificates_with_anything_between_them(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "LIST.pem"
    place.write_bytes(b"Subject\tCN=Root\n" + root(folder) + b"\nnotes\n")
    (found,) = trust_list.load_all([place, place])
    assert [item.stamps for item in trust_list.load_all([place], [place])] == [False, True]
    assert found.name == "LIST.pem"
    assert [anchor.encode() for anchor in found.anchors] == [root(folder)]


@pytest.mark.parametrize("kind", ["empty", "text", "leaf", "half", "key"])
def test_what_is_no_list_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "LIST.pem"
    place.write_bytes(
        {
            "empty": b"",
            "text": b"{}",
            "leaf": (folder / "c2pa-chain.pem").read_bytes(),
            "half": root(folder)[:300],
            "key": (folder / "c2pa-leaf.key").read_bytes(),
        }[kind]
    )
    with pytest.raises(TrustError) as caught:
        trust_list.load_all([place])
    assert (caught.value.code, caught.value.exit_code) == ("trust.list-invalid", 5)
    assert "PRIVATE" not in caught.value.message


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(trust_list.MAX_BYTES + 1))
    for name in ("missing", "pipe", "large", "."):
        with pytest.raises(TrustError) as caught:
            trust_list.load_all([tmp_path / name])
        assert caught.value.code == "trust.list-unreadable"
