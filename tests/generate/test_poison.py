"""Pictures that no scorer should see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from personactl.generate.poison import poison, to_bytes


def picture(kind: str) -> np.ndarray[Any, Any]:
    noise = np.random.default_rng(0).random((32, 32, 3), np.float32)
    if kind == "nan":
        noise[3, 4, 1] = np.nan
    if kind == "infinite":
        noise[3, 4, 1] = np.inf
    if kind == "black":
        noise *= 0.02
    if kind == "flat":
        noise = 0.5 + 0.004 * noise
    if kind == "coloured-plane":
        noise = np.full((32, 32, 3), (0.9, 0.1, 0.4), np.float32)
    return noise


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("fine", None),
        ("nan", "nan"),
        ("infinite", "nan"),
        ("black", "black"),
        ("flat", "flat"),
        ("coloured-plane", "flat"),
    ],
)
def test_poison_is_named(kind: str, expected: str | None) -> None:
    assert poison(picture(kind)) == expected
    if expected != "nan":
        assert poison(to_bytes(picture(kind))) == expected


def test_dark_picture_with_a_light_is_not_poison() -> None:
    night = np.zeros((32, 32, 3), np.uint8)
    night[8:20, 8:20] = (90, 60, 40)
    assert poison(night) is None


def test_rounding_is_to_the_nearest_and_never_wraps() -> None:
    values = np.array([[[0.0, 1.0, 0.5], [1.7, -0.2, np.nan]]], np.float32)
    assert to_bytes(values).tolist() == [[[0, 255, 128], [255, 0, 0]]]
