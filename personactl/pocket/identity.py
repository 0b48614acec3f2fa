"""An invented person as data: every number that the renderer needs to draw the same face again.

Lengths are in head units: the face spans y = -1 (hairline side of the skull) to y = +1 (chin), x grows to the right of
the picture. Colours are sRGB triples in 0..255. Identities are functions of an integer seed; seeds at or above
`HELD_OUT` never enter a training set.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

Colour = tuple[float, float, float]

HELD_OUT = 900_000
STREAM = 4711  # first word of every identity's random stream, so that seeds of other streams never coincide

SKIN_TONES = (
    (255, 224, 200),
    (248, 209, 176),
    (236, 188, 150),
    (220, 166, 124),
    (194, 136, 96),
    (160, 106, 72),
    (126, 82, 56),
    (98, 63, 44),
)
HAIR_COLOURS = (
    (34, 28, 32),
    (64, 42, 32),
    (104, 66, 40),
    (146, 96, 54),
    (196, 146, 84),
    (234, 202, 130),
    (168, 70, 36),
    (214, 104, 54),
    (142, 144, 150),
    (222, 222, 226),
    (96, 66, 130),
    (46, 88, 138),
    (176, 60, 96),
)
IRIS_COLOURS = (
    (74, 46, 30),
    (118, 74, 38),
    (96, 132, 72),
    (58, 146, 116),
    (62, 118, 186),
    (118, 164, 208),
    (112, 120, 128),
    (40, 30, 30),
)
LIP_TINTS = ((206, 92, 96), (176, 58, 74), (226, 120, 116), (150, 74, 70))
HAIR_STYLES = ("buzz", "short", "side part", "bob", "fringe bob", "long", "bun", "ponytail", "curly", "afro")
BEARDS = ("none", "moustache", "goatee", "full")
GLASSES = ("none", "round", "square")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Outline and complexion. `width` is half the breadth at the eyes."""

    width: float
    jaw: float
    chin: float
    cheek: float
    skin: Colour
    blush: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hair:
    style: str
    colour: Colour
    hairline: float
    volume: float
    length: float
    parting: float
    pattern: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """`spread` is the distance of each eye's centre from the midline; `tilt` lifts the outer corners."""

    colour: Colour
    size: float
    openness: float
    spread: float
    height: float
    tilt: float
    iris: float
    lashes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Brows:
    thickness: float
    lift: float
    arch: float
    slant: float
    length: float
    darkness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Nose:
    length: float
    width: float
    tip: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth:
    width: float
    upper: float
    lower: float
    height: float
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What sits on the face: `mole` is (x, y, radius) or None, `frame` the colour of the glasses."""

    beard: str
    glasses: str
    frame: Colour
    mole: tuple[float, float, float] | None
    ears: float
    earrings: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One drawn person, complete."""

    seed: int
    face: Face
    hair: Hair
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    marks: Marks


def sample_identity(seed: int) -> Identity:
    """The identity of a seed; the same on every machine (PCG64 stream of numpy)."""
    rng = np.random.default_rng([STREAM, seed])
    face = _sample_face(rng)
    return Identity(
        seed=seed,
        face=face,
        hair=_sample_hair(rng),
        eyes=_sample_eyes(rng, face.width),
        brows=_sample_brows(rng),
        nose=Nose(length=rng.uniform(0.30, 0.46), width=rng.uniform(0.09, 0.19), tip=rng.uniform(0.0, 0.05)),
        mouth=_sample_mouth(rng, face.skin),
        marks=_sample_marks(rng),
    )


def _sample_face(rng: np.random.Generator) -> Face:
    place = rng.uniform(0, len(SKIN_TONES) - 1.001)
    low = int(place)
    skin = _mix(SKIN_TONES[low], SKIN_TONES[low + 1], place - low)
    return Face(
        width=rng.uniform(0.68, 0.86),
        jaw=rng.uniform(0.45, 0.95),
        chin=rng.uniform(0.14, 0.42),
        cheek=rng.uniform(-0.03, 0.05),
        skin=_jitter(rng, skin, 4),
        blush=rng.uniform(0.1, 0.5),
    )


def _sample_hair(rng: np.random.Generator) -> Hair:
    weights = (0.07, 0.12, 0.12, 0.12, 0.11, 0.15, 0.08, 0.07, 0.09, 0.07)
    return Hair(
        style=HAIR_STYLES[rng.choice(len(HAIR_STYLES), p=weights)],
        colour=_jitter(rng, HAIR_COLOURS[rng.integers(len(HAIR_COLOURS))], 9),
        hairline=rng.uniform(-0.72, -0.54),
        volume=rng.uniform(0.08, 0.24),
        length=rng.uniform(0.0, 1.0),
        parting=float(rng.choice([-1.0, 1.0])) * rng.uniform(0.15, 0.45),
        pattern=int(rng.integers(1 << 30)),
    )


