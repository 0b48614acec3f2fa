"""The letterforms: every letter is itself at the smallest size, stems are whole pixels, and nothing leaves its box."""

from __future__ import annotations

import itertools
import string
from typing import Any

import numpy as np
import pytest

from personactl.disclose import badge, hanzi, raster
from personactl.disclose.contours import Contour, box
from personactl.disclose.glyphs import LETTERS, Glyph, Pen
from personactl.policy import LABEL_WORDS

Array = np.ndarray[Any, Any]
ALL = (*string.ascii_uppercase, "-")


def drawn(glyph: Glyph, cap: int, *, width: int | None = None) -> Array:
    moved: list[Contour] = [tuple((x + 2, y + 4) for x, y in contour) for contour in glyph.contours]
    return raster.coverage(moved, (width or int(np.ceil(glyph.width))) + 4, cap + 8)


def test_all_capitals_and_all_words_can_be_set() -> None:
    assert set(LETTERS) == set(ALL)
    for word in itertools.chain(*LABEL_WORDS.values(), ["AI"]):
        assert all(letter in LETTERS or letter in hanzi.STROKES for letter in word)


@pytest.mark.parametrize("cap", [7, 8, 10, 31])
def test_letters_are_told_apart(cap: int) -> None:
    """No two letters are alike: their pictures differ in more than a tenth of their ink."""
    pen = badge.Measures(cap=cap).regular
    pictures = {letter: drawn(LETTERS[letter](pen), cap, width=cap + 4) for letter in ALL}
    for one, other in itertools.combinations(ALL, 2):
        difference = np.abs(pictures[one] - pictures[other]).sum()
        assert difference > 0.1 * max(pictures[one].sum(), pictures[other].sum()), (one, other)


@pytest.mark.parametrize("cap", [7, 12, 40])
@pytest.mark.parametrize("letter", ALL)
def test_a_letter_stays_in_its_box(letter: str, cap: int) -> None:
    pen = badge.Measures(cap=cap).bold
    glyph = LETTERS[letter](pen)
    xs, ys = zip(*itertools.chain(*glyph.contours), strict=True)
    assert min(xs) >= -0.01
    assert max(xs) <= glyph.width + (0.25 * cap if letter == "Q" else 0.01)
    assert min(ys) >= -0.01
    assert max(ys) <= cap * (1.05 if letter == "Q" else 1) + 0.01


@pytest.mark.parametrize("letter", "IEFTHLD")
@pytest.mark.parametrize("cap", [7, 9, 14])
def test_stems_lie_on_pixel_borders(letter: str, cap: int) -> None:
    """A stem that straddles two columns is grey, and at seven pixels grey letters are guessed and not read."""
    image = drawn(LETTERS[letter](badge.Measures(cap=cap).regular), cap)
    middle = image[4 + cap // 4 + 1]
    assert middle.max() == 1.0
    assert {float(value) for value in middle if value > 0.99 or value < 0.01} >= {0.0, 1.0}


def test_letters_below_the_least_size_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        badge.draw(("GENERATED",), 6)
    with pytest.raises(ValueError, match="10 are the least"):
        badge.draw(("生成",), 9)


def test_coverage_is_exact_for_boxes_and_close_for_circles() -> None:
    assert np.array_equal(raster.coverage([box(1, 1, 3, 2)], 4, 3), np.pad(np.ones((1, 2)), ((1, 1), (1, 1))))
    half = raster.coverage([box(0, 0, 0.5, 1)], 1, 1)
    assert half[0, 0] == 0.5
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle: Contour = tuple((20 + 15 * np.cos(angle), 20 + 15 * np.sin(angle)) for angle in angles)
    assert raster.coverage([circle], 40, 40).sum() == pytest.approx(np.pi * 15**2, rel=0.005)


def test_overlapping_shapes_are_one_shape_and_what_lies_outside_is_cut_off() -> None:
    both = raster.coverage([box(0, 0, 4, 4), box(2, 2, 9, 9)], 6, 6)
    assert both.max() == 1.0
    assert both.sum() == 16 + 16 - 4
    assert raster.coverage([box(-5, -5, 50, 50)], 3, 3).sum() == 9


def test_masks_of_a_badge_are_shared_and_cannot_be_written() -> None:
    found = badge.draw(("GENERATED",), 12)
    assert found is badge.draw(("GENERATED",), 12)
    with pytest.raises(ValueError, match="read-only"):
        found.ink[0, 0] = 1
    assert pen_is_bolder(badge.Measures(cap=31))


def pen_is_bolder(measures: badge.Measures) -> bool:
    return isinstance(measures.bold, Pen) and measures.bold.stroke > measures.regular.stroke
