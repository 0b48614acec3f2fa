"""Locking the networks that judge: digests, calibration, licence; nothing loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from random_pack import index_pack

from personactl.errors import WeightsError
from personactl.identity import findings, lock_scorer
from personactl.identity.lock import survey


@pytest.fixture
def pack(faces_pack: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(faces_pack, tmp_path / "pack"))


def refused(pack: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        lock_scorer(str(pack), project=pack.parent)
    return caught.value


def edit_manifest(pack: Path, folder: str, **changes: Any) -> None:
    path = pack / folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    index_pack(pack)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_lock_carries_digests_and_the_packs_calibration(pack: Path) -> None:
    lock = lock_scorer("pack", project=pack.parent)
    assert lock.detector_sha256 == sha256(pack / "scorer/detector.onnx")
    assert lock.recogniser_sha256 == sha256(pack / "scorer/recogniser.onnx")
    assert lock.conditioner_sha256 == sha256(pack / "conditioner/recogniser.onnx")
    assert (lock.threshold, lock.far, lock.far_upper95) == ("0.4650", "0.001", "0.0012")
    assert len(lock.calibration_id) == 64
    assert (lock.name, lock.license, lock.commercial) == ("pack", "Apache-2.0", True)
    assert findings(lock) == ()


def test_calibration_id_changes_with_the_calibration(pack: Path) -> None:
    before = lock_scorer("pack", project=pack.parent).calibration_id
    index_pack(pack, calibration={"impostorPairs": 1001})
    assert lock_scorer("pack", project=pack.parent).calibration_id != before


def test_judge_that_is_also_the_conditioner_is_told(pack: Path) -> None:
    shutil.copy(pack / "conditioner/recogniser.onnx", pack / "scorer/recogniser.onnx")
    shutil.copy(pack / "conditioner/manifest.json", pack / "scorer/manifest.json")
    index_pack(pack)
    told = findings(lock_scorer("pack", project=pack.parent))
    assert [finding.code for finding in told] == ["identity.circular"]


def test_calibration_of_another_recogniser_is_refused(pack: Path) -> None:
    index_pack(pack, calibration={"recogniserSha256": "0" * 64})
    assert refused(pack).code == "weights.calibration-mismatch"
    with pytest.raises(WeightsError) as caught:  # also where nobody asks for the lock
        survey(str(pack), pack.parent)
    assert caught.value.code == "weights.calibration-mismatch"


def test_pack_that_calls_itself_pocket_is_shown_with_its_folder(pack: Path) -> None:
    document = json.loads((pack / "pack.json").read_text())
    (pack / "pack.json").write_text(json.dumps({**document, "name": "pocket", "version": "0.1.0"}))
    assert lock_scorer("pack", project=pack.parent).name == "pack"
    assert lock_scorer("pocket", project=pack.parent).name == "pocket@0.2.0"


@pytest.mark.parametrize("model_id", ["pocket@0.1.0", "a\x1b[2Jb", "", 7, "x" * 65])
def test_package_without_a_plain_name_is_refused(pack: Path, model_id: object) -> None:
    (pack / "pack.json").unlink()
    manifest = json.loads((pack / "scorer/manifest.json").read_text())
    (pack / "scorer/manifest.json").write_text(json.dumps({**manifest, "model_id": model_id}))
    assert refused(pack).code == "weights.incomplete"


@pytest.mark.parametrize("content", [None, [], 3])
def test_manifest_that_is_no_object_is_refused(pack: Path, content: object) -> None:
    (pack / "scorer/manifest.json").write_text(json.dumps(content))
    index_pack(pack)
    error = refused(pack)
    assert (error.code, error.where) == ("weights.incomplete", "scorer/manifest.json")
    assert "is not a JSON object" in error.message


def test_network_that_is_not_the_manifests_is_named(pack: Path) -> None:
    (pack / "scorer/recogniser.onnx").write_bytes((pack / "conditioner/recogniser.onnx").read_bytes())
    index_pack(pack)
    error = refused(pack)
    assert (error.code, error.where) == ("weights.digest-mismatch", "scorer/recogniser.onnx")


@pytest.mark.parametrize(
    "changes",
    [
        {"manifest_version": 1},
        {"manifest_version": True},
        {"tasks": {"detection": {"file": "detector.onnx"}}},
        {"tasks": []},
        {"tasks": {"detection": {"file": "../x.onnx", "sha256": "0"}, "recognition": {}}},
    ],
)
def test_manifest_that_pins_nothing_is_refused(pack: Path, changes: dict[str, Any]) -> None:
    edit_manifest(pack, "scorer", **changes)
    assert refused(pack).code == "weights.incomplete"


def test_altered_pack_is_refused_before_anything_else(pack: Path) -> None:
    with (pack / "scorer/detector.onnx").open("ab") as stream:
        stream.write(b"x")
    error = refused(pack)
    assert (error.code, error.where) == ("weights.digest-mismatch", "scorer/detector.onnx")


def test_folder_without_pack_json_has_no_threshold(pack: Path) -> None:
    (pack / "pack.json").unlink()
    lock = lock_scorer("pack", project=pack.parent)
    assert (lock.threshold, lock.calibration_id, lock.license, lock.commercial) == ("", "", "unknown", None)
    assert lock.conditioner_sha256 == sha256(pack / "conditioner/recogniser.onnx")


def test_packages_known_to_be_non_commercial_say_so(pack: Path) -> None:
    (pack / "pack.json").unlink()
    manifest = json.loads((pack / "scorer/manifest.json").read_text())
    (pack / "scorer/manifest.json").write_text(json.dumps({**manifest, "model_id": "raccoon_l"}))
    lock = lock_scorer("pack", project=pack.parent)
    assert (lock.license, lock.commercial) == ("insightface-non-commercial", False)


def test_model_without_scorer_says_where_to_put_one(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    error = refused(tmp_path / "bare")
    assert error.code == "weights.no-scorer"
    assert "scorer/" in str(error.hint)


def test_locking_imports_no_heavy_library(faces_pack: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from personactl.identity import lock_scorer
lock_scorer({str(faces_pack)!r}, project=Path("/"))
print(sorted(set(sys.modules) & {{"torch", "insightface", "onnxruntime", "onnx", "cv2"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
