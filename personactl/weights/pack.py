"""pack.json (`personactl.pocket/1`): the index of a pack, with sizes, defaults and the calibration that it carries.

    {"schema": "personactl.pocket/1", "name": "…", "version": "…", "license": "Apache-2.0", "resolution": [128, 128],
     "generator": "generator", "ipAdapter": {"folder": "ip-adapter", "weightName": "….safetensors", "tokens": 4},
     "conditioner": {"folder": "conditioner", "embedding": 128},
     "scorer": {"folder": "scorer", "embedding": 128, "minFacePx": 24, "minDetectorScore": "0.5",
                "calibration": {"recogniserSha256": "…", "threshold": "…", "far": "…", "farUpper95": "…", …}},
     "defaults": {"steps": 20, "guidance": "2.5", "scheduler": "dpmsolver++"},
     "files": {"<path>": {"sha256": "…", "size": 1}}}

Every file of the folder but pack.json itself is listed. Numbers may be JSON numbers or decimal strings; they travel on
as decimal strings, as written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from personactl.errors import WeightsError
from personactl.weights.folder import Folder

INDEX = "pack.json"
SCHEMA = "personactl.pocket/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAdapter:
    """`tokens` is the number of tokens that one face embedding becomes."""

    folder: str
    weight_name: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the pack's makers measured with its recogniser: cosines and rates as decimal strings, "" where not stated.

    `id` is the SHA-256 of the calibration's JSON with sorted keys. `impostor_mean` and `impostor_sd` describe the
    cosines of different identities.
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
    steps: int
    guidance: str
    scheduler: str


def read_pack(folder: Folder) -> Pack | None:
    """The pack in `folder`, None when it has no pack.json.

    Raises WeightsError: weights.pack-invalid, weights.unlisted, weights.incomplete, weights.digest-mismatch.
    """
    document = folder.documents.get(INDEX)
    if document is None:
        return None
    try:
        pack = _parse(document)
        listed = {path: (_sha256(entry["sha256"]), _size(entry["size"])) for path, entry in document["files"].items()}
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
    adapter, scorer, defaults = document["ipAdapter"], document["scorer"], document["defaults"]
    width, height = document["resolution"]
    embedding = _count(document["conditioner"]["embedding"])
    return Pack(
        name=_text(document["name"]),
        version=_text(document["version"]),
        license=_text(document["license"]),
        resolution=(_count(width), _count(height)),
        generator=_folder(document["generator"]),
        ip_adapter=IpAdapter(
            folder=_folder(adapter["folder"]),
            weight_name=_folder(adapter["weightName"]),
            tokens=_count(adapter["tokens"]),
        ),
        conditioner=_folder(document["conditioner"]["folder"]),
        scorer=_folder(scorer["folder"]),
        embedding=embedding,
        calibration=_calibration(scorer["calibration"]),
        min_face_px=_count(scorer["minFacePx"]),
        min_detector_score=_decimal(scorer["minDetectorScore"]),
        steps=_count(defaults["steps"]),
        guidance=_decimal(defaults["guidance"]),
        scheduler=_text(defaults["scheduler"]),
    )


def _calibration(document: Any) -> Calibration:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    stated = {key: value for key, value in document.items() if value is not None}
    return Calibration(
        id=hashlib.sha256(canonical.encode()).hexdigest(),
        recogniser_sha256=_text(document["recogniserSha256"]),
        threshold=_decimal(document["threshold"]),
        far=_decimal(document["far"]),
        far_upper95=_decimal(document["farUpper95"]),
        impostor_mean=_decimal(stated["impostorMean"]) if "impostorMean" in stated else "",
        impostor_sd=_decimal(stated["impostorSd"]) if "impostorSd" in stated else "",
    )


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
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a digest")
    return value


def _decimal(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or len(text) > 40 or not Decimal(text).is_finite():
        raise ValueError(f"{text[:40]!r} is not a finite number")
    if abs(Decimal(text).adjusted()) > 20:  # written out, it would fill the memory
        raise ValueError(f"{text!r} is out of range")
    return format(Decimal(text), "f")
