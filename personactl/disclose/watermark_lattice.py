"""Bits in numbers by lattices: the modulation that both layers of the watermark share.

Spread-transform dither modulation (Chen and Wornell, 2001): a number that carries a bit is moved towards the nearest
point of a lattice. The picture itself is no noise to it, and the distortion is set by the step alone. Here a number
stops `dead` steps short of its point, in the manner of distortion compensation: this costs certainty of the bit and
saves distortion, which a larger step uses better where the noise is large or the bit is repeated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def moves(values: Array, points: Array, steps: Array | float, dead: Array | float) -> Array:
    """What to add so that every value comes within `dead` · `steps` of `points` + k · `steps`, k whole."""
    distance = values - points
    distance -= steps * np.rint(distance / steps)
    shortened: Array = np.copysign(np.maximum(np.abs(distance) - dead * steps, 0), -distance)
    return shortened


def step_for(mean_square: float, dead: float) -> float:
    """The step whose mean squared move is this, for values uniform on the lattice: Δ² · 2/3 · (1/2 - dead)³."""
    return float(np.sqrt(mean_square * 1.5 / (0.5 - dead) ** 3))


def squared_error(decibels: float) -> float:
    """The mean squared error of 8-bit samples that has this PSNR."""
    return float(255**2 / 10 ** (decibels / 10))
