"""Pictures that a pack generates, and what the recogniser that did NOT condition them and a probe read off them.

Two samples. For identity, the same prompts and the same seeds for every persona, so that only the embedding differs.
For prompts, as many different captions as pictures, personas in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from personactl.errors import IntegrityError
from personactl.pocket import measure
from personactl.pocket.dataset import scene_seed
from personactl.pocket.drawing.renderer import draw
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.loaded import Request, enlarge, generate, largest_face, open_faces, open_pipeline, open_upscaler
from personactl.pocket.probe import CLASSES, WORDS, teach
from personactl.pocket.scene import Scene, caption, sample_scene

PERSONAS_FROM = HELD_OUT + 10_000
SCENES_FROM = 7_000_000
REFERENCES = 4
FALSE_ACCEPT_RATE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A generated picture: the persona's place, its scene, and the cosines to every persona's template (personas,),
    None where the scorer's detector found no face."""

    owner: int
    scene: Scene
    rgb: np.ndarray
    scores: np.ndarray | None


def references(seed: int) -> list[np.ndarray]:
    """The reference pictures of a persona: frontal, both three-quarter views, and one more, in other scenes."""
    views = ("frontal view", "three-quarter view left", "three-quarter view right", "frontal view")
    scenes = [sample_scene(scene_seed(seed, 40 + place), view=view) for place, view in enumerate(views[:REFERENCES])]
    return [draw(sample_identity(seed), scene).rgb for scene in scenes]


def template_of(app: Any, seed: int) -> np.ndarray:
    """The direction of the mean embedding of a persona's references."""
    faces = [largest_face(app, picture) for picture in references(seed)]
    return measure.template(np.stack([face.normed_embedding for face in faces if face is not None]))


def persona_seed(place: int) -> int:
    """The identity seed of the persona at `place` of the sample."""
    return PERSONAS_FROM + place


class Studio:
    """A pack's generator with the personas of the sample: `identities` for the adapter, `known` for the scorer, each
    float32 (personas, 128)."""

    def __init__(self, folder: Path, personas: int):
        self.folder = folder
        conditioner = open_faces(folder / "conditioner")
        self.scorer = open_faces(folder / "scorer")
        self.pipeline = open_pipeline(folder)
        self.identities = np.stack([template_of(conditioner, persona_seed(place)) for place in range(personas)])
        self.known = np.stack([template_of(self.scorer, persona_seed(place)) for place in range(personas)])

    def take(self, owner: int, scene: Scene, seed: int) -> Picture:
        """One picture of a persona in a scene, scored."""
        request = Request(prompt=caption(scene), seed=seed, identity=self.identities[owner])
        rgb = generate(self.pipeline, [request])[0]
        face = largest_face(self.scorer, rgb)
        scores = None if face is None else self.known @ face.normed_embedding
        return Picture(owner=owner, scene=scene, rgb=rgb, scores=scores)


def prompt_scenes(count: int) -> list[Scene]:
    """The scenes that every persona of the identity sample is generated in."""
    return [sample_scene(SCENES_FROM + place) for place in range(count)]


def identity_sample(studio: Studio, prompts: int) -> list[Picture]:
    """Every persona in the same `prompts` scenes, persona by persona."""
    scenes = [sample_scene(SCENES_FROM + place) for place in range(prompts)]
    return [studio.take(owner, scene, seed) for owner in range(len(studio.known)) for seed, scene in enumerate(scenes)]


def prompt_sample(studio: Studio, pictures: int) -> list[Picture]:
    """`pictures` different scenes, personas in turn."""
    return [
        studio.take(place % len(studio.known), sample_scene(SCENES_FROM + 1_000 + place), 1_000 + place)
        for place in range(pictures)
    ]


def own_and_other_scores(pictures: list[Picture]) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of the pictures with a face to their own persona, and to all others. Raises IntegrityError when there are
    hardly any."""
    scored = [(picture.owner, picture.scores) for picture in pictures if picture.scores is not None]
    if len(scored) < 2:
        raise IntegrityError(
            f"a face is found in {len(scored)} of {len(pictures)} generated pictures: nothing can be calibrated",
            hint="train the stage `generator` further",
        )
    own = np.array([scores[owner] for owner, scores in scored])
    return own, np.concatenate([np.delete(scores, owner) for owner, scores in scored])


def identity_figures(pictures: list[Picture], personas: int) -> dict[str, Any]:
    """Each persona against all others; the intervals of rates are binomial, that of the AUC resamples personas."""
    scored = [(picture.owner, picture.scores) for picture in pictures if picture.scores is not None]
    own, others = own_and_other_scores(pictures)
    nearest = sum(int(scores.argmax()) == owner for owner, scores in scored)
    limit = measure.threshold_at(own, others, FALSE_ACCEPT_RATE)
    return {
        "pictures": len(pictures),
        "faceFound": len(scored) / len(pictures),
        "faceFoundInterval": measure.binomial_interval(len(scored), len(pictures)),
        "ownMean": float(own.mean()),
        "ownSpread": float(own.std()),
        "othersMean": float(others.mean()),
        "othersSpread": float(others.std()),
        "auc": measure.auc(own, others),
        "aucInterval": _auc_interval(scored, personas),
        "nearestIsOwn": nearest / len(scored),
        "nearestIsOwnInterval": measure.binomial_interval(nearest, len(scored)),
        "personas": personas,
        "threshold": limit.value,
        "falseAccepts": limit.false_accepts,
        "impostorPairs": limit.impostors,
        "falseAcceptRate": limit.false_accept_rate,
        "falseAcceptUpper95": limit.false_accept_upper,
        "genuinePairs": limit.genuines,
        "trueAcceptRate": limit.true_accept_rate,
    }


def enlarged_figures(studio: Studio, pictures: list[Picture], threshold: float) -> dict[str, float]:
    """What the threshold does to the same pictures after the upscaler."""
    upscaler = open_upscaler(studio.folder)
    again = []
    for picture in pictures:
        face = largest_face(studio.scorer, enlarge(upscaler, picture.rgb))
        again.append(replace(picture, scores=None if face is None else studio.known @ face.normed_embedding))
    own, others = own_and_other_scores(again)
    return {
        "ownMean": float(own.mean()),
        "trueAcceptRate": float((own >= threshold).mean()),
        "falseAcceptRate": float((others >= threshold).mean()),
    }


def _auc_interval(scored: list[tuple[int, np.ndarray]], personas: int) -> tuple[float, float]:
    groups = [np.array([scores for each, scores in scored if each == owner]) for owner in range(personas)]
    tagged = [(owner, group) for owner, group in enumerate(groups) if len(group)]

    def group_auc(picked: list[Any]) -> float:
        mine = np.concatenate([group[:, owner] for owner, group in picked])
        theirs = np.concatenate([np.delete(group, owner, axis=1).ravel() for owner, group in picked])
        return measure.auc(mine, theirs)

    return measure.bootstrap_interval(tagged, group_auc)  # type: ignore[arg-type]


def prompt_figures(pictures: list[Picture], *, taught: int) -> dict[str, Any]:
    """Word class -> the share of pictures in which a probe, taught on `taught` renders, reads the word asked for."""
    probe = teach(taught=taught)
    hits = probe.hits(np.stack([picture.rgb for picture in pictures]), [picture.scene for picture in pictures])
    return {
        name: {
            "read": float(hits[name].mean()),
            "interval": measure.binomial_interval(int(hits[name].sum()), len(hits[name])),
            "onRenders": probe.ceiling[name],
            "byChance": 1 / len(WORDS[name]),
        }
        for name in CLASSES
    }
