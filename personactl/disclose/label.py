"""The visible label: AI and what was done, drawn onto the picture before it is marked and signed.

    place → choose dark or light → draw → measure the contrast → (watermark, encode, sign) → compare the decoded file

The watermark lies over the label, since both must read back from the same file. The identity score was computed
before: a label never covers the face, so that it is also the score of the delivered face. In a clip the label has one
place, one size and one colour from the first frame to the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from personactl.disclose import badge, contrast, placement
from personactl.disclose.badge import Badge
from personactl.disclose.placement import Box, Placed
from personactl.errors import DisclosureError
from personactl.model import OutputSpec, Scored
from personactl.visible_label import LabelRecord, LabelSpec

Array = np.ndarray[Any, Any]

DARK, LIGHT = (18, 18, 18), (246, 246, 246)
"""The two colours, 17 to 1: a little inside black and white, so that the watermark has room on both sides."""
LIKENESS = 0.9
"""Least normalised correlation of a label in a decoded file with the label as drawn."""

_VANISHING = 2.0
"""A plate is dark unless its contrast with what lies around it is below this and a light one has more: the pictures
of a series then have the same label, also where their brightness lies in between."""
_FULL, _NONE = 0.9, 0.05
_SURE = 5
"""The edge contrast is that of the fifth percentile: a few pixels of a picture may have any brightness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A label as it was drawn. `pixels` is the badge's box in the picture, `edge` its contrast with the picture."""

    placed: Placed
    badge: Badge
    dark: bool
    pixels: Array
    contrast: float
    edge: float


def draw(rgb: Array, spec: LabelSpec, *, faces: Iterable[Box] = ()) -> tuple[Array, Drawing]:
    """A labelled copy of uint8 RGB (height, width, 3), and what was drawn.

    Raises DisclosureError disclosure.label-no-room when every permitted place is taken by a face, or too small.
    """
    (labelled,), drawing = label_frames([rgb], spec, faces=faces)
    return labelled, drawing


def label_frames(frames: Sequence[Array], spec: LabelSpec, *, faces: Iterable[Box] = ()) -> tuple[list[Array], Drawing]:
    """Labelled copies of the frames of a clip, all of one shape, with the same label at the same place in each.

    `faces` are the faces of all frames. The colours are those that stand out best in the worst frame; contrasts are
    the lowest of all frames. Raises ValueError without frames, DisclosureError as `draw`.
    """
    if not frames:
        raise ValueError("a clip has at least one frame")
    height, width = frames[0].shape[:2]
    placed = placement.place(width, height, spec, faces)
    if placed is None:
        raise _no_room(width, height, spec)
    drawn = badge.draw(spec.words, placed.cap)
    behind = [_surroundings(frame, placed.box, drawn) for frame in frames]
    as_dark, as_light = (min(_standing_out(item, colour) for item in behind) for colour in (DARK, LIGHT))
    dark = as_dark >= min(_VANISHING, as_light)
    labelled = [_compose(frame, placed.box, drawn, dark=dark) for frame in frames]
    regions = [region(frame, placed.box) for frame in labelled]
    drawing = Drawing(
        placed=placed,
        badge=drawn,
        dark=dark,
        pixels=regions[0],
        contrast=min(measured(item, drawn) for item in regions),
        edge=min(_edge(item) for item in behind),
    )
    return labelled, drawing


def fits(width: int, height: int, spec: LabelSpec) -> bool:
    """Whether a picture of this size has room for a label that can be read."""
    return placement.fits(width, height, spec)


def has_room(scored: Scored, spec: LabelSpec) -> bool:
    """Whether the face that was scored leaves a permitted place free in this very picture."""
    shot, face = scored.candidate.shot, scored.identity.face_box
    return placement.place(shot.width, shot.height, spec, () if face is None else (face,)) is not None


def require_drawn(final: Array, drawing: Drawing) -> None:
    """The label must be there, and readable, in the decoded final picture. Raises DisclosureError."""
    there = region(final, drawing.placed.box)
    likeness, ratio = likeness_of(there, drawing.pixels), measured(there, drawing.badge)
    if likeness < LIKENESS or ratio < contrast.TEXT:
        raise DisclosureError(
            f"the visible label does not survive the encoding (likeness {likeness:.2f}, contrast {ratio:.1f}); "
            "the output is withheld",
            hint="personactl explain disclosure.label-lost",
            code="disclosure.label-lost",
        )


