"""Lock a model: hash every file that makes the pixels, and say what the model can do. Nothing is loaded.

A pack's lock holds pack.json too: defaults, licence and the gate's calibration are its makers' claims, and a claim that
changes is another model. Through the digests that it lists, pack.json also stands for the files that are not in the
lock by name, the scorer's.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from personactl.generate.layout import Layout, read_layout
from personactl.generate.schedulers import SCHEDULERS, name_of
from personactl.model import Capabilities, FileDigest, ModelLock
from personactl.weights import Folder, Pack, locate, model_name, open_folder, read_pack
from personactl.weights.licences import licence_of
from personactl.weights.pack import INDEX

BACKEND = "diffusers"
# An adapter of the FaceID kind is trained on the mean of up to four views of a face.
MAX_REFERENCES = 4
SCORER_FOLDER = "scorer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A model folder, read and hashed, with what it was found to hold."""

    folder: Folder
    pack: Pack | None
    layout: Layout
    lock: ModelLock
    capabilities: Capabilities


def lock_model(path: str, *, project: Path) -> tuple[ModelLock, Capabilities]:
    """Hash and check the model at `path` ("pocket", or a folder relative to `project` or absolute).

    Raises WeightsError (exit 8) naming the file: missing, altered or unlisted files, links, pickle, code, unsound
    safetensors, an unknown pipeline.
    """
    found = survey(path, project)
    return found.lock, found.capabilities


def survey(path: str, project: Path) -> Survey:
    """As `lock_model`, with the folder as it was read."""
    folder = open_folder(locate(path, project))
    pack = read_pack(folder)
    layout = read_layout(folder, pack)
    return Survey(
        folder=folder, pack=pack, layout=layout, lock=_lock(folder, pack, layout), capabilities=_capabilities(layout)
    )


def files_digest(files: tuple[FileDigest, ...]) -> str:
    """SHA-256 of the canonical JSON of `files` (sorted keys, no spaces), lower-case hex."""
    entries = [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in files]
    return hashlib.sha256(json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _lock(folder: Folder, pack: Pack | None, layout: Layout) -> ModelLock:
    files = _files_of_pixels(folder, pack, layout)
    licence = licence_of(folder.root, folder.files, pack.license if pack else None)
    return ModelLock(
        name=model_name(folder, pack),
        family=layout.family,
        backend=BACKEND,
        license=licence.id,
        license_sha256=licence.text_sha256,
        commercial=licence.commercial,
        sha256=files_digest(files),
        files=files,
        resolution=layout.native,
        default_steps=pack.steps if pack else 30,
        default_guidance=pack.guidance if pack else "7.5",
        default_scheduler=pack.scheduler if pack else name_of(layout.scheduler_class),
    )


def _files_of_pixels(folder: Folder, pack: Pack | None, layout: Layout) -> tuple[FileDigest, ...]:
    """Generator, adapter, the network that makes the adapter's input, upscaler; the scorer makes no pixels.

    pack.json is among them: it holds the licence, the defaults and the calibration that a run works with, so nobody can
    change them under the same lock.
    """
    if pack is None:
        scoring = {file.path for file in folder.beneath(SCORER_FOLDER)}
        return tuple(file for file in folder.files if file.path not in scoring)
    adapter = (layout.adapter.folder,) if layout.adapter else ()
    used = folder.beneath(layout.generator, *adapter, layout.conditioner)
    single = {INDEX, *((layout.upscaler.file,) if layout.upscaler else ())}
    named = tuple(file for file in folder.files if file.path in single)
    return tuple(sorted((*used, *named), key=lambda file: file.path))


def _capabilities(layout: Layout) -> Capabilities:
    """Half to double the native size: beyond it a pipeline of this family repeats itself or falls apart."""
    multiple = layout.size_multiple
    return Capabilities(
        modes=("t2i",),
        max_references=MAX_REFERENCES if layout.adapter else 0,
        negative="native",
        schedulers=tuple(SCHEDULERS),
        size_multiple=multiple,
        min_size=max(multiple, min(layout.native) // 2 // multiple * multiple),
        max_size=2 * max(layout.native) // multiple * multiple,
    )
