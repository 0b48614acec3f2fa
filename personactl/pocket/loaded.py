"""A pack opened the way `personactl` opens it: diffusers' pipeline with IP-Adapter, insightface's FaceAnalysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from insightface.app import FaceAnalysis
from onnxruntime import SessionOptions

from personactl.generate.poison import to_bytes
from personactl.generate.upscale import Upscaler
from personactl.pocket.pack import ADAPTER_FILE, DEFAULTS, UPSCALER_FILE

DETECTOR_SCORE = 0.5


def open_faces(folder: Path) -> FaceAnalysis:
    """An insightface model folder, offline: an absolute path never reaches the code that downloads."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    app = FaceAnalysis(name=str(folder.resolve()), providers=["CPUExecutionProvider"], sess_options=options)
    app.prepare(ctx_id=-1, det_size=(128, 128), det_thresh=DETECTOR_SCORE)
    return app


def largest_face(app: FaceAnalysis, rgb: np.ndarray) -> Any | None:
    """The largest face that the folder's detector finds in a uint8 RGB picture, or None."""
    faces = app.get(np.ascontiguousarray(rgb[..., ::-1]))
    if not faces:
        return None
    return max(faces, key=lambda face: float((face.bbox[2] - face.bbox[0]) * (face.bbox[3] - face.bbox[1])))


def open_pipeline(folder: Path) -> StableDiffusionPipeline:
    """The pack's generator with its adapter, in float32."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        str((folder / "generator").resolve()), local_files_only=True, use_safetensors=True, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_ip_adapter(
        str(folder.resolve()),
        subfolder="ip-adapter",
        weight_name=ADAPTER_FILE,
        image_encoder_folder=None,
        local_files_only=True,
    )
    return pipeline


def open_upscaler(folder: Path) -> Upscaler:
    """The pack's upscaler, by the class that `personactl run` uses."""
    return Upscaler(folder / "upscaler" / UPSCALER_FILE, 2)


def enlarge(upscaler: Upscaler, rgb: np.ndarray) -> np.ndarray:
    """A uint8 picture at twice its size, uint8."""
    return to_bytes(upscaler.enlarge(rgb.astype(np.float32) / 255))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One picture to generate; `identity` is a unit vector (128,), or None for nobody in particular."""

    prompt: str
    seed: int
    identity: np.ndarray | None


def generate(
    pipeline: StableDiffusionPipeline, requests: Sequence[Request], *, guidance: float | None = None
) -> list[np.ndarray]:
    """uint8 RGB pictures (128, 128, 3), one after another, each from its own CPU generator."""
    return [_generate(pipeline, request, guidance) for request in requests]


def arguments(request: Request, guidance: float | None = None) -> dict[str, Any]:
    """What any pipeline over the pack's networks is called with for a request: the pack's defaults, on the CPU."""
    identity = torch.zeros(1, 1, 128)
    if request.identity is not None:
        identity[0, 0] = torch.from_numpy(np.asarray(request.identity, np.float32))
    return {
        "prompt": request.prompt,
        "negative_prompt": str(DEFAULTS["negative"]),
        "num_inference_steps": int(str(DEFAULTS["steps"])),
        "guidance_scale": guidance or float(str(DEFAULTS["guidance"])),
        "generator": torch.Generator("cpu").manual_seed(request.seed),
        "ip_adapter_image_embeds": [torch.cat([torch.zeros_like(identity), identity])],
    }


def _generate(pipeline: StableDiffusionPipeline, request: Request, guidance: float | None) -> np.ndarray:
    result = pipeline(height=128, width=128, **arguments(request, guidance))
    return np.asarray(result.images[0].convert("RGB"))
