"""A small, real backend and judges: pictures are drawn from the seed, identity is the mean colour of the middle.

They implement the protocols of a run without weights: deterministic, quick, and able to drift, to fail and to come out
black when a prompt says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from personactl.model import Candidate, Gate, IdentityRecord, Scored, Shot

SKIN = (196, 148, 120)
MADE_AT = "2026-11-21T09:00:00Z"
Array = np.ndarray[Any, Any]


def draw(width: int, height: int, seed: int) -> Array:
    """A grainy backdrop with a disc in the middle, whose colour strays from SKIN with the seed. uint8 RGB."""
    random = np.random.default_rng(seed)
    stray = random.normal(0, 30, 3)
    ramp = np.linspace(30, 120, height)[:, None, None] + random.uniform(0, 60, 3)
    canvas = np.clip(ramp + random.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(canvas)
    left, top = width // 4, height // 4
    colour = tuple(int(value) for value in np.clip(np.array(SKIN) + stray, 0, 255))
    ImageDraw.Draw(picture).ellipse((left, top, width - left, height - top), fill=colour)
    return np.asarray(picture)


def middle(picture: Array) -> Array:
    """The mean colour of the middle relative to grey, (3,) float64 of unit length."""
    height, width, _ = picture.shape
    part = picture[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5].reshape(-1, 3)
    vector = part.mean(axis=0) - 96.0
    return np.asarray(vector / (np.linalg.norm(vector) or 1.0))


class DrawnBackend:
    """Draws. A prompt with "unpaintable" fails, one with "lights out" comes out black."""

    embedding_dim = 3

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        self.closed = False

    def run(
        self,
        shot: Shot,
        *,
        attempt: int,
        seed: int,
        conditioning: Array | None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Candidate:
        assert conditioning is not None
        assert conditioning.shape == (len(shot.references), 3)
        for step in range(1, shot.steps + 1):
            if on_step is not None:
                on_step(step, shot.steps)
        if "unpaintable" in shot.prompt:
            raise RuntimeError(f"cannot paint {shot.prompt!r}")
        pixels = draw(shot.width, shot.height, seed)
        if "lights out" in shot.prompt:
            pixels = np.zeros_like(pixels)
        self.made.append((shot.file_name, attempt))
        return Candidate(
            shot=shot,
            attempt=attempt,
            seed=seed,
            pixels=pixels,
            pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
            environment={"device": "cpu", "numpy": np.__version__},
            generated_at=MADE_AT,
        )

    def close(self) -> None:
        self.closed = True


def face_box(shot: Shot) -> tuple[int, int, int, int]:
    """The disc; a prompt with "close up" is said to fill the picture."""
    left, top = (4, 4) if "close up" in shot.prompt else (shot.width // 4, shot.height // 4)
    return left, top, shot.width - left, shot.height - top


class MiddleEmbedder:
    def embed(self, rgb: Array) -> Array | None:
        return middle(rgb).astype(np.float32)


class MiddleScorer:
    def template(self, pictures: Sequence[Array], names: Sequence[str] = ()) -> Array:
        mean = np.mean([middle(picture) for picture in pictures], axis=0)
        return np.asarray(mean / np.linalg.norm(mean))

    def score(self, candidate: Candidate, template: Array, gate: Gate) -> Scored:
        cosine = float(middle(candidate.pixels) @ template)
        record = IdentityRecord(
            verdict="pass" if cosine >= float(gate.threshold) else "drift",
            score=f"{cosine:.4f}",
            threshold=gate.threshold,
            threshold_source=gate.source,
            calibration_id=gate.calibration_id,
            recogniser_sha256="cc" * 32,
            faces_found=1,
            detector_score="0.99",
            face_px=candidate.shot.width // 2,
            face_box=face_box(candidate.shot),
        )
        return Scored(candidate=candidate, identity=record)
