"""The training stages by name: what each needs from the work folder, how long it runs, what it leaves there.

work/set-a, set-b           rendered pictures            stage `render`
work/recogniser-a.ckpt ...  networks in training         `recogniser-a`, `recogniser-b`, `detector`, `vae`, `generator`
work/latents                what the generator reads     `latents`
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from personactl.errors import IntegrityError
from personactl.pocket import detector, generator, recogniser
from personactl.pocket.autoencoder import AutoencoderStage
from personactl.pocket.dataset import IDENTITIES, FaceSet, open_set, render_set
from personactl.pocket.detection_data import SceneMaker
from personactl.pocket.detector import DetectorStage
from personactl.pocket.generator import GeneratorStage
from personactl.pocket.latents import embed_set, encode_set, open_latents
from personactl.pocket.recogniser import RecogniserStage
from personactl.pocket.tokens import build_tokenizer
from personactl.pocket.training import SMOKE_STEPS, Stage, load_checkpoint, run_stage

ORDER = ("render", "recogniser-a", "recogniser-b", "detector", "vae", "latents", "generator")
STEPS = {"recogniser-a": 1700, "recogniser-b": 1700, "detector": 1500, "vae": 6500, "generator": 6000}
SEEDS = {"recogniser-a": 11, "recogniser-b": 22, "vae": 33, "detector": 44, "generator": 55}
SMOKE_PEOPLE = 12
SMOKE_BATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The folder of a training, its device, and whether this is a smoke run (tiny set, 20 steps)."""

    folder: Path
    device: str = "cpu"
    smoke: bool = False

    def faces(self, name: str) -> FaceSet:
        return open_set(self.folder / f"set-{name}")

    def batch(self, usual: int) -> int:
        return SMOKE_BATCH if self.smoke else usual


def build_recogniser(place: Workplace, name: str) -> RecogniserStage:
    """`name` is `a` or `b`: another seed and other people."""
    return RecogniserStage(
        place.faces(name), seed=SEEDS[f"recogniser-{name}"], device=place.device, batch=place.batch(recogniser.BATCH)
    )


def build_autoencoder_stage(place: Workplace) -> AutoencoderStage:
    return AutoencoderStage(place.faces("a"), seed=SEEDS["vae"], device=place.device)


def build_detector(place: Workplace) -> DetectorStage:
    return DetectorStage(
        SceneMaker(place.faces("a")), seed=SEEDS["detector"], device=place.device, batch=place.batch(detector.BATCH)
    )


def build_generator(place: Workplace) -> GeneratorStage:
    tokenizer = build_tokenizer(place.folder / "tokenizer")
    data = open_latents(place.folder / "latents", [place.faces("a"), place.faces("b")])
    return GeneratorStage(
        data, tokenizer, seed=SEEDS["generator"], device=place.device, batch=place.batch(generator.BATCH)
    )


BUILDERS: dict[str, Callable[[Workplace], Stage]] = {
    "recogniser-a": lambda place: build_recogniser(place, "a"),
    "recogniser-b": lambda place: build_recogniser(place, "b"),
    "vae": build_autoencoder_stage,
    "detector": build_detector,
    "generator": build_generator,
}


def trained(place: Workplace, name: str) -> Stage:
    """Stage `name` with its checkpoint loaded. Raises IntegrityError when there is none."""
    checkpoint = place.folder / f"{name}.ckpt"
    if not checkpoint.exists():
        raise IntegrityError(
            f"stage {name} has no checkpoint", where=str(checkpoint), hint=f"run `train --stage {name}`"
        )
    stage = BUILDERS[name](place)
    stage.restore(load_checkpoint(checkpoint, place.device)["stage"])
    return stage


def run(place: Workplace, name: str, *, steps: int | None = None) -> None:
    """Run one stage, or `all` in order. Finished work is kept; an interrupted stage continues."""
    place.folder.mkdir(parents=True, exist_ok=True)
    if name == "all":
        for each in ORDER:
            run(place, each, steps=steps)
    elif name == "render":
        for each in ("a", "b"):
            people = SMOKE_PEOPLE if place.smoke else IDENTITIES
            render_set(place.folder / f"set-{each}", each, people=people, report=_progress(f"render {each}"))
    elif name == "latents":
        _encode(place)
    else:
        _train(place, name, steps or (SMOKE_STEPS if place.smoke else STEPS[name]))


def _train(place: Workplace, name: str, steps: int) -> None:
    leader = True
    if "RANK" in os.environ and name == "generator":  # several processes, started by torchrun
        torch.distributed.init_process_group("gloo" if place.device == "cpu" else "nccl")
        leader = torch.distributed.get_rank() == 0
    run_stage(BUILDERS[name](place), place.folder, steps=steps, leader=leader, log_every=5 if place.smoke else 50)


def _encode(place: Workplace) -> None:
    network = trained(place, "vae").averaged()  # type: ignore[attr-defined]
    conditioner = trained(place, "recogniser-a").averaged()  # type: ignore[attr-defined]
    for name in ("a", "b"):
        faces, folder = place.faces(name), place.folder / "latents"
        encode_set(folder, faces, network, device=place.device, report=_progress(f"latents {name}"))
        embed_set(folder, faces, conditioner, device=place.device, report=_progress(f"embeddings {name}"))


def _progress(what: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if done == total or done % 2048 < 512:
            sys.stdout.write(f"{what} {done}/{total}\n")
            sys.stdout.flush()

    return report
