"""Ten hair styles: what hangs behind the head, what frames the face, and the shine on it."""

from __future__ import annotations

import math

import numpy as np

from personactl.pocket.drawing.canvas import Canvas, shade
from personactl.pocket.drawing.pose import Pose, mirrored
from personactl.pocket.identity import Identity

TOP = 0.98  # where the skull ends, head units above the centre


def paint_back_hair(canvas: Canvas, identity: Identity, pose: Pose) -> None:
    """Everything behind the neck and face."""
    hair, width = identity.hair, identity.face.width
    dark = shade(hair.colour, 0.74)
    outer = width + hair.volume
    if hair.style in ("bob", "fringe bob", "long"):
        tip = 0.42 + 0.4 * hair.length if hair.style != "long" else 1.15 + 0.6 * hair.length
        curtain = [
            (0, -TOP - hair.volume),
            (outer * 0.72, -0.86 - hair.volume * 0.6),
            (outer * 1.04, -0.28),
            (outer * 1.1, 0.3),
            (outer * 1.06, tip),
            (outer * 0.5, tip + 0.1),
            (0, tip + 0.1),
        ]
        canvas.fill(pose.silhouette(mirrored(curtain), -0.2), dark)
    elif hair.style == "afro":
        _paint_cloud(canvas, pose, (0.0, -0.5), outer + 0.16, dark, hair.pattern)
    elif hair.style == "curly":
        _paint_cloud(canvas, pose, (0.0, -0.3), outer + 0.02, dark, hair.pattern)
    elif hair.style == "bun":
        canvas.disc(pose.silhouette([(0, -TOP - 0.24)], -0.25)[0], pose.scale * (0.24 + 0.5 * hair.volume), dark)
    elif hair.style == "ponytail":
        side = math.copysign(1, hair.parting)
        tail = [
            (width * 0.55, -0.82),
            (width + 0.28, -0.78),
            (width + 0.46, -0.1),
            (width + 0.34, 0.5 + 0.5 * hair.length),
            (width + 0.14, 0.2),
            (width * 0.84, -0.4),
        ]
        canvas.fill(pose.silhouette(np.asarray(tail) * [side, 1], -0.45), dark)


def _paint_cloud(
    canvas: Canvas, pose: Pose, centre: tuple[float, float], radius: float, colour: np.ndarray, pattern: int
) -> None:
    rng = np.random.default_rng([pattern, 2])
    middle = pose.silhouette([centre], -0.15)[0]
    canvas.disc(middle, pose.scale * radius, colour)
    for angle in np.linspace(0.8 * math.pi, 2.2 * math.pi, 13):
        offset = np.array([math.cos(angle), math.sin(angle)]) * pose.scale * radius * 0.92
        canvas.disc(middle + offset, pose.scale * rng.uniform(0.17, 0.24), colour)


def paint_front_hair(canvas: Canvas, identity: Identity, pose: Pose, contour: np.ndarray) -> None:
    """The hair over forehead and temples, with a soft shadow on the face below it and a band of shine."""
    hair = identity.hair
    if hair.style in ("curly", "afro"):
        _paint_curls(canvas, identity, pose)
        return
    outline = pose.silhouette(_front_shape(identity), 0.06)
    if hair.style == "buzz":
        canvas.fill(outline, hair.colour, alpha=205, blur=pose.scale * 0.02)
        return
    with canvas.inside(contour):
        canvas.fill(
            outline + np.array([0.0, pose.scale * 0.06]),
            shade(identity.face.skin, 0.55, (60, 16, 30)),
            alpha=130,
            blur=pose.scale * 0.04,
        )
    crown, tips = pose.silhouette([(0, -TOP - hair.volume), (0, 0.2)], 0.06)
    filled = canvas.fill(outline, shade(hair.colour, 1.08), gradient=(crown, tips, shade(hair.colour, 0.82)))
    with canvas.inside(filled):
        width = identity.face.width
        shine = pose.silhouette(
            [(-width * 0.72, -0.66), (-width * 0.3, -0.9), (width * 0.3, -0.9), (width * 0.72, -0.66)], 0.06
        )
        canvas.stroke(shine, shade(hair.colour, 1.4), pose.scale * 0.09, alpha=110, blur=pose.scale * 0.03)


