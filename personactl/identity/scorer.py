"""Embedder and Scorer: the two sides of the identity gate.

The embedder's network conditions the generator; the scorer's, trained from another seed, judges what came out. Were
they one, a picture could please the judge without showing the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from personactl.errors import EnvironmentProblem, ExtraMissing, PersonaError, WeightsError
from personactl.identity.face import Array, Face
from personactl.identity.gate import Limits, Look, decimal_text, judge, look
from personactl.identity.lock import FacePackage, Judges, survey
from personactl.model import Candidate, Gate, IdentityRecord, Scored, ScorerLock

# Faces below the pack's score are still looked at: a weak face is "not-scorable", not "no-face".
WEAKEST_SCORE = 0.25

if TYPE_CHECKING:
    from personactl.identity.insightface import FaceNetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A persona as the scorer sees it: `vector` (width,) float32 of unit length, the mean of the references'
    embeddings; `thumbnails` for the copy check; `used[i]`: did picture i have a face that could be embedded?"""

    vector: Array
    thumbnails: tuple[Array, ...]
    used: tuple[bool, ...]


class Embedder:
    """Makes the embeddings that condition the generator."""

    def __init__(self, networks: FaceNetworks, limits: Limits):
        self._networks = networks
        self._limits = limits

    def embed(self, rgb: Array) -> Array | None:
        """(width,) float32 of unit length for the largest certain face of a uint8 RGB picture, None without one."""
        face = _largest(self._networks.detect(rgb), self._limits)
        return None if face is None else self._networks.embed(rgb, face)[0]


class Scorer:
    """Judges candidates against a template."""

    def __init__(self, networks: FaceNetworks, limits: Limits, recogniser_sha256: str):
        self._networks = networks
        self._limits = limits
        self._recogniser_sha256 = recogniser_sha256

    def template(self, pictures: Sequence[Array], names: Sequence[str] = ()) -> Template:
        """The template of uint8 RGB reference pictures; `names` are for the error message.

        A picture without a certain face (a profile, say) does not count; `Template.used` tells. Raises PersonaError
        (identity.no-face-in-references) when none counts.
        """
        from personactl.identity import copies

        vectors, thumbnails, used = [], [], []
        for picture in pictures:
            face = _largest(self._networks.detect(picture), self._limits)
            used.append(face is not None)
            if face is not None:
                vector, crop = self._networks.embed(picture, face)
                vectors.append(vector.astype(np.float64))
                thumbnails.append(copies.thumbnail(crop))
        if not vectors:
            raise PersonaError(
                "no face was found in any reference picture",
                where=", ".join(names) or None,
                hint="use at least one reference that shows the face from the front or three-quarter",
                code="identity.no-face-in-references",
            )
        mean = np.mean(vectors, axis=0)
        length = float(np.linalg.norm(mean))
        return Template(
            vector=(mean / (length or 1.0)).astype(np.float32), thumbnails=tuple(thumbnails), used=tuple(used)
        )

    def score(self, candidate: Candidate, template: Template, gate: Gate) -> Scored:
        """The candidate with its identity record; the rules are those of `gate`."""
        seen = look(self._networks.detect(candidate.pixels), self._limits)
        score, copied = "", False
        if seen.scorable and seen.face is not None:
            vector, crop = self._networks.embed(candidate.pixels, seen.face)
            score = decimal_text(float(vector.astype(np.float64) @ template.vector.astype(np.float64)))
            copied = _is_copy(score, gate, crop, template)
        return Scored(candidate=candidate, identity=self._record(seen, score, copied, gate))

    def _record(self, seen: Look, score: str, copied: bool, gate: Gate) -> IdentityRecord:
        face = seen.face
        return IdentityRecord(
            verdict=judge(seen, score, copied=copied, gate=gate, limits=self._limits),
            score=score,
            threshold=gate.threshold,
            threshold_source=gate.source,
            calibration_id=gate.calibration_id,
            recogniser_sha256=self._recogniser_sha256,
            faces_found=seen.found,
            detector_score=decimal_text(face.score) if face else "",
            face_px=round(face.width) if face else 0,
            face_box=_rounded(face) if face else None,
        )


def open_scorer(path: str, project: Path, *, expected: ScorerLock | None = None) -> Scorer:
    """The scorer of the model at `path`, which must be the one of `expected` where that is given.

    Raises ExtraMissing, WeightsError.
    """
    judges = survey(path, project)
    _check(judges, expected)
    return Scorer(_open(judges, judges.scorer), judges.limits, judges.scorer.recogniser_sha256)


def open_conditioner(path: str, project: Path, *, expected: ScorerLock | None = None) -> Embedder:
    """The embedder of the model at `path`, which must be the one of `expected` where that is given.

    Raises ExtraMissing, WeightsError (also: weights.no-conditioner).
    """
    judges = survey(path, project)
    _check(judges, expected)
    if judges.conditioner is None:
        raise WeightsError(
            "this model has no network for face embeddings",
            where="conditioner/manifest.json",
            hint="remove [reference] from the manifest, or use a model with an IP-Adapter of the FaceID kind",
            code="weights.no-conditioner",
        )
    return Embedder(_open(judges, judges.conditioner), judges.limits)


def _check(judges: Judges, expected: ScorerLock | None) -> None:
    if expected is None:
        return
    conditioner = judges.conditioner.recogniser_sha256 if judges.conditioner else ""
    now = (judges.scorer.detector_sha256, judges.scorer.recogniser_sha256, conditioner)
    then = (expected.detector_sha256, expected.recogniser_sha256, expected.conditioner_sha256)
    if now != then:
        raise WeightsError(
            "the networks that judge are not the ones that were planned",
            where=judges.scorer.name or expected.name,
            hint="plan again with this model, or bring the planned files back",
            code="weights.digest-mismatch",
        )


def _open(judges: Judges, package: FacePackage) -> FaceNetworks:
    try:
        from personactl.identity.insightface import FaceNetworks
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            "generate", needed_for="finding and comparing faces", missing=error.name or "insightface"
        ) from error
    except ImportError as error:
        raise EnvironmentProblem(
            f"a library for faces cannot be loaded: {error}",
            hint="install opencv-python-headless in place of opencv-python; see `personactl doctor`",
            code="environment.broken-library",
        ) from error
    weakest = min(WEAKEST_SCORE, judges.limits.min_detector_score / 2)
    networks = FaceNetworks(package.path(judges.folder), embedding=package.embedding, weakest_score=weakest)
    judges.folder.check_unchanged()
    return networks


def _is_copy(score: str, gate: Gate, crop: Array, template: Template) -> bool:
    """Looked at only for pictures that would pass: a copy scores near 1."""
    if Decimal(score) < Decimal(gate.threshold):
        return False
    from personactl.identity import copies

    return copies.is_copy(copies.thumbnail(crop), template.thumbnails)


def _largest(faces: Sequence[Face], limits: Limits) -> Face | None:
    certain = [face for face in faces if face.score >= limits.min_detector_score]
    return max(certain, key=lambda face: face.area, default=None)


def _rounded(face: Face) -> tuple[int, int, int, int]:
    left, top, right, bottom = face.box
    return round(left), round(top), round(right), round(bottom)
