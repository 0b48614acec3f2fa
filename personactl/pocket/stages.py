"""The training stages by name: what each needs from the work folder, how long it runs, what it leaves there.

work/set-a, set-b           rendered pictures            stage `render`
work/recogniser-a.ckpt ...  networks in training         every other stage
work/latents                what the generator reads     `latents`
work/export                 networks as ONNX files

A work folder may be based on a pack: networks begin with that pack's weights where the stage can, and a part without a
checkpoint in the folder is the pack's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

from personactl.errors import IntegrityError
from personactl.pocket import STAGES, detector, generator, recogniser
from personactl.pocket.autoencoder import AutoencoderStage, DecoderStage, load_autoencoder
from personactl.pocket.dataset import IDENTITIES, FaceSet, open_set, render_set
from personactl.pocket.detection_data import SceneMaker
from personactl.pocket.detector import DetectorStage, export_detector
from personactl.pocket.generator import GeneratorStage, load_generator
from personactl.pocket.latents import embed_set, encode_set, open_latents
from personactl.pocket.pack import NOTE, UPSCALER_FILE
from personactl.pocket.recogniser import RecogniserStage, export_recogniser
from personactl.pocket.tokens import build_tokenizer
from personactl.pocket.training import SMOKE_STEPS, Stage, load_checkpoint, run_stage
from personactl.pocket.upscaler import UpscalerStage, export_upscaler

STEPS = {
    "recogniser-a": 1700,
    "recogniser-b": 1700,
    "detector": 1500,
    "vae": 6500,
    "generator": 12000,
    "decoder": 3000,
    "upscaler": 3000,
}
SEEDS = {
    "recogniser-a": 11,
    "recogniser-b": 22,
    "vae": 33,
    "detector": 44,
    "generator": 55,
    "decoder": 66,
    "upscaler": 77,
}
EXPORTED = {
    "recogniser-a": "conditioner/recogniser.onnx",
    "recogniser-b": "scorer/recogniser.onnx",
    "detector": "conditioner/detector.onnx",
    "upscaler": f"upscaler/{UPSCALER_FILE}",
}
ADOPTING = frozenset({"vae", "generator"})  # begin with the base pack's weights; a decoder begins with its autoencoder
SMOKE_PEOPLE = 12
SMOKE_BATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The folder of a training, its device, the pack that it is based on, and whether this is a smoke run (tiny set,
    20 steps)."""

    folder: Path
    device: str = "cpu"
    base: Path | None = None
    smoke: bool = False

    def faces(self, name: str) -> FaceSet:
        return open_set(self.folder / f"set-{name}")

    def batch(self, usual: int) -> int:
        return SMOKE_BATCH if self.smoke else usual

    def checkpoint(self, name: str) -> Path:
        return self.folder / f"{name}.ckpt"

    def based_on(self, name: str) -> Path:
        """The base pack, asked for because stage `name` has no checkpoint here. Raises IntegrityError without one."""
        if self.base is None:
            raise IntegrityError(
                f"stage {name} has no checkpoint", where=str(self.checkpoint(name)), hint=f"run `train --stage {name}`"
            )
        return self.base

    def trained_before(self) -> dict[str, int]:
        """Steps a stage, as the base pack records them."""
        if self.base is None:
            return {}
        steps = json.loads((self.base / NOTE).read_bytes()).get("training", {})
        return {name: int(count) for name, count in steps.items()}


def build_recogniser(place: Workplace, name: str) -> RecogniserStage:
    """`name` is `a` or `b`: another seed and other people."""
    return RecogniserStage(
        place.faces(name), seed=SEEDS[f"recogniser-{name}"], device=place.device, batch=place.batch(recogniser.BATCH)
    )


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


def build_decoder(place: Workplace) -> DecoderStage:
    return DecoderStage(place.faces("a"), encoder_and_decoder(place), seed=SEEDS["decoder"], device=place.device)


def build_upscaler(place: Workplace) -> UpscalerStage:
    return UpscalerStage(final_autoencoder(place), seed=SEEDS["upscaler"], device=place.device)


