"""Pastes are recognised through compression, light and a pixel of misalignment; other pictures are not pastes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from personactl.identity.copies import agreement, is_copy, thumbnail

Crop = np.ndarray[Any, Any]


def drawing(seed: int) -> Crop:
    """A crop with the kind of structure that a face has: blobs of many sizes."""
    rng = np.random.default_rng(seed)
    crop = np.full((112, 112, 3), rng.integers(90, 200), np.uint8)
    for _ in range(30):
        centre = tuple(int(value) for value in rng.integers(0, 112, 2))
        axes = tuple(int(value) for value in rng.integers(2, 22, 2))
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        cv2.ellipse(crop, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return crop


def jpeg(crop: Crop) -> Crop:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR))


def moved(crop: Crop) -> Crop:
    matrix = cv2.getRotationMatrix2D((56, 56), 2.0, 1.02)
    matrix[:, 2] += (1.5, -1.0)
    return np.asarray(cv2.warpAffine(crop, matrix, (112, 112), borderMode=cv2.BORDER_REPLICATE))


def darker(crop: Crop) -> Crop:
    return np.asarray(crop * 0.6 + 10, np.uint8)


@pytest.mark.parametrize("change", [lambda crop: crop, jpeg, moved, darker, lambda crop: jpeg(moved(darker(crop)))])
def test_pastes_are_copies(change: Callable[[Crop], Crop]) -> None:
    for seed in range(5):
        crop = drawing(seed)
        assert is_copy(thumbnail(change(crop)), [thumbnail(drawing(99)), thumbnail(crop)])


def test_other_drawings_are_not() -> None:
    thumbnails = [thumbnail(drawing(seed)) for seed in range(12)]
    values = [agreement(one, two) for index, one in enumerate(thumbnails) for two in thumbnails[:index]]
    assert max(values) < 0.8


def test_drawing_with_another_mouth_is_not() -> None:
    crop = drawing(3)
    other = crop.copy()
    cv2.ellipse(other, (56, 88), (18, 9), 0, 0, 360, (20, 20, 160), -1, cv2.LINE_AA)
    assert not is_copy(thumbnail(other), [thumbnail(crop)])


def test_crops_without_texture_agree_with_nothing() -> None:
    plain = thumbnail(np.full((112, 112, 3), 128, np.uint8))
    assert agreement(plain, plain) == 0.0
    assert agreement(thumbnail(drawing(1)), plain) == 0.0
