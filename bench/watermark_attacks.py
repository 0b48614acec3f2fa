"""What happens to pictures: each attack takes uint8 RGB and a seeded generator and gives uint8 RGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

Array = np.ndarray[Any, Any]
Attack = Callable[[Array, np.random.Generator], Array]


def saved(form: str, quality: int) -> Attack:
    def attack(rgb: Array, random: np.random.Generator) -> Array:
        buffer = io.BytesIO()
        options = {"speed": 8} if form == "AVIF" else {}
        Image.fromarray(rgb).save(buffer, format=form, quality=quality, **options)
        return np.asarray(Image.open(buffer).convert("RGB"))

    return attack


def resized(factor: float, method: Image.Resampling = Image.Resampling.BICUBIC) -> Attack:
    def attack(rgb: Array, random: np.random.Generator) -> Array:
        size = max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor))
        return np.asarray(Image.fromarray(rgb).resize(size, method))

    return attack


def cropped(kept: float) -> Attack:
    """What is left of each side, at a random place."""

    def attack(rgb: Array, random: np.random.Generator) -> Array:
        rows, columns = (int(length * kept) for length in rgb.shape[:2])
        top = random.integers(0, rgb.shape[0] - rows + 1)
        left = random.integers(0, rgb.shape[1] - columns + 1)
        return np.ascontiguousarray(rgb[top : top + rows, left : left + columns])

    return attack


def contrast(gain: float, around: float = 0) -> Attack:
    """A gain around a level: around 0 it is brightness, around 128 contrast."""

    def attack(rgb: Array, random: np.random.Generator) -> Array:
        return np.clip(np.rint((rgb.astype(np.float32) - around) * gain + around), 0, 255).astype(np.uint8)

    return attack


def mirrored(rgb: Array, random: np.random.Generator) -> Array:
    return np.ascontiguousarray(rgb[:, ::-1])


def turned(rgb: Array, random: np.random.Generator) -> Array:
    return np.ascontiguousarray(np.rot90(rgb))


def blurred(rgb: Array, random: np.random.Generator) -> Array:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(1)))


def letterboxed(rgb: Array, random: np.random.Generator) -> Array:
    bar = rgb.shape[0] // 12
    return np.pad(rgb, ((bar, bar), (0, 0), (0, 0)))


def both(*attacks: Attack) -> Attack:
    def attack(rgb: Array, random: np.random.Generator) -> Array:
        for each in attacks:
            rgb = each(rgb, random)
        return rgb

    return attack


JPEG75, JPEG50 = saved("JPEG", 75), saved("JPEG", 50)
SINGLE: dict[str, Attack] = {
    "as delivered: PNG": lambda rgb, random: rgb,
    "as delivered: JPEG 92": saved("JPEG", 92),
    "as delivered: WebP 90": saved("WEBP", 90),
    "JPEG 90": saved("JPEG", 90),
    "JPEG 75": JPEG75,
    "JPEG 50": JPEG50,
    "WebP 80": saved("WEBP", 80),
    "AVIF 60": saved("AVIF", 60),
    "resized to 50 %": resized(0.5),
    "resized to 75 %": resized(0.75),
    "resized to 150 %": resized(1.5),
    "resized to 200 %": resized(2.0),
    "cropped to 90 %": cropped(0.9),
    "cropped to 80 %": cropped(0.8),
    "cropped to 70 %": cropped(0.7),
    "mirrored": mirrored,
    "quarter turn": turned,
    "brightness +20 %": contrast(1.2),
    "brightness -20 %": contrast(0.8),
    "contrast +20 %": contrast(1.2, 128),
    "contrast -20 %": contrast(0.8, 128),
    "blur, radius 1": blurred,
    "screenshot 0.83, JPEG 85": both(resized(0.83), saved("JPEG", 85)),
    "screenshot 1.27, PNG": resized(1.27),
    "letterbox, 1/12 each": letterboxed,
}
PAIRS: dict[str, Attack] = {
    "crop 90 % + JPEG 75": both(cropped(0.9), JPEG75),
    "crop 70 % + JPEG 50": both(cropped(0.7), JPEG50),
    "crop 80 % + WebP 80": both(cropped(0.8), saved("WEBP", 80)),
    "crop 80 % + AVIF 60": both(cropped(0.8), saved("AVIF", 60)),
    "crop 80 % + resize 50 %": both(cropped(0.8), resized(0.5)),
    "crop 70 % + resize 83 %": both(cropped(0.7), resized(0.83)),
    "crop 80 % + resize 150 %": both(cropped(0.8), resized(1.5)),
    "crop 80 % + mirror": both(cropped(0.8), mirrored),
    "crop 80 % + brightness +20 %": both(cropped(0.8), contrast(1.2)),
    "crop 80 % + contrast -20 %": both(cropped(0.8), contrast(0.8, 128)),
    "crop 80 % + blur": both(cropped(0.8), blurred),
    "mirror + JPEG 50": both(mirrored, JPEG50),
    "resize 50 % + JPEG 75": both(resized(0.5), JPEG75),
    "resize 75 % + JPEG 50": both(resized(0.75), JPEG50),
    "blur + JPEG 75": both(blurred, JPEG75),
    "brightness +20 % + JPEG 75": both(contrast(1.2), JPEG75),
}
