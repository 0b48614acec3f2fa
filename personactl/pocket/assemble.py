"""From the work folder to a pack folder: export every trained part, then measure, then seal with `pack.json`."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from safetensors.torch import save_file

from personactl.pocket import card, evaluate, pack
from personactl.pocket.detector import export_detector
from personactl.pocket.generator import SCHEDULE
from personactl.pocket.recogniser import export_recogniser
from personactl.pocket.stages import Workplace, trained
from personactl.pocket.tokens import build_tokenizer
from personactl.pocket.training import load_checkpoint

REPOSITORY = Path(__file__).resolve().parents[2]


def build_scheduler() -> DPMSolverMultistepScheduler:
    """DPM-Solver++ 2M with trailing time steps, so that the first step starts from pure noise."""
    return DPMSolverMultistepScheduler(
        **SCHEDULE, algorithm_type="dpmsolver++", timestep_spacing="trailing", steps_offset=1
    )


def export_parts(place: Workplace, folder: Path) -> None:
    """Write generator, adapter, conditioner and scorer into the empty `folder`."""
    unet, text, adapter = trained(place, "generator").averaged()  # type: ignore[attr-defined]
    pipeline = StableDiffusionPipeline(
        vae=trained(place, "vae").averaged().half(),  # type: ignore[attr-defined]
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
    parts = place.folder / "export"
    parts.mkdir(exist_ok=True)
    export_detector(trained(place, "detector").averaged(), parts / "detector.onnx")  # type: ignore[attr-defined]
    for name, role in (("a", "conditioner"), ("b", "scorer")):
        export_recogniser(trained(place, f"recogniser-{name}").averaged(), parts / f"{name}.onnx")  # type: ignore[attr-defined]
        pack.write_face_folder(
            folder / role,
            model_id=f"pocket-{role}",
            detector=parts / "detector.onnx",
            recogniser=parts / f"{name}.onnx",
        )


def training_record(place: Workplace) -> dict[str, int]:
    """Steps that each network was trained for."""
    names = ("recogniser-a", "recogniser-b", "detector", "vae", "generator")
    return {name: int(load_checkpoint(place.folder / f"{name}.ckpt")["step"]) for name in names}


def assemble(place: Workplace, target: Path, *, sample: evaluate.Sample) -> dict[str, object]:
    """Build, measure and install the pack at `target`. Returns the figures. On failure `target` stays as it was."""
    staged = target.with_name(f".{target.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        export_parts(place, staged)
        shutil.copyfile(REPOSITORY / "LICENSE", staged / "LICENSE")
        figures = evaluate.measure_pack(staged, sample)
        evaluate.write_sheet(staged, staged / "sheet.png")
        (staged / "MODEL_CARD.md").write_text(card.model_card(figures, training_record(place)), encoding="utf-8")
        document = pack.describe(
            staged,
            calibration=evaluate.calibration(staged, figures),
            smallest_face=evaluate.SMALLEST_FACE,
            detector_score=evaluate.DETECTOR_SCORE,
        )
        pack.write_note(staged, document)
        pack.read_pack(staged)
        pack.install(staged, target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return figures
