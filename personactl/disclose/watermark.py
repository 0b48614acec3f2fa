"""The imperceptible watermark: 64 bits in the luma, found again without the original and without a model.

Two layers carry the same payload. One lies over the whole picture (`watermark_whole`) and bears recompression, blur
and changes of contrast best; the other repeats in tiles (`watermark_tiles`) and is found again in what a crop left
(`watermark_search`). A border of one colour is taken off (`watermark_border`). Both layers are lattice modulations
(`watermark_lattice`), so that the picture is no noise to them.

The key is public unless a caller gives another: anyone may detect the mark, and someone who studies it may remove or
copy it. It says "look this up", it proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from personactl.disclose import coding, spectrum, watermark_border, watermark_search, watermark_tiles, watermark_whole
from personactl.model import FileDigest

Array = np.ndarray[Any, Any]

PAYLOAD_BYTES = coding.PAYLOAD_BYTES
FALSE_POSITIVE_RATE = 1e-6
"""Upper bound per unmarked picture: twelve decodings, and four more in a picture with a border of one colour (others
only where the known signs of a tile are seen), each with a 24-bit CRC that holds by chance: 16 times 2^-24 is 9.5e-7.
The agreement that is asked for as well makes it smaller still; see docs/watermark.md.
"""

PRESENT_WHOLE, PRESENT_SEARCHED, PRESENT_TILES = 0.44, 0.46, 0.50
"""Least agreement of a reading as seen, of one of the ranked readings of the whole, and of one of the tiles."""
SEARCHED = watermark_whole.SEARCHED
BORDERED = 4
"""How many readings inside a border are decoded: as many as the stated rate has room for."""
_PASSES = 8
_CLIPPED = 0.0005
"""Share of clipped samples below which a large picture needs no second pass."""
_CALM_PIXELS = 256 * 256
_SETTLED = 0.01
"""Largest coefficient that rounding and clipping may still call for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What was read. `score`, at most 1, is the agreement with the code word: 0.9 untouched, 0.37 ± 0.03 unmarked."""

    payload: bytes
    score: float
    present: bool


class Watermarker(Protocol):
    """A scheme that hides 8 bytes in pixels: uint8 RGB, shape (height, width, 3)."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def weights(self) -> tuple[FileDigest, ...]:
        """The files that its networks were loaded from, none for a scheme without networks."""

    def embed(self, rgb: Array, payload: bytes) -> Array:
        """A marked copy. Raises ValueError when the picture is too small or the payload has another length."""

    def extract(self, rgb: Array) -> Extraction:
        """The payload, its score and whether a mark is present. Never raises for a picture."""