def _front_shape(identity: Identity) -> np.ndarray:
    """Closed outline of the front hair in head units: over the crown, then back along the hairline."""
    hair, width = identity.hair, identity.face.width
    line = hair.hairline
    if hair.style == "buzz":
        return _cap(width, 0.02, -0.3, mirrored_line(width, [(0.9, -0.42), (0.62, line)], line - 0.05))
    if hair.style == "short":
        return _cap(width, hair.volume, -0.16, mirrored_line(width, [(0.93, -0.36), (0.6, line + 0.02)], line - 0.03))
    if hair.style == "side part":
        return _cap(width, hair.volume, -0.12, _parted_line(identity, -0.34))
    ends = 1.0 if hair.style == "long" else 0.46 + 0.34 * hair.length
    if hair.style == "fringe bob":
        low = line + 0.24
        fringe = mirrored_line(width, [(0.94, 0.36), (0.9, -0.16), (0.6, low)], low - 0.02)
        return _cap(width, hair.volume, ends, fringe)
    if hair.style in ("bob", "long"):
        return _cap(width, hair.volume, ends, _curtain_line(identity, ends - 0.1))
    return _cap(width, hair.volume * 0.5, -0.1, mirrored_line(width, [(0.95, -0.3), (0.66, line)], line - 0.1))


def _parted_line(identity: Identity, temple: float) -> list[tuple[float, float]]:
    hair, width = identity.hair, identity.face.width
    line, slant = hair.hairline + 0.1, math.copysign(0.06, hair.parting)
    right = [(0.94 * width, temple), (0.66 * width, line + slant)]
    left = [(-0.66 * width, line - slant), (-0.94 * width, temple)]
    return [*right, (hair.parting * width, line - 0.24), *left]


def _curtain_line(identity: Identity, tips: float) -> list[tuple[float, float]]:
    hair, width = identity.hair, identity.face.width
    right = [(0.98 * width, tips), (0.9 * width, -0.1), (0.62 * width, hair.hairline + 0.12)]
    return [*right, (hair.parting * width, -0.88), *((-x, y) for x, y in reversed(right))]


def mirrored_line(width: float, right: list[tuple[float, float]], middle: float) -> list[tuple[float, float]]:
    """A symmetric hairline from right to left; x in face widths, `middle` its height on the midline."""
    half = [(x * width, y) for x, y in right]
    return [*half, (0.0, middle), *((-x, y) for x, y in reversed(half))]


def _cap(width: float, volume: float, ends: float, hairline: list[tuple[float, float]]) -> np.ndarray:
    crown = [
        (-width * 1.04, ends),
        (-width * 1.06 - volume * 0.4, -0.38),
        (-width * 0.8 - volume * 0.5, -0.82 - volume * 0.4),
        (0, -TOP - volume),
    ]
    return np.asarray([*crown, *((-x, y) for x, y in reversed(crown[:-1])), *hairline], float)


def _paint_curls(canvas: Canvas, identity: Identity, pose: Pose) -> None:
    hair, width = identity.hair, identity.face.width
    rng = np.random.default_rng([hair.pattern, 3])
    for row, tone in ((-0.16, 0.9), (0.0, 1.04)):
        for x in np.linspace(-width * 0.94, width * 0.94, 8):
            bend = 0.16 * abs(x / width) ** 3 - 0.12 * (1 - (x / width) ** 2)
            centre = pose.silhouette([(x, hair.hairline + row + bend)], 0.06)[0]
            canvas.disc(centre, pose.scale * rng.uniform(0.15, 0.2), shade(hair.colour, tone * rng.uniform(0.94, 1.06)))
