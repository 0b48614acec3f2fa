"""Outlines of shapes: closed contours of (x, y) in pixels, y downwards, all of one orientation.

Where contours overlap they stay ink (the non-zero winding rule of `raster`), so that a letter is put together from
simple pieces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
Contour = tuple[Point, ...]

ARC_STEPS = 14
"""Straight pieces of a quarter arc; at 200 pixels they stay within a tenth of a pixel of the curve."""


def _area(points: Sequence[Point]) -> float:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True)) / 2


def solid(points: Sequence[Point]) -> Contour:
    """The closed contour with positive orientation."""
    return tuple(points) if _area(points) >= 0 else tuple(reversed(points))


def box(left: float, top: float, right: float, bottom: float) -> Contour:
    return solid([(left, top), (right, top), (right, bottom), (left, bottom)])


def corner(centre: Point, radii: Point, start: float) -> list[Point]:
    """A quarter of an ellipse from the angle `start` (degrees; 0 is right, 90 is down), turning clockwise."""
    (x, y), (rx, ry) = centre, radii
    angles = [math.radians(start + 90 * step / ARC_STEPS) for step in range(ARC_STEPS + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def rounded(left: float, top: float, right: float, bottom: float, radius: float) -> list[Point]:
    """A rectangle with round corners."""
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    return [
        *corner((right - r, top + r), (r, r), 270),
        *corner((right - r, bottom - r), (r, r), 0),
        *corner((left + r, bottom - r), (r, r), 90),
        *corner((left + r, top + r), (r, r), 180),
    ]


def stroked(path: Sequence[Point], width: float) -> Contour:
    """The outline of a line of constant width along a smooth path, with ends cut square."""
    points = [point for index, point in enumerate(path) if index == 0 or math.dist(point, path[index - 1]) > 1e-9]
    left, right = [], []
    for index, (x, y) in enumerate(points):
        before, after = points[max(index - 1, 0)], points[min(index + 1, len(points) - 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        scale = width / 2 / math.hypot(dx, dy)
        left.append((x + dy * scale, y - dx * scale))
        right.append((x - dy * scale, y + dx * scale))
    return solid([*left, *reversed(right)])
