"""From the work folder to a pack folder: export every trained part, then measure, then seal with `pack.json`."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from safetensors.torch import save_file

from personactl.pocket import card, evaluate, pack, stages
from personactl.pocket.generator import SCHEDULE
from personactl.pocket.stages import Workplace
from personactl.pocket.tokens import build_tokenizer

REPOSITORY = Path(__file__).resolve().parents[2]


def build_scheduler() -> DPMSolverMultistepScheduler:
    """DPM-Solver++ 2M with trailing time steps, so that the first step starts from pure noise."""
    return DPMSolverMultistepScheduler(
        **SCHEDULE, algorithm_type="dpmsolver++", timestep_spacing="trailing", steps_offset=1
    )


def export_parts(place: Workplace, folder: Path) -> None:
    """Write generator, adapter, conditioner, scorer and upscaler into the empty `folder`."""
    unet, text, adapter = stages.final_generator(place)
    pipeline = StableDiffusionPipeline(
        vae=stages.final_autoencoder(place).half(),
        text_encoder=text.half(),
        tokenizer=build_tokenizer(place.folder / "tokenizer"),
        unet=unet.half(),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "generator", safe_serialization=True)
    (folder / "ip-adapter").mkdir()
    halves = {key: tensor.to(torch.float16) for key, tensor in adapter.items()}
    save_file(halves, folder / "ip-adapter" / pack.ADAPTER_FILE)
    (folder / "upscaler").mkdir()
    shutil.copyfile(stages.exported(place, "upscaler"), folder / "upscaler" / pack.UPSCALER_FILE)
    found = stages.exported(place, "detector")
    for name, role in (("recogniser-a", "conditioner"), ("recogniser-b", "scorer")):
        pack.write_face_folder(
            folder / role, model_id=f"pocket-{role}", detector=found, recogniser=stages.exported(place, name)
        )


def assemble(place: Workplace, target: Path, *, sample: evaluate.Sample) -> dict[str, object]:
    """Build, measure and install the pack at `target`. Returns the figures. On failure `target` stays as it was."""
    staged = target.with_name(f".{target.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        export_parts(place, staged)
        shutil.copyfile(REPOSITORY / "LICENSE", staged / "LICENSE")
        figures = seal(staged, sample=sample, training=stages.training_record(place))
        pack.install(staged, target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return figures


def seal(folder: Path, *, sample: evaluate.Sample, training: dict[str, int]) -> dict[str, object]:
    """Measure what lies in `folder`, write the card with its pictures, last of all the index. Returns the figures."""
    measured = evaluate.measure_pack(folder, sample)
    card.write_card(folder, measured, training)
    document = pack.describe(
        folder,
        calibration=evaluate.calibration(folder, measured.figures),
        smallest_face=evaluate.SMALLEST_FACE,
        detector_score=evaluate.DETECTOR_SCORE,
        training=training,
    )
    pack.write_note(folder, document)
    pack.read_pack(folder)
    return measured.figures
