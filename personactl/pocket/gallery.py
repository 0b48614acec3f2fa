"""The model card's pictures: what the pack makes, chosen by rule and not by eye.

grid            8 personas x 8 prompts of the measured sample, the persona's drawn reference on the left
strength        image-to-image from one picture at rising strength
inpainting      the same picture with its face masked, and generated anew for two personas inside the mask
failures        the measured pictures that are least like their own persona, as they are
enlarged        generated pictures at 128 px, and through the upscaler
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline
from PIL import Image

from personactl.pocket.generated import Picture, Studio, persona_seed, references
from personactl.pocket.loaded import Request, arguments, enlarge, generate, largest_face, open_upscaler

SIDE = 8
STRENGTHS = (0.2, 0.35, 0.5, 0.65, 0.8)
GAP = 2  # px between pictures


def write_gallery(studio: Studio, pictures: list[Picture], target: Path) -> None:
    """All pictures into `target` as WebP; `pictures` is the identity sample of `studio`, persona by persona."""
    _save(grid(pictures), target / "grid.webp")
    _save(failures(pictures), target / "failures.webp")
    _save(strength_strip(studio), target / "strength.webp")
    _save(inpainting(studio), target / "inpainting.webp")
    _save(enlarged(studio, pictures), target / "enlarged.webp")


def tile(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Rows of equally large pictures as one picture on white; a short row is filled up with white."""
    high, wide = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    sheet = np.full((len(rows) * (high + GAP) - GAP, columns * (wide + GAP) - GAP, 3), 255, np.uint8)
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            top, left = down * (high + GAP), across * (wide + GAP)
            sheet[top : top + high, left : left + wide] = picture
    return sheet


def grid(pictures: list[Picture], side: int = SIDE) -> np.ndarray:
    """The first personas of the sample in all of its prompts, up to `side` of each."""
    rows = []
    for owner in sorted({picture.owner for picture in pictures})[:side]:
        made = [picture.rgb for picture in pictures if picture.owner == owner]
        rows.append([references(persona_seed(owner))[0], *made[:side]])
    return tile(rows)


def failures(pictures: list[Picture], count: int = 16) -> np.ndarray:
    """Pairs of a drawn reference and the generated picture, the least alike first; a picture without a face is first of
    all."""

    def likeness(picture: Picture) -> float:
        return -2.0 if picture.scores is None else float(picture.scores[picture.owner])

    worst = sorted(pictures, key=likeness)[:count]
    pairs = [part for picture in worst for part in (references(persona_seed(picture.owner))[0], picture.rgb)]
    return tile([pairs[at : at + SIDE] for at in range(0, len(pairs), SIDE)])


def strength_strip(studio: Studio, owner: int = 0) -> np.ndarray:
    """A portrait of the persona, then image-to-image from it with another prompt at each of `STRENGTHS`."""
    start, changed = _portrait(studio, owner), "portrait, laughing, frontal view, sunset, yellow sweater, warm light"
    pipeline = _sibling(StableDiffusionImg2ImgPipeline, studio.pipeline)
    row = [start]
    for strength in STRENGTHS:
        request = Request(prompt=changed, seed=11, identity=studio.identities[owner])
        row.append(_picture(pipeline, request, image=Image.fromarray(start), strength=strength))
    return tile([row])


def inpainting(studio: Studio, owner: int = 0, other: int = 1) -> np.ndarray:
    """A portrait, its mask, and the masked face generated anew for the same persona and for another one."""
    start = _portrait(studio, owner)
    mask = np.zeros(start.shape[:2], np.uint8)
    face = largest_face(studio.scorer, start)
    left, top, right, bottom = (32, 32, 96, 96) if face is None else face.bbox.round().astype(int)
    mask[max(top - 4, 0) : bottom + 4, max(left - 4, 0) : right + 4] = 255
    pipeline = _sibling(StableDiffusionInpaintPipeline, studio.pipeline)
    row = [start, np.where(mask[..., None] > 0, 255, start // 2).astype(np.uint8)]
    for each in (owner, other):
        request = Request(
            prompt="portrait, surprised, frontal view, beach, red coat, soft light",
            seed=12,
            identity=studio.identities[each],
        )
        made = _picture(pipeline, request, image=Image.fromarray(start), mask_image=Image.fromarray(mask), strength=1.0)
        row.append(np.where(mask[..., None] > 0, made, start))
    return tile([row])


def enlarged(studio: Studio, pictures: list[Picture], count: int = 4) -> np.ndarray:
    """Pictures of the sample with their pixels doubled, and below them through the upscaler."""
    upscaler = open_upscaler(studio.folder)
    chosen = [picture.rgb for picture in pictures[:: max(1, len(pictures) // count)]][:count]
    doubled = [np.kron(rgb, np.ones((2, 2, 1), np.uint8)) for rgb in chosen]
    made = [enlarge(upscaler, rgb) for rgb in chosen]
    return tile([doubled, made])


def _portrait(studio: Studio, owner: int) -> np.ndarray:
    prompt = "portrait, neutral, frontal view, beach, red coat, soft light"
    return generate(studio.pipeline, [Request(prompt=prompt, seed=10, identity=studio.identities[owner])])[0]


def _sibling(kind: type, pipeline: StableDiffusionPipeline) -> object:
    """Another pipeline over the same networks."""
    sibling = kind(**pipeline.components, requires_safety_checker=False)
    sibling.set_progress_bar_config(disable=True)
    return sibling


def _picture(pipeline: object, request: Request, **inputs: object) -> np.ndarray:
    with torch.no_grad():
        made = pipeline(**arguments(request), **inputs)  # type: ignore[operator]
    return np.asarray(made.images[0].convert("RGB"))


def _save(picture: np.ndarray, path: Path) -> None:
    Image.fromarray(picture).save(path, quality=90, method=6)
