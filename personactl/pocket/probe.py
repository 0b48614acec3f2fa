"""Does a generated picture show what its prompt said? Ridge classifiers over small pictures, taught on renders.

One linear classifier per word class of the grammar, on the picture at 32 x 32 px with its horizontal and vertical
differences. Weak on purpose: what it reads off unseen renders is its ceiling, and is reported beside every figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from personactl.pocket.drawing.renderer import draw
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.scene import Scene, sample_scene

CLASSES = ("background", "light", "framing", "view", "expression", "colour", "clothing")
TAUGHT, CHECKED = 4000, 400
FIRST_IDENTITY = HELD_OUT + 20_000  # people that no recogniser or generator met
RIDGE = 30.0


def features(pictures: np.ndarray) -> np.ndarray:
    """float32 (n, features) of uint8 pictures (n, h, w, 3)."""
    tiny = [cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA) for picture in pictures]
    small = np.stack(tiny).astype(np.float32) / 255 - 0.5
    mouth = [cv2.resize(picture[44:108, 32:96], (24, 24), interpolation=cv2.INTER_AREA) for picture in pictures]
    flat: list[np.ndarray] = [small, 2 * np.diff(small, axis=1), 2 * np.diff(small, axis=2)]
    flat.append(np.stack(mouth).astype(np.float32) / 255 - 0.5)
    table = np.concatenate([part.reshape(len(pictures), -1) for part in flat], axis=1)
    return np.concatenate([table, np.ones((len(table), 1), np.float32)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Weights (features, words) and words per class, and the share of unseen renders read correctly."""

    weights: dict[str, np.ndarray]
    words: dict[str, tuple[str, ...]]
    ceiling: dict[str, float]

    def hits(self, pictures: np.ndarray, scenes: list[Scene]) -> dict[str, np.ndarray]:
        """Per class, bool (n,): the probe reads the word that the scene asked for."""
        table = features(pictures)
        return {name: _read(table, self.weights[name], self.words[name]) == _truth(scenes, name) for name in CLASSES}


def teach() -> Probe:
    """Fit on fresh renders of held-out people, about half a minute on one core."""
    pictures, scenes = _renders(0, TAUGHT)
    table = features(pictures)
    centred = table.T @ table + RIDGE * np.eye(table.shape[1], dtype=np.float32)
    weights, words = {}, {}
    targets = []
    for name in CLASSES:
        truth = _truth(scenes, name)
        words[name] = tuple(sorted(set(truth.tolist())))
        targets.append((truth[:, None] == np.asarray(words[name])[None]).astype(np.float32) * 2 - 1)
    solved = np.linalg.solve(centred, table.T @ np.concatenate(targets, axis=1))
    at = 0
    for name in CLASSES:
        weights[name] = solved[:, at : at + len(words[name])]
        at += len(words[name])
    probe = Probe(weights=weights, words=words, ceiling={})
    unseen, checked = _renders(TAUGHT, CHECKED)
    ceiling = {name: float(hit.mean()) for name, hit in probe.hits(unseen, checked).items()}
    return Probe(weights=weights, words=words, ceiling=ceiling)


def _renders(first: int, count: int) -> tuple[np.ndarray, list[Scene]]:
    scenes = [sample_scene(FIRST_IDENTITY + first + place) for place in range(count)]
    people = [sample_identity(FIRST_IDENTITY + first + place) for place in range(count)]
    return np.stack([draw(person, scene).rgb for person, scene in zip(people, scenes, strict=True)]), scenes


def _truth(scenes: list[Scene], name: str) -> np.ndarray:
    return np.asarray([getattr(scene, name) for scene in scenes])


def _read(table: np.ndarray, weights: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
    return np.asarray(words)[(table @ weights).argmax(axis=1)]
