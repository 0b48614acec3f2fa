"""The Chinese characters of the visible label, as strokes of our own: 生成 "generated", 合成 "synthesised".

GB 45438-2025 asks for the letters AI, or 人工智能, with 生成 or 合成; the label says AI and one of the two. Each stroke
is a line or a quadratic curve in a unit square, y downwards, in the manner of the sans-serif (hei) styles.
"""

from __future__ import annotations

from collections.abc import Sequence

from personactl.disclose.contours import Contour, Point, box, stroked
from personactl.disclose.glyphs import Glyph, Pen

HEIGHT = 1.26
"""Height of a character in cap heights: ideographs look as large as capitals when they are taller."""

_CURVE_STEPS = 12

Stroke = tuple[Point, ...]
"""Two points: a line. Three: a quadratic curve with the control point in the middle. More: straight pieces in a row."""

STROKES: dict[str, tuple[Stroke, ...]] = {
    "生": (
        ((0.26, 0.06), (0.21, 0.29), (0.07, 0.46)),
        ((0.20, 0.27), (0.90, 0.27)),
        ((0.16, 0.58), (0.86, 0.58)),
        ((0.53, 0.02), (0.53, 0.93)),
        ((0.05, 0.93), (0.96, 0.93)),
    ),
    "成": (
        ((0.13, 0.24), (0.95, 0.24)),
        ((0.17, 0.21), (0.19, 0.76), (0.04, 0.97)),
        ((0.17, 0.46), (0.46, 0.46)),
        ((0.43, 0.43), (0.43, 0.82), (0.27, 0.79)),
        ((0.57, 0.03), (0.59, 0.66), (0.84, 0.93)),
        ((0.82, 0.915), (0.94, 0.97), (0.955, 0.72)),
        ((0.84, 0.40), (0.73, 0.76), (0.44, 0.95)),
        ((0.70, 0.04), (0.86, 0.15)),
    ),
    "合": (
        ((0.53, 0.03), (0.33, 0.32), (0.03, 0.47)),
        ((0.48, 0.04), (0.66, 0.32), (0.97, 0.46)),
        ((0.29, 0.45), (0.71, 0.45)),
        ((0.20, 0.64), (0.80, 0.64)),
        ((0.20, 0.92), (0.80, 0.92)),
        ((0.20, 0.61), (0.20, 0.98)),
        ((0.80, 0.61), (0.80, 0.98)),
    ),
}


def draw(character: str, pen: Pen) -> Glyph:
    """A character as a glyph. It stands higher than a capital: its contours begin above the cap line, at negative y."""
    size = float(round(HEIGHT * pen.cap))
    rise = float(round((size - pen.cap) / 2))
    contours = [_outline(stroke, size, rise, pen.stroke) for stroke in STROKES[character]]
    return Glyph(size, tuple(contours), 0.06 * pen.cap, 0.06 * pen.cap)


def _outline(stroke: Stroke, size: float, rise: float, width: float) -> Contour:
    points = [(x * size, y * size - rise) for x, y in stroke]
    (x0, y0), (x1, y1) = points[0], points[-1]
    if len(points) == 2 and x0 == x1:
        left = float(round(x0 - width / 2))
        return box(left, y0, left + width, y1)
    if len(points) == 2 and y0 == y1:
        top = float(round(y0 - width / 2))
        return box(x0, top, x1, top + width)
    return stroked(_curve(points) if len(points) == 3 else points, width)


def _curve(points: Sequence[Point]) -> list[Point]:
    (x0, y0), (cx, cy), (x1, y1) = points
    steps = [step / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    return [
        ((1 - t) ** 2 * x0 + 2 * t * (1 - t) * cx + t * t * x1, (1 - t) ** 2 * y0 + 2 * t * (1 - t) * cy + t * t * y1)
        for t in steps
    ]
