"""What the training stages share: atomic files, resumable loops, schedules, and the optimiser.

A stage's step is a function of its index alone: random numbers come from (seed, index). So a run that was killed and
resumed from a checkpoint sees the same batches and the same noise as one that was not.
"""

from __future__ import annotations

import math
import os
import pickle
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import torch
import torch.distributed
from torch import nn

from personactl.errors import IntegrityError, StorageError

SAVE_SECONDS = 60.0
SMOKE_STEPS = 20


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content replaces `path` when it is complete and on disk. Raises StorageError; `path` then is as it
    was, and nothing half-written is left."""
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch turns a full disk into a RuntimeError
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"cannot write: {str(error).splitlines()[0]}",
            where=str(path),
            hint="make room and run the same command again: it goes on from the last checkpoint",
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, or leave it as it was. Raises StorageError."""
    with _whole_or_not_at_all(path) as stream:
        stream.write(data)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one. Raises StorageError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _whole_or_not_at_all(path) as stream:
        torch.save(state, stream)


def load_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Read a checkpoint of tensors and plain values; code in it is refused (weights_only).

    Raises IntegrityError when it is damaged: a training that began again in silence would cost hours.
    """
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
        if not isinstance(saved, dict) or not {"step", "before", "stage"} <= saved.keys():
            raise ValueError("not a checkpoint of this program")
    except (RuntimeError, ValueError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        raise IntegrityError(
            f"this checkpoint cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            where=str(path),
            hint="restore it, or delete it to begin the stage again",
        ) from error
    return saved


@lru_cache(maxsize=4)
def has_bfloat16(device: str) -> bool:
    """Whether `device` computes in bfloat16 itself. CPUs that do not emulate it, ten times slower than float32."""
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def mixed_precision(device: str) -> torch.autocast:
    """bfloat16 where the hardware has it, else float32."""
    kind = device.split(":")[0]
    return torch.autocast(kind, torch.bfloat16, enabled=has_bfloat16(kind))


class Stage(Protocol):
    """One network in training. `step` does step `index` of `total` and returns figures for the log."""

    name: str

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...

    def step(self, index: int, total: int) -> dict[str, float]: ...


def run_stage(
    stage: Stage, folder: Path, *, steps: int, before: int = 0, leader: bool = True, log_every: int = 50
) -> int:
    """Train `stage` up to `steps`, resuming from its checkpoint in `folder`. Returns the step it resumed from.

    `before` is the number of steps behind the weights that a fresh stage begins with. Only the `leader` of several
    processes writes checkpoints and the log.
    """
    checkpoint = folder / f"{stage.name}.ckpt"
    first = 0
    if checkpoint.exists():
        saved = load_checkpoint(checkpoint)
        stage.restore(saved["stage"])
        first, before = int(saved["step"]), int(saved["before"])
    begun = saved_at = time.monotonic()
    mean: dict[str, float] = {}
    for index in range(first, steps):
        for key, value in stage.step(index, steps).items():
            mean[key] = value if key not in mean else 0.98 * mean[key] + 0.02 * value
        done = index + 1
        if leader and (done % log_every == 0 or done == steps):
            _report(stage.name, done, steps, (time.monotonic() - begun) / (done - first), mean)
        if leader and (done == steps or time.monotonic() - saved_at > SAVE_SECONDS):
            save_checkpoint(checkpoint, {"step": done, "before": before, "stage": stage.state()})
            saved_at = time.monotonic()
    return first


def _report(name: str, done: int, steps: int, seconds_per_step: float, mean: dict[str, float]) -> None:
    figures = "  ".join(f"{key} {value:.4f}" for key, value in mean.items())
    eta = (steps - done) * seconds_per_step
    sys.stdout.write(f"{name} {done}/{steps}  {figures}  {1 / seconds_per_step:.2f} steps/s  eta {eta / 60:.1f} min\n")
    sys.stdout.flush()


def step_rng(seed: int, index: int) -> np.random.Generator:
    """numpy's randomness of one step; torch's is seeded from the same pair."""
    torch.manual_seed((seed * 1_000_003 + index) % (1 << 63))
    return np.random.default_rng([seed, index])


def warm_cosine(index: int, total: int, *, warm: int = 100, flat: float = 0.3) -> float:
    """Learning-rate factor: linear warm-up, flat until the share `flat` of the run, then half a cosine to 0."""
    share = index / max(total, 1)
    tail = 1.0 if share < flat else 0.5 + 0.5 * math.cos(math.pi * (share - flat) / (1 - flat))
    return min(1.0, (index + 1) / warm) * tail


class Ema:
    """Exponential moving average of parameters; the decay grows with the steps, so that early averages are short."""

    def __init__(self, parameters: Iterable[nn.Parameter], decay: float):
        self._parameters = list(parameters)
        self._decay = decay
        self.shadow = [parameter.detach().clone() for parameter in self._parameters]

    def update(self, index: int) -> None:
        decay = min(self._decay, (index + 1) / (index + 10))
        torch._foreach_lerp_(self.shadow, [parameter.detach() for parameter in self._parameters], 1 - decay)

    def load(self, values: Iterable[torch.Tensor]) -> None:
        """Make `values` the average: a checkpoint's, or the parameters themselves after they were set."""
        for shadow, value in zip(self.shadow, values, strict=True):
            shadow.copy_(value.detach())

    def swap(self) -> None:
        """Exchange the average and the live parameters; calling it twice restores both."""
        for parameter, shadow in zip(self._parameters, self.shadow, strict=True):
            live = parameter.detach().clone()
            parameter.data.copy_(shadow)
            shadow.copy_(live)