def record(output: OutputSpec, spec: LabelSpec | None, drawing: Drawing | None) -> LabelRecord:
    """What was decided and drawn, for the C2PA assertion and the ledger entry."""
    if spec is None or drawing is None:
        reason = output.label_reason if output.label == "never" else "no policy asks for a visible label"
        return LabelRecord(setting=output.label, decision="none", reason=reason)
    return LabelRecord(
        setting=output.label,
        decision="drawn",
        reason="policies ask for a visible label" if spec.asked_by else "the manifest asks for a visible label",
        asked_by=spec.asked_by,
        text=drawing.badge.text,
        place=drawing.placed.place,
        box=drawing.placed.box,
        cap_height=drawing.placed.cap,
        contrast=f"{drawing.contrast:.2f}",
        edge_contrast=f"{drawing.edge:.2f}",
    )


def decision(found: LabelRecord) -> dict[str, Any]:
    """The record as the members of the assertion and of the ledger entry.

    The box is an object, because c2pa-rs gives a list of numbers below 256 back as if it were bytes, in base64.
    """
    said: dict[str, Any] = {"setting": found.setting, "decision": found.decision, "reason": found.reason}
    if found.box is not None:
        said |= {
            "askedBy": list(found.asked_by),
            "text": found.text,
            "place": found.place,
            "box": dict(zip(("left", "top", "right", "bottom"), found.box, strict=True)),
            "capHeight": found.cap_height,
            "contrast": found.contrast,
            "edgeContrast": found.edge_contrast,
        }
    return said


def region(rgb: Array, box: Box) -> Array:
    """The pixels inside a box."""
    left, top, right, bottom = box
    return rgb[top:bottom, left:right]


def measured(pixels: Array, drawn: Badge) -> float:
    """The lower contrast ratio of letters to what lies between them: of the words on the plate, of AI on its chip."""
    seen = contrast.luminance(pixels)
    letters, between = drawn.letters >= _FULL, drawn.letters <= _NONE
    on_chip, on_plate = drawn.chip >= 1 - _NONE, (drawn.chip <= _NONE) & (drawn.plate >= 1 - _NONE)
    sides = [ground for ground in (on_chip, on_plate) if (letters & ground).any()]
    return min(float(contrast.ratio(seen[letters & ground].mean(), seen[between & ground].mean())) for ground in sides)


def likeness_of(one: Array, other: Array) -> float:
    """Normalised cross-correlation of the brightness of two pictures of one shape, -1 to 1."""
    first, second = (picture.mean(axis=2, dtype=np.float64) for picture in (one, other))
    first, second = first - first.mean(), second - second.mean()
    length = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / length if length else 0.0


def _surroundings(frame: Array, box: Box, drawn: Badge) -> Array:
    """Luminances of the picture just outside the badge, and under its rounded corners."""
    reach = max(2, drawn.cap // 3)
    left, top, right, bottom = box
    outside = np.pad(drawn.outer, reach) <= _NONE
    height, width = frame.shape[:2]
    rows, columns = np.arange(top - reach, bottom + reach), np.arange(left - reach, right + reach)
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    around = frame[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    return contrast.luminance(around[outside & inside])


def _standing_out(behind: Array, colour: tuple[int, int, int]) -> float:
    """How well a plate of this colour stands out, over almost all of what lies around it."""
    return float(np.percentile(contrast.ratio(behind, float(contrast.luminance(np.array(colour)))), 10))


def _edge(behind: Array) -> float:
    """The contrast of the badge with the picture: at each pixel that of plate or edge, whichever is larger."""
    dark, light = (contrast.ratio(behind, float(contrast.luminance(np.array(colour)))) for colour in (DARK, LIGHT))
    return float(np.percentile(np.maximum(dark, light), _SURE))


def _compose(frame: Array, box: Box, drawn: Badge, *, dark: bool) -> Array:
    plate, ink = (DARK, LIGHT) if dark else (LIGHT, DARK)
    left, top, right, bottom = box
    result = frame.copy()
    blended = result[top:bottom, left:right].astype(np.float32)
    for mask, colour in ((drawn.outer, ink), (drawn.plate, plate), (drawn.ink, ink)):
        weight = mask[..., None]
        blended = blended * (1 - weight) + np.array(colour, np.float32) * weight
    result[top:bottom, left:right] = np.rint(blended).astype(np.uint8)
    return result


def _no_room(width: int, height: int, spec: LabelSpec) -> DisclosureError:
    _, least = placement.sizes(width, height, spec)
    return DisclosureError(
        f"no permitted place for the visible label is free of the face in {width}x{height} pixels, "
        f"with letters of at least {least} pixels; the output is withheld",
        hint="frame the face smaller or choose a larger output.size; personactl explain disclosure.label-no-room",
        code="disclosure.label-no-room",
    )
