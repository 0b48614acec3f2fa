"""Measure a pack through the code paths that use it, on people and scenes that no training saw.

    drawn pictures       both recognisers and the detector end to end; the autoencoder's round trip
    generated pictures   each persona against all others; prompts read off them by a probe (`generated`)
    upscaler             against the same scene drawn at twice the size, beside bicubic enlargement

The identity threshold of `pack.json` comes from the generated pictures alone: it is the scorer's, on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from personactl.errors import IntegrityError
from personactl.pocket import generated, measure
from personactl.pocket.autoencoder import decode, encode, load_autoencoder, psnr
from personactl.pocket.dataset import scene_seed
from personactl.pocket.drawing.renderer import SIZE, Drawing, backdrop_only, draw
from personactl.pocket.generated import FALSE_ACCEPT_RATE, REFERENCES, SCENES_FROM, Picture, Studio, template_of
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.loaded import DETECTOR_SCORE as SCORE
from personactl.pocket.loaded import enlarge, largest_face, open_faces, open_upscaler
from personactl.pocket.pack import sha256_file
from personactl.pocket.scene import sample_scene

SMALLEST_FACE = 32  # px, longest side
DETECTOR_SCORE = str(SCORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How much is drawn and generated for the figures."""

    people: int = 200
    views: int = 8
    empty: int = 300
    personas: int = 21
    prompts: int = 8
    captions: int = 200
    enlarged: int = 60
    taught: int = 8_000


SMOKE_SAMPLE = Sample(people=3, views=2, empty=4, personas=3, prompts=1, captions=3, enlarged=2, taught=200)

Scores = tuple[np.ndarray, np.ndarray]  # genuine, impostor


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`figures` are plain numbers, proportions with 95 % intervals; the rest is what the plots are drawn from."""

    figures: dict[str, Any]
    scores: dict[str, Scores]
    pictures: list[Picture]
    studio: Studio


def measure_pack(folder: Path, sample: Sample) -> Measured:
    """Measure a pack folder."""
    drawings, people = _held_out(sample)
    scores: dict[str, Scores] = {}
    figures: dict[str, Any] = {"sample": {name: getattr(sample, name) for name in sample.__dataclass_fields__}}
    figures.update(_measure_faces(folder, drawings, people, sample, scores))
    figures["vae"] = _measure_round_trip(folder, drawings, people)
    figures["upscaler"] = _measure_upscaler(folder, sample.enlarged)
    studio = Studio(folder, sample.personas)
    pictures = generated.identity_sample(studio, sample.prompts)
    figures["generated"] = generated.identity_figures(pictures, sample.personas)
    figures["generated"]["enlarged"] = generated.enlarged_figures(studio, pictures, figures["generated"]["threshold"])
    figures["generated"]["prompt"] = generated.prompt_figures(
        generated.prompt_sample(studio, sample.captions), taught=sample.taught
    )
    scores["generated"] = generated.own_and_other_scores(pictures)
    return Measured(figures=figures, scores=scores, pictures=pictures, studio=studio)


def _held_out(sample: Sample) -> tuple[list[Drawing], np.ndarray]:
    seeds = [HELD_OUT + person for person in range(sample.people)]
    drawings = [
        draw(sample_identity(seed), sample_scene(scene_seed(seed, view)))
        for seed in seeds
        for view in range(sample.views)
    ]
    return drawings, np.repeat(np.arange(sample.people), sample.views)


def _measure_faces(
    folder: Path, drawings: list[Drawing], people: np.ndarray, sample: Sample, scores: dict[str, Scores]
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for role in ("conditioner", "scorer"):
        app = open_faces(folder / role)
        faces = [largest_face(app, drawing.rgb) for drawing in drawings]
        found = np.array([face is not None for face in faces])
        if found.sum() < 2:
            raise IntegrityError(
                f"the detector of {role} finds a face in {int(found.sum())} of {len(drawings)} drawn pictures",
                where=str(folder / role),
                hint="train the stage `detector` further",
            )
        embeddings = np.stack([face.normed_embedding for face in faces if face is not None])
        scores[role] = measure.pair_scores(embeddings, people[found])
        figures[role] = _recognition(*scores[role])
    figures["detector"] = _detection(app, drawings, faces, sample)
    return figures


def _recognition(genuine: np.ndarray, impostor: np.ndarray) -> dict[str, Any]:
    rate, threshold = measure.equal_error_rate(genuine, impostor)
    strict = measure.threshold_at(genuine, impostor, 1e-3)
    return {
        "equalErrorRate": rate,
        "equalErrorThreshold": threshold,
        "trueAcceptAtFar1e3": strict.true_accept_rate,
        "trueAcceptInterval": measure.binomial_interval(strict.true_accepts, strict.genuines),
        "genuineMean": float(genuine.mean()),
        "impostorMean": float(impostor.mean()),
        "impostorSpread": float(impostor.std()),
        "genuinePairs": len(genuine),
        "impostorPairs": len(impostor),
    }


def _detection(app: Any, drawings: list[Drawing], faces: list[Any], sample: Sample) -> dict[str, Any]:
    found = [(drawing, face) for drawing, face in zip(drawings, faces, strict=True) if face is not None]
    overlaps = [_overlap(face.bbox, drawing.face_box) for drawing, face in found]
    sizes = [float((drawing.face_box[2:] - drawing.face_box[:2]).max()) for drawing, _ in found]
    misses = [np.linalg.norm(face.kps - drawing.key_points, axis=1).mean() for drawing, face in found]
    alarms = sum(largest_face(app, picture) is not None for picture in _empty_pictures(sample.empty))
    return {
        "found": len(found) / len(drawings),
        "foundInterval": measure.binomial_interval(len(found), len(drawings)),
        "overlap": float(np.mean(overlaps)),
        "keyPointError": float(np.mean(np.asarray(misses) / np.asarray(sizes))),
        "falseAlarms": alarms / sample.empty,
        "falseAlarmsUpper": measure.upper_bound(alarms, sample.empty),
        "pictures": len(drawings),
        "emptyPictures": sample.empty,
    }


def _empty_pictures(count: int) -> list[np.ndarray]:
    """Half backdrops, half backs of a crowd: pictures whose face is covered by a flat disc of its own hair's colour."""
    pictures = []
    for place in range(count):
        scene = sample_scene(SCENES_FROM + 500_000 + place)
        if place % 2 == 0:
            pictures.append(backdrop_only(scene))
            continue
        identity = sample_identity(HELD_OUT + 30_000 + place)
        drawing = draw(identity, scene)
        top, bottom = int(drawing.face_box[1]), int(drawing.face_box[3])
        covered = drawing.rgb.copy()
        left, right = int(max(drawing.face_box[0] - 4, 0)), int(drawing.face_box[2] + 4)
        covered[max(top - 4, 0) : bottom + 2, left:right] = np.asarray(identity.hair.colour, np.uint8)
        pictures.append(covered)
    return pictures


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    corner, end = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    inner = float(np.prod(np.maximum(end - corner, 0)))
    return inner / float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - inner)


