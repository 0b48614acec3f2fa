"""The visible label as a demand and as a record: two of the types that flow, beside `model`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LabelPlace = Literal["top-right", "top-left", "bottom-right", "bottom-left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpec:
    """The visible label that every picture of a plan gets: AI and `words`, as the policies together ask for it.

    `height` and `least_height` (of capital letters) and `margin` (to the picture's edges) are fractions of the
    picture's shorter side, as decimal strings. `places` are the permitted ones, best first. `asked_by` names the rules,
    "policy/rule"; it is empty where only the manifest asks.
    """

    words: tuple[str, ...]
    height: str
    least_height: str
    margin: str
    places: tuple[LabelPlace, ...]
    asked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRecord:
    """What was decided about the visible label, and what was drawn. Public: it stands in the file and in the ledger.

    With the decision "none" only `setting` and `reason` say anything. `box` is left, top, right, bottom in pixels,
    right and bottom just outside; `cap_height` in pixels. `contrast` is the lowest ratio of letters to what surrounds
    them, `edge_contrast` that of the badge to the picture beside it (WCAG 2.2), decimal strings.
    """

    setting: str
    decision: Literal["drawn", "none"]
    reason: str
    asked_by: tuple[str, ...] = ()
    text: str = ""
    place: str = ""
    box: tuple[int, int, int, int] | None = None
    cap_height: int = 0
    contrast: str = ""
    edge_contrast: str = ""
