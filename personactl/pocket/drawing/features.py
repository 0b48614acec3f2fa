"""Eyes, brows, nose, mouth, mole and glasses, each under the expression of the scene."""

from __future__ import annotations

import numpy as np

from personactl.pocket.drawing.canvas import Canvas, shade
from personactl.pocket.drawing.pose import Pose, mirrored
from personactl.pocket.identity import Identity
from personactl.pocket.scene import Scene

INK = (34, 22, 26)
EYE_OPENING = {"surprised": 1.34, "laughing": 0.55, "smiling": 0.86, "serious": 0.8, "neutral": 1.0}
BROW_RAISE = {"surprised": 0.13, "serious": -0.05, "laughing": 0.03}
CORNER_LIFT = {"smiling": 0.105, "laughing": 0.09, "serious": -0.05}
MOUTH_STRETCH = {"smiling": 1.25, "laughing": 1.24, "surprised": 0.6, "serious": 0.92}
MOUTH_OPENING = {"laughing": 0.21, "surprised": 0.23}
FROWN = {"serious": 0.085}


def paint_eyes(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose) -> np.ndarray:
    """Both eyes. Returns their centres, left of the picture first (2, 2)."""
    eyes = identity.eyes
    for side in (-1, 1):
        _paint_eye(canvas, identity, scene, pose, side)
    return pose.surface([(-eyes.spread, eyes.height), (eyes.spread, eyes.height)])


def _paint_eye(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose, side: int) -> None:
    eyes, skin, unit = identity.eyes, identity.face.skin, pose.scale
    x, y, half = side * eyes.spread, eyes.height, eyes.size
    opening = half * eyes.openness * EYE_OPENING[scene.expression]
    lift = eyes.tilt * side
    upper = [
        (x - half, y + lift),
        (x - half * 0.5, y - opening * 0.82),
        (x + half * 0.5, y - opening * 0.82),
        (x + half, y - lift),
    ]
    lower = [(x + half * 0.5, y + opening * 0.68), (x - half * 0.5, y + opening * 0.68)]
    socket = [(x - half * 1.2, y), (x, y - opening * 1.55), (x + half * 1.2, y), (x, y + opening * 1.3)]
    canvas.fill(pose.surface(socket), shade(skin, 0.72, (80, 20, 40)), alpha=90, blur=unit * 0.035)
    white = canvas.fill(pose.surface([*upper, *lower]), (250, 248, 244))
    with canvas.inside(white):
        pupil = pose.surface([(x + scene.gaze[0] * half, y + scene.gaze[1] * opening)])[0]
        radius = half * eyes.iris * unit
        canvas.disc(pupil, radius, shade(eyes.colour, 0.55))
        canvas.disc(pupil, radius * 0.84, shade(eyes.colour, 1.08))
        canvas.disc(pupil, radius * 0.46, (16, 12, 14))
        canvas.disc(pupil + np.array([-0.34, -0.38]) * radius, radius * 0.28, (255, 255, 255))
        canvas.stroke(pose.surface(upper), shade(skin, 0.4), unit * 0.09, alpha=80)
    canvas.stroke(pose.surface(upper), INK, unit * (0.04 + 0.03 * eyes.lashes))
    if eyes.lashes > 0.55:
        corner = x + side * half
        canvas.stroke(
            pose.surface([(corner - side * 0.03, y - lift * side), (corner + side * 0.06, y - 0.06)]), INK, unit * 0.035
        )


def paint_brows(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose) -> None:
    """Tapering brows; surprise lifts them, seriousness draws them together."""
    eyes, brows = identity.eyes, identity.brows
    colour = shade(identity.hair.colour, 1 - 0.6 * brows.darkness)
    height = eyes.height - brows.lift - BROW_RAISE.get(scene.expression, 0.0) * scene.intensity
    frown = FROWN.get(scene.expression, 0.0)
    for side in (-1, 1):
        x, thick = side * eyes.spread, brows.thickness
        inner, outer = x - side * brows.length, x + side * brows.length * 1.12
        spine = [
            (inner, height + brows.slant * 0.5 + frown),
            (x, height - brows.arch),
            (outer, height - brows.slant * 0.5 + 0.03),
        ]
        above = [(inner, spine[0][1] - thick * 0.5), (x, spine[1][1] - thick * 0.6), (outer, spine[2][1] - thick * 0.1)]
        below = [
            (outer, spine[2][1] + thick * 0.12),
            (x, spine[1][1] + thick * 0.45),
            (inner, spine[0][1] + thick * 0.5),
        ]
        canvas.fill(pose.surface([*above, *below]), colour, alpha=240)


def paint_nose(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose) -> np.ndarray:
    """A nose in two tones. Returns its tip (2,)."""
    nose, skin, unit = identity.nose, identity.face.skin, pose.scale
    top, base, half = identity.eyes.height + 0.08, identity.eyes.height + nose.length + 0.04, nose.width
    side = 1 if scene.side > 0 else -1
    if abs(pose.yaw) > 0.2:
        side = 1 if pose.yaw < 0 else -1
    bridge = [
        (-0.035, top),
        (0.035, top),
        (half * 0.62, base - 0.06),
        (0, base + nose.tip),
        (-half * 0.62, base - 0.06),
    ]
    canvas.fill(pose.surface(bridge, 0.08), shade(skin, 1.22), alpha=150, blur=unit * 0.03)
    flank = [
        (side * 0.05, top + 0.05),
        (side * 0.09, base - 0.14),
        (side * half * 0.95, base - 0.02),
        (side * half * 0.4, base + 0.01),
    ]
    canvas.fill(pose.surface(flank, 0.06), shade(skin, 0.7, (70, 20, 30)), alpha=120, blur=unit * 0.03)
    under = [
        (-half, base - 0.03),
        (-half * 0.6, base + 0.035),
        (0, base + 0.045 + nose.tip),
        (half * 0.6, base + 0.035),
        (half, base - 0.03),
    ]
    canvas.stroke(pose.surface(under, 0.1), shade(skin, 0.55, (60, 16, 24)), unit * 0.034, alpha=220)
    for nostril in (-1, 1):
        canvas.disc(
            pose.surface([(nostril * half * 0.5, base + 0.03)], 0.1)[0],
            unit * 0.03,
            shade(skin, 0.35, (40, 8, 12)),
            alpha=200,
        )
    return pose.surface([(0, base)], 0.15)[0]


