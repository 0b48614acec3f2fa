"""The head without its features: ears, outline of the face, complexion, beard."""

from __future__ import annotations

import numpy as np

from personactl.pocket.drawing.canvas import Canvas, shade
from personactl.pocket.drawing.pose import Pose, mirrored
from personactl.pocket.identity import Face, Identity
from personactl.pocket.scene import Scene

COVERS_EARS = frozenset({"bob", "fringe bob", "long", "afro"})


def face_outline(face: Face, pose: Pose) -> np.ndarray:
    """The contour of the face in pixels: skull, temples, jaw, chin."""
    width = face.width
    half = [
        (0.0, -0.98),
        (width * 0.56, -0.9),
        (width * 0.92, -0.6),
        (width, -0.14),
        (width * (0.97 + face.cheek), 0.22),
        (width * (0.58 + 0.36 * face.jaw), 0.6),
        (face.chin + 0.17 * face.jaw, 0.9),
        (face.chin * 0.5, 0.99),
        (0.0, 1.0),
    ]
    return pose.silhouette(mirrored(half))


def paint_ears(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose) -> None:
    """The ears that the hair leaves free and the turn of the head leaves visible."""
    if identity.hair.style in COVERS_EARS:
        return
    face, skin = identity.face, identity.face.skin
    for side in (-1, 1):
        if side * pose.yaw > 0.3:  # behind the cheek
            continue
        root, reach = face.width * 0.97, identity.marks.ears
        outline = [
            (root, -0.18),
            (root + reach * 0.9, -0.22),
            (root + reach, 0.0),
            (root + reach * 0.4, 0.2),
            (root, 0.18),
        ]
        ear = pose.silhouette(np.asarray(outline) * [side, 1], -0.06)
        canvas.fill(ear, shade(skin, 0.93))
        canvas.fill(0.55 * ear + 0.45 * ear.mean(axis=0), shade(skin, 0.76, (90, 30, 30)), alpha=170)
        if identity.marks.earrings:
            lobe = pose.silhouette([(side * (root + reach * 0.45), 0.22)], -0.06)[0]
            canvas.disc(lobe, pose.scale * 0.045, (240, 208, 96))


def paint_complexion(canvas: Canvas, identity: Identity, scene: Scene, pose: Pose, outline: np.ndarray) -> np.ndarray:
    """Skin with its light side and blush. Returns the smooth contour, for clipping."""
    face, skin = identity.face, identity.face.skin
    lit, dark = pose.silhouette([(-0.75 * face.width * scene.side, -0.5), (0.95 * face.width * scene.side, 0.75)])
    contour = canvas.fill(outline, shade(skin, 1.1), gradient=(lit, dark, shade(skin, 0.84, (70, 20, 30))))
    with canvas.inside(contour):
        for side in (-1, 1):
            cheek = pose.surface([(side * face.width * 0.55, 0.3)])[0]
            rosy = np.asarray(skin) * (1.0, 0.66, 0.64)
            canvas.disc(cheek, pose.scale * 0.17, rosy, alpha=200 * face.blush, blur=pose.scale * 0.09)
    return contour


def paint_beard(canvas: Canvas, identity: Identity, pose: Pose) -> None:
    """What grows below the mouth; a moustache is painted with the mouth, above the lips."""
    beard, mouth, width = identity.marks.beard, identity.mouth, identity.face.width
    colour = shade(identity.hair.colour, 0.82)
    if beard == "full":
        low = mouth.height - 0.13
        half = [
            (0.0, low),
            (0.14, low),
            (mouth.width + 0.16, mouth.height - 0.08),
            (width * 0.84, 0.2),
            (width * 1.15, 0.02),
            (width * 1.15, 1.2),
            (0.0, 1.25),
        ]
        canvas.fill(pose.surface(mirrored(half)), colour, alpha=240, blur=pose.scale * 0.025)
    elif beard == "goatee":
        half = [(0.0, mouth.height + 0.13), (0.17, mouth.height + 0.14), (0.2, 1.1), (0.0, 1.15)]
        canvas.fill(pose.surface(mirrored(half)), colour, alpha=240, blur=pose.scale * 0.02)