BUILDERS: dict[str, Callable[[Workplace], Stage]] = {
    "recogniser-a": lambda place: build_recogniser(place, "a"),
    "recogniser-b": lambda place: build_recogniser(place, "b"),
    "detector": build_detector,
    "vae": lambda place: AutoencoderStage(place.faces("a"), seed=SEEDS["vae"], device=place.device),
    "generator": build_generator,
    "decoder": build_decoder,
    "upscaler": build_upscaler,
}


def trained(place: Workplace, name: str) -> Stage:
    """Stage `name` with its checkpoint loaded. Raises IntegrityError when there is none or it is damaged."""
    checkpoint = place.checkpoint(name)
    if not checkpoint.exists():
        raise IntegrityError(
            f"stage {name} has no checkpoint", where=str(checkpoint), hint=f"run `train --stage {name}`"
        )
    stage = BUILDERS[name](place)
    stage.restore(load_checkpoint(checkpoint, place.device)["stage"])
    return stage


def encoder_and_decoder(place: Workplace) -> AutoencoderTiny:
    """The autoencoder that made the latents: of this folder, else of the base pack."""
    if place.checkpoint("vae").exists():
        return trained(place, "vae").averaged()  # type: ignore[attr-defined]
    return load_autoencoder(place.based_on("vae"))


def final_autoencoder(place: Workplace) -> AutoencoderTiny:
    """The same with the refined decoder, where that stage has run."""
    if place.checkpoint("decoder").exists():
        return trained(place, "decoder").averaged()  # type: ignore[attr-defined]
    return encoder_and_decoder(place)


def final_generator(place: Workplace) -> tuple[UNet2DConditionModel, CLIPTextModel, dict[str, torch.Tensor]]:
    """UNet, text encoder, adapter file."""
    if place.checkpoint("generator").exists():
        return trained(place, "generator").averaged()  # type: ignore[attr-defined]
    return load_generator(place.based_on("generator"))


def exported(place: Workplace, name: str) -> Path:
    """The ONNX file of stage `name`, a key of `EXPORTED`."""
    if not place.checkpoint(name).exists():
        return place.based_on(name) / EXPORTED[name]
    target = place.folder / "export" / f"{name}.onnx"
    target.parent.mkdir(exist_ok=True)
    network = trained(place, name).averaged()  # type: ignore[attr-defined]
    if name == "detector":
        export_detector(network, target)
    elif name == "upscaler":
        export_upscaler(network, target)
    else:
        export_recogniser(network, target)
    return target


def training_record(place: Workplace) -> dict[str, int]:
    """Steps a network, over all runs that led to its weights as far as packs recorded them."""
    record = place.trained_before()
    for name in STEPS:
        if place.checkpoint(name).exists():
            saved = load_checkpoint(place.checkpoint(name))
            record[name] = int(saved["step"]) + int(saved["before"])
    return record


def run(place: Workplace, name: str, *, steps: int | None = None) -> None:
    """Run one stage, or `all` in order. Finished work is kept; an interrupted stage continues."""
    place.folder.mkdir(parents=True, exist_ok=True)
    if name == "all":
        for each in STAGES:
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
    stage = BUILDERS[name](place)
    before = 0
    if place.base is not None and not place.checkpoint(name).exists():
        if name in ADOPTING:
            stage.adopt(place.base)  # type: ignore[attr-defined]
        if name in ADOPTING or (name == "decoder" and not place.checkpoint("vae").exists()):
            before = place.trained_before().get(name, 0)
    log_every = 5 if place.smoke else 50
    run_stage(stage, place.folder, steps=steps, before=before, leader=leader, log_every=log_every)


def _encode(place: Workplace) -> None:
    network = encoder_and_decoder(place)
    conditioner = exported(place, "recogniser-a")
    for name in ("a", "b"):
        faces, folder = place.faces(name), place.folder / "latents"
        encode_set(folder, faces, network, device=place.device, report=_progress(f"latents {name}"))
        embed_set(folder, faces, conditioner, report=_progress(f"embeddings {name}"))


def _progress(what: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if done == total or done % 2048 < 512:
            sys.stdout.write(f"{what} {done}/{total}\n")
            sys.stdout.flush()

    return report
