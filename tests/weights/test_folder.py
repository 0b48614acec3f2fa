"""Reading a folder: every file hashed, later changes noticed, the places where models are."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from personactl.errors import WeightsError
from personactl.weights import locate, open_folder, places
from personactl.weights.licences import licence_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    (model / "deep" / "er").mkdir(parents=True)
    (model / "README.md").write_text("hello")
    (model / "deep" / "er" / "config.json").write_text('{"a": [1, 2]}')
    return model


def test_every_file_is_hashed_and_sorted_and_configurations_are_parsed(folder: Path) -> None:
    found = open_folder(folder)
    assert [file.path for file in found.files] == ["README.md", "deep/er/config.json"]
    assert found.files[0].sha256 == hashlib.sha256(b"hello").hexdigest()
    assert found.files[0].size == 5
    assert found.documents == {"deep/er/config.json": {"a": [1, 2]}}
    assert [file.path for file in found.beneath("deep")] == ["deep/er/config.json"]
    assert found.beneath("de") == ()
    found.check_unchanged()


@pytest.mark.parametrize("change", ["write", "replace", "remove", "add", "touch"])
def test_any_later_change_is_noticed_and_named(folder: Path, change: str) -> None:
    found = open_folder(folder)
    target = folder / "README.md"
    if change == "write":
        target.write_text("HELLO")
    elif change == "replace":
        target.unlink()
        target.write_text("hello")
    elif change == "remove":
        target.unlink()
    elif change == "add":
        target = folder / "another.txt"
        target.write_text("x")
    else:
        target.touch()
    with pytest.raises(WeightsError) as caught:
        found.check_unchanged()
    assert (caught.value.code, caught.value.where) == ("weights.changed", target.name)


@pytest.mark.parametrize("swapped", ["deep/er", "deep", ""])
def test_a_folder_that_was_swapped_and_put_back_is_noticed_and_named(folder: Path, swapped: str) -> None:
    evil = folder.parent / "evil"
    shutil.copytree(folder / swapped, evil)
    found = open_folder(folder)
    aside = folder.parent / "aside"
    target = folder / swapped if swapped else folder
    target.rename(aside)
    evil.rename(target)  # here a library would load other weights
    target.rename(evil)
    aside.rename(target)
    with pytest.raises(WeightsError) as caught:
        found.check_unchanged()
    assert (caught.value.code, caught.value.where) == ("weights.changed", f"{swapped}/" if swapped else str(folder))


def test_a_folder_that_another_one_replaced_is_noticed(folder: Path) -> None:
    found = open_folder(folder)
    folder.rename(folder.parent / "aside")
    shutil.copytree(folder.parent / "aside", folder)
    with pytest.raises(WeightsError) as caught:
        found.check_unchanged()
    assert caught.value.code == "weights.changed"


def test_depth_and_number_of_files_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("personactl.weights.folder.MAX_FILES", 1)
    with pytest.raises(WeightsError, match="more than 1 files"):
        open_folder(folder)
    monkeypatch.undo()
    (folder / "/".join("abcdefghij")).mkdir(parents=True)
    with pytest.raises(WeightsError, match="too deeply"):
        open_folder(folder)


@pytest.mark.parametrize("shard", ["../../outside.safetensors", "/etc/hostname", "model.bin", 3])
def test_index_of_shards_stays_inside(folder: Path, shard: object) -> None:
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-00001.safetensors"}}))
    open_folder(folder)
    index.write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(WeightsError) as caught:
        open_folder(folder)
    assert caught.value.code == "weights.config-invalid"


def test_vocabulary_may_be_large_and_may_hold_any_word(folder: Path) -> None:
    words = {f"word-{index}": index for index in range(100_000)} | {"auto_map": 100_000}
    (folder / "vocab.json").write_text(json.dumps(words))
    assert "vocab.json" not in open_folder(folder).documents


def test_folder_may_lie_outside_of_the_project_but_not_behind_a_link(folder: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    assert locate("../model", project) == folder
    assert locate(str(folder), project) == folder
    (tmp_path / "link").symlink_to(folder)
    for path in ("../link", str(tmp_path / "link")):
        with pytest.raises(WeightsError) as caught:
            locate(path, project)
        assert caught.value.code == "weights.symlink"
    for path in ("", "none", "a\0b", "../model/README.md"):
        with pytest.raises(WeightsError) as caught:
            locate(path, project)
        assert caught.value.code == "weights.missing"


def test_pocket_is_looked_for_in_the_package_then_beside_pyproject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "checkout" / "personactl"
    monkeypatch.setattr(places, "__file__", str(package / "weights" / "places.py"))
    beside = tmp_path / "checkout/fixtures/pocket"
    beside.mkdir(parents=True)
    (beside / "pack.json").write_text("{}")
    with pytest.raises(WeightsError) as caught:  # without pyproject.toml this is no checkout
        places.pocket_folder()
    assert caught.value.code == "weights.missing"
    (tmp_path / "checkout/pyproject.toml").write_text("")
    assert places.pocket_folder() == beside
    (package / "pocket_pack").mkdir(parents=True)
    (package / "pocket_pack" / "pack.json").write_text("{}")
    assert locate("pocket", tmp_path) == package / "pocket_pack"


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: apache-2.0\n---\n", ("apache-2.0", True)),
        ("---\ntitle: x\nlicense: 'cc-by-nc-4.0'\n---\n", ("cc-by-nc-4.0", False)),
        ("---\nlicense: other\nlicense_name: flux-1-dev-non-commercial-license\n---\n", None),
        ("---\nlicense: my-own\n---\n", ("my-own", None)),
        ("license: apache-2.0\n", ("unknown", None)),
        ("---\nlicense: \u0430pache-2.0\n---\n", ("unknown", None)),
        (f"---\nlicense: {'x' * 200}\n---\n", ("unknown", None)),
        ("", ("unknown", None)),
    ],
)
def test_licence_is_read_from_the_card_and_unknown_is_no_permission(
    folder: Path, card: str, expected: tuple[str, bool | None] | None
) -> None:
    (folder / "README.md").write_text(card)
    (folder / "LICENSE").write_text("text")
    found = licence_of(folder, open_folder(folder).files)
    assert (found.id, found.commercial) == (expected or ("flux-1-dev-non-commercial-license", False))
    assert found.text_sha256 == hashlib.sha256(b"text").hexdigest()
