"""Which networks judge, with digests, licence and calibration. Nothing is loaded.

A folder of networks is an insightface package with a version 2 manifest: it names the files and their digests, so that
no file is chosen by its shape, and insightface checks the digests once more before it makes a session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from personactl.errors import WeightsError
from personactl.identity.gate import Limits
from personactl.model import Finding, ScorerLock
from personactl.weights import Folder, Pack, locate, model_name, open_folder, plain, read_pack
from personactl.weights.licences import COMMERCIAL

MANIFEST = "manifest.json"
SCORER, CONDITIONER = "scorer", "conditioner"
# Where a package states none: what insightface's own PersonAnalysis uses.
DEFAULT_MIN_FACE_PX = 32
DEFAULT_MIN_DETECTOR_SCORE = "0.6"
_NON_COMMERCIAL_MODELS = re.compile(r"(buffalo|raccoon|cheetah|antelope)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePackage:
    """One folder of networks in a model folder. `name` is relative to the model folder, "" for the folder itself."""

    name: str
    model_id: str
    detector_sha256: str
    recogniser_sha256: str
    embedding: int

    def path(self, folder: Folder) -> Path:
        """The absolute path that insightface gets."""
        return folder.root / self.name if self.name else folder.root


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """A hashed model folder with its scorer, and its conditioner where there is one."""

    folder: Folder
    pack: Pack | None
    scorer: FacePackage
    conditioner: FacePackage | None
    limits: Limits


def lock_scorer(path: str, *, project: Path) -> ScorerLock:
    """Hash and check the scorer of the model at `path` ("pocket", or a folder relative to `project` or absolute).

    Raises WeightsError: weights.no-scorer, weights.calibration-mismatch, and what reading the folder raises.
    """
    judges = survey(path, project)
    pack = judges.pack
    calibration = pack.calibration if pack else None
    licence = pack.license if pack else _licence_of(judges.scorer)
    return ScorerLock(
        name=model_name(judges.folder, pack) if pack else judges.scorer.model_id,
        license=licence,
        commercial=COMMERCIAL.get(licence.lower()),
        detector_sha256=judges.scorer.detector_sha256,
        recogniser_sha256=judges.scorer.recogniser_sha256,
        conditioner_sha256=judges.conditioner.recogniser_sha256 if judges.conditioner else "",
        threshold=calibration.threshold if calibration else "",
        calibration_id=calibration.id if calibration else "",
        far=calibration.far if calibration else "",
        far_upper95=calibration.far_upper95 if calibration else "",
    )


def findings(lock: ScorerLock) -> tuple[Finding, ...]:
    """What a plan should tell about its scorer: identity.circular when it is also the conditioner."""
    if lock.recogniser_sha256 != lock.conditioner_sha256:
        return ()
    return (
        Finding(
            code="identity.circular",
            severity="warning",
            message="the network that conditions the generator also scores it, so scores flatter themselves",
            hint="put another recogniser into the folder scorer/ of the model",
        ),
    )


def survey(path: str, project: Path) -> Judges:
    """Read the folder and find its networks. Raises WeightsError, as `lock_scorer`."""
    folder = open_folder(locate(path, project))
    pack = read_pack(folder)
    scorer = read_package(folder, pack.scorer) if pack else _find(folder, SCORER) or _find(folder, "")
    if scorer is None:
        raise WeightsError(
            "this model has no scorer",
            where=f"{SCORER}/{MANIFEST}",
            hint="put an insightface package with a version 2 manifest.json into the folder scorer/ of the model",
            code="weights.no-scorer",
        )
    if pack:
        _check_calibration(pack, scorer)
    conditioner = read_package(folder, pack.conditioner) if pack else _find(folder, CONDITIONER)
    return Judges(folder=folder, pack=pack, scorer=scorer, conditioner=conditioner, limits=_limits(pack))


def read_package(folder: Folder, name: str) -> FacePackage:
    """The package in the subfolder `name`. Raises WeightsError: weights.incomplete, weights.digest-mismatch."""
    prefix = f"{name}/" if name else ""
    where = prefix + MANIFEST
    manifest: Any = folder.documents.get(where)
    try:
        if folder.digest_of(where) and not isinstance(manifest, dict):
            raise ValueError("the document is not a JSON object")
        if type(manifest["manifest_version"]) is not int or manifest["manifest_version"] != 2:
            raise ValueError("manifest_version is not 2")
        tasks = manifest["tasks"]
        digests = [_task_digest(folder, prefix, task, tasks[task]) for task in ("detection", "recognition")]
        embedding = tasks["recognition"].get("embedding_dimension", 512)
        if type(embedding) is not int or not 0 < embedding <= 4096:
            raise ValueError("embedding_dimension is not a width")
        model_id = plain.label(manifest["model_id"], "model_id")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise WeightsError(
            f"not an insightface package with a version 2 manifest: {reason}", where=where, code="weights.incomplete"
        ) from error
    return FacePackage(
        name=name, model_id=model_id, detector_sha256=digests[0], recogniser_sha256=digests[1], embedding=embedding
    )


def _task_digest(folder: Folder, prefix: str, task: str, entry: Mapping[str, Any]) -> str:
    stated = entry.get("sha256")
    if not isinstance(stated, str):
        raise ValueError(f"tasks.{task} has no sha256")
    path = prefix + str(entry["file"])
    file = folder.digest_of(path)
    if file is None:
        raise WeightsError("a network of the manifest is missing", where=path, code="weights.incomplete")
    if file.sha256 != stated:
        raise WeightsError(
            f"this file is not the one in {prefix}{MANIFEST}: sha256 {file.sha256}, expected {stated}",
            where=path,
            hint="get the package again from its source",
            code="weights.digest-mismatch",
        )
    return stated


def _find(folder: Folder, name: str) -> FacePackage | None:
    return read_package(folder, name) if folder.digest_of(f"{name}/{MANIFEST}" if name else MANIFEST) else None


def _limits(pack: Pack | None) -> Limits:
    calibration = pack.calibration if pack else None
    bound = None
    if calibration and calibration.impostor_mean and calibration.impostor_sd:
        bound = Decimal(calibration.impostor_mean) + 2 * Decimal(calibration.impostor_sd)
    return Limits(
        min_face_px=pack.min_face_px if pack else DEFAULT_MIN_FACE_PX,
        min_detector_score=float(pack.min_detector_score if pack else DEFAULT_MIN_DETECTOR_SCORE),
        impostor_bound=bound,
    )


def _check_calibration(pack: Pack, scorer: FacePackage) -> None:
    """A threshold belongs to the recogniser that it was measured with."""
    if pack.calibration.recogniser_sha256 != scorer.recogniser_sha256:
        raise WeightsError(
            "the pack's calibration was measured with another recogniser",
            where=f"{scorer.name}/{MANIFEST}",
            hint="get the pack again from its source",
            code="weights.calibration-mismatch",
        )


def _licence_of(package: FacePackage) -> str:
    return "insightface-non-commercial" if _NON_COMMERCIAL_MODELS.match(package.model_id) else "unknown"
