"""Pictures through diffusers: repeatable bits, conditioning that matters, and nothing else touched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from personactl.errors import EnvironmentProblem, UsageProblem, WeightsError
from personactl.generate import Backend, lock_model, open_backend, poison
from personactl.model import Shot

HERE = Path(__file__).parent
NOW = "2026-11-21T08:00:00Z"


def load(pack: Path, profile: str = "exact") -> Backend:
    lock, _ = lock_model(str(pack), project=pack.parent)
    return open_backend(lock, str(pack), profile=profile, project=pack.parent, clock=lambda: NOW)


@pytest.fixture(scope="module")
def backend(built_pack: Path) -> Iterator[Backend]:
    opened = load(built_pack)
    yield opened
    opened.close()


@pytest.fixture
def run(backend: Backend, make_shot: Callable[..., Shot], faces: np.ndarray[Any, Any]) -> Callable[..., Any]:
    def made(*, seed: int = 5, conditioning: Any = "first", on_step: Any = None, **changes: Any) -> Any:
        rows = faces[:1] if isinstance(conditioning, str) else conditioning
        return backend.run(make_shot(**changes), attempt=0, seed=seed, conditioning=rows, on_step=on_step)

    return made


def test_candidate_says_how_it_came(run: Callable[..., Any]) -> None:
    made = run()
    assert made.pixels.shape == (128, 128, 3)
    assert made.pixels.dtype == np.uint8
    assert made.generated_at == NOW
    assert made.seed == 5
    assert all(isinstance(value, str) for value in made.environment.values())
    expected = {"profile": "exact", "threads": "1", "deterministic": "true", "dtype": "float32", "batchSize": "1"}
    assert expected.items() <= made.environment.items()
    assert poison(made) is None


def test_same_seed_gives_the_same_bits_and_another_seed_others(run: Callable[..., Any]) -> None:
    first, other, again = run(seed=5), run(seed=6), run(seed=5)
    assert first.pixels_sha256 == again.pixels_sha256 != other.pixels_sha256


def test_same_bits_in_a_fresh_process_whose_output_stays_silent(built_pack: Path, run: Callable[..., Any]) -> None:
    code = f"""
import sys; sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
import numpy as np
from personactl.generate import lock_model, open_backend
from personactl.model import ReferenceUse, Shot
pack = Path({str(built_pack)!r})
lock, _ = lock_model(str(pack), project=pack.parent)
shot = Shot(shot_id="rain", index=0, shot_key="", job_key="", base_seed=5, given_seed=True, prompt="a red coat",
    negative="blur", references=(ReferenceUse(role="hero", sha256="", weight="0.8", path=""),), width=128, height=128,
    steps=4, guidance="2.5", scheduler="dpmsolver++", profile="exact", file_name="", alt_text="")
