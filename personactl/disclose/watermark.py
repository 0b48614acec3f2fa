"""The imperceptible watermark: 64 bits in the luma, found again without the original and without a model.

Spread-transform dither modulation (Chen and Wornell, 2001): each of 172 coded bits is one projection of low-frequency
DCT coefficients, moved to the nearest point of a lattice (bit 1) or of the lattice shifted by half a step (bit 0).
The picture itself is no noise to it, so the distortion is set by the step alone: 41 dB PSNR below 256 pixels on the
shorter side, 43 dB below 512, 46 dB above, each ±1 dB.

The key is public: anyone may detect the mark, and someone who studies it may remove or copy it. It says "look this
up", it proves nothing. It survives recompression, resizing, mirroring, quarter turns and a change of brightness; it
does not survive cropping.

**False positives.** Each lattice has its own offset drawn from the key, so that the phases of a picture that was not
marked are uniform and independent. Then the agreement with the best code word is 0.373 ± 0.032 (20,000 simulated
decodings; 0.388 ± 0.032 where orientation and step were searched) and its 16-bit CRC holds by chance once in 65,536.
`present` asks for the CRC and an agreement of 0.50, in at most ten decodings: together below 10⁻⁷ per picture.
`bench/watermark.py` measures it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from personactl.disclose import coding, spectrum

Array = np.ndarray[Any, Any]

PAYLOAD_BYTES = coding.PAYLOAD_BYTES
FALSE_POSITIVE_RATE = 1e-7
"""Upper bound per unmarked picture: the simulated tails times 2⁻¹⁶, over all decodings (2 × 10⁻⁸), rounded up."""

_PSNR_BY_SIDE = ((256, 41.0), (512, 43.0))
_PSNR_LARGE = 46.0
_PRESENT = 0.50
_SEARCHED_DECODINGS = 6
_PASSES = 8
_TOLERANCE = 0.08
"""Largest distance to the lattice, in steps, that rounding and clipping may leave before another pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What was read. `score` in [-1, 1] is the agreement with the code word (1: untouched, 0.37: no mark)."""

    payload: bytes
    score: float
    present: bool


class Watermarker(Protocol):
    """A scheme that hides 8 bytes in pixels: uint8 RGB, shape (height, width, 3)."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def embed(self, rgb: Array, payload: bytes) -> Array:
        """A marked copy. Raises ValueError when the picture is too small or the payload has another length."""

    def extract(self, rgb: Array) -> Extraction:
        """The payload, its score and whether a mark is present. Never raises for a picture."""


class LatticeWatermarker:
    """The built-in scheme `personactl-stdm/1`; no weights, numpy and Pillow only."""

    name = "personactl-stdm"
    version = "1"

    def embed(self, rgb: Array, payload: bytes) -> Array:
        height, width = rgb.shape[:2]
        if min(height, width) < spectrum.MIN_SIDE:
            raise ValueError(f"a picture of {width}x{height} is too small to be marked ({spectrum.MIN_SIDE} at least)")
        step = _step(min(height, width))
        shift = _offsets() - np.where(coding.encode(payload) > 0, 0, 0.5)
        marked, target = rgb, None
        for _ in range(_PASSES):
            position = spectrum.project(spectrum.transform(marked)) / step + shift
            if target is None:
                target = np.rint(position)
            elif np.abs(target - position).max() < _TOLERANCE:
                break
            change = spectrum.inverse(spectrum.spread((target - position) * step), height, width)
            marked = _add(marked, change)
        return marked

    def extract(self, rgb: Array) -> Extraction:
        side = min(rgb.shape[:2])
        if side < spectrum.MIN_SIDE:
            return Extraction(payload=bytes(coding.PAYLOAD_BYTES), score=0.0, present=False)
        coefficients = spectrum.transform(rgb)
        first = _decode(_phases(spectrum.project(coefficients), _step(side)))
        if first.present:
            return first
        for soft in _search(coefficients):
            found = _decode(soft)
            if found.present:
                return found
        return first


DEFAULT = LatticeWatermarker()


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


def _step_for(decibels: float) -> float:
    """The lattice step, per √pixel, whose mean squared error over all bits gives this PSNR (Δ²/12 each)."""
    return float(np.sqrt(12 * 255**2 / 10 ** (decibels / 10) / coding.CODED_BITS))


def _step(shorter_side: int) -> float:
    return _step_for(next((value for limit, value in _PSNR_BY_SIDE if shorter_side < limit), _PSNR_LARGE))


def _offsets() -> Array:
    """Each bit's lattice offset in steps, uniform in [0, 1)."""
    return spectrum.keyed_numbers("offsets", coding.CODED_BITS) / np.float64(1 << 32)


def _phases(projections: Array, steps: Array | float) -> Array:
    """Soft bits in [-1, 1]: the cosine of the phase in the lattice. Shapes (172,), and (m, 1) or scalar."""
    return np.cos(2 * np.pi * (projections / steps + _offsets()))


def _decode(soft: Array) -> Extraction:
    payload, intact = coding.decode(soft)
    score = float(np.mean(coding.encode(payload) * soft))
    return Extraction(payload=payload, score=score, present=intact and score >= _PRESENT)


def _search(coefficients: Array) -> Iterator[Array]:
    """The most promising readings over all orientations and steps: those whose phases lie nearest to the lattice.

    A step other than the picture's own means that it was resized across a limit, or that its contrast changed.
    """
    steps = np.geomspace(_step_for(_PSNR_LARGE) / 1.4, _step_for(_PSNR_BY_SIDE[0][1]) * 1.4, 48)
    nominal = [_step_for(value) for value in (*(item[1] for item in _PSNR_BY_SIDE), _PSNR_LARGE)]
    tried = np.concatenate([nominal, steps])[:, None]
    soft = np.concatenate([_phases(spectrum.project(turned), tried) for turned in spectrum.orientations(coefficients)])
    ranking = np.argsort(-np.einsum("ij,ij->i", soft, soft), kind="stable")
    yield from soft[ranking[:_SEARCHED_DECODINGS]]
    yield from soft[: len(nominal)]  # heavy compression hides the lattice from the ranking; the orientation is likely


def _add(rgb: Array, change: Array) -> Array:
    """`rgb` plus the rounded `change` in every channel, kept in 0..255."""
    total = rgb.astype(np.int16)
    total += np.rint(change).astype(np.int16)[..., None]
    return np.clip(total, 0, 255, out=total).astype(np.uint8)