@dataclass(frozen=True, slots=True)
class LayeredWatermarker:
    """The built-in scheme `personactl-mark/2`; no weights, numpy and Pillow only. `key`: who may read it."""

    key: bytes = spectrum.PUBLIC_KEY
    name: str = "personactl-mark"
    version: str = "2"
    weights: tuple[FileDigest, ...] = ()

    def embed(self, rgb: Array, payload: bytes) -> Array:
        height, width = rgb.shape[:2]
        if min(height, width) < spectrum.MIN_SIDE:
            raise ValueError(f"a picture of {width}x{height} is too small to be marked ({spectrum.MIN_SIDE} at least)")
        rows, columns = _reach(height, width)
        dead = watermark_tiles.dead_zones(rgb) if watermark_tiles.marked(height, width) else None
        marked = rgb
        for _ in range(_PASSES):
            seen = spectrum.analyse(marked, rows, columns)
            change = self._change(seen, dead, payload)
            if marked is not rgb and np.abs(change).max() < _SETTLED:
                break
            marked, clipped = spectrum.add(marked, change)
            if clipped < _CLIPPED and height * width >= _CALM_PIXELS:
                break
        return marked

    def _change(self, seen: spectrum.Spectrum, dead: Array | None, payload: bytes) -> Array:
        """The layers disturb each other a little: the whole is set, then the tiles, then the whole again."""
        total = np.zeros_like(seen.values)
        ring = slice(watermark_whole.OUTER)
        decibels = watermark_whole.ALONE if dead is None else watermark_whole.BESIDE_TILES
        total[ring, ring] += watermark_whole.change(seen.values, payload, decibels, self.key)
        if dead is not None:
            moved = spectrum.Spectrum(seen.values + total, seen.height, seen.width)
            tiles = watermark_tiles.change(moved, dead, payload, self.key)
            total[: tiles.shape[0], : tiles.shape[1]] += tiles
            total[ring, ring] += watermark_whole.change(seen.values + total, payload, decibels, self.key)
        return total

    def extract(self, rgb: Array) -> Extraction:
        height, width = rgb.shape[:2]
        if min(height, width) < spectrum.MIN_SIDE:
            return Extraction(payload=bytes(coding.PAYLOAD_BYTES), score=0.0, present=False)
        plane = spectrum.luma(rgb)
        seen = spectrum.of_plane(plane, *reach_seen(height, width), (height, width))
        looks = watermark_search.stages(seen) if watermark_tiles.fits(height, width) else ()
        readings = self.readings(seen, looks, inside_border(plane))
        first = next(readings)
        return first if first.present else next((found for found in readings if found.present), first)

    def readings(
        self, seen: spectrum.Spectrum, looks: watermark_search.Stages, inner: spectrum.Spectrum | None = None
    ) -> Iterator[Extraction]:
        """All that the search reads, quick readings first: as seen, turned or brightened, cropped or resized.

        Where there is an `inner` picture (`inside_border`), it is read after the first two.
        """
        yield _best(watermark_whole.read(seen.values, self.key), PRESENT_WHOLE)
        yield _best(watermark_whole.search(seen.values, self.key), PRESENT_SEARCHED)
        if inner is not None:
            ranked = watermark_whole.search(inner.values, self.key)[:BORDERED]
            yield _best(ranked, PRESENT_SEARCHED)
        if looks:
            for place in watermark_search.placements(seen, looks, self.key):
                sums, counts = watermark_search.soft_bits(seen, place, self.key)
                yield _best(sums, PRESENT_TILES, 1 / np.sqrt(np.maximum(counts, 1)))


def _reach(height: int, width: int) -> tuple[int, int]:
    """How many half waves the layers of a picture that is marked use, down and across."""
    outer = watermark_whole.OUTER
    if not watermark_tiles.marked(height, width):
        return outer, outer
    rows, columns = watermark_tiles.counts(height, width, watermark_tiles.pitch_of(height, width))
    return max(outer, rows), max(outer, columns)


def reach_seen(height: int, width: int) -> tuple[int, int]:
    """How many half waves the search for the layers looks at."""
    outer = watermark_whole.OUTER
    if not watermark_tiles.fits(height, width):
        return outer, outer
    rows, columns = watermark_tiles.counts(height, width, watermark_search.limits(height, width)[0])
    return max(outer, rows), max(outer, columns)


def inside_border(plane: Array) -> spectrum.Spectrum | None:
    """What lies inside a border of one colour, as the layer over the whole sees it; None without a border."""
    part = watermark_border.inside(plane)
    outer = watermark_whole.OUTER
    return None if part is None else spectrum.of_plane(part, outer, outer, part.shape)


def _best(soft: Array, least: float, scale: Array | float = 1.0) -> Extraction:
    """Of the rows of soft bits (n, 188): the reading that is present, or else agrees most with its code word."""
    readings = []
    for (payload, intact), row in zip(coding.decode(soft), soft * scale, strict=True):
        score = min(1.0, float(np.mean(coding.encode(payload) * row)))
        readings.append(Extraction(payload=payload, score=score, present=intact and score >= least))
    return max(readings, key=lambda reading: (reading.present, reading.score))


DEFAULT = LayeredWatermarker()


def scheme(watermarker: Watermarker = DEFAULT) -> str:
    """The scheme's name as recorded in the ledger, `<name>/<version>`."""
    return f"{watermarker.name}/{watermarker.version}"


def embed(rgb: Array, payload: bytes) -> Array:
    """Mark a picture with 8 bytes by the built-in scheme. See `Watermarker.embed`."""
    return DEFAULT.embed(rgb, payload)


def extract(rgb: Array) -> Extraction:
    """Read the built-in scheme's mark. See `Watermarker.extract`."""
    return DEFAULT.extract(rgb)


def psnr(original: Array, marked: Array) -> float:
    """Peak signal-to-noise ratio in dB over all channels of two uint8 pictures; infinity when they are equal."""
    error = original.astype(np.int16) - marked
    mean = float(np.mean(np.square(error, dtype=np.int32)))
    return float("inf") if mean == 0 else 10 * float(np.log10(255**2 / mean))
