"""The low frequencies of a picture's luma: where the watermark stands, and how to change them.

Coefficients are those of the orthonormal two-dimensional DCT-II over the whole picture, divided by √(height · width);
only the first few are computed (two matrix products). Index (u, v) counts half waves across the picture, so that the
same coefficients are found again after the picture was resized or recompressed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

MIN_SIDE = 64
PUBLIC_KEY = b"personactl public watermark key"
"""The key of every mark unless a caller gives another: anyone may look for the mark."""

_PLANE_PIXELS = 1 << 20
"""A larger picture is averaged down to about this many pixels before it is analysed; the mark lies far below that."""
_LEAST_SIDE = 128
_STRIP = 128

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Coefficients (rows, columns), float32, of a picture of `height` × `width` pixels."""

    values: Array
    height: int
    width: int


def keyed_numbers(key: bytes, purpose: str, count: int) -> Array:
    """`count` uniform 32-bit numbers that depend on key and purpose alone, on every machine and numpy release."""
    stream = hashlib.shake_256(b"personactl-mark/2 " + purpose.encode() + b"\0" + key).digest(4 * count)
    numbers: Array = np.frombuffer(stream, dtype=">u4").astype(np.uint32)
    return numbers


def luma(rgb: Array) -> Array:
    """ITU-R BT.601 luma, float32, of uint8 RGB (height, width, 3); averaged down where there are very many pixels, a
    side to no fewer than `_LEAST_SIDE`."""
    grey = np.empty(rgb.shape[:2], dtype=np.uint8)
    for top in range(0, rgb.shape[0], _STRIP):  # Pillow takes four bytes for a pixel of three
        grey[top : top + _STRIP] = Image.fromarray(rgb[top : top + _STRIP]).convert("L")
    plane = Image.fromarray(grey)
    excess = float(np.sqrt(plane.width * plane.height / _PLANE_PIXELS))
    if excess >= 2:
        width, height = (max(min(side, _LEAST_SIDE), round(side / excess)) for side in plane.size)
        plane = plane.resize((width, height), Image.Resampling.BOX)
    return np.asarray(plane, dtype=np.float32)


def analyse(rgb: Array, rows: int, columns: int) -> Spectrum:
    """The first `rows` × `columns` coefficients, or as many as the luma plane has."""
    return of_plane(luma(rgb), rows, columns, rgb.shape[:2])


def of_plane(plane: Array, rows: int, columns: int, size: tuple[int, ...]) -> Spectrum:
    """The same of a luma plane. `size`: height and width of the picture that it was averaged from."""
    height, width = plane.shape
    tall, wide = _basis(height, min(rows, height)), _basis(width, min(columns, width))
    values = tall.T @ plane @ wide / np.float32(np.sqrt(plane.size))
    return Spectrum(values, size[0], size[1])


def texture(rgb: Array, rows: int, columns: int) -> Array:
    """The luma's standard deviation within each cell of a grid over the picture, float32 (rows, columns)."""
    plane = luma(rgb)
    mean, square = (
        np.asarray(Image.fromarray(values).resize((columns, rows), Image.Resampling.BOX))
        for values in (plane, np.square(plane))
    )
    return np.asarray(np.sqrt(np.maximum(square - np.square(mean), 0)))


def add(rgb: Array, change: Array) -> tuple[Array, float]:
    """A copy of the picture with its coefficients changed by `change`, equally in all channels; rounded and clipped.

    Also the share of the samples that clipping kept from changing. Done in strips, so that memory stays small.
    """
    height, width = rgb.shape[:2]
    rows, columns = change.shape
    across = (change * np.float32(np.sqrt(height * width))) @ _basis(width, columns).T
    tall = _basis(height, rows)
    marked, clipped = np.empty_like(rgb), 0
    for top in range(0, height, _STRIP):
        part = slice(top, top + _STRIP)
        total = rgb[part] + np.rint(tall[part] @ across).astype(np.int16)[..., None]
        if total.min() < 0 or total.max() > 255:
            clipped += int(np.count_nonzero((total < 0) | (total > 255)))
            np.clip(total, 0, 255, out=total)
        marked[part] = total
    return marked, clipped / rgb.size


def waves(positions: Array, length: float, count: int) -> Array:
    """The first `count` half waves over `length`, at `positions` in 0..length: shape (positions, count), mean square 1.

    `length` need not be whole, so that a picture can be looked at in another scale without resampling it.
    """
    scaled = np.float32(np.pi / length) * positions.astype(np.float32)
    matrix: Array = np.cos(np.outer(scaled, np.arange(count, dtype=np.float32)))
    matrix *= np.float32(np.sqrt(2))
    matrix[:, 0] = 1
    return matrix


@lru_cache(maxsize=16)
def _basis(length: int, count: int) -> Array:
    """The first `count` rows of the orthonormal DCT-II matrix for `length` samples, transposed: (length, count)."""
    centres = np.arange(length) + 0.5
    matrix = np.sqrt(2 / length) * np.cos(np.pi / length * np.outer(centres, np.arange(count)))
    matrix[:, 0] = np.sqrt(1 / length)
    basis: Array = matrix.astype(np.float32)
    return basis