def _sample_eyes(rng: np.random.Generator, face_width: float) -> Eyes:
    return Eyes(
        colour=_jitter(rng, IRIS_COLOURS[rng.integers(len(IRIS_COLOURS))], 8),
        size=rng.uniform(0.155, 0.215),
        openness=rng.uniform(0.52, 0.86),
        spread=rng.uniform(0.32, 0.42) * face_width / 0.77,
        height=rng.uniform(-0.14, -0.02),
        tilt=rng.uniform(-0.03, 0.05),
        iris=rng.uniform(0.58, 0.78),
        lashes=rng.uniform(0, 1),
    )


def _sample_brows(rng: np.random.Generator) -> Brows:
    return Brows(
        thickness=rng.uniform(0.035, 0.085),
        lift=rng.uniform(0.2, 0.3),
        arch=rng.uniform(0.0, 0.08),
        slant=rng.uniform(-0.05, 0.07),
        length=rng.uniform(0.15, 0.22),
        darkness=rng.uniform(0.45, 0.95),
    )


def _sample_mouth(rng: np.random.Generator, skin: Colour) -> Mouth:
    natural = (skin[0] * 0.84, skin[1] * 0.58, skin[2] * 0.58)
    return Mouth(
        width=rng.uniform(0.2, 0.33),
        upper=rng.uniform(0.035, 0.075),
        lower=rng.uniform(0.05, 0.105),
        height=rng.uniform(0.48, 0.58),
        colour=_mix(natural, LIP_TINTS[rng.integers(len(LIP_TINTS))], rng.uniform(0, 0.9)),
    )


def _sample_marks(rng: np.random.Generator) -> Marks:
    side = float(rng.choice([-1.0, 1.0]))
    mole = (side * rng.uniform(0.2, 0.5), rng.uniform(0.15, 0.7), rng.uniform(0.028, 0.042))
    return Marks(
        beard=BEARDS[rng.choice(len(BEARDS), p=(0.76, 0.08, 0.07, 0.09))],
        glasses=GLASSES[rng.choice(len(GLASSES), p=(0.78, 0.11, 0.11))],
        frame=(rng.uniform(10, 80), rng.uniform(10, 60), rng.uniform(10, 70)),
        mole=mole if rng.random() < 0.3 else None,
        ears=rng.uniform(0.11, 0.18),
        earrings=bool(rng.random() < 0.2),
    )


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a * (1 - share) + b * share for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def _jitter(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    red, green, blue = np.clip(np.asarray(colour, float) + rng.normal(0, spread, 3), 8, 255).tolist()
    return (red, green, blue)


def traits(identity: Identity) -> np.ndarray:
    """The identity as a float32 vector in field order: the target of the recogniser's attribute regression."""
    values: list[float] = []
    for part in (
        identity.face,
        identity.hair,
        identity.eyes,
        identity.brows,
        identity.nose,
        identity.mouth,
        identity.marks,
    ):
        for field in fields(part):
            values.extend(_trait(field.name, getattr(part, field.name)))
    return np.asarray(values, np.float32)


def _trait(name: str, value: Any) -> list[float]:
    choices = {"style": HAIR_STYLES, "beard": BEARDS, "glasses": GLASSES}.get(name)
    if choices is not None:
        return [float(value == choice) for choice in choices]
    if name == "pattern":  # only seeds the curls' radii
        return []
    if name == "mole":
        return [0.0, 0.0, 0.0] if value is None else [1.0, value[0], value[1]]
    if isinstance(value, tuple):
        return [float(part) for part in value]
    return [float(value)]


def to_document(identity: Identity) -> dict[str, Any]:
    """JSON-ready form; numbers are rounded to 4 decimals, which the renderer cannot show."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return round(value, 4) if isinstance(value, float) else value

    return plain(asdict(identity))


def from_document(document: dict[str, Any]) -> Identity:
    """The inverse of `to_document`. Raises KeyError or TypeError when a field is missing or unknown."""

    def part(kind: type, name: str) -> Any:
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in document[name].items()}
        return kind(**values)

    return Identity(
        seed=document["seed"],
        face=part(Face, "face"),
        hair=part(Hair, "hair"),
        eyes=part(Eyes, "eyes"),
        brows=part(Brows, "brows"),
        nose=part(Nose, "nose"),
        mouth=part(Mouth, "mouth"),
        marks=part(Marks, "marks"),
    )
