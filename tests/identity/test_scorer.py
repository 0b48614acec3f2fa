"""Scoring through insightface, with a detector that sees painted faces: verdicts, templates, two networks."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_pack import index_pack

from personactl.errors import PersonaError, UsageProblem, WeightsError
from personactl.identity import Embedder, Scorer, lock_scorer, open_conditioner, open_scorer
from personactl.model import Candidate, Gate, IdentityRecord

Picture = np.ndarray[Any, Any]
FRONTAL = (2, 2, 0.9, 64, 0)


@pytest.fixture(scope="module")
def scorer(faces_pack: Path) -> Scorer:
    return open_scorer(str(faces_pack), faces_pack.parent)


@pytest.fixture(scope="module")
def embedder(faces_pack: Path) -> Embedder:
    return open_conditioner(str(faces_pack), faces_pack.parent)


@pytest.fixture
def record(
    scorer: Scorer,
    paint: Callable[..., Picture],
    gate: Callable[[str], Gate],
    candidate: Callable[[Picture], Candidate],
) -> Callable[..., IdentityRecord]:
    template = scorer.template([paint(FRONTAL, look=1)])

    def made(picture: Picture, threshold: str = "0.8") -> IdentityRecord:
        return scorer.score(candidate(picture), template, gate(threshold)).identity

    return made


def blend(first: Picture, second: Picture, share: float) -> Picture:
    return np.asarray((first * share + second * (1 - share)).round(), np.uint8)


def test_verdicts_of_painted_pictures(record: Callable[..., IdentityRecord], paint: Callable[..., Picture]) -> None:
    other = (0, 0, 0.9, 40, 0)
    expected = {
        "no-face": paint(look=1),
        "not-scorable": paint((2, 2, 0.4, 64, 0), look=1),
        "extra-face": paint(FRONTAL, (1, 3, 0.7, 30, 0), look=1),
        "drift": paint(FRONTAL, look=2),
        "copy": paint(FRONTAL, look=1),
    }
    assert {name: record(picture).verdict for name, picture in expected.items()} == {name: name for name in expected}
    assert record(paint((2, 2, 0.9, 20, 0), look=1)).verdict == "not-scorable"
    assert record(paint((2, 2, 0.9, 64, 90), look=1)).verdict == "not-scorable"
    assert record(paint(FRONTAL, other, look=1)).faces_found == 2


def test_pass_and_drift_meet_at_the_recorded_score(
    record: Callable[..., IdentityRecord], paint: Callable[..., Picture]
) -> None:
    picture = blend(paint(FRONTAL, look=1), paint(FRONTAL, look=2), 0.3)
    score = record(picture).score
    assert record(picture, score).verdict == "pass"
    assert record(picture, str(Decimal(score) + Decimal("0.0001"))).verdict == "drift"


def test_score_falls_as_the_face_moves_away(
    record: Callable[..., IdentityRecord], paint: Callable[..., Picture]
) -> None:
    near, far = paint(FRONTAL, look=1), paint(FRONTAL, look=2)
    scores = [Decimal(record(blend(near, far, share)).score) for share in (0.9, 0.6, 0.3, 0.0)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_record_says_what_was_seen(record: Callable[..., IdentityRecord], paint: Callable[..., Picture]) -> None:
    found = record(paint(FRONTAL, look=2))
    assert (found.faces_found, found.face_px, found.face_box) == (1, 64, (32, 32, 96, 96))
    assert abs(float(found.detector_score) - 0.9) < 0.01
    assert (found.threshold, found.threshold_source, found.calibration_id) == ("0.8", "calibrated-pack", "c")
    assert len(found.recogniser_sha256) == 64
    nothing = record(paint(look=2))
    assert (nothing.score, nothing.detector_score, nothing.face_box) == ("", "", None)
    tiny = record(paint((2, 2, 0.9, 20, 0), look=1))
    assert (tiny.score, tiny.face_px) == ("", 20)


def test_wrong_person_needs_impostor_statistics(
    faces_pack: Path,
    tmp_path: Path,
    paint: Callable[..., Picture],
    gate: Callable[[str], Gate],
    candidate: Callable[[Picture], Candidate],
) -> None:
    pack = Path(shutil.copytree(faces_pack, tmp_path / "pack"))
    index_pack(pack, calibration={"threshold": "0.8", "impostorMean": "0.5", "impostorSd": 0.1})
    scorer = open_scorer(str(pack), tmp_path)
    template = scorer.template([paint(FRONTAL, look=1)])
    found = scorer.score(candidate(paint(FRONTAL, look=2)), template, gate("0.8")).identity
    assert (found.verdict, float(found.score) <= 0.7) == ("wrong-person", True)


def test_template_is_the_mean_direction_and_skips_pictures_without_a_face(
    scorer: Scorer, paint: Callable[..., Picture]
) -> None:
    one, two = (scorer.template([paint(FRONTAL, look=look)]).vector for look in (1, 2))
    both = scorer.template([paint(FRONTAL, look=1), paint(look=3), paint(FRONTAL, look=2)])
    expected = (one + two) / np.linalg.norm(one + two)
    assert both.used == (True, False, True)
    assert np.allclose(both.vector, expected, atol=1e-6)
    assert abs(float(np.linalg.norm(both.vector)) - 1) < 1e-6


def test_references_without_any_face_are_named(scorer: Scorer, paint: Callable[..., Picture]) -> None:
    with pytest.raises(PersonaError) as caught:
        scorer.template([paint(look=1), paint(look=2)], ["refs/hero.png", "refs/profile.png"])
    assert caught.value.code == "identity.no-face-in-references"
    assert caught.value.where == "refs/hero.png, refs/profile.png"


def test_embedder_takes_the_largest_certain_face(embedder: Embedder, paint: Callable[..., Picture]) -> None:
    alone = embedder.embed(paint((2, 2, 0.9, 64, 0), look=1))
    assert alone is not None
    assert alone.shape == (128,)
    assert alone.dtype == np.float32
    assert abs(float(np.linalg.norm(alone)) - 1) < 1e-6
    beside = embedder.embed(paint((2, 2, 0.9, 64, 0), (0, 3, 0.95, 30, 0), look=1))
    assert beside is not None
    assert float(alone @ beside) > 0.8
    assert embedder.embed(paint((2, 2, 0.4, 64, 0), look=1)) is None
    assert embedder.embed(paint(look=1)) is None


def test_the_two_sides_use_different_networks(
    scorer: Scorer, embedder: Embedder, paint: Callable[..., Picture]
) -> None:
    picture = paint(FRONTAL, look=1)
    judged, conditioned = scorer.template([picture]).vector, embedder.embed(picture)
    assert conditioned is not None
    assert abs(float(judged @ conditioned)) < 0.5


def test_scores_are_the_same_from_eight_threads(
    record: Callable[..., IdentityRecord], paint: Callable[..., Picture]
) -> None:
    pictures = [paint(FRONTAL, look=look) for look in range(24)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(record, pictures)) == [record(picture) for picture in pictures]


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 4), (64, 64, 3)])
def test_pictures_of_other_types_are_refused(embedder: Embedder, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageProblem) as caught:
        embedder.embed(np.zeros(shape, np.float32))
    assert caught.value.code == "identity.picture"


def test_no_socket_is_opened(faces_pack: Path, monkeypatch: pytest.MonkeyPatch, paint: Callable[..., Picture]) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    scorer = open_scorer(str(faces_pack), faces_pack.parent)
    assert scorer.template([paint(FRONTAL, look=1)]).used == (True,)


@pytest.mark.parametrize("which", ["detector_sha256", "recogniser_sha256", "conditioner_sha256"])
def test_networks_that_were_not_planned_are_refused(faces_pack: Path, which: str) -> None:
    lock = lock_scorer(str(faces_pack), project=faces_pack.parent)
    open_scorer(str(faces_pack), faces_pack.parent, expected=lock)
    other = dataclasses.replace(lock, **{which: "0" * 64})
    for opening in (open_scorer, open_conditioner):
        with pytest.raises(WeightsError) as caught:
            opening(str(faces_pack), faces_pack.parent, expected=other)
        assert caught.value.code == "weights.digest-mismatch"


@pytest.mark.parametrize("name", ["recogniser.onnx", "nets/recogniser.onnx", "nets/recogniser.ONNX"])
@pytest.mark.parametrize("place", ["initializer", "constant"])
def test_network_with_numbers_elsewhere_is_refused(faces_pack: Path, tmp_path: Path, name: str, place: str) -> None:
    import hashlib
    import json

    import onnx

    pack = Path(shutil.copytree(faces_pack, tmp_path / "pack"))
    path = pack / "scorer" / name
    model = onnx.load(pack / "scorer/recogniser.onnx")
    path.parent.mkdir(exist_ok=True)
    if place == "constant":
        tensor = model.graph.initializer.pop()
        model.graph.node.insert(0, onnx.helper.make_node("Constant", [], [tensor.name], value=tensor))
    onnx.save(model, path, save_as_external_data=True, location="numbers.txt", size_threshold=0, convert_attribute=True)
    if place == "constant":  # only the numbers in the node stay elsewhere
        kept = onnx.load(path)
        saved = onnx.load(path, load_external_data=False)
        saved.graph.ClearField("initializer")
        saved.graph.initializer.extend(kept.graph.initializer)
        path.write_bytes(saved.SerializeToString())
    manifest = json.loads((pack / "scorer/manifest.json").read_text())
    manifest["tasks"]["recognition"]["file"] = name
    digest = manifest["tasks"]["recognition"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (pack / "scorer/manifest.json").write_text(json.dumps(manifest))
    index_pack(pack, calibration={"recogniserSha256": digest})
    with pytest.raises(WeightsError, match="in other files"):
        open_scorer(str(pack), tmp_path)


def test_file_that_is_no_network_is_a_weights_error(faces_pack: Path, tmp_path: Path) -> None:
    import hashlib
    import json

    pack = Path(shutil.copytree(faces_pack, tmp_path / "pack"))
    (pack / "scorer/detector.onnx").write_bytes(b"\x08\x08 not a network")
    manifest = json.loads((pack / "scorer/manifest.json").read_text())
    manifest["tasks"]["detection"]["sha256"] = hashlib.sha256(b"\x08\x08 not a network").hexdigest()
    (pack / "scorer/manifest.json").write_text(json.dumps(manifest))
    index_pack(pack)
    with pytest.raises(WeightsError) as caught:
        open_scorer(str(pack), tmp_path)
    assert caught.value.code == "weights.cannot-load"


def test_model_without_conditioner_says_so(faces_pack: Path, tmp_path: Path) -> None:
    pack = Path(shutil.copytree(faces_pack, tmp_path / "pack"))
    (pack / "pack.json").unlink()
    shutil.rmtree(pack / "conditioner")
    with pytest.raises(WeightsError) as caught:
        open_conditioner(str(pack), tmp_path)
    assert caught.value.code == "weights.no-conditioner"


@pytest.mark.parametrize("hidden", ["insightface", "onnxruntime", "cv2"])
def test_missing_extra_names_the_install_line(faces_pack: Path, hidden: str) -> None:
    code = f"""
import sys; sys.modules[{hidden!r}] = None
from pathlib import Path
from personactl.errors import ExtraMissing
from personactl.identity import open_scorer
try:
    open_scorer({str(faces_pack)!r}, Path("/"))
except ExtraMissing as error:
    print(error.exit_code, error.hint, sep="|")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "8|pip install 'personactl[generate]'"


def test_loading_and_scoring_stay_silent(faces_pack: Path) -> None:
    code = f"""
from pathlib import Path
import numpy as np
from personactl.identity import open_scorer
scorer = open_scorer({str(faces_pack)!r}, Path("/"))
picture = np.zeros((128, 128, 3), np.uint8)
picture[64:96, 64:96] = (230, 128, 128)
print(scorer.template([picture]).used)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("(True,)\n", "")
