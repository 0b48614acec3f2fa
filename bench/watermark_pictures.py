"""The pictures of the watermark's benchmark: drawn, photographed, and the awkward ones. All are made from seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from personactl.pocket.drawing.renderer import draw
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.scene import caption, sample_scene

Array = np.ndarray[Any, Any]
PACK = Path(__file__).resolve().parents[1] / "fixtures" / "pocket"

PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
    "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg",
    "text.png",
)  # fmt: skip
GROUPS = {
    "128": ((128, 128), 60),
    "generated": ((128, 128), 24),
    "192": ((192, 192), 40),
    "256": ((256, 256), 60),
    "512": ((512, 512), 80),
    "mixed": ((0, 0), 32),
    "1024": ((1024, 1024), 28),
    "2048": ((2048, 2048), 8),
}
"""Name: the shape, and how many pictures. "mixed" has other aspects, up to 8 to 1; "generated" are the pocket pack's
own, with its generator and default steps."""
MIXED = ((512, 768), (768, 512), (600, 1000), (1200, 675), (512, 1536), (1800, 450), (360, 2880), (900, 1600))


@dataclass(frozen=True, slots=True)
class Picture:
    number: int
    kind: str
    rgb: Array


def group(name: str, numbers: range) -> Iterator[Picture]:
    """These pictures of a group; three in seven are photographs, two drawn people."""
    shape, _ = GROUPS[name]
    for number in numbers:
        if name == "generated":
            yield Picture(number, "generated", _generated(number))
            continue
        height, width = shape if name != "mixed" else MIXED[number % len(MIXED)]
        kind, make = _KINDS[number % len(_KINDS)]
        yield Picture(number, kind, make(height, width, number // len(_KINDS) * 7 + number % len(_KINDS)))


def _photograph(height: int, width: int, seed: int) -> Array:
    """A cut of a sample picture, in a size between its own and the wanted one."""
    random = np.random.default_rng(seed)
    with Image.open(_folder() / PHOTOGRAPHS[seed * 5 % len(PHOTOGRAPHS)]) as opened:
        source = opened.convert("RGB")
    scale = min(source.width / width, source.height / height) * random.uniform(0.6, 1)
    cut = int(width * scale), int(height * scale)
    left, top = random.integers(0, source.width - cut[0] + 1), random.integers(0, source.height - cut[1] + 1)
    part = source.crop((int(left), int(top), int(left) + cut[0], int(top) + cut[1]))
    return np.asarray(part.resize((width, height), Image.Resampling.LANCZOS))


def _person(height: int, width: int, seed: int) -> Array:
    drawn = Image.fromarray(
        draw(sample_identity(900_000 + seed), sample_scene(seed), min(max(height, width), 1024)).rgb
    )
    side = max(height, width)
    whole = drawn.resize((side, side), Image.Resampling.LANCZOS)
    left, top = (side - width) // 2, (side - height) // 3
    return np.asarray(whole.crop((left, top, left + width, top + height)))


def _soft(height: int, width: int, seed: int) -> Array:
    """Soft blobs in every octave with a little grain, like a photograph's spectrum."""
    random = np.random.default_rng(seed)
    total = random.normal(size=(height, width, 3)) * 2 + 128
    for octave in range(1, 7):
        cells = random.normal(size=(2**octave + 1, 2**octave + 1, 3)) * 90 / 2**octave
        for channel in range(3):
            layer = Image.fromarray(cells[..., channel].astype(np.float32))
            total[..., channel] += np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(total, 0, 255).astype(np.uint8)


def _awkward(height: int, width: int, seed: int) -> Array:
    """Flat, black, white, a gradient, noise, black-and-white noise, stripes, shapes with hard edges."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    choice = seed // 7 % 8
    if choice < 3:
        return np.full((height, width, 3), (random.integers(40, 216), 0, 255)[choice], dtype=np.uint8)
    if choice == 3:
        plane = 40 + 170 * (rows / height + columns / width) / 2
    elif choice in (4, 5):
        noise = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        return noise if choice == 4 else np.where(noise > 127, 255, 0).astype(np.uint8)
    elif choice == 6:
        plane = 60 + 120 * ((rows + columns) // 12 % 2)
    else:
        plane = np.full((height, width), 200.0)
        for _ in range(12):
            y, x, size = random.integers(0, height), random.integers(0, width), random.integers(8, height // 2)
            inside = (
                np.hypot(rows - y, columns - x) < size
                if random.random() < 0.5
                else ((abs(rows - y) < size) & (abs(columns - x) < size))
            )
            plane[inside] = random.integers(0, 256)
    return np.repeat(plane.astype(np.uint8)[..., None], 3, axis=2)


def _generated(seed: int) -> Array:
    """A picture by the pocket pack: eight people, a prompt of its grammar, a noise of its own."""
    from personactl.pocket.loaded import Request, generate  # torch, which the other pictures do without

    prompt = caption(sample_scene(HELD_OUT + seed))
    return generate(_pipeline(), [Request(prompt=prompt, seed=seed, identity=_identity(seed % 8))])[0]


@cache
def _pipeline() -> Any:
    from personactl.pocket.loaded import open_pipeline

    return open_pipeline(PACK)


@cache
def _identity(person: int) -> Array:
    """What the pack's conditioner sees in a drawn reference."""
    from personactl.pocket.generated import references
    from personactl.pocket.loaded import largest_face

    face = largest_face(_faces(), references(HELD_OUT + person)[0])
    assert face is not None
    return np.asarray(face.normed_embedding)


@cache
def _faces() -> Any:
    from personactl.pocket.loaded import open_faces

    return open_faces(PACK / "conditioner")


@cache
def _folder() -> Path:
    return Path(skimage.data.__file__).parent


_KINDS = (
    ("photograph", _photograph),
    ("person", _person),
    ("photograph", _photograph),
    ("soft", _soft),
    ("photograph", _photograph),
    ("person", _person),
    ("awkward", _awkward),
)
