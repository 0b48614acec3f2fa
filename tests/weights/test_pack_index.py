"""pack.json: what its makers may claim, how it is refused, and under which name a model is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from personactl.errors import WeightsError
from personactl.weights import Pack, model_name, open_folder, pocket_folder, read_pack

POCKET = pocket_folder()


def document(**changes: Any) -> dict[str, Any]:
    """The built-in pack's index without its files."""
    return {**json.loads((POCKET / "pack.json").read_text()), "files": {}, **changes}


def with_calibration(**changes: Any) -> dict[str, Any]:
    whole = document()
    whole["scorer"]["calibration"] |= changes
    return whole


def write(folder: Path, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pack.json").write_text(json.dumps(content))
    return folder


def read(folder: Path, content: Any) -> Pack | None:
    return read_pack(open_folder(write(folder, content)))


def refused(folder: Path, content: Any) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read(folder, content)
    assert (caught.value.code, caught.value.where) == ("weights.pack-invalid", "pack.json")
    return caught.value


@pytest.mark.parametrize("content", [None, [], "text", 0, True])
def test_index_that_is_no_object_is_refused_and_not_overlooked(tmp_path: Path, content: Any) -> None:
    assert "is not a JSON object" in refused(tmp_path / "pack", content).message


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (document(files=[]), "files"),
        (document(files={"a.txt": []}), "files['a.txt']"),
        (document(scorer=[]), "scorer"),
        (document(scorer={**document()["scorer"], "calibration": None}), "calibration"),
        (document(ipAdapter="x"), "ipAdapter"),
        (document(conditioner=None), "conditioner"),
        (document(defaults=1), "defaults"),
    ],
)
def test_message_names_the_part_that_is_no_object(tmp_path: Path, content: Any, name: str) -> None:
    assert f"{name} is not a JSON object" in refused(tmp_path / "pack", content).message


def test_missing_part_is_named(tmp_path: Path) -> None:
    assert "schema is missing" in refused(tmp_path / "pack", {}).message


@pytest.mark.parametrize("key", ["name", "version", "license"])
@pytest.mark.parametrize(
    "value",
    ["", " pocket", "a\nb", "a\x1b[2Jb", "a‮b", "a​b", "a/b", "a@b", "x" * 200, "pоcket", None, ["MIT"]],
)
def test_names_and_licence_are_plain_short_text(tmp_path: Path, key: str, value: Any) -> None:
    refused(tmp_path / "pack", document(**{key: value}))


@pytest.mark.parametrize(
    "value", ["MIT", "openrail++", "GPL-2.0+", "(MIT OR Apache-2.0) AND BSD-3-Clause", "LicenseRef-My.Own", "unknown"]
)
def test_licence_may_be_any_expression_of_spdx(tmp_path: Path, value: str) -> None:
    found = read(tmp_path / "pack", document(license=value))
    assert found
    assert found.license == value


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": "1"},
        {"threshold": "-1"},
        {"threshold": "-7"},
        {"threshold": "nan"},
        {"far": "0"},
        {"far": "1", "farUpper95": "1"},
        {"far": "-0.1"},
        {"far": "0.02", "farUpper95": "0.01"},
        {"farUpper95": "1.5"},
        {"impostorMean": "2", "impostorSd": "0.1"},
        {"impostorMean": "0", "impostorSd": "-0.1"},
        {"recogniserSha256": "abc"},
        {"recogniserSha256": "Z" * 64},
    ],
)
def test_calibration_without_sense_is_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    refused(tmp_path / "pack", with_calibration(**changes))


def test_calibration_at_the_edge_of_sense_is_read(tmp_path: Path) -> None:
    found = read(tmp_path / "pack", with_calibration(threshold="-0.2", far="0.01", farUpper95=0.01))
    assert found
    assert (found.calibration.threshold, found.calibration.far_upper95) == ("-0.2", "0.01")


@pytest.mark.parametrize("score", ["1.5", "-0.5", "0", "1"])
def test_detector_score_lies_between_nothing_and_certainty(tmp_path: Path, score: str) -> None:
    refused(tmp_path / "pack", document(scorer={**document()["scorer"], "minDetectorScore": score}))


def test_digest_in_the_index_is_one(tmp_path: Path) -> None:
    refused(tmp_path / "pack", document(files={"a.txt": {"sha256": "\x1b[2J", "size": 1}}))


def shown(folder: Path) -> str:
    found = open_folder(folder)
    return model_name(found, read_pack(found))


def test_built_in_pack_is_shown_with_its_version_wherever_it_stands(tmp_path: Path) -> None:
    copy = shutil.copytree(POCKET, tmp_path / "mine")
    assert shown(POCKET) == shown(copy) == "pocket@0.2.0"


def test_pack_that_only_calls_itself_pocket_is_shown_with_its_folder(tmp_path: Path) -> None:
    assert shown(write(tmp_path / "gift", document())) == "gift"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pocket@0.2.0", "pocket_0.2.0"),
        ("mod‮el\n", "mod_el_"),
        ("modèle 2", "modèle 2"),
        ("x" * 200, "x" * 64),
    ],
)
def test_folder_cannot_dress_up_as_the_built_in_pack(tmp_path: Path, name: str, expected: str) -> None:
    assert shown(write(tmp_path / name, document())) == expected
    (tmp_path / name / "pack.json").unlink()
    assert shown(tmp_path / name) == expected
