"""What a picture shows besides the person, and the caption grammar that says so.

A scene is view x expression x background x clothing x light x framing plus small jitter. A caption names each in a
fixed order, for example ``portrait, smiling, frontal view, beach, red coat, soft light``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FRAMINGS = ("close-up", "portrait")
EXPRESSIONS = ("neutral", "smiling", "laughing", "surprised", "serious")
VIEWS = ("frontal view", "three-quarter view left", "three-quarter view right", "tilted head")
BACKGROUNDS = ("studio", "plain wall", "night street", "beach", "forest", "sunset")
CLOTHING_COLOURS = {
    "red": (204, 46, 52),
    "blue": (52, 86, 188),
    "green": (48, 132, 78),
    "black": (40, 40, 46),
    "white": (236, 234, 230),
    "yellow": (236, 192, 62),
}
CLOTHES = ("coat", "shirt", "sweater")
LIGHTS = ("soft light", "warm light", "cool light", "neon light")
GRAMMAR = (FRAMINGS, EXPRESSIONS, VIEWS, BACKGROUNDS, tuple(CLOTHING_COLOURS), CLOTHES, LIGHTS)

SCENE_STREAM = 815
LAYOUTS = 3  # of each background


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One setting. Angles in radians (yaw > 0 turns towards the picture's right); offsets in picture widths."""

    framing: str
    expression: str
    view: str
    background: str
    colour: str
    clothing: str
    light: str
    yaw: float
    pitch: float
    roll: float
    intensity: float
    gaze: tuple[float, float]
    offset: tuple[float, float]
    zoom: float
    side: int
    pattern: int


def sample_scene(seed: int, *, view: str | None = None, framing: str | None = None) -> Scene:
    """The scene of a seed; `view` or `framing`, where given, replace the sampled word."""
    rng = np.random.default_rng([SCENE_STREAM, seed])
    sampled_view = VIEWS[rng.choice(len(VIEWS), p=(0.4, 0.23, 0.23, 0.14))]
    sampled_framing = FRAMINGS[rng.choice(len(FRAMINGS), p=(0.4, 0.6))]
    view = view or sampled_view
    side = int(rng.choice([-1, 1]))
    turn = rng.uniform(0.42, 0.5)
    yaw = {"three-quarter view left": -turn, "three-quarter view right": turn}.get(view, rng.uniform(-0.03, 0.03))
    return Scene(
        framing=framing or sampled_framing,
        expression=EXPRESSIONS[rng.choice(len(EXPRESSIONS), p=(0.2, 0.24, 0.2, 0.18, 0.18))],
        view=view,
        background=BACKGROUNDS[rng.integers(len(BACKGROUNDS))],
        colour=tuple(CLOTHING_COLOURS)[rng.integers(len(CLOTHING_COLOURS))],
        clothing=CLOTHES[rng.integers(len(CLOTHES))],
        light=LIGHTS[rng.choice(len(LIGHTS), p=(0.46, 0.2, 0.2, 0.14))],
        yaw=yaw,
        pitch=0.0,
        roll=0.2 * side if view == "tilted head" else 0.0,
        intensity=rng.uniform(0.95, 1.15),
        gaze=(rng.uniform(-0.05, 0.05), 0.0),
        offset=(0.0, 0.0),
        zoom=1.0,
        side=side,
        pattern=int(rng.integers(LAYOUTS)),
    )


def phrases(scene: Scene) -> list[str]:
    """The caption's phrases in grammar order; colour and garment are one phrase."""
    garment = f"{scene.colour} {scene.clothing}"
    return [scene.framing, scene.expression, scene.view, scene.background, garment, scene.light]


def caption(scene: Scene, rng: np.random.Generator | None = None) -> str:
    """The caption; with `rng`, sometimes shuffled and with phrases left out, so that short prompts work too."""
    words = phrases(scene)
    if rng is not None:
        if rng.random() < 0.25:
            words = [words[index] for index in rng.permutation(len(words))]
        words = [word for word in words if rng.random() > 0.08] or words[:1]
    return ", ".join(words)


def grammar_words() -> tuple[str, ...]:
    """Every phrase that a caption can hold; the tokenizer learns its merges from them."""
    garments = tuple(f"{colour} {cloth}" for colour in CLOTHING_COLOURS for cloth in CLOTHES)
    return (*FRAMINGS, *EXPRESSIONS, *VIEWS, *BACKGROUNDS, *garments, *LIGHTS)
