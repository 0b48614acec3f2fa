"""Every stage runs, survives a kill without forgetting or repeating a step, and refuses another renderer's data."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

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
STAGES = ("recogniser-a", "recogniser-b", "detector", "vae", "generator", "decoder", "upscaler")


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


# Leaves after writing a checkpoint under a limit on the size of files, which fails as a full disk does.
FULL_DISK = """
import resource, signal, sys, torch
from pathlib import Path
from personactl.errors import StorageError
from personactl.pocket.training import save_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_checkpoint(Path(sys.argv[1]), {"step": 2, "before": 0, "stage": {"weights": torch.zeros(100_000)}})
except StorageError as error:
    print(error.where, error.exit_code)
"""


def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_half_written(tmp_path):
    path = tmp_path / "x.ckpt"
    training.save_checkpoint(path, {"step": 1, "before": 0, "stage": {}})
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(path), "8"]
    assert training.load_checkpoint(path)["step"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.ckpt"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"PK\x03\x04" + bytes(4000)),
        lambda path: torch.save({"something": "else"}, path),
        lambda path: torch.save([1, 2], path),
        lambda path: path.write_bytes(pickle.dumps(Path("code"), protocol=2)),
    ],
    ids=["cut", "empty", "zeros", "other keys", "a list", "a pickle with code"],
)
def test_a_damaged_checkpoint_is_refused_by_name_and_never_begun_again(work, damage, tmp_path):
    path = tmp_path / "vae.ckpt"
    shutil.copyfile(work / "vae.ckpt", path)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(IntegrityError) as caught:
        run_stage(BUILDERS["vae"](Workplace(folder=work, smoke=True)), tmp_path, steps=30)
    assert caught.value.where == str(path)
    assert path.read_bytes() == before


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


# Three steps on a fixed set of gradients; prints the weights' sum and whether this process is one of several.
SHARED = """
import hashlib, os, torch
from personactl.pocket.training import Muon, add_up, place_among_processes
if "RANK" in os.environ:
    torch.distributed.init_process_group("gloo")
torch.manual_seed(0)
weights = [torch.nn.Parameter(torch.randn(4 + n, 6)) for n in range(5)]
optimiser = Muon([{"params": weights, "lr": 0.05, "kind": "matrix"}])
for _ in range(3):
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    optimiser.step()
digest = hashlib.sha256(b"".join(weight.detach().numpy().tobytes() for weight in weights)).hexdigest()
rank, world = place_among_processes()
if rank == 0:
    print(world, digest)
"""


def test_processes_that_share_the_matrices_move_them_as_one_alone_does(tmp_path):
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    outputs = [
        subprocess.run([*starter, str(script)], capture_output=True, text=True, check=True).stdout.split()
        for starter in ([sys.executable], torchrun)
    ]
    assert [output[0] for output in outputs] == ["1", "2"]
    assert outputs[0][1] == outputs[1][1]


def test_the_schedule_warms_up_holds_and_falls_to_zero():
    assert warm_cosine(0, 1000) == pytest.approx(0.01)
    assert warm_cosine(200, 1000) == 1.0
    assert warm_cosine(999, 1000) < 1e-4


def test_render_stage_of_the_command_is_resumable(work):
    run(Workplace(folder=work, smoke=True), "render")
    assert len(open_set(work / "set-b")) == 12 * 8
