"""Outlines → coverage, by the non-zero winding rule on a grid of sub-pixels. Plain numpy, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from personactl.disclose.contours import Contour

Array = np.ndarray[Any, Any]


def coverage(contours: Sequence[Contour], width: int, height: int) -> Array:
    """How much of each pixel the outlines cover: float32 in [0, 1], shape (height, width)."""
    fine = 8 if max(width, height) <= 400 else 4
    winding = np.zeros((height * fine, width * fine + 1), np.int16)
    for contour in contours:
        for start, end in zip(contour, (*contour[1:], contour[0]), strict=True):
            _cross(winding, start, end, fine)
    inside = np.cumsum(winding, axis=1, dtype=np.int16)[:, :-1] != 0
    covered: Array = inside.reshape(height, fine, width, fine).mean(axis=(1, 3), dtype=np.float32)
    return covered


def _cross(winding: Array, start: tuple[float, float], end: tuple[float, float], fine: int) -> None:
    """Note at which sub-pixel of each row that an edge crosses the winding number changes."""
    (x0, y0), (x1, y1) = ((x * fine, y * fine) for x, y in (start, end))
    if y0 == y1:
        return
    sign = 1
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -1
    rows = np.arange(max(int(np.ceil(y0 - 0.5)), 0), min(int(np.ceil(y1 - 0.5)), winding.shape[0]))
    if not rows.size:
        return
    crossing = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
    columns = np.clip(np.ceil(crossing - 0.5), 0, winding.shape[1] - 1).astype(np.intp)
    winding[rows, columns] += np.int16(sign)
