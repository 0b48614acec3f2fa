"""The ISCC Image-Code (ISO 24138): finds re-encoded copies of a picture that lost its marks."""

from __future__ import annotations

from typing import Any

import iscc_lib
import numpy as np
from PIL import Image

BITS = 256
_SIDE = 32


def image_code(rgb: np.ndarray[Any, Any]) -> str:
    """`ISCC:EE…`, 256 bits, of uint8 RGB (height, width, 3): grey, 32 × 32, bicubic, as ISO 24138 clause 8.3 says."""
    grey = Image.fromarray(rgb).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    code: str = iscc_lib.gen_image_code_v0(grey.tobytes(), BITS).iscc
    return code
