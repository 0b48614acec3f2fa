"""The verdict of the identity gate. Pure: what the networks found goes in, the verdict comes out.

The rules, in this order; the first that holds decides:

 1. nothing that could be a face                                   → no-face
 2. no face as certain as the pack asks                            → not-scorable
 3. more than one such face                                        → extra-face
 4. the face is smaller than the pack asks, or turned so far that
    the nose stands outside of the eyes                            → not-scorable
 5. a paste of a reference                                         → copy
 6. the score reaches the threshold                                → pass
 7. the score is one that other people reach (calibrated packs)    → wrong-person
 8. otherwise                                                      → drift

A face that cannot be judged gets no score, never a low one. Scores are compared as the four-digit decimals that are
recorded, so that a record and its verdict cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from personactl.identity.face import Face
from personactl.model import Gate, IdentityVerdict

PROFILE_TURN = 0.5
# What `personactl explain` says about a verdict that keeps a picture out.
VERDICT_CODES: Mapping[IdentityVerdict, str] = {
    "drift": "gate.drift",
    "copy": "gate.copy",
    "wrong-person": "gate.wrong-person",
    "no-face": "gate.no-face",
    "extra-face": "gate.extra-face",
    "not-scorable": "gate.not-scorable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`min_face_px` in pixels, `min_detector_score` in 0..1; `impostor_bound`: a cosine that 97 % of the pairs of
    different people do not exceed (mean + 2 sd), None where the pack does not say."""

    min_face_px: int
    min_detector_score: float
    impostor_bound: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is to be judged. `certain` counts the faces that reach the pack's detector score, `found` the same, or the
    weak ones where no face does; `face` is the largest, None without any."""

    found: int
    certain: int
    face: Face | None
    scorable: bool


def look(faces: Sequence[Face], limits: Limits) -> Look:
    """Sort what the detector found, weak faces included."""
    certain = [face for face in faces if face.score >= limits.min_detector_score]
    largest = max(certain or faces, key=lambda face: face.area, default=None)
    scorable = (
        bool(certain)
        and largest is not None
        and largest.width >= limits.min_face_px
        and abs(largest.turn) <= PROFILE_TURN
    )
    return Look(found=len(certain) or len(faces), certain=len(certain), face=largest, scorable=scorable)


def judge(seen: Look, score: str, *, copied: bool, gate: Gate, limits: Limits) -> IdentityVerdict:
    """The verdict; `score` is a four-digit decimal, "" when the face was not scorable."""
    if seen.face is None:
        return "no-face"
    if seen.certain > 1:
        return "extra-face"
    if not seen.scorable or not score:
        return "not-scorable"
    if copied:
        return "copy"
    if Decimal(score) >= Decimal(gate.threshold):
        return "pass"
    if limits.impostor_bound is not None and Decimal(score) <= limits.impostor_bound:
        return "wrong-person"
    return "drift"


def decimal_text(value: float) -> str:
    """Four digits after the point, never "-0.0000"."""
    text = f"{value:.4f}"
    return "0.0000" if text == "-0.0000" else text
