"""The pack's folder: layout, digests, reading with checks, writing in one piece.

pack.json         what is in it, sizes, calibration, SHA-256 of every other file (schema personactl.pocket/1)
generator/        a diffusers StableDiffusionPipeline, fp16 safetensors
ip-adapter/       one FaceID adapter file
conditioner/      insightface manifest V2: detector and recogniser `a`
scorer/           the same detector, recogniser `b`
upscaler/         one ONNX file: twice the size
MODEL_CARD.md  LICENSE  card/ (pictures of the model card)
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from personactl.errors import IntegrityError
from personactl.pocket.training import write_atomically

SCHEMA = "personactl.pocket/1"
VERSION = "0.2.0"
NOTE = "pack.json"
ADAPTER_FILE = "ip-adapter-faceid.safetensors"
UPSCALER_FILE = "upscaler.onnx"
TOKENS = 4  # that one face embedding becomes
DEFAULTS = {"steps": 20, "guidance": "2.5", "scheduler": "dpmsolver++", "negative": ""}
LICENCE_NOTE = "Apache License, Version 2.0. The full text is the file LICENSE at the top of this pack.\n"
FILE_LIMIT = 20 * 1024 * 1024  # bytes, the whole pack


def sha256_file(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_table(folder: Path) -> dict[str, dict[str, Any]]:
    """Digest and size of every file but `pack.json`, by POSIX path relative to the pack."""
    table = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != NOTE:
            table[name] = {"sha256": sha256_file(path), "size": path.stat().st_size}
    return table


def describe(
    folder: Path,
    *,
    calibration: dict[str, Any],
    smallest_face: int,
    detector_score: str,
    training: dict[str, int],
) -> dict[str, Any]:
    """The content of `pack.json` for the files that lie in `folder`; `training` is steps a network."""
    return {
        "schema": SCHEMA,
        "name": "pocket",
        "version": VERSION,
        "license": "Apache-2.0",
        "licenseFile": "LICENSE",
        "resolution": [128, 128],
        "generator": "generator",
        "ipAdapter": {"folder": "ip-adapter", "weightName": ADAPTER_FILE, "tokens": TOKENS},
        "conditioner": {"folder": "conditioner", "embedding": 128},
        "scorer": {
            "folder": "scorer",
            "embedding": 128,
            "calibration": calibration,
            "minFacePx": smallest_face,
            "minDetectorScore": detector_score,
        },
        "upscaler": {"file": f"upscaler/{UPSCALER_FILE}", "scale": 2},
        "defaults": DEFAULTS,
        "training": training,
        "files": file_table(folder),
    }


def read_pack(folder: Path) -> dict[str, Any]:
    """The checked `pack.json`.

    Raises IntegrityError when it is missing or of another schema, or when any file is missing, altered, a symbolic
    link, or not listed.
    """
    note = folder / NOTE
    if not note.is_file():
        raise IntegrityError(
            "this folder is not a pocket pack: no pack.json", where=str(folder), hint="name the pack's folder"
        )
    try:
        document = json.loads(note.read_bytes())
    except ValueError as error:
        raise IntegrityError(f"pack.json is not JSON: {error}", where=str(note), hint="restore the pack") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise IntegrityError(f"pack.json is not of schema {SCHEMA}", where=str(note), hint="use a pack of this version")
    present = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_symlink() or path.is_file()
    }
    present.pop(NOTE, None)
    listed = document["files"]
    for name in sorted(set(listed) | set(present)):
        _check_file(name, listed.get(name), present.get(name))
    return document


def _check_file(name: str, entry: dict[str, Any] | None, path: Path | None) -> None:
    hint = "restore the pack from its source"
    if entry is None:
        raise IntegrityError(f"the pack holds a file that pack.json does not list: {name}", where=name, hint=hint)
    if path is None:
        raise IntegrityError(f"the pack lacks {name}", where=name, hint=hint)
    if path.is_symlink():
        raise IntegrityError(f"{name} is a symbolic link", where=name, hint=hint)
    if path.stat().st_size != entry["size"] or sha256_file(path) != entry["sha256"]:
        raise IntegrityError(f"{name} is not the file that pack.json describes", where=name, hint=hint)


def write_face_folder(folder: Path, *, model_id: str, detector: Path, recogniser: Path) -> None:
    """An insightface model folder with manifest V2, whose digests insightface itself checks before it opens a file."""
    folder.mkdir(parents=True)
    shutil.copyfile(detector, folder / "detector.onnx")
    shutil.copyfile(recogniser, folder / "recogniser.onnx")
    (folder / "MODEL.LICENSE").write_text(LICENCE_NOTE, encoding="utf-8")
    manifest = {
        "manifest_version": 2,
        "model_id": model_id,
        "license": "MODEL.LICENSE",  # insightface accepts no other name here
        "tasks": {
            "detection": {"file": "detector.onnx", "sha256": sha256_file(folder / "detector.onnx")},
            "recognition": {
                "file": "recogniser.onnx",
                "sha256": sha256_file(folder / "recogniser.onnx"),
                "input_size": [112, 112],
                "embedding_dimension": 128,
            },
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def write_note(folder: Path, document: dict[str, Any]) -> None:
    """Write `pack.json`, last of all files. Raises IntegrityError when the pack is larger than 20 MiB."""
    total = sum(entry["size"] for entry in document["files"].values())
    if total > FILE_LIMIT:
        raise IntegrityError(
            f"the pack has {total} bytes, more than {FILE_LIMIT}", where=str(folder), hint="train a smaller network"
        )
    write_atomically(folder / NOTE, (json.dumps(document, indent=2) + "\n").encode())


def install(staged: Path, target: Path) -> None:
    """Put a finished folder in the place of `target`; the old one goes only when the new one stands."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    staged.rename(target)
    shutil.rmtree(old, ignore_errors=True)