class NetworkStage:
    """What the stages of one network share: a checkpoint of the network, its optimiser and its average."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    ema: Ema

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "ema": self.ema.shadow}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.ema.load(state["ema"])


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised for matrices and convolutions (K. Jordan et al., "Muon", 2024), AdamW for
    the rest. In our short runs every sample counts, and it needs fewer of them than AdamW alone.

    Groups: {"params", "lr", "kind": "matrix" | "vector"}; make them with `muon_groups`.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        decay: float = 1e-3,
    ):
        super().__init__(groups, {"momentum": momentum, "betas": betas, "decay": decay, "lr": 1e-3, "kind": "vector"})
        for group in self.param_groups:
            group["peak"] = group["lr"]

    def set_factor(self, factor: float) -> None:
        """Scale every group's learning rate relative to its peak."""
        for group in self.param_groups:
            group["lr"] = group["peak"] * factor

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        with torch.no_grad():
            for group in self.param_groups:
                moving = [parameter for parameter in group["params"] if parameter.grad is not None]
                if group["kind"] == "matrix":
                    self._matrices(moving, group)
                else:
                    for parameter in moving:
                        self._vector(parameter, group)

    def _matrices(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Several processes share the work: each orthogonalises every so many matrices, and all get the sum."""
        rank, world = place_among_processes()
        updates = []
        for place, parameter in enumerate(parameters):
            blended = self._blended(parameter, group)
            updates.append(orthogonalised(blended) if place % world == rank else torch.zeros_like(blended))
        if world > 1:
            add_up(updates)
        for parameter, matrix in zip(parameters, updates, strict=True):
            scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            parameter.mul_(1 - group["lr"] * group["decay"])
            parameter.add_(matrix.reshape(parameter.shape), alpha=-group["lr"] * scale)

    def _blended(self, parameter: nn.Parameter, group: dict[str, Any]) -> torch.Tensor:
        """Nesterov's momentum of a matrix (rows, everything else)."""
        state = self.state[parameter]
        if not state:
            state["average"] = torch.zeros_like(parameter)
        average, gradient = state["average"], parameter.grad
        average.lerp_(gradient, 1 - group["momentum"])
        blended = gradient.lerp(average, group["momentum"])  # type: ignore[union-attr]
        return blended.reshape(len(blended), -1)

    def _vector(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state.update(count=0, first=torch.zeros_like(parameter), second=torch.zeros_like(parameter))
        (beta1, beta2), gradient = group["betas"], parameter.grad
        state["count"] += 1
        state["first"].lerp_(gradient, 1 - beta1)
        state["second"].lerp_(gradient.square(), 1 - beta2)
        first = state["first"] / (1 - beta1 ** state["count"])
        second = state["second"] / (1 - beta2 ** state["count"])
        parameter.mul_(1 - group["lr"] * group["decay"])
        parameter.addcdiv_(first, second.sqrt_().add_(1e-8), value=-group["lr"])


def place_among_processes() -> tuple[int, int]:
    """Rank and number of the processes that train together; (0, 1) for one alone."""
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def add_up(tensors: list[torch.Tensor]) -> None:
    """Replace every tensor by its sum over all processes, in one exchange."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    at = 0
    for tensor in tensors:
        tensor.copy_(flat[at : at + tensor.numel()].view_as(tensor))
        at += tensor.numel()


def orthogonalised(matrix: torch.Tensor, rounds: int = 5) -> torch.Tensor:
    """The nearest semi-orthogonal matrix, roughly: Newton-Schulz with the quintic coefficients of the Muon paper.

    In bfloat16 where the hardware has it: the iteration tolerates it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    x = x.bfloat16() if has_bfloat16(x.device.type) else x
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


def muon_groups(modules: Iterable[nn.Module], *, matrix_lr: float, vector_lr: float) -> list[dict[str, Any]]:
    """Hidden matrices and convolutions to Muon; embeddings, norms, biases, depthwise kernels to AdamW."""
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for module in modules:
        for part in module.modules():
            depthwise = isinstance(part, nn.Conv2d) and part.groups > 1
            for name, parameter in part.named_parameters(recurse=False):
                hidden = (
                    name == "weight" and parameter.ndim >= 2 and not depthwise and not isinstance(part, nn.Embedding)
                )
                (matrices if hidden else vectors).append(parameter)
    return [
        {"params": matrices, "lr": matrix_lr, "kind": "matrix"},
        {"params": vectors, "lr": vector_lr, "kind": "vector"},
    ]
