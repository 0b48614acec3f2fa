"""Where the visible label stands: in a corner, inside the safe margin, as large as asked for, and never over a face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import lru_cache

from personactl.disclose import badge
from personactl.visible_label import LabelPlace, LabelSpec

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom just outside."""

_LEAST_MARGIN = 2
_CLEARANCE = 0.2
"""Least distance from a face, in cap heights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    place: LabelPlace
    box: Box
    cap: int


def place(width: int, height: int, spec: LabelSpec, faces: Iterable[Box] = ()) -> Placed | None:
    """The largest label at the first permitted place that is free of every face, or None where there is none.

    It shrinks only when no place is free at the size above, and not below the least that the policies permit, nor
    below what can be read.
    """
    avoided = tuple(faces)
    wanted, least = sizes(width, height, spec)
    for cap in range(wanted, least - 1, -1):
        for name in spec.places:
            box = _corner(name, width, height, _badge_size(spec.words, cap), _margin(width, height, spec))
            if box is not None and not any(_touches(box, face, cap) for face in avoided):
                return Placed(place=name, box=box, cap=cap)
    return None


def fits(width: int, height: int, spec: LabelSpec) -> bool:
    """Whether a picture of this size has room for the label at all."""
    return place(width, height, spec) is not None


def sizes(width: int, height: int, spec: LabelSpec) -> tuple[int, int]:
    """The cap height that is wanted and the least one, in pixels."""
    shorter, legible = min(width, height), badge.least_cap(spec.words)
    wanted = int((Decimal(spec.height) * shorter).to_integral_value(ROUND_HALF_UP))
    least = int((Decimal(spec.least_height) * shorter).to_integral_value(ROUND_CEILING))
    least = max(least, legible)
    return max(wanted, least), least


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have a pixel in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _touches(box: Box, face: Box, cap: int) -> bool:
    clearance = max(1, round(_CLEARANCE * cap))
    left, top, right, bottom = face
    return overlap(box, (left - clearance, top - clearance, right + clearance, bottom + clearance))


def _margin(width: int, height: int, spec: LabelSpec) -> int:
    margin = Decimal(spec.margin) * min(width, height)
    return max(_LEAST_MARGIN, int(margin.to_integral_value(ROUND_HALF_UP)))


@lru_cache(maxsize=512)
def _badge_size(words: tuple[str, ...], cap: int) -> tuple[int, int]:
    return badge.width_of(words, cap), badge.Measures(cap=cap).height


def _corner(name: LabelPlace, width: int, height: int, size: Sequence[int], margin: int) -> Box | None:
    """The badge's box in a corner; None where it would stand in the margin."""
    across, down = size
    if across + 2 * margin > width or down + 2 * margin > height:
        return None
    left = width - margin - across if name.endswith("right") else margin
    top = margin if name.startswith("top") else height - margin - down
    return left, top, left + across, top + down