rows = np.random.default_rng(3).normal(size=(3, 128)).astype(np.float32)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
backend = open_backend(lock, str(pack), profile="exact", project=pack.parent)
print(backend.run(shot, attempt=0, seed=5, conditioning=rows[:1]).pixels_sha256)
"""
    clean = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=clean, check=True
    )
    assert done.stdout.split() == [run().pixels_sha256]
    assert done.stderr == ""


def test_scheduler_of_the_shot_is_used_and_the_next_shot_gets_its_own(run: Callable[..., Any]) -> None:
    before = run()
    names = {run(scheduler=name).environment["scheduler"] for name in ("ddim", "euler-a", "unipc", "heun")}
    assert len(names) == 4
    assert run().pixels_sha256 == before.pixels_sha256
    with pytest.raises(UsageProblem, match="unknown scheduler"):
        run(scheduler="sde")


def test_face_and_its_weight_change_the_picture(run: Callable[..., Any], faces: np.ndarray[Any, Any]) -> None:
    pictures = {
        run(conditioning=faces[:1]).pixels_sha256,
        run(conditioning=faces[1:2]).pixels_sha256,
        run(conditioning=faces[:1], weights=("0.4",)).pixels_sha256,
        run(conditioning=faces[:2], weights=("0.8", "0.8")).pixels_sha256,
        run(conditioning=faces[:2], weights=("0.8", "0.4")).pixels_sha256,
    }
    assert len(pictures) == 5


def test_no_face_equals_weight_zero_and_a_pipeline_without_adapter(
    run: Callable[..., Any], built_pack: Path, make_shot: Callable[..., Shot]
) -> None:
    plain = load(built_pack / "generator")
    assert plain.embedding_dim == 0
    without = plain.run(make_shot(), attempt=0, seed=5, conditioning=None)
    plain.close()
    assert run(conditioning=None).pixels_sha256 == without.pixels_sha256
    assert run(weights=("0",)).pixels_sha256 == without.pixels_sha256


def test_face_works_without_guidance(run: Callable[..., Any], faces: np.ndarray[Any, Any]) -> None:
    pictures = {run(guidance="1", negative="", conditioning=rows).pixels_sha256 for rows in (faces[:1], faces[1:2])}
    assert len(pictures) == 2
    with pytest.raises(UsageProblem) as caught:
        run(guidance="1", negative="blur")
    assert caught.value.code == "generate.negative-ignored"


def test_embeddings_that_do_not_fit_are_refused(run: Callable[..., Any], faces: np.ndarray[Any, Any]) -> None:
    for rows in (faces[:2], faces[:1, :64]):
        with pytest.raises(UsageProblem) as caught:
            run(conditioning=rows)
        assert caught.value.code == "generate.conditioning"


def test_size_that_does_not_fit_is_refused(run: Callable[..., Any]) -> None:
    with pytest.raises(UsageProblem, match="120x128") as caught:
        run(width=120)
    assert caught.value.code == "generate.size"
    assert run(width=96, height=64).pixels.shape == (64, 96, 3)


def test_steps_are_reported_and_an_interrupt_leaves_the_backend_usable(run: Callable[..., Any]) -> None:
    seen: list[tuple[int, int]] = []
    before = run(on_step=lambda step, steps: seen.append((step, steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def interrupt(step: int, steps: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_step=interrupt)
    assert run().pixels_sha256 == before.pixels_sha256


def test_prompt_longer_than_the_encoder_is_told(run: Callable[..., Any]) -> None:
    environment = run(prompt="x" * 100).environment
    assert int(environment["promptTokens"]) > int(environment["promptTokensMax"])


def test_process_gets_its_torch_settings_back(run: Callable[..., Any]) -> None:
    import torch

    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    run()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_no_socket_is_opened_while_loading_and_running(
    built_pack: Path, monkeypatch: pytest.MonkeyPatch, make_shot: Callable[..., Shot], faces: np.ndarray[Any, Any]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(AssertionError):
        socket.getaddrinfo("localhost", 1)
    opened = load(built_pack)
    opened.run(make_shot(steps=1), attempt=0, seed=1, conditioning=faces[:1])
    opened.close()


def test_closed_backend_says_so(built_pack: Path, make_shot: Callable[..., Shot]) -> None:
    opened = load(built_pack)
    opened.close()
    with pytest.raises(EnvironmentProblem):
        opened.run(make_shot(), attempt=0, seed=1, conditioning=None)


def test_model_that_is_not_the_locked_one_is_refused_by_name(pack: Path) -> None:
    from random_pack import index_pack

    lock, _ = lock_model(str(pack), project=pack.parent)
    config = pack / "generator/scheduler/scheduler_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "beta_end": 0.02}))
    index_pack(pack)
    with pytest.raises(WeightsError) as caught:
        open_backend(lock, str(pack), profile="exact", project=pack.parent)
    assert caught.value.code == "weights.digest-mismatch"
    assert caught.value.where == "generator/scheduler/scheduler_config.json"


def test_file_that_is_swapped_during_loading_is_noticed(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from personactl.generate import stable_diffusion

    original = stable_diffusion._load

    def swap(*arguments: Any) -> Any:
        path = pack / "generator/unet/config.json"
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
        return original(*arguments)

    monkeypatch.setattr(stable_diffusion, "_load", swap)
    with pytest.raises(WeightsError) as caught:
        load(pack)
    assert (caught.value.code, caught.value.where) == ("weights.changed", "generator/unet/config.json")


def test_missing_tensors_are_refused_not_invented(pack: Path) -> None:
    from random_pack import index_pack
    from safetensors.numpy import load_file, save_file

    path = pack / "generator/unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    del tensors["conv_in.weight"]
    save_file(tensors, path)
    index_pack(pack)
    with pytest.raises(WeightsError) as caught:
        load(pack)
    assert caught.value.code in ("weights.incomplete", "weights.cannot-load")


def test_fast_profile_says_so_and_leaves_the_threads_alone(
    built_pack: Path, make_shot: Callable[..., Shot], faces: np.ndarray[Any, Any]
) -> None:
    import torch

    opened = load(built_pack, profile="fast")
    environment = opened.run(make_shot(), attempt=0, seed=5, conditioning=faces[:1]).environment
    opened.close()
    expected = {"profile": "fast", "threads": str(torch.get_num_threads()), "deterministic": "false"}
    assert expected.items() <= environment.items()


def test_unknown_profile_is_refused(pack: Path) -> None:
    with pytest.raises(UsageProblem, match="unknown profile"):
        load(pack, profile="turbo")


@pytest.mark.parametrize("hidden", ["torch", "diffusers", "transformers"])
def test_missing_extra_names_the_install_line(built_pack: Path, hidden: str) -> None:
    code = f"""
import sys; sys.modules[{hidden!r}] = None
from pathlib import Path
from personactl.errors import ExtraMissing
from personactl.generate import lock_model, open_backend
pack = Path({str(built_pack)!r})
lock, _ = lock_model(str(pack), project=pack.parent)
try:
    open_backend(lock, str(pack), profile="exact", project=pack.parent)
except ExtraMissing as error:
    print(error.exit_code, error.message, error.hint, sep="|")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code_text, message, hint = done.stdout.strip().split("|")
    assert (code_text, hint) == ("8", "pip install 'personactl[generate]'")
    assert hidden in message


def test_locking_imports_no_heavy_library(built_pack: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from personactl.generate import lock_model
pack = Path({str(built_pack)!r})
lock_model(str(pack), project=pack.parent)
print(sorted(set(sys.modules) & {{"torch", "diffusers", "transformers", "insightface", "onnxruntime", "cv2"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_warns_in_a_strict_process(run: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run()