def _measure_round_trip(folder: Path, drawings: list[Drawing], people: np.ndarray) -> dict[str, float]:
    """The autoencoder alone: PSNR, and how much of a picture's likeness to its person survives (scorer's cosine)."""
    network = load_autoencoder(folder).eval()
    chosen = drawings[:: max(1, len(drawings) // 160)]
    owners = people[:: max(1, len(drawings) // 160)]
    pictures = np.stack([drawing.rgb for drawing in chosen])
    returned = decode(network, encode(network, pictures))
    app = open_faces(folder / "scorer")
    templates = {int(owner): template_of(app, HELD_OUT + int(owner)) for owner in set(owners.tolist())}
    before, after = [], []
    for owner, original, copy in zip(owners, pictures, returned, strict=True):
        first, second = largest_face(app, original), largest_face(app, copy)
        if first is not None and second is not None:
            before.append(first.normed_embedding @ templates[int(owner)])
            after.append(second.normed_embedding @ templates[int(owner)])
    return {
        "psnr": psnr(pictures, returned),
        "cosineBefore": float(np.mean(before)),
        "cosineAfter": float(np.mean(after)),
    }


def _measure_upscaler(folder: Path, count: int) -> dict[str, float]:
    """PSNR of pictures of the autoencoder, enlarged, against the same scene drawn at twice the size."""
    network, upscaler = load_autoencoder(folder).eval(), open_upscaler(folder)
    enlarged, plain, truth = [], [], []
    for place in range(count):
        identity, scene = sample_identity(HELD_OUT + 40_000 + place), sample_scene(SCENES_FROM + 700_000 + place)
        small = decode(network, encode(network, draw(identity, scene).rgb[None]))[0]
        truth.append(draw(identity, scene, 2 * SIZE).rgb)
        enlarged.append(enlarge(upscaler, small))
        plain.append(cv2.resize(small, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_CUBIC))
    target = np.stack(truth)
    return {"psnr": psnr(np.stack(enlarged), target), "psnrBicubic": psnr(np.stack(plain), target), "pictures": count}


def calibration(folder: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """The scorer's calibration for `pack.json`; every number comes from `figures`."""
    made = figures["generated"]
    return {
        "recogniserSha256": sha256_file(folder / "scorer" / "recogniser.onnx"),
        "threshold": f"{made['threshold']:.3f}",
        "far": f"{made['falseAcceptRate']:.5f}",
        "farUpper95": f"{made['falseAcceptUpper95']:.5f}",
        "impostorPairs": made["impostorPairs"],
        "genuinePairs": made["genuinePairs"],
        "trueAcceptRate": f"{made['trueAcceptRate']:.4f}",
        "domain": (
            f"pictures generated by this pack: {made['personas']} drawn personas outside the training sets, each with "
            f"the same {figures['sample']['prompts']} prompts and seeds, against templates of {REFERENCES} references"
        ),
        "method": (
            "cosine of the scorer's embedding to each persona's template; the lowest threshold whose false-accept rate "
            f"on the sample is at most {FALSE_ACCEPT_RATE}; bound: Clopper-Pearson, one-sided 95 %, independent pairs"
        ),
    }
