"""The part of a picture that carries the watermark: a ring of low frequencies of its luma, as unit-length projections.

A picture's luma is transformed by the orthonormal two-dimensional DCT-II over the whole picture, of which only the
first 52 × 52 coefficients are computed (two small matrix products). Index (u, v) counts half waves across the
picture, so the same coefficients are found again after the picture was resized or recompressed; their size grows with
√(height · width), which the caller divides out. Mirroring multiplies a coefficient by ±1, a quarter turn swaps u and v.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose.coding import CODED_BITS

INNER, OUTER = 6, 52
"""The ring in half waves per picture: above what exposure and vignettes move, below what codecs throw away."""
MIN_SIDE = 64

Array = np.ndarray[Any, Any]


def luma(rgb: Array) -> Array:
    """ITU-R BT.601 luma, float32 (height, width), of uint8 RGB (height, width, 3)."""
    return np.asarray(Image.fromarray(rgb).convert("L"), dtype=np.float32)


def transform(rgb: Array) -> Array:
    """The first OUTER × OUTER coefficients of the luma's DCT-II divided by √(height · width), float32."""
    plane = luma(rgb)
    height, width = plane.shape
    coefficients: Array = _basis(height) @ plane @ _basis(width).T / np.float32(np.sqrt(plane.size))
    return coefficients


def inverse(coefficients: Array, height: int, width: int) -> Array:
    """The plane (height, width) that has these coefficients and no others: `transform` of it gives them back."""
    plane: Array = _basis(height).T @ (coefficients * np.float32(np.sqrt(height * width))) @ _basis(width)
    return plane


def project(coefficients: Array) -> Array:
    """One number per coded bit: the coefficients along that bit's unit vector, shape (172,)."""
    places, vectors = _spreading()
    projections: Array = np.einsum("ij,ij->i", coefficients.ravel()[places], vectors)
    return projections


def spread(amounts: Array) -> Array:
    """Coefficients whose projections are `amounts` (172,): the counterpart of `project`."""
    places, vectors = _spreading()
    coefficients = np.zeros(OUTER * OUTER, dtype=np.float32)
    coefficients[places] = amounts[:, None] * vectors
    return coefficients.reshape(OUTER, OUTER)


def orientations(coefficients: Array) -> Iterator[Array]:
    """The coefficients as seen, then of the seven other ways to mirror and quarter-turn the picture."""
    alternating = np.float32(1) - 2 * (np.arange(OUTER, dtype=np.float32) % 2)
    for turned in (coefficients, coefficients.T):
        for vertical in (1, alternating[:, None]):
            for horizontal in (1, alternating[None, :]):
                yield turned * vertical * horizontal


@lru_cache(maxsize=16)
def _basis(length: int) -> Array:
    """The first OUTER rows of the orthonormal DCT-II matrix for `length` samples, float32 (OUTER, length)."""
    rows = np.arange(OUTER)[:, None]
    matrix: Array = np.sqrt(2 / length) * np.cos(np.pi * rows * (2 * np.arange(length)[None, :] + 1) / (2 * length))
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


@cache
def keyed_numbers(purpose: str, count: int) -> Array:
    """`count` uniform 32-bit numbers that depend on `purpose` alone, on every machine and numpy release."""
    stream = hashlib.shake_256(b"personactl watermark stdm/1 " + purpose.encode()).digest(4 * count)
    numbers: Array = np.frombuffer(stream, dtype=">u4").astype(np.uint32)
    return numbers


@cache
def _spreading() -> tuple[Array, Array]:
    """Per coded bit: where its coefficients stand (172, n) and its unit vector of equal ± entries (172, n)."""
    u, v = np.mgrid[0:OUTER, 0:OUTER]
    radius = np.hypot(u, v)
    ring = np.flatnonzero(((radius >= INNER) & (radius < OUTER) & (u >= 2) & (v >= 2)).ravel())
    order = ring[np.argsort(keyed_numbers("places", ring.size), kind="stable")]
    each = ring.size // CODED_BITS
    places = order[: each * CODED_BITS].reshape(CODED_BITS, each)
    signs = 1 - 2 * (keyed_numbers("signs", places.size) & 1).astype(np.float32)
    return places, signs.reshape(places.shape) / np.float32(np.sqrt(each))
