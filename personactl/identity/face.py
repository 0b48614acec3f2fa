"""A face as the detector sees it, and the similarity that brings it to the recogniser's five points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

CROP = 112
# Where ArcFace recognisers expect eyes, nose and corners of the mouth in a 112 x 112 crop (Deng et al., CVPR 2019).
ARCFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """`box` left, top, right, bottom in pixels; `score` of the detector in 0..1; `landmarks` (5, 2) in pixels:
    left eye, right eye, nose, left and right corner of the mouth, as seen in the picture."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: Array

    @property
    def width(self) -> float:
        """The shorter side of the box in pixels."""
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return max(0.0, self.box[2] - self.box[0]) * max(0.0, self.box[3] - self.box[1])

    @property
    def turn(self) -> float:
        """How far the nose is off the middle of the eyes along their axis, in eye distances: 0 frontal, beyond ±0.5 the
        nose stands outside of both eyes. Infinite when the eyes fall together."""
        left, right, nose = self.landmarks[:3].astype(np.float64)
        axis = right - left
        squared = float(axis @ axis)
        return float((nose - (left + right) / 2) @ axis) / squared if squared > 1.0 else float("inf")


def similarity_to_crop(landmarks: Array) -> Array:
    """The (2, 3) matrix that maps landmarks onto ARCFACE_POINTS: least squares over rotation, scale and shift.

    Umeyama (PAMI 1991) in the plane, where it has this closed form; never mirrored.
    """
    source = landmarks.astype(np.float64)
    middle_source, middle_target = source.mean(axis=0), ARCFACE_POINTS.mean(axis=0)
    x, y = (source - middle_source).T
    u, v = (ARCFACE_POINTS - middle_target).T
    spread = max(float((x * x + y * y).sum()), 1e-9)
    cosine = float((x * u + y * v).sum()) / spread
    sine = float((x * v - y * u).sum()) / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, middle_target - turn @ middle_source])
