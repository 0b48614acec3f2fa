"""Measure a pack through the code paths that use it, on people and scenes that no training saw.

    drawn pictures       both recognisers and the detector end to end; the autoencoder's round trip
    generated pictures   each persona against all others, by the recogniser that did NOT condition them
    prompts              a probe reads background, light, clothing ... off the generated pictures

The identity threshold of `pack.json` comes from the second group alone: it is the scorer's, on generated pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personactl.pocket import measure
from personactl.pocket.autoencoder import decode, encode, psnr
from personactl.pocket.dataset import scene_seed
from personactl.pocket.drawing.renderer import Drawing, backdrop_only, draw
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.loaded import DETECTOR_SCORE as SCORE
from personactl.pocket.loaded import Request, generate, largest_face, open_faces, open_pipeline
from personactl.pocket.pack import sha256_file
from personactl.pocket.probe import CLASSES, teach
from personactl.pocket.scene import Scene, caption, sample_scene

PERSONAS_FROM = HELD_OUT + 10_000
SCENES_FROM = 7_000_000
REFERENCES = 4
SMALLEST_FACE = 32  # px, longest side
DETECTOR_SCORE = str(SCORE)
FALSE_ACCEPT_RATE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How much is drawn and generated for the figures."""

    people: int = 200
    views: int = 8
    empty: int = 300
    personas: int = 21
    prompts: int = 8


SMOKE_SAMPLE = Sample(people=3, views=2, empty=4, personas=3, prompts=1)


def measure_pack(folder: Path, sample: Sample) -> dict[str, Any]:
    """All figures of a pack folder, as plain numbers; proportions come with 95 % intervals."""
    drawings, people = _held_out(sample)
    figures: dict[str, Any] = {"sample": {name: getattr(sample, name) for name in sample.__dataclass_fields__}}
    figures.update(_measure_faces(folder, drawings, people, sample))
    figures["vae"] = _measure_round_trip(folder, drawings, people)
    figures["generated"] = _measure_generated(folder, sample)
    return figures


def _held_out(sample: Sample) -> tuple[list[Drawing], np.ndarray]:
    seeds = [HELD_OUT + person for person in range(sample.people)]
    drawings = [
        draw(sample_identity(seed), sample_scene(scene_seed(seed, view)))
        for seed in seeds
        for view in range(sample.views)
    ]
    return drawings, np.repeat(np.arange(sample.people), sample.views)


def _measure_faces(folder: Path, drawings: list[Drawing], people: np.ndarray, sample: Sample) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for role in ("conditioner", "scorer"):
        app = open_faces(folder / role)
        faces = [largest_face(app, drawing.rgb) for drawing in drawings]
        found = np.array([face is not None for face in faces])
        embeddings = np.stack([face.normed_embedding for face in faces if face is not None])
        figures[role] = _recognition(embeddings, people[found])
    figures["detector"] = _detection(app, drawings, faces, sample)
    return figures


