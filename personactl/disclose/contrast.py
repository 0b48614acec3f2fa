"""Contrast as WCAG 2.2 defines it: relative luminance of sRGB, and the ratio of two of them, from 1 to 21."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

TEXT = 4.5
"""Least ratio of text to what surrounds it (success criterion 1.4.3, level AA)."""

_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
_VALUES = np.arange(256) / 255
_LINEAR = np.where(_VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4)


def luminance(rgb: Array) -> Array:
    """Relative luminance, 0 to 1, of uint8 RGB with any leading shape."""
    return np.asarray(_LINEAR[rgb] @ _WEIGHTS)


def ratio(one: Array | float, other: Array | float) -> Array:
    """The contrast ratio of two luminances."""
    lighter, darker = np.maximum(one, other), np.minimum(one, other)
    return np.asarray((lighter + 0.05) / (darker + 0.05))
