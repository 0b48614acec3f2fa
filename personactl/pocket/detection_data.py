"""Pictures for the detector: drawn faces moved, scaled and tiled, and pictures without any face, with their targets."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from personactl.pocket.dataset import FaceSet
from personactl.pocket.drawing.renderer import backdrop_only
from personactl.pocket.scene import sample_scene

INPUT = 128
STRIDES = (8, 16, 32)
ANCHORS = 2
# Longest side in pixels of the faces that each stride answers for; neighbours overlap, so that none is missed.
RANGES = ((0.0, 46.0), (38.0, 82.0), (70.0, 400.0))
EMPTY_SHARE, TILED_SHARE = 0.2, 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """The faces of one picture: `boxes` float (n, 4) left, top, right, bottom; `points` float (n, 5, 2); pixels."""

    boxes: np.ndarray
    points: np.ndarray


NOBODY = Faces(boxes=np.zeros((0, 4)), points=np.zeros((0, 5, 2)))


class SceneMaker:
    """Makes training pictures out of a face set."""

    def __init__(self, faces: FaceSet):
        self.faces = faces

    def batch(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, list[Faces]]:
        """uint8 (count, 128, 128, 3) and the faces in each."""
        pairs = [self.picture(rng) for _ in range(count)]
        return np.stack([picture for picture, _ in pairs]), [faces for _, faces in pairs]

    @staticmethod
    def to_input(pictures: np.ndarray) -> torch.Tensor:
        """(x - 127.5) / 128, as insightface feeds a detector."""
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().sub_(127.5).div_(128)
        return x.contiguous(memory_format=torch.channels_last)

    def picture(self, rng: np.random.Generator) -> tuple[np.ndarray, Faces]:
        draw = rng.random()
        if draw < EMPTY_SHARE:
            return _blemish(self._empty(rng), rng), NOBODY
        if draw < EMPTY_SHARE + TILED_SHARE:
            canvas, faces = self._tiled(rng)
        else:
            scale = float(np.exp(rng.uniform(np.log(0.45), np.log(1.35))))
            canvas, faces = self._placed(rng, INPUT, scale, 0.22)
        return _blemish(canvas, rng), faces

    def _tiled(self, rng: np.random.Generator) -> tuple[np.ndarray, Faces]:
        half = INPUT // 2
        canvas, boxes, points = np.empty((INPUT, INPUT, 3), np.uint8), [], []
        for left, top in ((0, 0), (half, 0), (0, half), (half, half)):
            if rng.random() < 0.35:
                canvas[top : top + half, left : left + half] = cv2.resize(self._empty(rng), (half, half))
                continue
            tile, faces = self._placed(rng, half, rng.uniform(0.4, 0.62), 0.08)
            canvas[top : top + half, left : left + half] = tile
            boxes.append(faces.boxes + np.array([left, top, left, top]))
            points.append(faces.points + np.array([left, top]))
        if not boxes:
            return canvas, NOBODY
        return canvas, Faces(boxes=np.concatenate(boxes), points=np.concatenate(points))

    def _placed(self, rng: np.random.Generator, size: int, scale: float, shift: float) -> tuple[np.ndarray, Faces]:
        """One face, turned a little, its centre near the middle of a square of `size` pixels."""
        row = int(rng.integers(0, len(self.faces)))
        box, points = self.faces.face_boxes[row].astype(float), self.faces.key_points[row].astype(float)
        angle, goal = rng.normal(0, 0.1), size * (0.5 + rng.uniform(-shift, shift, 2))
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = (box[:2] + box[2:]) / 2
        move = np.hstack([turn, (goal - turn @ centre)[:, None]])
        border = cv2.BORDER_REPLICATE if rng.random() < 0.6 else cv2.BORDER_CONSTANT
        paper = rng.integers(0, 256, 3).tolist() if rng.random() < 0.5 else (0, 0, 0)
        picture = cv2.warpAffine(
            self.faces.pictures[row], move, (size, size), flags=cv2.INTER_AREA, borderMode=border, borderValue=paper
        )
        half = scale * (box[2:] - box[:2]) / 2
        moved = np.concatenate([goal - half, goal + half])
        return picture, Faces(boxes=moved[None], points=(points @ turn.T + move[:, 2])[None])

    def _empty(self, rng: np.random.Generator) -> np.ndarray:
        """Something without a face: a backdrop, clothes, a band above the head, coloured blobs, flat colour."""
        kind = rng.integers(0, 5)
        if kind == 0:
            return backdrop_only(sample_scene(int(rng.integers(1 << 40))))
        row = int(rng.integers(0, len(self.faces)))
        picture, box = self.faces.pictures[row], self.faces.face_boxes[row]
        if kind == 1 and box[3] < 108:
            return cv2.resize(picture[int(box[3]) + 6 :], (INPUT, INPUT))
        if kind == 2 and box[1] > 16:
            return cv2.resize(picture[: int(box[1]) - 4], (INPUT, INPUT))
        if kind == 3 and box[0] > 20:
            return cv2.resize(picture[:, : int(box[0]) - 6], (INPUT, INPUT))
        canvas = np.full((INPUT, INPUT, 3), rng.integers(0, 256, 3), np.uint8)
        for _ in range(int(rng.integers(0, 9))):
            centre = tuple(int(part) for part in rng.integers(0, INPUT, 2))
            axes = tuple(int(part) for part in rng.integers(3, 44, 2))
            cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, rng.integers(0, 256, 3).tolist(), -1)
        return canvas


def _blemish(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur, exposure, noise: what generated and re-encoded pictures show."""
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.3:
        picture = np.clip(picture * rng.uniform(0.6, 1.3) + rng.uniform(-20, 20), 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        picture = np.clip(picture + rng.normal(0, rng.uniform(2, 14), picture.shape), 0, 255).astype(np.uint8)
    return picture


def cells(stride: int) -> np.ndarray:
    """Anchor corners float (cells * 2, 2) as insightface lays them out: row by row, each cell twice."""
    side = INPUT // stride
    grid = np.stack([*np.mgrid[:side, :side][::-1]], axis=-1).reshape(-1, 2) * float(stride)
    return np.repeat(grid, ANCHORS, axis=0)


def targets(pictures: list[Faces]) -> list[torch.Tensor]:
    """Per stride (n, cells * 2, 16): present, four sides, ten key point offsets, the face's size; in stride units."""
    levels = []
    for stride, (low, high) in zip(STRIDES, RANGES, strict=True):
        corners = cells(stride)
        level = np.zeros((len(pictures), len(corners), 16), np.float32)
        for row, faces in zip(level, pictures, strict=True):
            for box, points in zip(faces.boxes, faces.points, strict=True):
                size = float((box[2:] - box[:2]).max())
                if low <= size < high:
                    _mark(row, corners, box, points, size, stride)
        levels.append(torch.from_numpy(level))
    return levels


def _mark(row: np.ndarray, corners: np.ndarray, box: np.ndarray, points: np.ndarray, size: float, stride: int) -> None:
    near = np.abs(corners - (box[:2] + box[2:]) / 2).max(axis=1) <= 0.75 * stride
    near &= (corners > box[:2]).all(axis=1) & (corners < box[2:]).all(axis=1)
    here = corners[near]
    row[near, 0] = 1
    row[near, 1:3] = (here - box[:2]) / stride
    row[near, 3:5] = (box[2:] - here) / stride
    row[near, 5:15] = ((points[None] - here[:, None]) / stride).reshape(-1, 10)
    row[near, 15] = size / stride