def _recognition(embeddings: np.ndarray, people: np.ndarray) -> dict[str, Any]:
    genuine, impostor = measure.pair_scores(embeddings, people)
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
    pipeline_vae = open_pipeline(folder).vae.eval()
    chosen = drawings[:: max(1, len(drawings) // 160)]
    owners = people[:: max(1, len(drawings) // 160)]
    pictures = np.stack([drawing.rgb for drawing in chosen])
    returned = decode(pipeline_vae, encode(pipeline_vae, pictures))
    app = open_faces(folder / "scorer")
    templates = {int(owner): _template(app, HELD_OUT + int(owner)) for owner in set(owners.tolist())}
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


def references(seed: int) -> list[np.ndarray]:
    """The reference pictures of a persona: frontal, both three-quarter views, and one more, in other scenes."""
    views = ("frontal view", "three-quarter view left", "three-quarter view right", "frontal view")
    scenes = [sample_scene(scene_seed(seed, 40 + place), view=view) for place, view in enumerate(views[:REFERENCES])]
    return [draw(sample_identity(seed), scene).rgb for scene in scenes]


def _template(app: Any, seed: int) -> np.ndarray:
    faces = [largest_face(app, picture) for picture in references(seed)]
    return measure.template(np.stack([face.normed_embedding for face in faces if face is not None]))


def prompt_scenes(count: int) -> list[Scene]:
    """The scenes whose captions every persona is generated with."""
    return [sample_scene(SCENES_FROM + place) for place in range(count)]


def _measure_generated(folder: Path, sample: Sample) -> dict[str, Any]:
    """Same prompts and same seeds for every persona, so that only the embedding differs."""
    conditioner, scorer = open_faces(folder / "conditioner"), open_faces(folder / "scorer")
    pipeline = open_pipeline(folder)
    seeds = [PERSONAS_FROM + place for place in range(sample.personas)]
    scenes = prompt_scenes(sample.prompts)
    known = np.stack([_template(scorer, seed) for seed in seeds])
    pictures, rows = [], []
    for owner, seed in enumerate(seeds):
        identity = _template(conditioner, seed)
        requests = [Request(prompt=caption(scene), seed=place, identity=identity) for place, scene in enumerate(scenes)]
        for picture in generate(pipeline, requests):
            face = largest_face(scorer, picture)
            pictures.append(picture)
            rows.append((owner, None if face is None else known @ face.normed_embedding))
    figures = _generated_figures(rows, sample)
    hits = (probe := teach()).hits(np.stack(pictures), scenes * sample.personas)
    figures["prompt"] = {
        name: {
            "read": float(hits[name].mean()),
            "interval": measure.binomial_interval(int(hits[name].sum()), len(hits[name])),
            "onRenders": probe.ceiling[name],
        }
        for name in CLASSES
    }
    return figures


def _generated_figures(rows: list[tuple[int, np.ndarray | None]], sample: Sample) -> dict[str, Any]:
    scored = [(owner, scores) for owner, scores in rows if scores is not None]
    own = np.array([scores[owner] for owner, scores in scored])
    others = np.concatenate([np.delete(scores, owner) for owner, scores in scored])
    nearest = sum(int(scores.argmax()) == owner for owner, scores in scored)
    groups = [np.array([scores for each, scores in scored if each == owner]) for owner in range(sample.personas)]
    tagged = [(owner, group) for owner, group in enumerate(groups) if len(group)]

    def group_auc(picked: list[Any]) -> float:
        mine = np.concatenate([group[:, owner] for owner, group in picked])
        theirs = np.concatenate([np.delete(group, owner, axis=1).ravel() for owner, group in picked])
        return measure.auc(mine, theirs)

    limit = measure.threshold_at(own, others, FALSE_ACCEPT_RATE)
    return {
        "pictures": len(rows),
        "faceFound": len(scored) / len(rows),
        "faceFoundInterval": measure.binomial_interval(len(scored), len(rows)),
        "ownMean": float(own.mean()),
        "ownSpread": float(own.std()),
        "othersMean": float(others.mean()),
        "othersSpread": float(others.std()),
        "auc": measure.auc(own, others),
        "aucInterval": measure.bootstrap_interval(tagged, group_auc),  # type: ignore[arg-type]
        "nearestIsOwn": nearest / len(scored),
        "nearestIsOwnInterval": measure.binomial_interval(nearest, len(scored)),
        "personas": sample.personas,
        "threshold": limit.value,
        "falseAccepts": limit.false_accepts,
        "impostorPairs": limit.impostors,
        "falseAcceptRate": limit.false_accept_rate,
        "falseAcceptUpper95": limit.false_accept_upper,
        "genuinePairs": limit.genuines,
        "trueAcceptRate": limit.true_accept_rate,
    }


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


def write_sheet(folder: Path, path: Path, *, personas: int = 8, prompts: int = 7) -> None:
    """A contact sheet: one row per persona, its drawn reference first, then generated pictures."""
    conditioner, pipeline = open_faces(folder / "conditioner"), open_pipeline(folder)
    scenes = prompt_scenes(prompts)
    rows = []
    for place in range(personas):
        seed = PERSONAS_FROM + place
        identity = _template(conditioner, seed)
        requests = [
            Request(prompt=caption(scene), seed=number, identity=identity) for number, scene in enumerate(scenes)
        ]
        rows.append(np.hstack([references(seed)[0], *generate(pipeline, requests)]))
    Image.fromarray(np.vstack(rows)).save(path, optimize=True)


__all__ = ["DETECTOR_SCORE", "SMALLEST_FACE", "Sample", "calibration", "measure_pack", "write_sheet"]
