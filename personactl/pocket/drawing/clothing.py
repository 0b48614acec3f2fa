"""Neck, shoulders and garment. The body stands upright whatever the head does."""

from __future__ import annotations

import numpy as np

from personactl.pocket.drawing.canvas import Canvas, shade
from personactl.pocket.drawing.pose import Pose
from personactl.pocket.identity import Identity
from personactl.pocket.scene import CLOTHING_COLOURS, Scene

COLLAR = 1.3  # where the garment begins, head units below the face's centre


def paint_body(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose) -> None:
    """Paint neck and garment (a word of the scene grammar)."""
    neck = identity.face.width * 0.46
    _paint_neck(canvas, identity, pose, neck)
    colour = np.asarray(CLOTHING_COLOURS[scene.colour], float)
    shoulder = identity.face.width + 0.78
    body = [
        (-neck * 1.12, COLLAR - 0.02),
        (-shoulder * 0.62, 1.44),
        (-shoulder, 1.78),
        (-shoulder * 1.1, 2.6),
        (-shoulder * 1.1, 4.2),
    ]
    outline = pose.upright([*body, *((-x, y) for x, y in reversed(body)), (0, COLLAR + 0.3)])
    light, dark = pose.upright([(-shoulder * 0.6, 1.3)])[0], pose.upright([(shoulder * 0.9, 3.0)])[0]
    canvas.fill(outline, shade(colour, 1.06), gradient=(light, dark, shade(colour, 0.72)))
    {"coat": _coat, "shirt": _shirt, "sweater": _sweater}[scene.clothing](canvas, pose, colour, neck)


def _paint_neck(canvas: Canvas, identity: Identity, pose: Pose, neck: float) -> None:
    skin = identity.face.skin
    throat = pose.upright(
        [(-neck, 0.5), (neck, 0.5), (neck * 1.06, 1.4), (neck * 0.8, 1.75), (-neck * 0.8, 1.75), (-neck * 1.06, 1.4)]
    )
    canvas.fill(throat, shade(skin, 0.88), curved=False)
    with canvas.inside(throat):
        shadow = pose.upright(
            [(-neck * 1.3, 0.6), (neck * 1.3, 0.6), (neck * 1.2, 1.08), (0, 1.22), (-neck * 1.2, 1.08)]
        )
        canvas.fill(shadow, shade(skin, 0.6, (60, 20, 40)), alpha=150, blur=pose.scale * 0.05)


def _coat(canvas: Canvas, pose: Pose, colour: np.ndarray, neck: float) -> None:
    inner = pose.upright([(-neck * 0.9, COLLAR), (neck * 0.9, COLLAR), (0.0, COLLAR + 1.1)])
    canvas.fill(inner, (238, 232, 224), curved=False)
    for side in (-1, 1):
        lapel = [
            (side * neck * 1.25, COLLAR - 0.12),
            (side * neck * 0.75, COLLAR + 0.05),
            (0.0, COLLAR + 1.1),
            (side * 0.5, COLLAR + 0.72),
            (side * neck * 2.0, COLLAR + 0.1),
        ]
        canvas.fill(pose.upright(lapel), shade(colour, 0.78), curved=False)
    canvas.stroke(pose.upright([(0, COLLAR + 1.08), (0, 3), (0, 4)]), shade(colour, 0.5), pose.scale * 0.04)


def _shirt(canvas: Canvas, pose: Pose, colour: np.ndarray, neck: float) -> None:
    canvas.stroke(pose.upright([(0, COLLAR + 0.3), (0, 2.6), (0, 4)]), shade(colour, 0.62), pose.scale * 0.035)
    for side in (-1, 1):
        wing = [(side * neck * 1.16, COLLAR - 0.14), (0.0, COLLAR + 0.3), (side * 0.4, COLLAR + 0.52)]
        canvas.fill(pose.upright(wing), shade(colour, 1.25), curved=False)
    for row in (0.75, 1.15):
        canvas.disc(pose.upright([(0.07, COLLAR + row)])[0], pose.scale * 0.035, shade(colour, 0.45))


def _sweater(canvas: Canvas, pose: Pose, colour: np.ndarray, neck: float) -> None:
    roll = [
        (-neck * 1.16, COLLAR - 0.26),
        (neck * 1.16, COLLAR - 0.26),
        (neck * 1.22, COLLAR + 0.08),
        (0, COLLAR + 0.28),
        (-neck * 1.22, COLLAR + 0.08),
    ]
    canvas.fill(pose.upright(roll), shade(colour, 0.86))
    fold = [(-neck * 1.1, COLLAR - 0.02), (0, COLLAR + 0.16), (neck * 1.1, COLLAR - 0.02)]
    canvas.stroke(pose.upright(fold), shade(colour, 0.66), pose.scale * 0.04)
