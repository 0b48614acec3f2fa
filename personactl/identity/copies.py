"""Is a candidate a paste of a reference? Aligned crops are compared, not whole pictures.

A generator that copies its reference scores highest of all and has made nothing. After alignment a paste agrees with
its source in every patch whatever the compression, brightness or contrast; a new picture of the same face differs in
gaze, light, expression, turn. The number is the smallest correlation over a 3 x 3 grid of patches of small grey crops.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from personactl.identity.face import Array

SMALL = 48
PATCHES = 3
# Measured on the pocket pack; docs/adr/0403 holds the figures.
COPY_CORRELATION = 0.93


def thumbnail(crop: Array) -> Array:
    """(112, 112, 3) uint8 crop → (48, 48) float32 luma. Channels may be in any order."""
    grey = crop.astype(np.float32).mean(axis=2)
    side = grey.shape[0]
    edges = np.linspace(0, side, SMALL + 1).round().astype(int)
    rows = np.add.reduceat(grey, edges[:-1], axis=0)
    cells = np.add.reduceat(rows, edges[:-1], axis=1)
    counts = np.diff(edges).astype(np.float32)
    return np.asarray(cells / counts[:, None] / counts[None, :], np.float32)


def correlation(first: Array, second: Array) -> float:
    """The smallest Pearson correlation over the patches of two thumbnails, in [-1, 1]."""
    size = SMALL // PATCHES
    lowest = 1.0
    for row in range(0, SMALL, size):
        for column in range(0, SMALL, size):
            one = first[row : row + size, column : column + size].ravel()
            two = second[row : row + size, column : column + size].ravel()
            lowest = min(lowest, _pearson(one, two))
    return lowest


def is_copy(candidate: Array, references: Sequence[Array]) -> bool:
    """True when the thumbnail of a candidate agrees with one of the references' everywhere."""
    return any(correlation(candidate, reference) >= COPY_CORRELATION for reference in references)


def _pearson(one: Array, two: Array) -> float:
    one, two = one - one.mean(), two - two.mean()
    lengths = float(np.linalg.norm(one) * np.linalg.norm(two))
    if lengths < 1e-3:  # both patches without structure: nothing speaks against a copy
        return 1.0 if np.linalg.norm(one) < 1e-2 and np.linalg.norm(two) < 1e-2 else 0.0
    return float(one @ two) / lengths
