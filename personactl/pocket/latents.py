"""What the generator trains on: latents, identity embeddings and captions of both face sets.

The folder's state carries the renderer's digest and those of the two networks that made the arrays. Anything else is
refused: a generator trained on a mixture learns neither.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny

from personactl.errors import IntegrityError
from personactl.pocket.autoencoder import encode
from personactl.pocket.dataset import FaceSet
from personactl.pocket.drawing.renderer import renderer_digest
from personactl.pocket.recogniser import EMBEDDING, aligned_crop, embed, open_recogniser
from personactl.pocket.scene import Scene
from personactl.pocket.training import write_atomically

CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentSet:
    """`latents` float16 (n, 4, 32, 32), already scaled; `embeddings` float32 (n, 128), unit length, by the conditioning
    recogniser; `features` int64 (n, 4), left, top, right, bottom of eyes to mouth in latent cells, ends excluded;
    `scenes` n scenes; pictures of one person lie `views` in a row."""

    latents: np.ndarray
    features: np.ndarray
    embeddings: np.ndarray
    scenes: list[Scene]
    views: int

    def __len__(self) -> int:
        return len(self.latents)


def weights_digest(module: torch.nn.Module) -> str:
    """SHA-256 (hex) over a module's tensors in name order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def encode_set(
    folder: Path,
    faces: FaceSet,
    network: AutoencoderTiny,
    *,
    device: str = "cpu",
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Write `faces`' latents into `folder`; a finished file of the same networks is kept."""
    stamp = {"renderer": renderer_digest(), "network": weights_digest(network), "scale": network.config.scaling_factor}

    def chunk(pictures: np.ndarray, first: int) -> np.ndarray:
        return encode(network, pictures, device=device) * network.config.scaling_factor

    _fill(folder, f"latents-{faces.name}", stamp, faces, (4, 32, 32), "float16", chunk, report)


def embed_set(
    folder: Path,
    faces: FaceSet,
    recogniser: Path,
    *,
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Write `faces`' identity embeddings by an exported recogniser into `folder`; a finished file of the same one is
    kept."""
    stamp = {"renderer": renderer_digest(), "network": hashlib.sha256(recogniser.read_bytes()).hexdigest()}
    session = open_recogniser(recogniser)

    def chunk(pictures: np.ndarray, first: int) -> np.ndarray:
        crops = [aligned_crop(picture, faces.key_points[first + place]) for place, picture in enumerate(pictures)]
        return embed(session, np.stack(crops))

    _fill(folder, f"embeddings-{faces.name}", stamp, faces, (EMBEDDING,), "float32", chunk, report)


def _fill(
    folder: Path,
    name: str,
    stamp: Mapping[str, object],
    faces: FaceSet,
    shape: tuple[int, ...],
    kind: str,
    make: Callable[[np.ndarray, int], np.ndarray],
    report: Callable[[int, int], None] | None,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target, note = folder / f"{name}.npy", folder / f"{name}.json"
    if target.exists() and note.exists() and json.loads(note.read_text()) == stamp:
        return
    note.unlink(missing_ok=True)
    array = np.lib.format.open_memmap(target, mode="w+", dtype=kind, shape=(len(faces), *shape))
    for first in range(0, len(faces), CHUNK):
        array[first : first + CHUNK] = make(faces.pictures[first : first + CHUNK], first)
        if report is not None:
            report(min(first + CHUNK, len(faces)), len(faces))
    array.flush()
    write_atomically(note, json.dumps(stamp).encode())


def feature_cells(key_points: np.ndarray, *, cell: int = 4, cells: int = 32) -> np.ndarray:
    """int64 (n, 4): the latent cells around key points (n, 5, 2), one eye's breadth beyond them."""
    margin = 0.5 * np.linalg.norm(key_points[:, 1] - key_points[:, 0], axis=1, keepdims=True)
    first = np.floor((key_points.min(axis=1) - margin) / cell).clip(0, cells - 1)
    end = np.ceil((key_points.max(axis=1) + margin) / cell).clip(1, cells)
    return np.concatenate([first, end], axis=1).astype(np.int64)


def open_latents(folder: Path, face_sets: list[FaceSet]) -> LatentSet:
    """The latents of all sets, in memory. Raises IntegrityError when one is missing or of another renderer, or when the
    sets were encoded by different networks."""
    latents: list[np.ndarray] = []
    embeddings: list[np.ndarray] = []
    scenes: list[Scene] = []
    makers: set[tuple[str, str]] = set()
    for faces in face_sets:
        for name, arrays in (("latents", latents), ("embeddings", embeddings)):
            note = folder / f"{name}-{faces.name}.json"
            if not note.exists():
                raise IntegrityError(
                    f"no {name} of set {faces.name}", where=str(folder), hint="run the stage `latents`"
                )
            stamp = json.loads(note.read_text())
            if stamp["renderer"] != renderer_digest():
                raise IntegrityError(
                    f"the {name} of set {faces.name} come from another version of the renderer",
                    where=str(note),
                    hint="run the stages from `render` on in a fresh --work folder",
                )
            makers.add((name, stamp["network"]))
            arrays.append(np.load(folder / f"{name}-{faces.name}.npy", mmap_mode="r"))
        scenes.extend(faces.scene(index) for index in range(len(faces)))
    if len(makers) != 2:
        raise IntegrityError(
            "the sets were encoded by different networks", where=str(folder), hint="run `latents` again"
        )
    return LatentSet(
        latents=np.concatenate(latents),
        features=np.concatenate([feature_cells(faces.key_points) for faces in face_sets]),
        embeddings=np.concatenate(embeddings),
        scenes=scenes,
        views=face_sets[0].views,
    )
