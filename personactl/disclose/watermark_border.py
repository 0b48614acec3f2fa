"""The picture inside a border of one colour: bars above and below, or around it, as players and screenshots add them.

The layer over the whole picture is lost when its picture is not all that is seen; the tiles bear a border of a fifth
of the side and are not there in small pictures. So what lies inside the border is one more reading.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from personactl.disclose import spectrum

Array = np.ndarray[Any, Any]

_APART = 12.0
"""Mean difference in luma from which a line of pixels is no border: more than what JPEG 50 spills into bars."""


def inside(plane: Array) -> Array | None:
    """What a border in the colour of the first pixel surrounds, else of the last, of a luma plane; None without one.

    A part whose shorter side lies below the least side of a mark (`spectrum.MIN_SIDE`) is none either.
    """
    found = (_apart_from(plane, plane[corner, corner]) for corner in (0, -1))
    return next((part for part in found if part is not None), None)


def _apart_from(plane: Array, ground: float) -> Array | None:
    apart = np.abs(plane - ground)
    rows, columns = (np.flatnonzero(apart.mean(axis=axis) > _APART) for axis in (1, 0))
    if not rows.size or not columns.size:
        return None
    part = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return None if part.shape == plane.shape or min(part.shape) < spectrum.MIN_SIDE else part
