"""What the identity gate costs and how well it tells pastes from pictures, on the shipped pack and drawn people.

    python bench/gate.py

Prints CPU milliseconds of detection, embedding and copy check, of one picture at the pack's defaults, and how the copy
check's agreement is distributed over other pictures of the same person and over altered pastes.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personactl.generate import lock_model, open_backend
from personactl.identity import copies, open_scorer
from personactl.identity.scorer import Scorer
from personactl.model import ReferenceUse, Shot
from personactl.pocket.drawing.renderer import draw
from personactl.pocket.identity import sample_identity
from personactl.pocket.scene import sample_scene

Picture = np.ndarray[Any, Any]
PEOPLE, SCENES, FIRST = 40, 10, 7_800_000
PROJECT = Path("/")


def milliseconds(work: Callable[[], Any], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - start) / times


def pastes(picture: Picture) -> Iterator[Picture]:
    """What somebody does to a picture to make it look like another one."""
    image = Image.fromarray(picture)
    for quality in (95, 75, 50):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        yield np.asarray(Image.open(buffer))
    yield np.asarray((picture * 1.2 + 10).clip(0, 255), np.uint8)
    yield np.asarray(picture * 0.7, np.uint8)
    yield np.asarray((picture * np.array([1.1, 0.9, 1.0])).clip(0, 255), np.uint8)
    noise = np.random.default_rng(1).normal(0, 6, picture.shape)
    yield np.asarray((picture + noise).clip(0, 255), np.uint8)
    yield np.roll(picture, (3, -4), (0, 1))
    yield np.asarray(image.rotate(5, Image.Resampling.BICUBIC))
    for side in (96, 166):
        yield np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))


def thumbnail(scorer: Scorer, picture: Picture) -> Picture | None:
    template = scorer.template([picture])
    return template.thumbnails[0] if template.thumbnails else None


def copy_figures(scorer: Scorer) -> None:
    others, copied = [], []
    for person in range(PEOPLE):
        identity = sample_identity(FIRST + person)
        drawn = [draw(identity, sample_scene(8_000_000 + 100 * person + scene)).rgb for scene in range(SCENES)]
        small = [made for made in (thumbnail(scorer, picture) for picture in drawn) if made is not None]
        others += [copies.agreement(one, two) for place, one in enumerate(small) for two in small[:place]]
        altered = [thumbnail(scorer, np.ascontiguousarray(paste)) for paste in pastes(drawn[0])]
        copied += [copies.agreement(made, small[0]) for made in altered if made is not None]
    limit = copies.COPY_AGREEMENT
    for name, values in (("other pictures of the person", others), ("altered pastes", copied)):
        quantiles = np.round(np.quantile(values, [0, 0.01, 0.5, 0.99, 1]), 3).tolist()
        share = np.mean(np.array(values) >= limit)
        print(f"agreement, {name:30} n={len(values):5}  min/1%/50%/99%/max {quantiles}  >= {limit}: {share:.4f}")


def speed_figures(scorer: Scorer) -> None:
    picture = draw(sample_identity(FIRST), sample_scene(1, view="frontal view")).rgb
    networks = scorer._networks
    face = networks.detect(picture)[0]
    small = copies.thumbnail(networks.embed(picture, face)[1])
    print(f"detect            {milliseconds(lambda: networks.detect(picture), 100):7.2f} CPU ms")
    print(f"align and embed   {milliseconds(lambda: networks.embed(picture, face), 100):7.2f} CPU ms")
    print(f"copy check        {milliseconds(lambda: copies.agreement(small, small), 50):7.2f} CPU ms a reference")
    lock, _ = lock_model("pocket", project=PROJECT)
    print(f"lock the pack     {milliseconds(lambda: lock_model('pocket', project=PROJECT), 5):7.2f} CPU ms")
    backend = open_backend(lock, "pocket", profile="exact", project=PROJECT)
    row = np.ones((1, backend.embedding_dim), np.float32) / np.sqrt(backend.embedding_dim)
    shot = Shot(
        shot_id="bench", index=0, shot_key="", job_key="", base_seed=1, given_seed=True, prompt="portrait, smiling",
        negative="", references=(ReferenceUse(role="hero", sha256="", weight="1", path=""),), width=lock.resolution[0],
        height=lock.resolution[1], steps=lock.default_steps, guidance=lock.default_guidance,
        scheduler=lock.default_scheduler, profile="exact", file_name="", alt_text="",
    )  # fmt: skip
    backend.run(shot, attempt=0, seed=1, conditioning=row)
    took = milliseconds(lambda: backend.run(shot, attempt=0, seed=1, conditioning=row), 5)
    print(f"one picture       {took:7.0f} CPU ms ({lock.default_steps} steps, {lock.resolution[0]} px, one thread)")


if __name__ == "__main__":
    opened = open_scorer("pocket", PROJECT)
    speed_figures(opened)
    copy_figures(opened)
