"""Is a candidate a paste of a reference? Aligned crops are compared, not whole pictures.

A generator that copies its reference scores highest of all and has made nothing. Landmarks jitter by a pixel, so one
small crop is first registered on the other (Evangelidis and Psarakis, PAMI 2008: it maximises the correlation, whatever
the brightness and contrast); what then agrees in its fine structure is the same picture. A new picture of the same face
differs in gaze, light, expression and turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from personactl.identity.face import Array

SMALL = 56
MARGIN = 5
FINE = 4.0
# Measured on the pocket pack: docs/adr/0403.
COPY_AGREEMENT = 0.975
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)


def thumbnail(crop: Array) -> Array:
    """(112, 112, 3) uint8 BGR crop → (56, 56) float32 luma."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(cv2.resize(grey, (SMALL, SMALL), interpolation=cv2.INTER_AREA), np.float32)


def agreement(candidate: Array, reference: Array) -> float:
    """Correlation of the fine structure of two thumbnails after registration, in [-1, 1]; 0 when none registers."""
    warp = np.eye(2, 3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(candidate, reference, warp, cv2.MOTION_AFFINE, _STOP, None, 3)
    except cv2.error:  # no texture, or no convergence
        return 0.0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    registered = cv2.warpAffine(reference, warp, (SMALL, SMALL), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    one, two = _fine(candidate), _fine(registered)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float((one * two).sum()) / lengths if lengths > 0 else 0.0


def is_copy(candidate: Array, references: Sequence[Array]) -> bool:
    """True when the thumbnail of a candidate agrees with that of a reference."""
    return any(agreement(candidate, reference) >= COPY_AGREEMENT for reference in references)


def _fine(picture: Array) -> Array:
    """Without its slow changes, which light and skin share between any two pictures, and without the border."""
    fine = picture - cv2.GaussianBlur(picture, (0, 0), FINE)
    inner = fine[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return np.asarray(inner - inner.mean(), np.float64)
