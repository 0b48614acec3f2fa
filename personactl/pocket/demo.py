"""The demo persona "lira": drawn, not generated, and chosen apart from her neighbours.

`find_apart` is how the seed was chosen: by eye among the first fifty of a thousand identities in the order of the
distance from their nearest neighbour. The pictures come from the renderer alone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from personactl.pocket.drawing.renderer import draw
from personactl.pocket.identity import HELD_OUT, Identity, sample_identity, to_document, traits
from personactl.pocket.scene import Scene, sample_scene

SEED = HELD_OUT + 50_554
SIZE = 256
POOL = range(HELD_OUT + 50_000, HELD_OUT + 51_000)
NOTE = "Drawn by the renderer of personactl.pocket from the parameters below. Not generated, not a real person."


def find_apart(pool: range = POOL) -> list[int]:
    """Seeds of the pool, the most distinctive first: by the standardised distance to the nearest other identity."""
    table = np.stack([traits(sample_identity(seed)) for seed in pool])
    table = (table - table.mean(axis=0)) / (table.std(axis=0) + 1e-6)
    squares = np.square(table).sum(axis=1)
    distances = squares[:, None] + squares[None] - 2 * table @ table.T
    np.fill_diagonal(distances, np.inf)
    return [pool[place] for place in np.argsort(-distances.min(axis=1))]


def demo_identity() -> Identity:
    """Lira."""
    return sample_identity(SEED)


def demo_scenes() -> dict[str, Scene]:
    """File name stem -> scene: one garment and one background, so that the pictures read as one sitting."""
    still = replace(
        sample_scene(HELD_OUT),
        framing="portrait",
        expression="neutral",
        view="frontal view",
        background="studio",
        colour="red",
        clothing="coat",
        light="soft light",
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        intensity=1.0,
        gaze=(0.0, 0.0),
        offset=(0.0, 0.0),
        zoom=1.0,
        side=-1,
    )
    return {
        "hero": replace(still, framing="close-up", expression="smiling", yaw=-0.06),
        "front": still,
        "three-quarter": replace(still, view="three-quarter view left", yaw=-0.46),
        "smiling": replace(still, expression="smiling"),
    }


def write_demo_persona(folder: Path) -> None:
    """Draw the demo persona's pictures and write identity.json into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    identity = demo_identity()
    for stem, scene in demo_scenes().items():
        Image.fromarray(draw(identity, scene, SIZE).rgb).save(folder / f"{stem}.png", optimize=True)
    document = {
        "schema": "personactl.pocket.identity/1",
        "name": "lira",
        "origin": NOTE,
        "identity": to_document(identity),
    }
    (folder / "identity.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
