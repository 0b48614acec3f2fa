"""The renderer draws the same picture from the same data, and says exactly where the face is."""

import json

import numpy as np
import pytest

from personactl.pocket.demo import SEED, write_demo_persona
from personactl.pocket.drawing import renderer
from personactl.pocket.drawing.renderer import backdrop_only, draw, renderer_digest
from personactl.pocket.identity import HAIR_STYLES, from_document, sample_identity, to_document, traits
from personactl.pocket.scene import BACKGROUNDS, caption, grammar_words, phrases, sample_scene


def test_same_identity_and_scene_give_the_same_bytes():
    first = draw(sample_identity(7), sample_scene(3))
    again = draw(sample_identity(7), sample_scene(3))
    assert (first.rgb == again.rgb).all()
    assert (first.key_points == again.key_points).all()


def test_another_identity_changes_the_picture():
    assert (draw(sample_identity(7), sample_scene(3)).rgb != draw(sample_identity(8), sample_scene(3)).rgb).any()


@pytest.mark.parametrize("seed", range(40))
def test_key_points_lie_inside_the_face_and_in_their_order(seed):
    drawing = draw(sample_identity(seed), sample_scene(seed))
    left, top, right, bottom = drawing.face_box
    x, y = drawing.key_points[:, 0], drawing.key_points[:, 1]
    assert ((x > left - 1) & (x < right + 1) & (y > top) & (y < bottom)).all()
    assert x[0] < x[1] and x[3] < x[4], "left of the picture comes first"
    assert y[:2].mean() < y[2] < y[3:].mean() + 2, "in order; a grin lifts its corners beside the tip"
    assert left >= 0 and right <= 128 and bottom <= 132


def test_face_box_scales_with_the_picture():
    small, large = (draw(sample_identity(1), sample_scene(1), size) for size in (128, 256))
    assert np.allclose(small.face_box * 2, large.face_box, atol=0.01)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background_differs_from_the_others(background):
    scenes = {sample_scene(seed).background: sample_scene(seed) for seed in range(60)}
    mine = backdrop_only(scenes[background]).astype(float)
    for name, scene in scenes.items():
        if name != background:
            assert np.abs(mine - backdrop_only(scene)).mean() > 5


def test_identity_survives_its_document():
    identity = sample_identity(900_001)
    returned = from_document(json.loads(json.dumps(to_document(identity))))
    assert returned.hair.style in HAIR_STYLES
    assert np.allclose(traits(returned), traits(identity), atol=1e-3)
    difference = draw(returned, sample_scene(5)).rgb.astype(int) - draw(identity, sample_scene(5)).rgb
    assert np.abs(difference).mean() < 0.5


def test_caption_names_every_phrase_of_the_scene_and_only_grammar_words():
    scene = sample_scene(11)
    assert caption(scene).split(", ") == phrases(scene)
    assert set(phrases(scene)) <= set(grammar_words())
    for seed in range(30):
        assert set(caption(scene, np.random.default_rng(seed)).split(", ")) <= set(phrases(scene))


def test_digest_changes_with_the_source(monkeypatch, tmp_path):
    before = renderer_digest()
    copy = tmp_path / "pocket" / "drawing"
    copy.mkdir(parents=True)
    for source in renderer.Path(renderer.__file__).parent.glob("*.py"):
        (copy / source.name).write_bytes(source.read_bytes())
    for name in ("identity.py", "scene.py"):
        (copy.parent / name).write_bytes((renderer.Path(renderer.__file__).parents[1] / name).read_bytes())
    monkeypatch.setattr(renderer, "__file__", str(copy / "renderer.py"))
    assert renderer_digest() == before
    (copy / "hair.py").write_text("# another hand\n")
    assert renderer_digest() != before


def test_committed_demo_persona_is_what_its_script_draws(tmp_path):
    committed = renderer.Path(__file__).parents[2] / "fixtures" / "demo-persona"
    write_demo_persona(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["front.png", "hero.png", "identity.json", "smiling.png", "three-quarter.png"]
    assert json.loads((tmp_path / "identity.json").read_text()) == json.loads((committed / "identity.json").read_text())
    from PIL import Image

    for name in names:
        if name.endswith(".png"):
            drawn, kept = (np.asarray(Image.open(folder / name)).astype(int) for folder in (tmp_path, committed))
            assert np.abs(drawn - kept).max() <= 2, "another skia may round differently, no more"
    assert from_document(json.loads((committed / "identity.json").read_text())["identity"]).seed == SEED
