"""The layer over the whole picture: 188 numbers in a ring of its low frequencies.

It needs no synchronisation: half waves per picture stay what they are when the picture is resized, mirroring
multiplies a coefficient by ±1, a quarter turn swaps rows and columns. It bears the most of all recompression, blur and
change of contrast, and fails when a picture is cropped by a few per cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from personactl.disclose import coding, spectrum, watermark_lattice

Array = np.ndarray[Any, Any]

INNER, OUTER = 6, 44
"""The ring in half waves per picture: above what exposure and vignettes move, below what codecs throw away."""
ALONE, BESIDE_TILES = 42.8, 47.3
"""PSNR of this layer in dB: where it is the only one, and where it shares what is allowed with the tiles."""
_DEAD = 0.0625
SEARCHED = 10
_STEPS_TRIED = 72


def change(values: Array, payload: bytes, decibels: float, key: bytes) -> Array:
    """Coefficients (OUTER, OUTER) to add to `values` so that they carry the payload."""
    places, vectors, offsets = _spreading(key)
    step = _step_for(decibels)
    points = (np.where(coding.encode(payload) > 0, 0, 0.5) - offsets) * step
    amounts = watermark_lattice.moves(project(values, key), points, step, _DEAD)
    coefficients = np.zeros(OUTER * OUTER, dtype=np.float32)
    coefficients[places] = amounts[:, None] * vectors
    return coefficients.reshape(OUTER, OUTER)


def project(values: Array, key: bytes) -> Array:
    """One number per coded bit, shape (188,), of the first OUTER × OUTER coefficients."""
    places, vectors, _ = _spreading(key)
    projections: Array = np.einsum("ij,ij->i", values[:OUTER, :OUTER].ravel()[places], vectors)
    return projections


def read(values: Array, key: bytes) -> Array:
    """Soft bits in [-1, 1] as the picture is seen, shape (2, 188): for the step of either strength."""
    return _phases(project(values, key), np.array(_NOMINAL)[:, None], key)


def search(values: Array, key: bytes) -> Array:
    """The most promising soft bits (n, 188) over all orientations and steps: whose phases lie nearest to the lattice.

    Another step than the picture's own means that its contrast changed.
    """
    tried = np.geomspace(min(_NOMINAL) / 1.3, max(_NOMINAL) * 1.3, _STEPS_TRIED)[:, None]
    tried = np.concatenate([np.array(_NOMINAL)[:, None], tried])
    soft = np.concatenate([_phases(project(turned, key), tried, key) for turned in _orientations(values)])
    ranking = np.argsort(-np.einsum("ij,ij->i", soft, soft), kind="stable")
    return soft[ranking[:SEARCHED]]


def _orientations(values: Array) -> Iterator[Array]:
    """The coefficients as seen, then of the seven other ways to mirror and quarter-turn the picture."""
    square = values[:OUTER, :OUTER]
    alternating = np.float32(1) - 2 * (np.arange(OUTER, dtype=np.float32) % 2)
    for turned in (square, square.T):
        for vertical in (1, alternating[:, None]):
            for horizontal in (1, alternating[None, :]):
                yield turned * vertical * horizontal


def _step_for(decibels: float) -> float:
    """The step per √pixel at which all bits together have this PSNR."""
    return watermark_lattice.step_for(watermark_lattice.squared_error(decibels) / coding.CODED_BITS, _DEAD)


_NOMINAL = (_step_for(ALONE), _step_for(BESIDE_TILES))


def _phases(projections: Array, steps: Array | float, key: bytes) -> Array:
    """The cosine of the phase in the lattice. `steps` is a scalar or has shape (m, 1)."""
    phases: Array = np.cos(2 * np.pi * (projections / steps + _spreading(key)[2]))
    return phases


@lru_cache(maxsize=4)
def _spreading(key: bytes) -> tuple[Array, Array, Array]:
    """Per coded bit: its coefficients' places (188, n), its unit vector of equal ± entries (188, n), and its offset.

    The offsets, uniform in [0, 1) steps, make the phases of a picture that was not marked uniform and independent.
    """
    u, v = np.mgrid[0:OUTER, 0:OUTER]
    radius = np.hypot(u, v)
    ring = np.flatnonzero(((radius >= INNER) & (radius < OUTER) & (u >= 2) & (v >= 2)).ravel())
    order = ring[np.argsort(spectrum.keyed_numbers(key, "places", ring.size), kind="stable")]
    each = ring.size // coding.CODED_BITS
    places = order[: each * coding.CODED_BITS].reshape(coding.CODED_BITS, each)
    signs = 1 - 2 * (spectrum.keyed_numbers(key, "signs", places.size) & 1).astype(np.float32)
    offsets = spectrum.keyed_numbers(key, "offsets", coding.CODED_BITS) / np.float64(1 << 32)
    return places, signs.reshape(places.shape) / np.float32(np.sqrt(each)), offsets
