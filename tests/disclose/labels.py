"""Demands for labels and pictures to put them on, for the tests of the visible label."""

from __future__ import annotations

from typing import Any

import numpy as np
from signed_pictures import picture

from personactl.visible_label import LabelPlace, LabelSpec

Array = np.ndarray[Any, Any]

PLACES: tuple[LabelPlace, ...] = ("top-right", "top-left", "bottom-right", "bottom-left")


def spec(words: tuple[str, ...] = ("GENERATED",), **changes: Any) -> LabelSpec:
    """A demand with the measures of the European policy; `changes` replace its fields."""
    fields: dict[str, Any] = {"height": "0.03", "least_height": "0.02", "margin": "0.04", "places": PLACES}
    return LabelSpec(words=words, **{**fields, **changes})


def plain(level: int, height: int = 256, width: int = 256) -> Array:
    return np.full((height, width, 3), level, np.uint8)


def stripes(height: int = 256, width: int = 256) -> Array:
    """Black and white lines of one pixel: the busiest background there is."""
    made = plain(0, height, width)
    made[:, ::2] = 255
    return made


def backgrounds() -> dict[str, Array]:
    """256×256 pictures by name: light, dark, grey, busy, like a photograph."""
    noise = np.random.default_rng(3).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    return {
        "white": plain(255), "black": plain(0), "grey": plain(118), "stripes": stripes(), "noise": noise,
        "photograph": picture(256, 256),
    }  # fmt: skip