def paint_mouth(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose) -> np.ndarray:
    """Lips, teeth, moustache. Returns the mouth's corners, left of the picture first (2, 2)."""
    mouth = identity.mouth
    half = mouth.width * MOUTH_STRETCH.get(scene.expression, 1.0)
    lift = CORNER_LIFT.get(scene.expression, 0.0) * scene.intensity
    gap = MOUTH_OPENING.get(scene.expression, 0.0) * scene.intensity
    y, corner = mouth.height, mouth.height - lift
    lips = [
        (0.0, y - mouth.upper * 0.74 - gap * 0.36),
        (half * 0.16, y - mouth.upper - gap * 0.38),
        (half * 0.5, y - mouth.upper * 0.85 - gap * 0.3),
        (half, corner),
        (half * 0.55, y + mouth.lower * 0.86 + gap * 0.6),
        (0.0, y + mouth.lower + gap * 0.82),
    ]
    canvas.fill(pose.surface(mirrored(lips), 0.03), mouth.colour)
    if gap:
        _paint_open_mouth(canvas, pose, half, y, corner, gap, scene.expression == "laughing")
    else:
        _paint_lip_line(canvas, identity, pose, half, y, lift)
    if identity.marks.beard in ("moustache", "full"):
        top = y - mouth.upper * 0.6 - gap * 0.36
        wing = [
            (0.0, top - 0.08),
            (half * 0.55, top - 0.1),
            (half * 1.02, corner - 0.01),
            (half * 0.3, top),
            (0.0, top),
        ]
        canvas.fill(pose.surface(mirrored(wing), 0.04), shade(identity.hair.colour, 0.82), alpha=246)
    return pose.surface([(-half, corner), (half, corner)])


def _paint_lip_line(canvas: Canvas, identity: Identity, pose: Pose, half: float, y: float, lift: float) -> None:
    mouth, unit = identity.mouth, pose.scale
    bend = [(-half, y - lift), (-half * 0.5, y + lift * 0.2), (0, y + lift * 0.42)]
    line = [*bend, *((-x, level) for x, level in reversed(bend[:-1]))]
    canvas.stroke(pose.surface(line, 0.03), shade(mouth.colour, 0.42), max(unit * 0.03, 0.8))
    gloss = [(-half * 0.3, y + mouth.lower * 0.55), (0, y + mouth.lower * 0.66), (half * 0.3, y + mouth.lower * 0.55)]
    canvas.stroke(pose.surface(gloss, 0.03), shade(mouth.colour, 1.35), unit * 0.03, alpha=120)


def _paint_open_mouth(
    canvas: Canvas, pose: Pose, half: float, y: float, corner: float, gap: float, teeth: bool
) -> None:
    lid = (corner + y) / 2
    cavity = [
        (0.0, y - gap * 0.27),
        (half * 0.5, y - gap * 0.24),
        (half * 0.84, lid),
        (half * 0.46, y + gap * 0.52),
        (0.0, y + gap * 0.72),
    ]
    inner = canvas.fill(pose.surface(mirrored(cavity), 0.03), (84, 22, 30))
    with canvas.inside(inner):
        if teeth:
            row = [(0.0, y - gap * 0.5), (half, y - gap * 0.4), (half * 0.8, y + gap * 0.06), (0.0, y + gap * 0.2)]
            canvas.fill(pose.surface(mirrored(row), 0.03), (252, 250, 246))
        canvas.disc(pose.surface([(0, y + gap * 0.85)], 0.03)[0], pose.scale * gap * 0.45, (206, 92, 96), alpha=220)


def paint_mole(canvas: Canvas, identity: Identity, pose: Pose) -> None:
    """The beauty spot, if there is one."""
    mole = identity.marks.mole
    if mole is not None:
        x, y, radius = mole
        canvas.disc(pose.surface([(x, y)])[0], pose.scale * radius, shade(identity.face.skin, 0.3, (30, 12, 10)))


def paint_glasses(canvas: Canvas, identity: Identity, pose: Pose) -> None:
    """Frames in front of everything, temples towards the ears."""
    marks, eyes = identity.marks, identity.eyes
    if marks.glasses == "none":
        return
    foreshortened = 0.72 + 0.28 * float(np.cos(pose.yaw))
    radius = min(eyes.spread * 0.82, 0.27) * pose.scale
    down, corner = (radius * 0.95, 1.0) if marks.glasses == "round" else (radius * 0.74, 0.3)
    for side in (-1, 1):
        centre = pose.surface([(side * eyes.spread, eyes.height + 0.02)], 0.1)[0]
        canvas.ring(centre, (radius * foreshortened, down), marks.frame, pose.scale * 0.05, corner=corner)
    inner = eyes.spread - radius / pose.scale
    canvas.stroke(
        pose.surface([(-inner, eyes.height), (0, eyes.height - 0.03), (inner, eyes.height)], 0.13),
        marks.frame,
        pose.scale * 0.045,
    )
