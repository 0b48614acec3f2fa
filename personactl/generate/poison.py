"""Pictures that must not go further: not a number, black, or without any structure.

Half-precision overflow, a wrong scheduler or broken weights end in such pictures. The run counts them as rejected
attempts with reason "poison-<what>".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from personactl.model import Candidate

# A picture of 8-bit values: black when nothing is brighter than BLACK, flat when all channels vary by less than FLAT.
BLACK = 8
FLAT_STD = 2.0
ENVIRONMENT_KEY = "poison"
CODE = "generate.poison"


def poison(made: Candidate | np.ndarray[Any, Any]) -> str | None:
    """ "nan", "black" or "flat", or None for a picture that may be scored.

    Takes a Candidate, or pixels of shape (height, width, 3): uint8, or floats in 0..1. Only a Candidate, or floats, can
    tell "nan": the backend notes it before it rounds.
    """
    if isinstance(made, Candidate):
        return made.environment.get(ENVIRONMENT_KEY) or poison(made.pixels)
    if made.dtype.kind == "f":
        if not np.isfinite(made).all():
            return "nan"
        made = to_bytes(made)
    if made.max(initial=0) <= BLACK:
        return "black"
    if float(made.reshape(-1, made.shape[-1]).std(axis=0).max()) < FLAT_STD:
        return "flat"
    return None


def to_bytes(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Floats in 0..1, shape (height, width, 3), to uint8 of the same shape, rounded; what is not a number becomes 0."""
    finite = np.nan_to_num(picture, nan=0.0, posinf=1.0, neginf=0.0)
    return np.ascontiguousarray((finite.clip(0.0, 1.0) * 255.0).round().astype(np.uint8))
