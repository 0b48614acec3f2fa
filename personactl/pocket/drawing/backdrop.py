"""Six backgrounds, painted out of focus. Their layout varies little, so that a small generator can learn them."""

from __future__ import annotations

import numpy as np

from personactl.pocket.drawing.canvas import Canvas

LAMPS = ((255, 196, 96), (255, 110, 110), (120, 180, 255), (255, 232, 176))


def paint_backdrop(canvas: Canvas, background: str, pattern: int) -> None:
    """Paint `background` (a word of the scene grammar) over the whole picture. Raises KeyError for another word."""
    _PAINTERS[background](canvas, np.random.default_rng([pattern, 1]))


def _studio(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.wash((132, 136, 146), (70, 72, 80))
    size = canvas.size
    canvas.disc((size * 0.5, size * 0.36), size * 0.34, (196, 200, 208), alpha=200, blur=size * 0.14)


def _plain_wall(canvas: Canvas, rng: np.random.Generator) -> None:
    tone = np.array([228, 214, 196]) + rng.normal(0, 3, 3)
    canvas.wash(tone, tone * 0.9)


def _night_street(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.wash((18, 20, 46), (44, 34, 62))
    size = canvas.size
    for column in range(4):
        left = column * 0.27 + rng.uniform(-0.05, 0.05)
        canvas.band(left, rng.uniform(0.12, 0.36), left + 0.2, 1.0, (28, 30, 56), alpha=220, blur=size * 0.012)
    for _ in range(9):
        place = (rng.uniform(0, size), rng.uniform(0.08, 0.75) * size)
        canvas.disc(
            place, rng.uniform(0.025, 0.05) * size, LAMPS[rng.integers(len(LAMPS))], alpha=190, blur=size * 0.012
        )


def _beach(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.wash((122, 194, 240), (206, 234, 246))
    horizon = 0.52 + rng.uniform(-0.02, 0.02)
    blur = canvas.size * 0.008
    canvas.band(-0.1, horizon, 1.1, 1.1, (44, 142, 178), blur=blur)
    canvas.band(-0.1, horizon + 0.2, 1.1, 1.1, (236, 212, 160), blur=blur)


def _forest(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.wash((122, 164, 96), (48, 84, 52))
    size = canvas.size
    for column in range(5):
        left = column * 0.22 + rng.uniform(-0.04, 0.04)
        canvas.band(left, -0.1, left + rng.uniform(0.04, 0.07), 1.1, (78, 60, 44), alpha=200, blur=size * 0.014)
    for _ in range(8):
        place = (rng.uniform(0, size), rng.uniform(0, 0.8) * size)
        green = (50 + rng.uniform(0, 50), 118 + rng.uniform(0, 50), 58)
        canvas.disc(place, rng.uniform(0.07, 0.13) * size, green, alpha=140, blur=size * 0.03)


def _sunset(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.wash((104, 70, 140), (255, 158, 88))
    size = canvas.size
    sun = (size * (0.2 if rng.random() < 0.5 else 0.8), size * 0.62)
    canvas.disc(sun, size * 0.1, (255, 226, 150), blur=size * 0.015)
    canvas.band(-0.1, 0.84, 1.1, 1.1, (70, 42, 74), blur=size * 0.012)


_PAINTERS = {
    "studio": _studio,
    "plain wall": _plain_wall,
    "night street": _night_street,
    "beach": _beach,
    "forest": _forest,
    "sunset": _sunset,
}
