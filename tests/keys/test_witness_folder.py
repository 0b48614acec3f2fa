"""The folder of a witness: whole or not there, closed to others, and never put together from parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from key_folders import NOW_TEXT
from personactl_ledger import LedgerError

from personactl.errors import KeyProblem, UsageProblem
from personactl.keys import witness_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    witness_folder.create(tmp_path / "w", name="auditor.example/w1", now=NOW_TEXT)
    return tmp_path / "w"


def test_what_was_made_is_loaded(folder: Path) -> None:
    signer, memory = witness_folder.load(folder)
    index = json.loads((folder / "witness.json").read_text())
    assert (signer.name, index["createdAt"]) == ("auditor.example/w1", NOW_TEXT)
    assert [str(key) for key in signer.verifier_keys] == index["vkeys"]
    assert memory.followed() == []


@pytest.mark.parametrize("name", ["", "two words", "a+b", "é", "a\n", "x" * 256])
def test_a_name_that_cannot_stand_in_a_line_makes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        witness_folder.create(tmp_path / "w", name=name, now=NOW_TEXT)
    assert caught.value.code == "witness.name"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["witness.pem", "witness.json", "witness.sqlite"])
def test_a_part_of_another_witness_or_a_missing_one_is_refused(folder: Path, tmp_path: Path, part: str) -> None:
    witness_folder.create(tmp_path / "other", name="other.example", now=NOW_TEXT)
    if part != "witness.sqlite":
        shutil.copyfile(tmp_path / "other" / part, folder / part)
        with pytest.raises(KeyProblem):
            witness_folder.load(folder)
    (folder / part).unlink()
    with pytest.raises((KeyProblem, LedgerError)):
        witness_folder.load(folder)


@pytest.mark.parametrize(
    ("part", "text"),
    [("witness.pem", "rubbish"), ("witness.json", "[]"), ("witness.json", "{"), ("witness.json", '{"schema": "x"}'),
     ("witness.json", '{"schema": "personactl.witness/1", "name": "a b", "vkeys": []}'),
     ("witness.json", '{"schema": "personactl.witness/1", "name": "a"}')],
)  # fmt: skip
def test_a_part_that_is_rubbish_is_refused(folder: Path, part: str, text: str) -> None:
    (folder / part).write_text(text)
    with pytest.raises(KeyProblem) as caught:
        witness_folder.load(folder)
    assert part in (caught.value.where or "")


@pytest.mark.parametrize("part", ["", "witness.pem"])
def test_a_folder_or_key_that_others_can_read_is_refused(folder: Path, part: str) -> None:
    (folder / part).chmod(0o755)
    with pytest.raises(KeyProblem) as caught:
        witness_folder.load(folder)
    assert caught.value.code == "keys.permissions-open"
