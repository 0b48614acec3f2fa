"""Stable Diffusion pipelines through diffusers. The only file that imports torch, diffusers and transformers.

What makes the `exact` profile repeat its bits: one picture at a time, its own CPU generator, one thread, deterministic
algorithms, float32, nothing fused or cached. Batches of other sizes and other thread counts round differently.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from personactl.errors import EnvironmentProblem, PersonactlError, UsageProblem, WeightsError
from personactl.generate.backend import Clock, OnStep
from personactl.generate.lock import Survey
from personactl.generate.poison import ENVIRONMENT_KEY, poison, to_bytes
from personactl.generate.schedulers import SCHEDULERS
from personactl.generate.upscale import Upscaler
from personactl.model import Candidate, ReferenceUse, Shot

# Read by the libraries when they are imported: no hub, no telemetry, workspaces that repeat.
for _name, _value in (
    ("HF_HUB_OFFLINE", "1"),
    ("TRANSFORMERS_OFFLINE", "1"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
    ("DO_NOT_TRACK", "1"),
    ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
    ("TRANSFORMERS_VERBOSITY", "error"),
    ("DIFFUSERS_VERBOSITY", "error"),
    ("CUBLAS_WORKSPACE_CONFIG", ":16:8"),
):
    os.environ[_name] = _value

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import diffusers
    import torch
    import transformers
    from diffusers import StableDiffusionPipeline

Array = np.ndarray[Any, Any]

diffusers.utils.logging.set_verbosity_error()
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


class StableDiffusionBackend:
    """A loaded pipeline, with its FaceID adapter where the folder carries one. Implements `Backend`."""

    def __init__(self, found: Survey, *, profile: str, clock: Clock, device: str = "auto"):
        """Load from the surveyed folder only. Raises WeightsError (weights.cannot-load, weights.incomplete)."""
        self.embedding_dim = found.layout.embedding
        self._exact = profile == "exact"
        self._profile = profile
        self._clock = clock
        self._device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self._dtype = torch.float32 if self._exact or self._device == "cpu" else torch.float16
        with self._quiet():
            self._pipe = _load(found, self._dtype)
            self._pipe.to(self._device)
        self._scheduler_config = dict(self._pipe.scheduler.config)
        self._scheduler_name = ""
        self._layout = found.layout
        self._upscaler: Upscaler | None = None
        if found.layout.upscaler:
            self._upscaler = Upscaler(found.folder.root / found.layout.upscaler.file, found.layout.upscaler.scale)
        self._multiple = found.layout.size_multiple

    def run(
        self, shot: Shot, *, attempt: int, seed: int, conditioning: Array | None, on_step: OnStep | None = None
    ) -> Candidate:
        """See `Backend.run`."""
        self._check(shot)
        with self._quiet(), self._repeatable():
            self._use_scheduler(shot.scheduler)
            picture = self._picture(shot, seed, conditioning, on_step)
            environment = self._environment(shot)
        found = poison(picture)
        pixels = to_bytes(picture)
        return Candidate(
            shot=shot,
            attempt=attempt,
            seed=seed,
            pixels=pixels,
            pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
            environment={**environment, **({ENVIRONMENT_KEY: found} if found else {})},
            generated_at=self._clock(),
        )

    def close(self) -> None:
        """See `Backend.close`."""
        self._pipe = None
        if self._device == "cuda":
            torch.cuda.empty_cache()

    def _picture(self, shot: Shot, seed: int, conditioning: Array | None, on_step: OnStep | None) -> Array:
        """Floats, shape (height, width, 3), in 0..1 unless they are not numbers."""
        guidance = float(shot.guidance)
        enlarged = self._upscaler if self._layout.enlarges(shot.width, shot.height) else None
        width, height = self._layout.native if enlarged else (shot.width, shot.height)
        done = self._pipe(
            prompt=shot.prompt,
            negative_prompt=shot.negative or None,
            width=width,
            height=height,
            num_inference_steps=shot.steps,
            guidance_scale=guidance,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="np",
            callback_on_step_end=_step_callback(on_step),
            **self._face(shot.references, conditioning, guided=guidance > 1),
        )
        picture = np.asarray(done.images[0], dtype=np.float32)
        return enlarged.enlarge(picture) if enlarged else picture

    def _face(
        self, references: tuple[ReferenceUse, ...], conditioning: Array | None, *, guided: bool
    ) -> dict[str, Any]:
        """The adapter's arguments: (2, 1, width) of zeros and the face under guidance, else (1, 1, width) of the face.

        Without a face the scale is 0, which equals a pipeline without adapter bit by bit.
        """
        if not self.embedding_dim:
            return {}
        face, scale = merge_references(references, conditioning, self.embedding_dim)
        self._pipe.set_ip_adapter_scale(scale)
        row = torch.from_numpy(face)[None, None].to(self._device, self._dtype)
        return {"ip_adapter_image_embeds": [torch.cat([torch.zeros_like(row), row]) if guided else row]}

    def _check(self, shot: Shot) -> None:
        if self._pipe is None:
            raise EnvironmentProblem("the model was closed", code="generate.closed")
        if shot.width % self._multiple or shot.height % self._multiple:
            raise UsageProblem(
                f"{shot.width}x{shot.height} pixels do not fit this model",
                hint=f"width and height must be multiples of {self._multiple}",
                code="generate.size",
            )
        if shot.negative and float(shot.guidance) <= 1:
            raise UsageProblem(
                "a negative prompt has no effect without guidance",
                hint="set [model] guidance above 1, or remove the negative prompt",
                code="generate.negative-ignored",
            )

    def _use_scheduler(self, name: str) -> None:
        if name == self._scheduler_name:
            return
        if name not in SCHEDULERS:
            raise UsageProblem(
                f"unknown scheduler {name!r}", hint="one of " + ", ".join(SCHEDULERS), code="generate.unknown-scheduler"
            )
        class_name, settings = SCHEDULERS[name]
        self._pipe.scheduler = getattr(diffusers, class_name).from_config(self._scheduler_config, **settings)
        self._scheduler_name = name

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Libraries warn about their own future; a run's terminal is not the place."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield

    @contextmanager
    def _repeatable(self) -> Iterator[None]:
        """One thread and deterministic algorithms for an `exact` picture; the process gets its settings back."""
        if not self._exact:
            yield
            return
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)
            torch.set_num_threads(threads)

    def _environment(self, shot: Shot) -> Mapping[str, str]:
        """What besides shot and weights decides the bits, as the ledger keeps it."""
        scheduler = json.dumps(dict(self._pipe.scheduler.config), sort_keys=True, default=str)
        tokenizer = self._pipe.tokenizer
        longest = max(len(tokenizer(text).input_ids) for text in (shot.prompt, shot.negative))
        return {
            "profile": self._profile,
            "device": self._device if self._device == "cpu" else torch.cuda.get_device_name(),
            "cpuCapability": torch.backends.cpu.get_cpu_capability(),
            "dtype": str(self._dtype).removeprefix("torch."),
            "threads": str(torch.get_num_threads()),
            "deterministic": str(torch.are_deterministic_algorithms_enabled()).lower(),
            "generatorDevice": "cpu",
            "batchSize": "1",
            "batchPosition": "0",
            "attention": _attention(self._pipe.unet),
            "enlarged": str(self._layout.enlarges(shot.width, shot.height)).lower(),
            "scheduler": type(self._pipe.scheduler).__name__,
            "schedulerConfigSha256": hashlib.sha256(scheduler.encode()).hexdigest(),
            "promptTokens": str(longest),
            "promptTokensMax": str(tokenizer.model_max_length),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "platform": f"{platform.system()}-{platform.machine()}",
        }


def merge_references(
    references: tuple[ReferenceUse, ...], conditioning: Array | None, width: int
) -> tuple[Array, float]:
    """One face and one scale from the embeddings of all references.

    The adapter was trained on the mean of several views, scaled to unit length; each view counts by its weight, and the
    scale is the mean weight. Returns ((width,) float32, scale); zeros and 0.0 without conditioning.
    Raises UsageProblem (generate.conditioning) when the shapes do not fit.
    """
    if conditioning is None or not len(conditioning):
        return np.zeros(width, np.float32), 0.0
    weights = np.array([float(Decimal(use.weight)) for use in references], np.float64)
    if conditioning.shape != (len(references), width):
        raise UsageProblem(
            f"face embeddings of shape {conditioning.shape} do not fit {len(references)} references of width {width}",
            hint="use the conditioner that belongs to the model",
            code="generate.conditioning",
        )
    scale = float(weights.mean())
    mean = (conditioning.astype(np.float64) * (weights if scale else np.ones_like(weights))[:, None]).sum(axis=0)
    length = float(np.linalg.norm(mean))
    return (mean / length if length else mean).astype(np.float32), scale


def _load(found: Survey, dtype: torch.dtype) -> Any:
    root, layout = found.folder.root, found.layout
    try:
        pipe = StableDiffusionPipeline.from_pretrained(
            str(root / layout.generator),
            local_files_only=True,
            use_safetensors=True,
            dtype=dtype,
            safety_checker=None,
            feature_extractor=None,
            image_encoder=None,
            requires_safety_checker=False,
        )
        _check_complete(found, pipe)
        if layout.adapter:
            folder = Path(layout.adapter.folder)
            pipe.load_ip_adapter(
                str(root),
                subfolder=folder.as_posix(),
                weight_name=layout.adapter.weight_name,
                image_encoder_folder=None,
                local_files_only=True,
            )
    except PersonactlError:
        raise
    except Exception as error:  # whatever three libraries raise on weights that do not fit their configuration
        raise WeightsError(
            f"the model cannot be loaded: {str(error)[:300]}", where=found.lock.name, code="weights.cannot-load"
        ) from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _check_complete(found: Survey, pipe: Any) -> None:
    """diffusers only warns when tensors are missing and goes on with random ones: count the numbers instead."""
    for part in ("unet", "vae", "text_encoder"):
        prefix = found.layout.inside(part) + "/"
        stored = sum(
            int(np.prod(shape, dtype=np.int64))
            for path, shapes in found.folder.tensors.items()
            if path.startswith(prefix)
            for shape in shapes.values()
        )
        needed = sum(parameter.numel() for parameter in getattr(pipe, part).parameters())
        if stored < needed:
            raise WeightsError(
                f"{part} has {stored} numbers and needs {needed}: some tensors are missing",
                where=prefix,
                hint="get the model again from its source",
                code="weights.incomplete",
            )


def _step_callback(on_step: OnStep | None) -> Any:
    def callback(pipe: Any, index: int, _timestep: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        if on_step is not None:
            on_step(index + 1, pipe.num_timesteps)
        return arguments

    return callback


def _attention(unet: Any) -> str:
    names = sorted({type(processor).__name__ for processor in unet.attn_processors.values()})
    return "+".join(names)
