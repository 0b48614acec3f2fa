"""pack.json (`personactl.pocket/1`): the index of a pack, with sizes, defaults and the calibration that it carries.

    {"schema": "personactl.pocket/1", "name": "…", "version": "…", "license": "Apache-2.0", "resolution": [128, 128],
     "generator": "generator", "ipAdapter": {"folder": "ip-adapter", "weightName": "….safetensors", "tokens": 4},
     "conditioner": {"folder": "conditioner", "embedding": 128},
     "scorer": {"folder": "scorer", "embedding": 128, "minFacePx": 24, "minDetectorScore": "0.5",
                "calibration": {"recogniserSha256": "…", "threshold": "…", "far": "…", "farUpper95": "…", …}},
     "upscaler": {"file": "upscaler/….onnx", "scale": 2},
     "defaults": {"steps": 20, "guidance": "2.5", "scheduler": "dpmsolver++"},
     "files": {"<path>": {"sha256": "…", "size": 1}}}

Every file of the folder but pack.json itself is listed, so that the SHA-256 of pack.json stands for the whole pack; a
model lock carries it. `upscaler` may be missing; other keys are the makers' notes. Numbers may be JSON numbers or
decimal strings; they travel on as decimal strings, as written.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from personactl.errors import WeightsError
from personactl.weights import plain
from personactl.weights.folder import Folder

INDEX = "pack.json"
SCHEMA = "personactl.pocket/1"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAdapter:
    """`tokens` is the number of tokens that one face embedding becomes."""

    folder: str
    weight_name: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerFile:
    """An ONNX network that makes pictures `scale` times as wide and high."""

    file: str
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the pack's makers measured with its recogniser: cosines and rates as decimal strings, "" where not stated.

    -1 < `threshold` < 1, 0 < `far` <= `far_upper95` <= 1, `far` < 1. `id` is the SHA-256 of the calibration's JSON with
    sorted keys. `impostor_mean` (below the threshold) and `impostor_sd` describe the cosines of different identities.
    """

    id: str
    recogniser_sha256: str
    threshold: str
    far: str
    far_upper95: str
    impostor_mean: str
    impostor_sd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A checked pack.json. Folders are relative to the pack; `min_face_px` in pixels, `min_detector_score` in 0..1."""

    name: str
    version: str
    license: str
    resolution: tuple[int, int]
    generator: str
    ip_adapter: IpAdapter
    conditioner: str
    scorer: str
    embedding: int
    calibration: Calibration
    min_face_px: int
    min_detector_score: str
    upscaler: UpscalerFile | None
    steps: int
    guidance: str
    scheduler: str


def read_pack(folder: Folder) -> Pack | None:
    """The pack in `folder`, None when it has no pack.json.

    Raises WeightsError: weights.pack-invalid, weights.unlisted, weights.incomplete, weights.digest-mismatch.
    """
    if folder.digest_of(INDEX) is None:
        return None
    try:
        document = _object(folder.documents.get(INDEX), "the document")
        pack = _parse(document)
        listed = {path: _listed(path, entry) for path, entry in _object(document["files"], "files").items()}
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, InvalidOperation) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"pack.json cannot be used: {reason}", where=INDEX, code="weights.pack-invalid") from error
    _check_files(folder, listed)
    return pack


def _check_files(folder: Folder, listed: Mapping[str, tuple[str, int]]) -> None:
    again = "get the pack again from its source"
    found = {file.path: (file.sha256, file.size) for file in folder.files if file.path != INDEX}
    for path in sorted({*found, *listed}):
        if path not in listed:
            hint = "remove it: a pack holds exactly the files that pack.json lists"
            raise WeightsError("this file is not listed in pack.json", where=path, hint=hint, code="weights.unlisted")
        if path not in found:
            raise WeightsError("a file of the pack is missing", where=path, hint=again, code="weights.incomplete")
        if found[path] != listed[path]:
            message = f"this file is not the one in pack.json: sha256 {found[path][0]}, expected {listed[path][0]}"
            raise WeightsError(message, where=path, hint=again, code="weights.digest-mismatch")


def _parse(document: Any) -> Pack:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']!r} is not {SCHEMA!r}")
    parts = ("ipAdapter", "scorer", "conditioner", "defaults")
    adapter, scorer, conditioner, defaults = (_object(document[part], part) for part in parts)
    width, height = document["resolution"]
    embedding = _count(conditioner["embedding"])
    return Pack(
        name=plain.label(document["name"], "name"),
        version=plain.label(document["version"], "version"),
        license=plain.licence(document["license"]),
        resolution=(_count(width), _count(height)),
        generator=_folder(document["generator"]),
        ip_adapter=IpAdapter(
            folder=_folder(adapter["folder"]),
            weight_name=_folder(adapter["weightName"]),
            tokens=_count(adapter["tokens"]),
        ),
        conditioner=_folder(conditioner["folder"]),
        scorer=_folder(scorer["folder"]),
        embedding=embedding,
        calibration=_calibration(_object(scorer["calibration"], "calibration")),
        min_face_px=_count(scorer["minFacePx"]),
        min_detector_score=_within(scorer, "minDetectorScore", 0, 1),
        upscaler=_upscaler(document.get("upscaler")),
        steps=_count(defaults["steps"]),
        guidance=_decimal(defaults["guidance"]),
        scheduler=plain.label(defaults["scheduler"], "scheduler"),
    )


def _upscaler(value: Any) -> UpscalerFile | None:
    if value is None:
        return None
    document = _object(value, "upscaler")
    scale = _count(document["scale"])
    if scale != 2:  # the sizes of a plan know no other
        raise ValueError(f"an upscaler of scale {scale}; only 2 is supported")
    return UpscalerFile(file=_folder(document["file"]), scale=scale)


def _calibration(document: Mapping[str, Any]) -> Calibration:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    far, upper = _within(document, "far", 0, 1), _decimal(document["farUpper95"])
    if not Decimal(far) <= Decimal(upper) <= 1:
        raise ValueError(f"farUpper95 {upper} bounds no rate of {far}")
    stated = {key: value for key, value in document.items() if value is not None}
    threshold = _within(document, "threshold", -1, 1)
    mean = _within(stated, "impostorMean", -1, 1) if "impostorMean" in stated else ""
    if mean and Decimal(mean) >= Decimal(threshold):
        raise ValueError("the calibrated threshold accepts the average impostor")
    return Calibration(
        id=hashlib.sha256(canonical.encode()).hexdigest(),
        recogniser_sha256=_sha256(document["recogniserSha256"]),
        threshold=threshold,
        far=far,
        far_upper95=upper,
        impostor_mean=mean,
        impostor_sd=_within(stated, "impostorSd", 0, 1) if "impostorSd" in stated else "",
    )


def _within(document: Mapping[str, Any], key: str, low: int, high: int) -> str:
    """The number at `key`, strictly between `low` and `high`."""
    text = _decimal(document[key])
    if not low < Decimal(text) < high:
        raise ValueError(f"{key} {text} is not between {low} and {high}")
    return text


def _listed(path: str, entry: Any) -> tuple[str, int]:
    stated = _object(entry, f"files[{path!r}]")
    return _sha256(stated["sha256"]), _size(stated["size"])


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not a JSON object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise ValueError(f"{value!r} is not a short text")
    return value


def _folder(value: Any) -> str:
    name = _text(value)
    if name != name.strip() or any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name:
        raise ValueError(f"{name!r} is not a path inside the pack")
    return name


def _count(value: Any) -> int:
    if type(value) is not int or not 0 < value < 1 << 20:
        raise ValueError(f"{value!r} is not a positive count")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a number of bytes")
    return value


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(f"{str(value)[:80]!r} is not a SHA-256 in lower-case hex")
    return value


def _decimal(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or len(text) > 40 or not Decimal(text).is_finite():
        raise ValueError(f"{text[:40]!r} is not a finite number")
    if abs(Decimal(text).adjusted()) > 20:  # written out, it would fill the memory
        raise ValueError(f"{text!r} is out of range")
    return format(Decimal(text), "f")
