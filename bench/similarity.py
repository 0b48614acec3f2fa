"""How well ISCC Image-Codes find re-encoded copies, and how often they point to another picture:

    python bench/similarity.py [PERSONAS [PROMPTS [SEEDS]]]   10 x 12 x 3 by default; a minute for each 100 pictures
    python bench/similarity.py --drawn PICTURES               pairs of drawn pictures: chance meetings at a larger scale
    python bench/similarity.py --speed ENTRIES                one look-up in so many random codes

Pictures come from the shipped pocket pack: every persona with every prompt, each from several seeds, so that the look
of one persona in one scene is there several times. That is the hard case: impostors of the same series.
Prints the distance (of 256 bits) of each alteration to its own original, the nearest impostors by kind, and for each
limit how many copies are found and how many other pictures come with them.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from personactl.disclose import fingerprint
from personactl.generate import lock_model, open_backend
from personactl.identity import open_conditioner
from personactl.model import ModelLock, ReferenceUse, Shot
from personactl.pocket.drawing.renderer import draw
from personactl.pocket.generated import prompt_scenes
from personactl.pocket.identity import sample_identity
from personactl.pocket.scene import caption, sample_scene

Picture = np.ndarray[Any, Any]
PROJECT = Path("/")
FIRST_PERSON = 7_900_000
LIMITS = (8, 12, 16, 20, 24, 28, 32, 40, 48)


def encoded(picture: Picture, name: str, **options: Any) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, name, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resized(picture: Picture, share: float) -> Picture:
    height, width = picture.shape[:2]
    size = (round(width * share), round(height * share))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def cropped(picture: Picture, share: float) -> Picture:
    height, width = picture.shape[:2]
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return picture[top : height - top, left : width - left]


def enhanced(picture: Picture, kind: Any, factor: float) -> Picture:
    return np.asarray(kind(Image.fromarray(picture)).enhance(factor))


def screenshot(picture: Picture) -> Picture:
    return encoded(resized(resized(picture, 1.37), 0.81), "JPEG", quality=85)


ALTERATIONS: dict[str, Callable[[Picture], Picture]] = {
    "jpeg 90": lambda p: encoded(p, "JPEG", quality=90),
    "jpeg 75": lambda p: encoded(p, "JPEG", quality=75),
    "jpeg 50": lambda p: encoded(p, "JPEG", quality=50),
    "jpeg 30": lambda p: encoded(p, "JPEG", quality=30),
    "webp 80": lambda p: encoded(p, "WEBP", quality=80),
    "resize 50 %": lambda p: resized(p, 0.5),
    "resize 200 %": lambda p: resized(p, 2.0),
    "screenshot": screenshot,
    "brightness +20 %": lambda p: enhanced(p, ImageEnhance.Brightness, 1.2),
    "brightness -20 %": lambda p: enhanced(p, ImageEnhance.Brightness, 0.8),
    "contrast +20 %": lambda p: enhanced(p, ImageEnhance.Contrast, 1.2),
    "mirror": lambda p: p[:, ::-1],
    "mirror + jpeg 75": lambda p: encoded(np.ascontiguousarray(p[:, ::-1]), "JPEG", quality=75),
    "crop 98 %": lambda p: cropped(p, 0.98),
    "crop 95 %": lambda p: cropped(p, 0.95),
    "crop 90 %": lambda p: cropped(p, 0.90),
}  # fmt: skip


def shot_of(lock: ModelLock, prompt: str) -> Shot:
    return Shot(
        shot_id="bench", index=0, shot_key="", job_key="", base_seed=1, given_seed=True, prompt=prompt, negative="",
        references=(ReferenceUse(role="hero", sha256="", weight="1", path=""),), width=lock.resolution[0],
        height=lock.resolution[1], steps=lock.default_steps, guidance=lock.default_guidance,
        scheduler=lock.default_scheduler, profile="exact", file_name="", alt_text="",
    )  # fmt: skip


def pictures(personas: int, prompts: int, seeds: int) -> tuple[list[Picture], np.ndarray[Any, Any]]:
    """The pictures, and (persona, prompt, seed) of each."""
    lock, _ = lock_model("pocket", project=PROJECT)
    backend = open_backend(lock, "pocket", profile="exact", project=PROJECT)
    embedder = open_conditioner("pocket", PROJECT)
    scenes = [caption(scene) for scene in prompt_scenes(prompts)]
    found, labels = [], []
    for person in range(personas):
        identity = sample_identity(FIRST_PERSON + person)
        views = [draw(identity, sample_scene(9_000_000 + person + step)).rgb for step in range(12)]
        row = next(row for row in map(embedder.embed, map(np.asarray, views)) if row is not None)
        for number, prompt in enumerate(scenes):
            for seed in range(seeds):
                made = backend.run(shot_of(lock, prompt), attempt=0, seed=seed, conditioning=row[None])
                found.append(np.asarray(made.pixels))
                labels.append((person, number, seed))
    backend.close()
    return found, np.array(labels)


def codes(items: list[Picture]) -> np.ndarray[Any, Any]:
    return np.stack([np.frombuffer(fingerprint.bits_of(fingerprint.image_code(item)), np.uint8) for item in items])


def distances(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2, dtype=np.int64)


def report(made: list[Picture], labels: np.ndarray[Any, Any]) -> None:
    known = codes(made)
    apart = distances(known, np.concatenate([known, codes([item[:, ::-1] for item in made])]))
    apart = np.minimum(apart[:, : len(made)], apart[:, len(made) :])
    same = labels[:, None] == labels[None]
    kinds = {
        "same persona and prompt, other seed": same[..., 0] & same[..., 1] & ~same[..., 2],
        "same prompt and seed, other persona": ~same[..., 0] & same[..., 1] & same[..., 2],
        "same prompt, other persona and seed": ~same[..., 0] & same[..., 1] & ~same[..., 2],
        "same persona, other prompt": same[..., 0] & ~same[..., 1],
        "nothing in common": ~same[..., 0] & ~same[..., 1],
    }
    print(f"{len(made)} pictures, mirrored ones compared too; distances of 256 bits")
    for name, mask in kinds.items():
        values = apart[mask]
        if len(values):
            low = np.quantile(values, [0, 0.001, 0.01, 0.5]).astype(int).tolist()
            print(f"  impostors: {name:38} n={len(values):7}  min/0.1%/1%/50% {low}")
    others = ~np.eye(len(made), dtype=bool)
    print("  pictures whose nearest other picture is within " + ", ".join(
        f"{limit}: {np.mean(np.where(others, apart, 999).min(axis=1) <= limit):.3f}" for limit in LIMITS))  # fmt: skip
    print("  copies: distance to the own original; share found, and found as the nearest, within " + str(LIMITS))
    for name, alter in ALTERATIONS.items():
        altered = [alter(item) for item in made]
        turned = codes([item[:, ::-1] for item in altered])
        both = np.minimum(distances(codes(altered), known), distances(turned, known))
        own = both.diagonal()
        first = own <= both.min(axis=1)
        shares = " ".join(f"{np.mean(own <= limit):.2f}/{np.mean((own <= limit) & first):.2f}" for limit in LIMITS)
        print(f"    {name:18} min/50%/99%/max {np.quantile(own, [0, 0.5, 0.99, 1]).astype(int).tolist()!s:20} {shares}")


def drawn(number: int) -> None:
    """Each picture is of another person in another scene, so that whoever meets, meets by chance."""
    people = range(FIRST_PERSON + 1000, FIRST_PERSON + 1000 + number)
    known = codes([np.asarray(draw(sample_identity(one), sample_scene(3 * one + 1)).rgb) for one in people])
    counts = np.zeros(257, np.int64)
    for start in range(0, number, 256):
        apart = distances(known[start : start + 256], known)
        later = np.arange(number)[None] > np.arange(start, min(start + 256, number))[:, None]
        counts += np.bincount(apart[later], minlength=257)
    pairs = int(counts.sum())
    print(f"{number} drawn pictures, {pairs} pairs; median {int(np.searchsorted(counts.cumsum(), pairs / 2))}")
    for limit in LIMITS:
        met = int(counts[: limit + 1].sum())
        print(f"  within {limit:2}: {met:6} pairs, {met / pairs:.1e} each")


def speed(entries: int) -> None:
    from personactl.verify.similarity import CODE_BYTES, MAX_ISCC_DISTANCE, Table

    random = np.random.default_rng(1)
    table = Table(random.bytes(entries * CODE_BYTES), CODE_BYTES, np.arange(entries))
    wanted = [random.bytes(CODE_BYTES) for _ in range(4)]
    start = time.perf_counter()
    for _ in range(5):
        table.nearest(wanted, MAX_ISCC_DISTANCE)
    print(f"{entries} codes: {(time.perf_counter() - start) / 5 * 1000:.1f} ms a look-up of {len(wanted)} codes")


if __name__ == "__main__":
    if sys.argv[1:2] in (["--speed"], ["--drawn"]):
        {"--speed": speed, "--drawn": drawn}[sys.argv[1]](int(sys.argv[2]))
    else:
        report(*pictures(*(int(text) for text in (sys.argv[1:] + ["10", "12", "3"][len(sys.argv) - 1 :]))))
