"""A pack is put together from checkpoints and a base pack, measured, and described by a card that its files show."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from personactl.errors import IntegrityError
from personactl.pocket import assemble, evaluate, pack
from personactl.pocket.__main__ import main
from personactl.pocket.autoencoder import load_autoencoder
from personactl.pocket.generator import load_generator
from personactl.pocket.stages import Workplace, encoder_and_decoder, final_autoencoder, run, training_record

POCKET = Path(__file__).parents[2] / "fixtures" / "pocket"
CARD = {"roc", "scores", "prompts", "grid", "failures", "strength", "inpainting", "enlarged"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A work folder on the shipped pack in which only the decoder and the upscaler were trained."""
    folder = tmp_path_factory.mktemp("work")
    place = Workplace(folder=folder, base=POCKET, smoke=True)
    for stage in ("render", "decoder", "upscaler"):
        run(place, stage, steps=2)
    return folder


@pytest.fixture(scope="module")
def assembled(work):
    target = work / "made" / "pocket"
    assert main(["pack", "--work", str(work), "--base", str(POCKET), "--out", str(target), "--smoke"]) == 0
    return target


def test_what_was_not_trained_is_the_base_packs(assembled):
    new, old = pack.read_pack(assembled)["files"], pack.read_pack(POCKET)["files"]
    same = ("conditioner/recogniser.onnx", "scorer/recogniser.onnx", "conditioner/detector.onnx")
    same += ("generator/unet/diffusion_pytorch_model.safetensors", f"ip-adapter/{pack.ADAPTER_FILE}")
    assert all(new[name]["sha256"] == old[name]["sha256"] for name in same)
    changed = ("generator/vae/diffusion_pytorch_model.safetensors", f"upscaler/{pack.UPSCALER_FILE}")
    assert all(new[name]["sha256"] != old[name]["sha256"] for name in changed)


def test_the_record_adds_up_the_steps_of_all_runs(work, assembled):
    before = pack.read_pack(POCKET)["training"]
    expected = {**before, "decoder": before.get("decoder", 0) + 2, "upscaler": 2}
    assert pack.read_pack(assembled)["training"] == expected
    assert training_record(Workplace(folder=work, base=POCKET)) == expected


def test_a_stage_that_begins_with_the_bases_weights_counts_its_steps(work, tmp_path):
    shutil.copytree(work / "set-a", tmp_path / "set-a")
    run(Workplace(folder=tmp_path, base=POCKET, smoke=True), "vae", steps=3)
    record = training_record(Workplace(folder=tmp_path, base=POCKET))
    assert record["vae"] == pack.read_pack(POCKET)["training"]["vae"] + 3


def test_the_decoder_belongs_to_the_encoder_that_made_the_latents(work, tmp_path):
    shutil.copytree(work / "set-a", tmp_path / "set-a")
    place = Workplace(folder=tmp_path, base=POCKET, smoke=True)
    run(place, "vae", steps=3)
    run(place, "decoder", steps=1)
    made, refined = encoder_and_decoder(place).encoder.state_dict(), final_autoencoder(place).encoder.state_dict()
    shipped = load_autoencoder(POCKET).encoder.state_dict()
    assert all(torch.equal(made[name], refined[name]) for name in made)
    assert not all(torch.equal(made[name], shipped[name]) for name in made)


def test_the_generator_begins_with_the_bases_weights(work):
    place = Workplace(folder=work, base=POCKET, smoke=True)
    run(place, "latents")
    run(place, "generator", steps=1)
    saved = torch.load(work / "generator.ckpt", weights_only=True)
    (work / "generator.ckpt").unlink()
    shipped = load_generator(POCKET)[0].state_dict()
    drift = [(saved["stage"]["unet"][name] - tensor).abs().max().item() for name, tensor in shipped.items()]
    assert max(drift) < 0.02, "one step of warm-up moves no weight far"


def test_the_card_shows_what_it_names(assembled):
    text = (assembled / "MODEL_CARD.md").read_text()
    for name in CARD:
        assert f"card/{name}.webp" in text
        with Image.open(assembled / "card" / f"{name}.webp") as picture:
            assert min(picture.size) >= 128
    figures = json.loads((assembled / "card/figures.json").read_bytes())
    assert f"{figures['vae']['psnr']:.1f} dB" in text
    calibration = pack.read_pack(assembled)["scorer"]["calibration"]
    assert calibration["threshold"] == f"{figures['generated']['threshold']:.3f}"


def test_a_base_whose_file_is_not_its_digest_is_refused_by_name(work, tmp_path, capsys):
    copied = shutil.copytree(POCKET, tmp_path / "pocket")
    weights = copied / "generator/unet/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    before = sorted(path.name for path in work.iterdir())
    assert main(["train", "--stage", "vae", "--work", str(work), "--base", str(copied), "--smoke"]) == 4
    assert "generator/unet/diffusion_pytorch_model.safetensors is not the file" in capsys.readouterr().err
    assert sorted(path.name for path in work.iterdir()) == before


def test_evaluate_refuses_a_pack_with_an_altered_file_by_name(tmp_path, capsys):
    copied = shutil.copytree(POCKET, tmp_path / "pocket")
    (copied / "upscaler" / pack.UPSCALER_FILE).write_bytes(b"")
    assert main(["evaluate", str(copied), "--smoke"]) == 4
    assert f"upscaler/{pack.UPSCALER_FILE}" in capsys.readouterr().err


def test_a_detector_that_finds_nothing_stops_the_measuring_with_a_reason(tmp_path):
    assert main(["train", "--stage", "all", "--work", str(tmp_path), "--smoke", "--steps", "1"]) == 0
    with pytest.raises(IntegrityError, match="finds a face in"):
        assemble.assemble(Workplace(folder=tmp_path, smoke=True), tmp_path / "made", sample=evaluate.SMOKE_SAMPLE)
    assert not (tmp_path / "made").exists()
    assert not list(tmp_path.glob(".*.part"))
