"""Every stage runs, survives a kill without forgetting or repeating a step, and refuses another renderer's data."""

import json

import numpy as np
import pytest
import torch

from personactl.errors import IntegrityError
from personactl.pocket import training
from personactl.pocket.__main__ import main
from personactl.pocket.dataset import open_set, render_set
from personactl.pocket.latents import open_latents
from personactl.pocket.stages import BUILDERS, STEPS, Workplace, run, trained
from personactl.pocket.training import Muon, orthogonalised, run_stage, warm_cosine

pytestmark = pytest.mark.slow
STAGES = ("recogniser-a", "recogniser-b", "detector", "vae", "generator")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    assert main(["train", "--stage", "all", "--work", str(folder), "--smoke"]) == 0
    return folder


def test_every_network_has_twenty_steps(work):
    assert set(STAGES) == set(STEPS)
    for name in STAGES:
        assert torch.load(work / f"{name}.ckpt", weights_only=True)["step"] == training.SMOKE_STEPS


def test_a_finished_stage_is_not_trained_again(work):
    before = (work / "vae.ckpt").stat().st_mtime_ns
    assert main(["train", "--stage", "vae", "--work", str(work), "--smoke"]) == 0
    assert (work / "vae.ckpt").stat().st_mtime_ns == before


class Killed(Exception):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("name", STAGES)
def test_a_killed_stage_resumes_to_the_same_weights(work, name, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)  # a checkpoint after every step
    place = Workplace(folder=work, smoke=True)
    for folder in ("whole", "broken"):
        (tmp_path / folder).mkdir()
    run_stage(BUILDERS[name](place), tmp_path / "whole", steps=4)
    victim = BUILDERS[name](place)
    step = victim.step

    def dying(index, total):
        if index == 2:
            raise Killed
        return step(index, total)

    monkeypatch.setattr(victim, "step", dying)
    with pytest.raises(Killed):
        run_stage(victim, tmp_path / "broken", steps=4)
    assert run_stage(BUILDERS[name](place), tmp_path / "broken", steps=4) == 2
    whole, broken = (
        torch.load(tmp_path / folder / f"{name}.ckpt", weights_only=True) for folder in ("whole", "broken")
    )
    assert whole["step"] == broken["step"] == 4
    for first, second in zip(whole["stage"]["ema"], broken["stage"]["ema"], strict=True):
        assert torch.equal(first, second)


def test_a_half_written_checkpoint_never_replaces_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "x.ckpt"
    training.save_checkpoint(path, {"step": 1})

    def broken(state, target):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(training.torch, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        training.save_checkpoint(path, {"step": 2})
    assert training.load_checkpoint(path)["step"] == 1


def test_rendering_continues_where_it_stopped(tmp_path, monkeypatch):
    whole = render_set(tmp_path / "whole", "a", people=4, views=2)
    monkeypatch.setattr("personactl.pocket.dataset.SAVE_EVERY", 1)

    def dying(done, total):
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        render_set(tmp_path / "broken", "a", people=4, views=2, report=dying)
    with pytest.raises(IntegrityError, match="done"):
        open_set(tmp_path / "broken")
    broken = render_set(tmp_path / "broken", "a", people=4, views=2)
    assert (np.asarray(whole.pictures) == np.asarray(broken.pictures)).all()


def test_pictures_of_another_renderer_are_refused(tmp_path):
    render_set(tmp_path, "a", people=1, views=1)
    state = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps({**state, "renderer": "0" * 64}))
    with pytest.raises(IntegrityError, match="renderer"):
        open_set(tmp_path)


def test_latents_of_another_renderer_are_refused(work, monkeypatch):
    sets = [open_set(work / "set-a"), open_set(work / "set-b")]
    assert len(open_latents(work / "latents", sets)) == len(sets[0]) + len(sets[1])
    monkeypatch.setattr("personactl.pocket.latents.renderer_digest", lambda: "0" * 64)
    with pytest.raises(IntegrityError, match="another version of the renderer"):
        open_latents(work / "latents", sets)


def test_the_two_recognisers_share_neither_people_nor_weights(work):
    first, second = (trained(Workplace(folder=work, smoke=True), f"recogniser-{name}") for name in ("a", "b"))
    assert first.seed != second.seed
    assert not {first.faces.first + n for n in range(6000)} & {second.faces.first + n for n in range(6000)}
    assert not torch.equal(first.network.head[0].weight, second.network.head[0].weight)


def test_an_unknown_checkpoint_names_the_command(tmp_path):
    with pytest.raises(IntegrityError) as caught:
        trained(Workplace(folder=tmp_path), "vae")
    assert "train --stage vae" in caught.value.hint


def test_the_command_reports_a_problem_in_one_line(tmp_path, capsys):
    assert main(["train", "--stage", "vae", "--work", str(tmp_path), "--smoke"]) == 4
    assert capsys.readouterr().err.startswith("error: ")


def test_orthogonalised_matrices_have_singular_values_near_one():
    torch.manual_seed(0)
    for shape in ((8, 30), (30, 8)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(*shape)))
        assert values.min() > 0.5 and values.max() < 1.5


def test_muon_lowers_a_quadratic():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(6, 6))
    optimiser = Muon([{"params": [weight], "lr": 0.05, "kind": "matrix"}])
    first = float(weight.detach().square().sum())
    for _ in range(60):
        optimiser.zero_grad()
        weight.square().sum().backward()
        optimiser.step()
    assert float(weight.detach().square().sum()) < 0.3 * first


def test_the_schedule_warms_up_holds_and_falls_to_zero():
    assert warm_cosine(0, 1000) == pytest.approx(0.01)
    assert warm_cosine(200, 1000) == 1.0
    assert warm_cosine(999, 1000) < 1e-4


def test_render_stage_of_the_command_is_resumable(work):
    run(Workplace(folder=work, smoke=True), "render")
    assert len(open_set(work / "set-b")) == 12 * 8
