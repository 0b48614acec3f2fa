"""The pictures of docs/labels.md: `python tests/label_pictures.py` draws them, a test compares."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose import label
from personactl.visible_label import LabelSpec

Array = np.ndarray[Any, Any]

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "img"
LARGEST = 60_000
_FACE = (0.25, 0.2, 0.75, 0.82)
"""Left, top, right, bottom of the face in the demo persona's picture, as fractions."""


def demand(*words: str, height: str = "0.03") -> LabelSpec:
    places = ("top-right", "top-left", "bottom-right", "bottom-left")
    return LabelSpec(words=words, height=height, least_height="0.02", margin="0.04", places=places)  # type: ignore[arg-type]


def persona(side: int) -> Array:
    """The demo persona at this size, with its label."""
    with Image.open(ROOT / "fixtures" / "demo-persona" / "hero.png") as picture:
        rgb = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
    face = tuple(round(part * side) for part in _FACE)
    return label.draw(rgb, demand("GENERATED"), faces=[face])[0]  # type: ignore[list-item]


def sizes() -> Array:
    """The same picture, labelled at 128 and at 512 pixels; the small one four times as large."""
    return np.concatenate([np.kron(persona(128), np.ones((4, 4, 1), np.uint8)), persona(512)], axis=1)


def wordings() -> Array:
    """Every wording on light, grey, dark and busy grounds."""
    noise = np.random.default_rng(7).integers(0, 256, (8, 46, 3)).astype(np.uint8)
    busy = np.asarray(Image.fromarray(noise).resize((340, 60), Image.Resampling.BICUBIC))
    grounds = [np.full((60, 340, 3), level, np.uint8) for level in (244, 122, 24)] + [busy]
    texts = [("GENERATED",), ("MODIFIED",), ("生成",), ("合成",), ("GENERATED", "生成")]
    return np.concatenate([
        np.concatenate([label.draw(ground, demand(*words, height="0.34"))[0] for ground in grounds[:4]], axis=1)
        for words in texts
    ])  # fmt: skip


def encoded(picture: Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", quality=88, method=6)
    return buffer.getvalue()


PICTURES = {"label-sizes.webp": sizes, "label-wordings.webp": wordings}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_bytes(encoded(draw()))
