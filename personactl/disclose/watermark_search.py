"""Finding the tiles again: scale and place of the lattice in a picture that may have been cropped and resized.

For a supposed pitch the picture's numbers are computed eight times per pitch, turned into phases of the known signs'
lattice, folded to one tile and correlated with the known signs. First the pitches of the list (a picture that was only
cropped has one of them), then a grid of all pitches that a crop to 65 % and a resize to 50–200 % can leave. The best
places are climbed to the exact scale and position; only those that stand out are handed on to be decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from personactl.disclose import spectrum, watermark_tiles
from personactl.disclose.watermark_tiles import ACROSS, PITCHES, TILE

Array = np.ndarray[Any, Any]

_RATIO = 0.004
"""Between neighbouring pitches of the grid; the climb makes up for it."""
_SMALLEST_KEPT = 0.62
"""What a crop leaves of each side, at least, times the coarseness of the list of pitches."""
_BORDER = 1.2
"""How much larger than the picture a canvas may be on which it is seen."""
_COARSE, _FINE = 8, 16
_GAINS = (0.8, 0.84, 0.88, 0.92, 0.96, 1.04, 1.09, 1.14, 1.2)
_WORTH_CLIMBING = 4.8
_WORTH_DECODING = 6.5
_CLIMBS = 8
_MOVES = 40
_GAINED = 0.02
"""A move of the climb must add this much strength, and there are no more moves: bounded time."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the lattice lies: pitches in pixels, the tile's corner in pitches from the picture's centre, the contrast.

    `strength` is the correlation with the known signs in standard deviations of an unmarked picture.
    """

    down: float
    across: float
    row: float
    column: float
    gain: float
    strength: float


@dataclass(frozen=True, slots=True)
class Look:
    """One supposed pitch and contrast, whatever the key: the spectrum of the phases folded to one tile.

    The first row and column looked at stand at `row` and `column` pitches from the picture's centre; `cells` is how
    many square pitches were looked at.
    """

    pitch: float
    gain: float
    density: int
    folded: Array
    row: float
    column: float
    cells: float


Stages = tuple[Iterable[Look], ...]


def stages(seen: spectrum.Spectrum) -> Stages:
    """All looks at a picture, in the three stages of the search; computed when they are gone through."""
    low, high = limits(seen.height, seen.width)
    listed = [float(pitch) for pitch in PITCHES if low <= pitch <= high]
    grid = np.exp(np.arange(np.log(low), np.log(high), _RATIO)).tolist()
    return (
        _looks(seen, listed, (1.0,), _FINE),
        _looks(seen, grid, (1.0,), _COARSE),
        _looks(seen, listed, _GAINS, _COARSE),
    )


def placements(seen: spectrum.Spectrum, looks: Stages, key: bytes) -> Iterator[Placement]:
    """The places that are worth decoding, most likely ones first."""
    for stage in looks:
        found = (peak(look, key) for look in stage)
        promising = [place for place in found if place.strength >= _WORTH_CLIMBING]
        promising.sort(key=lambda place: -place.strength)
        for place in promising[:_CLIMBS]:
            top = climb(seen, place, key)
            if top.strength >= _WORTH_DECODING:
                yield top


def limits(height: int, width: int) -> tuple[float, float]:
    """The smallest and the largest pitch, in pixels, that a picture of this size can have after what it survives."""
    side = float(np.sqrt(height * width))
    usual = side / ACROSS
    return usual / 1.17 / _BORDER, max(usual / _SMALLEST_KEPT, min(2.0 * PITCHES[0], side / 16))


def soft_bits(seen: spectrum.Spectrum, placement: Placement, key: bytes) -> tuple[Array, Array]:
    """Summed soft bits of all tiles, (8, 188), one row per orientation, and how many points each sum has, (8, 188)."""
    looked = watermark_tiles.view(seen, placement.down, placement.across)
    rows, row_numbers = _lattice(looked.height, placement.row)
    columns, column_numbers = _lattice(looked.width, placement.column)
    phases = np.sin(looked.sample(rows, columns) * np.float32(2 * np.pi / (watermark_tiles.step() * placement.gain)))
    sums, counts = np.zeros((TILE, TILE)), np.zeros((TILE, TILE))
    cells = np.ix_(row_numbers, column_numbers)
    np.add.at(sums, cells, phases)
    np.add.at(counts, cells, 1)
    known = watermark_tiles.layout(key)
    return (
        np.stack([tile.ravel()[known.places] * known.flips for tile in _orientations(sums)]),
        np.stack([tile.ravel()[known.places] for tile in _orientations(counts)]),
    )


def _looks(seen: spectrum.Spectrum, pitches: list[float], gains: tuple[float, ...], density: int) -> Iterator[Look]:
    for pitch in pitches:
        looked = watermark_tiles.view(seen, pitch, pitch)
        rows, columns = _middle(looked.height, density), _middle(looked.width, density)
        numbers = looked.sample(rows, columns)
        corner = float(rows[0] - looked.height / 2), float(columns[0] - looked.width / 2)
        for gain in gains:
            phases = np.sin(numbers * np.float32(2 * np.pi / (_sync_step() * gain)))
            yield Look(pitch, gain, density, _folded(phases, density), *corner, numbers.size / density**2)


def _middle(length: float, density: int) -> Array:
    """Positions 1/density apart over the middle of a side, two tiles at most: enough to find the place."""
    count = min(int(length * density), 2 * TILE * density)
    return (length - (count - 1) / density) / 2 + np.arange(count) / density


def _folded(phases: Array, density: int) -> Array:
    """The spectrum of the sum of all tiles, (16 · density, 8 · density + 1), complex64."""
    size = TILE * density
    tall, wide = (-(-length // size) for length in phases.shape)
    padded = np.zeros((tall * size, wide * size), dtype=np.float32)
    padded[: phases.shape[0], : phases.shape[1]] = phases
    return np.asarray(_fft().rfft2(padded.reshape(tall, size, wide, size).sum(axis=(0, 2))))


def peak(look: Look, key: bytes) -> Placement:
    """The best place of the tile in one look, to the nearest 1/density of a pitch, by cyclic correlation."""
    size = TILE * look.density
    correlation = _fft().irfft2(look.folded * _pattern(key, look.density), s=(size, size))
    row, column = divmod(int(correlation.argmax()), size)
    strength = float(correlation[row, column]) / float(np.sqrt(look.cells * _known_share(key) / 2))
    corner = look.row + row / look.density, look.column + column / look.density
    return Placement(look.pitch, look.pitch, *corner, look.gain, strength)


def climb(seen: spectrum.Spectrum, start: Placement, key: bytes) -> Placement:
    """The local maximum of the strength near `start`, by smaller and smaller steps in place and scale."""
    best = replace(start, strength=_strength(seen, start, key))
    move, ratio = 0.05, 0.002
    for _ in range(_MOVES):
        tried = (replace(place, strength=_strength(seen, place, key)) for place in _neighbours(best, move, ratio))
        better = next((place for place in tried if place.strength > best.strength + _GAINED), None)
        if better is not None:
            best = better
        elif move < 0.005:
            break
        else:
            move, ratio = move / 2, ratio / 2
    return best


def _neighbours(place: Placement, move: float, ratio: float) -> Iterator[Placement]:
    for sign in (1, -1):
        yield replace(place, row=place.row + sign * move)
        yield replace(place, column=place.column + sign * move)
        yield replace(place, down=place.down * (1 + sign * ratio), across=place.across * (1 + sign * ratio))
    if move < 0.02:
        for sign in (1, -1):
            yield replace(place, down=place.down * (1 + sign * ratio))
            yield replace(place, across=place.across * (1 + sign * ratio))
            yield replace(place, gain=place.gain * (1 + sign * 8 * ratio))


def _strength(seen: spectrum.Spectrum, place: Placement, key: bytes) -> float:
    looked = watermark_tiles.view(seen, place.down, place.across)
    rows, row_numbers = _lattice(looked.height, place.row)
    columns, column_numbers = _lattice(looked.width, place.column)
    signs = watermark_tiles.layout(key).signs[np.ix_(row_numbers, column_numbers)]
    phases = np.sin(looked.sample(rows, columns) * np.float32(2 * np.pi / (_sync_step() * place.gain)))
    return float(np.vdot(phases, signs)) / float(np.sqrt(max(1.0, float(np.count_nonzero(signs))) / 2))


def _lattice(length: float, corner: float) -> tuple[Array, Array]:
    """The lattice's positions along one side of the picture, and their numbers in the tile."""
    first = length / 2 + corner
    positions = np.arange(first % 1, length)
    return positions, np.rint(positions - first).astype(np.intp) % TILE


def _orientations(tile: Array) -> Iterator[Array]:
    """A tile as it would be had the picture not been mirrored or turned, in the eight ways."""
    back = -np.arange(TILE) % TILE
    for turned in (tile, tile.T):
        for rows in (slice(None), back):
            for columns in (slice(None), back):
                yield turned[rows][:, columns]


def _sync_step() -> float:
    return watermark_tiles.step() * watermark_tiles.SYNC_RATIO


def _known_share(key: bytes) -> float:
    return float(np.count_nonzero(watermark_tiles.layout(key).signs)) / TILE**2


@lru_cache(maxsize=8)
def _pattern(key: bytes, density: int) -> Array:
    """The conjugate spectrum of the known signs on the fine grid."""
    pattern = np.zeros((TILE * density, TILE * density), dtype=np.float32)
    pattern[::density, ::density] = watermark_tiles.layout(key).signs
    return np.asarray(np.conj(_fft().rfft2(pattern)))


def _fft() -> Any:
    """`scipy.fft`, loaded when the first picture is searched: most files that are verified are never decoded, and it
    takes a third of a worker's start."""
    from scipy import fft

    return fft
