"""The layer that survives cropping: a lattice of points over the picture, each carrying one bit of a repeating tile.

Points stand a *pitch* apart. The number at a point is the picture's correlation with one band-pass kernel, the same
for all points and the same from all sides, so that mirroring and turning only rearrange the points. A tile has 16 × 16
points: 188 carry the coded bits, 68 known signs by which the tile is found again (`watermark_search`). The pitch is a
fortieth of the picture's geometric mean side, in whole pixels of a coarse list: what is left of a cropped picture has
a pitch of that list, and several tiles, which are averaged.

Positions are in pitches; frequencies in cycles per pitch. Every number is scale-free: a resized picture has the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from personactl.disclose import coding, spectrum, watermark_lattice

Array = np.ndarray[Any, Any]

TILE = 16
ACROSS = 40
PITCHES = tuple(factor << shift for shift in range(9) for factor in (8, 9, 10, 11, 12, 14))
MAX_ASPECT = 8.5
"""A picture that is longer has no such layer: the number of half waves that it would need grows with its length."""
MIN_SIDE = 256
"""Smallest geometric mean of the sides, in pixels, for which the distortion that is allowed is shared."""
DECIBELS = 44.4
SYNC_RATIO = 2.0
"""The step of the known signs in steps of the bits: they are looked for in coarse scales and places."""
BAND = (0.36, 1.24)

_SIGNS = TILE * TILE - coding.CODED_BITS
_DEAD_TEXTURE, _DEAD_SMOOTH = 0.125, 0.175
"""How far from its lattice point a number may stay. Smooth places hide less and disturb less, so less is done there."""
_SMOOTH, _TEXTURED = 1.0, 4.0
"""Standard deviations of the luma within a pitch between which the one goes over into the other."""
_ROUNDS = 2
_SOLVER_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """One tile. `signs` (16, 16): ±1 at known points, else 0. `places` (188,): where the bits stand in a flat tile.

    `flips` (188,): ±1 by which bits are multiplied, so that no payload makes a pattern.
    """

    signs: Array
    places: Array
    flips: Array


@dataclass(frozen=True, slots=True)
class View:
    """A picture seen in one scale: kernel-weighted coefficients and its size in pitches."""

    values: Array
    height: float
    width: float

    def sample(self, rows: Array, columns: Array) -> Array:
        """The numbers at all crossings of these positions, float32 (rows, columns)."""
        down = spectrum.waves(rows, self.height, self.values.shape[0])
        across = spectrum.waves(columns, self.width, self.values.shape[1])
        return np.asarray(down @ self.values @ across.T)


def marked(height: int, width: int) -> bool:
    """Whether a picture of this size is given this layer."""
    return height * width >= MIN_SIDE**2 and fits(height, width)


def fits(height: int, width: int) -> bool:
    """Whether a picture of this shape may have this layer."""
    return max(height, width) <= MAX_ASPECT * min(height, width)


def pitch_of(height: int, width: int) -> int:
    """The pitch of a picture that is marked, in pixels."""
    wanted = np.sqrt(height * width) / ACROSS
    return max((pitch for pitch in PITCHES if pitch <= wanted), default=PITCHES[0])


def counts(height: int, width: int, pitch: float) -> tuple[int, int]:
    """How many half waves down and across reach the upper end of the band."""
    return int(2 * BAND[1] * height / pitch) + 2, int(2 * BAND[1] * width / pitch) + 2


def view(seen: spectrum.Spectrum, down: float, across: float) -> View:
    """The picture with pitches of `down` and `across` pixels."""
    height, width = seen.height / down, seen.width / across
    weights = _kernel(height, width, *seen.values.shape)
    rows, columns = weights.shape
    return View(seen.values[:rows, :columns] * (weights / np.float32(np.sqrt(_energy()))), height, width)


def step() -> float:
    """The lattice step of the bits."""
    share = (_SIGNS * SYNC_RATIO**2 + coding.CODED_BITS) / TILE**2
    return watermark_lattice.step_for(watermark_lattice.squared_error(DECIBELS) / share, _DEAD_TEXTURE)


def dead_zones(rgb: Array) -> Array:
    """How far from its lattice point, in steps, each point's number may stay, by the picture's texture there."""
    pitch = pitch_of(*rgb.shape[:2])
    texture = spectrum.texture(rgb, *(np.arange(0.5, length / pitch).size for length in rgb.shape[:2]))
    smooth = np.clip((_TEXTURED - texture) / (_TEXTURED - _SMOOTH), 0, 1)
    return np.asarray(_DEAD_TEXTURE + (_DEAD_SMOOTH - _DEAD_TEXTURE) * smooth)


def change(seen: spectrum.Spectrum, dead: Array, payload: bytes, key: bytes) -> Array:
    """Coefficients to add to those seen so that the points carry the payload, (rows, columns). `dead`: `dead_zones`."""
    pitch = pitch_of(seen.height, seen.width)
    height, width = seen.height / pitch, seen.width / pitch
    weights = _kernel(height, width, *seen.values.shape)
    shape = weights.shape
    down = spectrum.waves(np.arange(0.5, height), height, shape[0])
    across = spectrum.waves(np.arange(0.5, width), width, shape[1])
    points, steps = (_repeated(part, len(down), len(across)) for part in _targets(payload, key))
    values, scale = seen.values[: shape[0], : shape[1]], np.float32(1 / np.sqrt(_energy()))
    total = np.zeros(shape, dtype=np.float32)
    for _ in range(_ROUNDS):
        numbers = down @ ((values + total) * weights) @ across.T * scale
        wanted = watermark_lattice.moves(numbers, points, steps, dead).astype(np.float32)
        amounts = _solved(wanted, down, across, weights * weights * scale * scale / np.float32(height * width))
        total += weights * (down.T @ amounts @ across) * scale / np.float32(height * width)
    return total


def _solved(wanted: Array, down: Array, across: Array, response: Array) -> Array:
    """How much of each point's kernel to add so that the numbers move as wanted: kernels overlap (conjugate gradients).

    `response` (rows, columns) is a kernel's answer to itself per coefficient.
    """
    amounts, rest = np.zeros_like(wanted), wanted
    direction, size = rest, float(np.vdot(rest, rest))
    for _ in range(_SOLVER_ROUNDS):
        if size < 1e-6 * wanted.size:
            break
        answer = down @ (response * (down.T @ direction @ across)) @ across.T
        length = np.float32(size / float(np.vdot(direction, answer)))
        amounts, rest = amounts + length * direction, rest - length * answer
        before, size = size, float(np.vdot(rest, rest))
        direction = rest + np.float32(size / before) * direction
    return amounts


def _targets(payload: bytes, key: bytes) -> tuple[Array, Array]:
    """One tile's lattice points and steps, (16, 16) each: a quarter of a step above or below zero."""
    known = layout(key)
    bits = known.signs.copy().ravel()
    bits[known.places] = coding.encode(payload) * known.flips
    steps = np.where(known.signs != 0, SYNC_RATIO, 1.0) * step()
    return bits.reshape(TILE, TILE) * steps / 4, steps


