"""The shipped pack is the one that pack.json describes, loads through the real code paths, and does its work."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from personactl.errors import IntegrityError
from personactl.pocket import loaded, pack
from personactl.pocket.drawing.renderer import backdrop_only, draw
from personactl.pocket.generated import references
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.measure import template
from personactl.pocket.scene import caption, sample_scene

POCKET = Path(__file__).parents[2] / "fixtures" / "pocket"
PEOPLE = tuple(range(HELD_OUT + 60_000, HELD_OUT + 60_010))
pytestmark = [
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # insightface's alignment calls a deprecated scikit-image name
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def document():
    return pack.read_pack(POCKET)


@pytest.fixture(scope="module")
def scorer(document):
    return loaded.open_faces(POCKET / "scorer")


@pytest.fixture(scope="module")
def conditioner(document):
    return loaded.open_faces(POCKET / "conditioner")


@pytest.fixture(scope="module")
def pipeline(document):
    return loaded.open_pipeline(POCKET)


def embeddings(app, seed, count=3):
    faces = [
        loaded.largest_face(app, draw(sample_identity(seed), sample_scene(seed * 8 + n)).rgb) for n in range(count)
    ]
    assert all(face is not None for face in faces)
    return np.stack([face.normed_embedding for face in faces])


def test_digests_match_and_the_pack_is_small(document):
    assert document["schema"] == "personactl.pocket/1"
    assert document["resolution"] == [128, 128]
    assert sum(entry["size"] for entry in document["files"].values()) < 20 * 1024 * 1024
    named = {"LICENSE", "MODEL_CARD.md", "card/grid.webp", "generator/model_index.json", "upscaler/upscaler.onnx"}
    assert named <= set(document["files"])


def test_weights_are_safetensors_or_onnx_only(document):
    kinds = {Path(name).suffix for name in document["files"]}
    assert kinds <= {".json", ".safetensors", ".onnx", ".md", ".webp", ".LICENSE", "", ".txt"}


def test_calibration_belongs_to_the_shipped_scorer(document):
    calibration = document["scorer"]["calibration"]
    assert calibration["recogniserSha256"] == pack.sha256_file(POCKET / "scorer" / "recogniser.onnx")
    assert 0 < float(calibration["threshold"]) < 1
    assert float(calibration["far"]) <= float(calibration["farUpper95"])
    assert calibration["impostorPairs"] > calibration["genuinePairs"] > 0


def test_conditioner_and_scorer_are_different_recognisers(document):
    names = [document["files"][f"{role}/recogniser.onnx"]["sha256"] for role in ("conditioner", "scorer")]
    assert names[0] != names[1]


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(POCKET, tmp_path / "pocket")
    return tmp_path / "pocket"


def test_an_altered_file_is_refused(copied):
    weights = copied / "ip-adapter" / pack.ADAPTER_FILE
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match=r"ip-adapter-faceid\.safetensors is not the file"):
        pack.read_pack(copied)


def test_a_missing_an_unlisted_and_a_linked_file_are_refused(copied):
    (copied / "extra.bin").write_bytes(b"x")
    with pytest.raises(IntegrityError, match="does not list"):
        pack.read_pack(copied)
    (copied / "extra.bin").unlink()
    (copied / "LICENSE").rename(copied.parent / "LICENSE")
    with pytest.raises(IntegrityError, match="lacks LICENSE"):
        pack.read_pack(copied)
    (copied / "LICENSE").symlink_to(copied.parent / "LICENSE")
    with pytest.raises(IntegrityError, match="symbolic link"):
        pack.read_pack(copied)


def test_another_schema_is_refused(copied):
    note = copied / "pack.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "schema": "personactl.pocket/2"}))
    with pytest.raises(IntegrityError, match="schema"):
        pack.read_pack(copied)


def test_insightface_itself_refuses_an_altered_recogniser(copied):
    weights = copied / "scorer" / "recogniser.onnx"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(Exception, match=r"(?i)sha-?256|digest|hash|mismatch"):
        loaded.open_faces(copied / "scorer")


def test_the_detector_finds_one_face_where_it_is_drawn(scorer):
    for seed in PEOPLE:
        drawing = draw(sample_identity(seed), sample_scene(seed))
        faces = scorer.get(np.ascontiguousarray(drawing.rgb[..., ::-1]))
        assert len(faces) == 1
        size = (drawing.face_box[2:] - drawing.face_box[:2]).max()
        assert np.linalg.norm(faces[0].kps - drawing.key_points, axis=1).max() < 0.15 * size


def test_the_detector_is_silent_on_a_backdrop(scorer):
    silent = [loaded.largest_face(scorer, backdrop_only(sample_scene(seed))) is None for seed in range(20)]
    assert sum(silent) >= 19


@pytest.mark.parametrize("role", ["conditioner", "scorer"])
def test_the_recognisers_separate_people(role, request):
    app = request.getfixturevalue(role)
    table = np.stack([embeddings(app, seed) for seed in PEOPLE])
    flat, owner = table.reshape(-1, 128), np.repeat(np.arange(len(PEOPLE)), 3)
    cosine = flat @ flat.T
    same = owner[:, None] == owner[None]
    assert np.allclose(np.linalg.norm(flat, axis=1), 1, atol=1e-4)
    assert cosine[same].min() > np.quantile(cosine[~same], 0.99)


def test_the_same_request_twice_gives_the_same_bytes(pipeline, conditioner):
    identity = template(embeddings(conditioner, PEOPLE[0]))
    request = loaded.Request(
        prompt="portrait, smiling, frontal view, beach, red coat, soft light", seed=5, identity=identity
    )
    first, again = loaded.generate(pipeline, [request, request])
    assert first.shape == (128, 128, 3) and first.std() > 10
    assert (first == again).all()


def test_generated_pictures_resemble_their_own_persona_more_than_others(pipeline, conditioner, scorer):
    known, made = [], []
    for seed in PEOPLE[:4]:
        drawn = references(seed)
        pair = [[loaded.largest_face(app, rgb).normed_embedding for rgb in drawn] for app in (conditioner, scorer)]
        known.append(template(np.stack(pair[1])))
        requests = [
            loaded.Request(prompt=caption(sample_scene(number)), seed=number, identity=template(np.stack(pair[0])))
            for number in range(2)
        ]
        faces = [loaded.largest_face(scorer, rgb) for rgb in loaded.generate(pipeline, requests)]
        made.append([face.normed_embedding for face in faces if face is not None])
    assert sum(len(row) for row in made) >= 7
    scores = [np.stack(row) @ np.stack(known).T for row in made]
    own = np.concatenate([score[:, place] for place, score in enumerate(scores)])
    others = np.concatenate([np.delete(score, place, axis=1).ravel() for place, score in enumerate(scores)])
    assert own.mean() > others.mean() + 0.1
