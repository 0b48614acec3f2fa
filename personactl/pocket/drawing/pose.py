"""Head coordinates to picture coordinates.

The face is the front of an ellipsoid: a point (x, y) on it has a depth, is turned by yaw and pitch, rolled, scaled
and moved. Silhouettes (outline of the head, hair) lie on planes of constant depth instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from personactl.pocket.scene import Scene

FRAME_SCALE = {"close-up": 0.335, "portrait": 0.272}
FRAME_CENTRE = {"close-up": 0.55, "portrait": 0.5}
DEPTH = 0.74


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the head sits in a picture; `scale` is pixels per head unit."""

    centre: tuple[float, float]
    scale: float
    yaw: float
    pitch: float
    roll: float
    face_width: float

    def surface(self, points: object, lift: float = 0.0) -> np.ndarray:
        """Points (n, 2) on the face, raised by `lift` above the skin -> pixels (n, 2)."""
        flat = np.asarray(points, float).reshape(-1, 2)
        relief = 1 - (flat[:, 0] / (self.face_width * 1.1)) ** 2 - 0.35 * flat[:, 1] ** 2
        return self._turn(flat, DEPTH * np.sqrt(np.maximum(relief, 0)) + lift)

    def silhouette(self, points: object, depth: float = 0.0) -> np.ndarray:
        """Points (n, 2) of an outline at constant `depth` -> pixels; a turned head keeps nearly its breadth."""
        flat = np.asarray(points, float).reshape(-1, 2).copy()
        cosine = math.cos(self.yaw)
        flat[:, 0] *= (0.8 + 0.2 * cosine) / max(cosine, 0.3)
        return self._turn(flat, np.full(len(flat), depth))

    def upright(self, points: object) -> np.ndarray:
        """Points (n, 2) of the body, which does not turn with the head -> pixels."""
        return np.asarray(points, float).reshape(-1, 2) * self.scale + self.centre

    def _turn(self, flat: np.ndarray, depth: np.ndarray) -> np.ndarray:
        sin_yaw, cos_yaw = math.sin(self.yaw), math.cos(self.yaw)
        sin_pitch, cos_pitch = math.sin(self.pitch), math.cos(self.pitch)
        x = flat[:, 0] * cos_yaw + depth * sin_yaw
        y = flat[:, 1] * cos_pitch + (depth * cos_yaw - flat[:, 0] * sin_yaw) * sin_pitch
        sin_roll, cos_roll = math.sin(self.roll), math.cos(self.roll)
        turned = np.stack([x * cos_roll - y * sin_roll, x * sin_roll + y * cos_roll], axis=1)
        return turned * self.scale + self.centre


def place(scene: Scene, face_width: float, size: int) -> Pose:
    """The pose of a scene in a square picture of `size` pixels."""
    across, down = scene.offset
    return Pose(
        centre=(size * (0.5 + across - 0.06 * math.sin(scene.yaw)), size * (FRAME_CENTRE[scene.framing] + down)),
        scale=size * FRAME_SCALE[scene.framing] * scene.zoom,
        yaw=scene.yaw,
        pitch=scene.pitch,
        roll=scene.roll,
        face_width=face_width,
    )


def mirrored(half: list[tuple[float, float]]) -> np.ndarray:
    """A closed outline from its right half, listed from the top to the bottom of the midline, both ends on it."""
    right = np.asarray(half, float)
    return np.vstack([right, right[-2:0:-1] * [-1, 1]])