def _repeated(tile: Array, rows: int, columns: int) -> Array:
    return tile[np.ix_(np.arange(rows) % TILE, np.arange(columns) % TILE)]


def _kernel(height: float, width: float, rows: int, columns: int) -> Array:
    """The kernel's response to each half wave, 0..1: a parabola in the squared frequency, nothing outside BAND."""
    low, high = BAND[0] ** 2, BAND[1] ** 2
    down = (np.arange(min(rows, int(2 * BAND[1] * height) + 2), dtype=np.float32) / np.float32(2 * height)) ** 2
    across = (np.arange(min(columns, int(2 * BAND[1] * width) + 2), dtype=np.float32) / np.float32(2 * width)) ** 2
    squared = down[:, None] + across[None, :]
    response: Array = (squared - np.float32(low)) * (np.float32(high) - squared)
    np.maximum(response, 0, out=response)
    response *= np.float32(4 / (high - low) ** 2)
    return response


@cache
def _energy() -> float:
    """The kernel's squared response over the plane of frequencies."""
    return float(np.pi * (BAND[1] ** 2 - BAND[0] ** 2) * 8 / 15)


@lru_cache(maxsize=4)
def layout(key: bytes) -> Layout:
    """The tile of a key. The known signs look the same from all eight sides, so that they are found in any of them."""
    along = np.minimum(np.arange(TILE), TILE - np.arange(TILE))
    low, high = np.minimum.outer(along, along), np.maximum.outer(along, along)
    orbits = low * TILE + high
    names = np.unique(orbits)
    order = names[np.argsort(spectrum.keyed_numbers(key, "orbits", names.size), kind="stable")]
    values = 1 - 2 * (spectrum.keyed_numbers(key, "signs of orbits", names.size) & 1).astype(np.float32)
    signs = np.zeros((TILE, TILE), dtype=np.float32)
    for name, value in zip(order, values, strict=True):
        orbit = orbits == name
        if np.count_nonzero(signs) + np.count_nonzero(orbit) <= _SIGNS:
            signs[orbit] = value
    free = np.flatnonzero(signs.ravel() == 0)
    places = free[np.argsort(spectrum.keyed_numbers(key, "tile places", free.size), kind="stable")]
    flips = 1 - 2 * (spectrum.keyed_numbers(key, "flips", coding.CODED_BITS) & 1).astype(np.float32)
    return Layout(signs, places[: coding.CODED_BITS], flips)
