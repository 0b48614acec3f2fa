"""The badge: a rounded plate with the letters AI on a chip of the opposite colour, and what was done beside it.

    ╭───────────────────╮    plate and chip are solid, one dark and one light, so that the contrast of the letters does
    │ ▐AI▌ GENERATED    │    not depend on the picture; a thin edge of the chip's colour sets the plate off from
    ╰───────────────────╯    pictures of the plate's own brightness

Every measure follows from the cap height, in whole pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from personactl.disclose import hanzi, raster
from personactl.disclose.contours import Contour, rounded, solid
from personactl.disclose.glyphs import LETTERS, Glyph, Pen

Array = np.ndarray[Any, Any]

ACRONYM = "AI"
LEAST_CAP = 7
"""Smallest cap height in pixels at which the letters are told apart: five rows between two bars, as in 5×7 screens."""
LEAST_HANZI = 12
"""Smallest height in pixels of a Chinese character: that of the smallest bitmap fonts in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The measures of a badge in pixels, from its cap height."""

    cap: int

    def _part(self, fraction: float, least: int) -> int:
        return max(least, round(fraction * self.cap))

    @property
    def edge(self) -> int:
        return self._part(0.08, 1)

    @property
    def inset(self) -> int:
        return self._part(0.24, 1)

    @property
    def chip_above(self) -> int:
        return self._part(0.34, 2)

    @property
    def chip_beside(self) -> int:
        return self._part(0.36, 2)

    @property
    def gap(self) -> int:
        return self._part(0.50, 3)

    @property
    def end(self) -> int:
        return self._part(0.66, 3)

    @property
    def height(self) -> int:
        return self.cap + 2 * (self.edge + self.inset + self.chip_above)

    @property
    def regular(self) -> Pen:
        return Pen(self.cap, max(1, round(0.15 * self.cap)))

    @property
    def bold(self) -> Pen:
        return Pen(self.cap, max(1, round(0.20 * self.cap)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A drawn badge, without its colours. All masks are float32 coverages, shape (height, width).

    `outer` is plate and edge, `plate` the plate alone; `ink` is what has the other colour: words, and the chip without
    its letters. `letters` are all letters, `clear` (bool) what lies between letters inside plate and chip: the two
    sides of the contrast.
    """

    text: str
    cap: int
    outer: Array
    plate: Array
    ink: Array
    letters: Array
    chip: Array

    @property
    def width(self) -> int:
        return int(self.outer.shape[1])

    @property
    def height(self) -> int:
        return int(self.outer.shape[0])


def text_of(words: Iterable[str]) -> str:
    """What a badge says, as text: "AI GENERATED"."""
    return " ".join((ACRONYM, *words))


def least_cap(words: Iterable[str]) -> int:
    """The smallest cap height in pixels at which a badge with these words can be read."""
    chinese = any(letter in hanzi.STROKES for word in words for letter in word)
    return max(LEAST_CAP, -(-LEAST_HANZI * 100 // round(hanzi.HEIGHT * 100))) if chinese else LEAST_CAP


def width_of(words: tuple[str, ...], cap: int) -> int:
    """The width of a badge in pixels, without drawing it."""
    return _layout(words, cap).width


@lru_cache(maxsize=8)
def draw(words: tuple[str, ...], cap: int) -> Badge:
    """The badge with these words at this cap height. Raises ValueError below the height that can be read."""
    if cap < least_cap(words):
        raise ValueError(f"letters of {cap} pixels cannot be read; {least_cap(words)} are the least")
    measures, layout = Measures(cap=cap), _layout(words, cap)
    width, height = layout.width, measures.height
    radius = 0.36 * height

    def plate(inset: int) -> Array:
        outline = rounded(inset, inset, width - inset, height - inset, max(radius - inset, 1.0))
        return raster.coverage([solid(outline)], width, height)

    frame = measures.edge + measures.inset
    chip_outline = rounded(frame, frame, layout.chip_right, height - frame, max(radius - frame, 1.0))
    chip = raster.coverage([solid(chip_outline)], width, height)
    acronym = raster.coverage(layout.acronym, width, height)
    others = raster.coverage(layout.words, width, height)
    found = Badge(
        text=text_of(words),
        cap=cap,
        outer=plate(0),
        plate=plate(measures.edge),
        ink=np.maximum(others, chip * (1 - acronym)),
        letters=np.maximum(acronym, others),
        chip=chip,
    )
    for mask in (found.outer, found.plate, found.ink, found.letters, found.chip):
        mask.setflags(write=False)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    width: int
    chip_right: int
    acronym: tuple[Contour, ...]
    words: tuple[Contour, ...]


def _layout(words: tuple[str, ...], cap: int) -> _Layout:
    measures = Measures(cap=cap)
    frame = measures.edge + measures.inset
    top = frame + measures.chip_above
    acronym, right = _set(ACRONYM, measures.bold, frame + measures.chip_beside, top)
    chip_right = right + measures.chip_beside
    contours: list[Contour] = []
    right = chip_right
    for word in words:
        placed, right = _set(word, measures.regular, right + measures.gap, top)
        contours += placed
    return _Layout(
        width=right + measures.end + measures.edge,
        chip_right=chip_right,
        acronym=tuple(acronym),
        words=tuple(contours),
    )


def _set(word: str, pen: Pen, left: int, top: int) -> tuple[list[Contour], int]:
    """A word from `left`: its contours, and where it ends. Every letter begins on a pixel border."""
    contours: list[Contour] = []
    x = left
    before: Glyph | None = None
    for letter in word:
        glyph = hanzi.draw(letter, pen) if letter in hanzi.STROKES else LETTERS[letter](pen)
        if before is not None:
            x += max(1, round(before.right + glyph.left + 0.03 * pen.cap))
        contours += [tuple((px + x, py + top) for px, py in contour) for contour in glyph.contours]
        x += int(np.ceil(glyph.width))
        before = glyph
    return contours, x
