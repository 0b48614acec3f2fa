"""Enlarging a finished picture by a model folder's own upscaler: one ONNX file, one pass, on the CPU.

Single-threaded, so the same picture gives the same bits. Input (1, 3, h, w) in -1..1, output (1, 3, scale h, scale w).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime import InferenceSession, SessionOptions

from personactl.errors import WeightsError


class Upscaler:
    """An opened upscaler; `scale` is how many times larger a picture becomes."""

    def __init__(self, path: Path, scale: int):
        """Raises WeightsError (weights.cannot-load) when the file is no network of this layout."""
        options = SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self._input = self._session.get_inputs()[0].name
            self._enlarge(np.zeros((8, 16, 3), np.float32), scale)
        except WeightsError:
            raise
        except Exception as error:  # whatever onnxruntime raises on a file that it did not write
            raise WeightsError(
                f"the upscaler cannot be loaded: {str(error)[:300]}", where=path.name, code="weights.cannot-load"
            ) from error
        self.scale = scale

    def enlarge(self, picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Float32 (h, w, 3) in 0..1 -> float32 (scale h, scale w, 3) in 0..1."""
        return self._enlarge(picture, self.scale)

    def _enlarge(self, picture: np.ndarray[Any, Any], scale: int) -> np.ndarray[Any, Any]:
        x = np.ascontiguousarray(picture.transpose(2, 0, 1)[None] * 2 - 1, dtype=np.float32)
        y = self._session.run(None, {self._input: x})[0]
        height, width = picture.shape[:2]
        if y.shape != (1, 3, scale * height, scale * width):
            raise WeightsError(
                f"the upscaler makes {y.shape} of a picture of {width}x{height}, not {scale} times the size",
                code="weights.cannot-load",
            )
        return np.ascontiguousarray(np.clip(y[0].transpose(1, 2, 0) / 2 + 0.5, 0, 1))
