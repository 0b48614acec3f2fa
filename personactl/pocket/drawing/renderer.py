"""Paint a person in a scene, back to front, then light the picture.

`renderer_digest` is the hash of the source of everything that decides a pixel or a caption. Latents carry it: a changed
renderer under old latents is refused instead of trained on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from personactl.pocket.drawing import features, hair, head
from personactl.pocket.drawing.backdrop import paint_backdrop
from personactl.pocket.drawing.canvas import Canvas
from personactl.pocket.drawing.clothing import paint_body
from personactl.pocket.drawing.pose import place
from personactl.pocket.identity import Identity
from personactl.pocket.scene import Scene

SIZE = 128
TINTS = {"warm light": (1.05, 0.985, 0.86), "cool light": (0.9, 0.98, 1.07)}
NEON = ((1.1, 0.8, 1.02), (0.8, 0.93, 1.13))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture and where the face in it lies.

    `rgb` is uint8 (size, size, 3). `key_points` float32 (5, 2) are in insightface's order: left eye, right eye, nose,
    left and right mouth corner, as seen in the picture. `face_box` float32 is left, top, right, bottom of the contour.
    """

    rgb: np.ndarray
    key_points: np.ndarray
    face_box: np.ndarray


def draw(identity: Identity, scene: Scene, size: int = SIZE) -> Drawing:
    """Draw `identity` in `scene` as a square picture of `size` pixels. Deterministic."""
    canvas = Canvas(size)
    pose = place(scene, identity.face.width, size)
    paint_backdrop(canvas, scene.background, scene.pattern)
    hair.paint_back_hair(canvas, identity, pose)
    paint_body(canvas, identity, scene, pose)
    head.paint_ears(canvas, identity, scene, pose)
    outline = head.face_outline(identity.face, pose)
    contour = head.paint_complexion(canvas, identity, scene, pose, outline)
    with canvas.inside(contour):
        head.paint_beard(canvas, identity, pose)
        mouth = features.paint_mouth(canvas, identity, scene, pose)
        nose = features.paint_nose(canvas, identity, scene, pose)
        eyes = features.paint_eyes(canvas, identity, scene, pose)
        features.paint_mole(canvas, identity, pose)
    hair.paint_front_hair(canvas, identity, pose, contour)
    features.paint_brows(canvas, identity, scene, pose)
    features.paint_glasses(canvas, identity, pose)
    return Drawing(
        rgb=light(canvas.pixels(), scene),
        key_points=np.vstack([eyes, nose[None], mouth]).astype(np.float32),
        face_box=np.concatenate([contour.min(axis=0), contour.max(axis=0)]).astype(np.float32),
    )


def backdrop_only(scene: Scene, size: int = SIZE) -> np.ndarray:
    """The scene without anybody in it, uint8 (size, size, 3): what a detector must stay silent on."""
    canvas = Canvas(size)
    paint_backdrop(canvas, scene.background, scene.pattern)
    return light(canvas.pixels(), scene)


def light(rgb: np.ndarray, scene: Scene) -> np.ndarray:
    """Tint the picture: one factor per channel, or two neon colours from left to right."""
    if scene.light == "neon light":
        across = np.linspace(0, 1, rgb.shape[1], dtype=np.float32)[None, :, None]
        across = across if scene.side > 0 else 1 - across
        factor = np.asarray(NEON[0], np.float32) * across + np.asarray(NEON[1], np.float32) * (1 - across)
    elif scene.light in TINTS:
        factor = np.asarray(TINTS[scene.light], np.float32)
    else:
        return rgb
    return np.clip(rgb * factor + 0.5, 0, 255).astype(np.uint8)


def renderer_digest() -> str:
    """SHA-256 (hex) over the sources of the drawing package, the identity and the scene modules, in path order."""
    root = Path(__file__).resolve().parent
    sources = sorted([*root.glob("*.py"), root.parent / "identity.py", root.parent / "scene.py"])
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.name}\n".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()
