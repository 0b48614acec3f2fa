"""Does a generated picture show what its prompt said? A small classifier of the whole grammar, taught on fresh renders.

One convolutional trunk, one linear head a word class. It is taught on people that no other network met, with the blur
and noise that a generator leaves; what it reads off unseen renders is its ceiling, and is reported beside every figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import nn

from personactl.pocket.autoencoder import to_pixels
from personactl.pocket.drawing.renderer import draw
from personactl.pocket.identity import HELD_OUT, sample_identity
from personactl.pocket.scene import GRAMMAR, Scene, sample_scene

CLASSES = ("framing", "expression", "view", "background", "colour", "clothing", "light")
WORDS = dict(zip(CLASSES, GRAMMAR, strict=True))
CHECKED = 600
FIRST_IDENTITY = HELD_OUT + 20_000
PASSES, BATCH, PEAK = 6, 40, 3e-3
SEED = 88


class Trunk(nn.Module):
    """(n, 3, 128, 128) in -1..1 -> one row of logits a class, in the order of `CLASSES`."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 64, 64)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(one, two, 5 if one == 3 else 3, 2, 2 if one == 3 else 1), nn.BatchNorm2d(two), nn.ReLU()
                )
                for one, two in pairwise(widths)
            ),
            nn.Flatten(),
            nn.Dropout(0.2),
        )
        self.heads = nn.ModuleList([nn.Linear(64 * 16, len(words)) for words in GRAMMAR])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        hidden = self.layers(x)
        return [head(hidden) for head in self.heads]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A taught network, and per class the share of unseen renders that it reads correctly."""

    network: Trunk
    ceiling: dict[str, float]

    def hits(self, pictures: np.ndarray, scenes: list[Scene]) -> dict[str, np.ndarray]:
        """Per class, bool (n,): the probe reads the word that the scene asked for."""
        return _hits(self.network, pictures, scenes)


def teach(*, taught: int, checked: int = CHECKED) -> Probe:
    """Teach a probe on `taught` renders: with 8 000 about three minutes on one core."""
    pictures, scenes = _renders(0, taught)
    truth = torch.from_numpy(_truth(scenes))
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    network = Trunk().to(memory_format=torch.channels_last).train()
    steps = max(1, PASSES * taught // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK, total_steps=steps)
    for _ in range(steps):
        rows = rng.integers(0, taught, BATCH)
        logits = network(to_pixels(np.stack([_blemished(pictures[row], rng) for row in rows])))
        loss = sum(
            (F.cross_entropy(rowwise, truth[rows, place]) for place, rowwise in enumerate(logits)), torch.zeros(())
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    unseen, asked = _renders(taught, checked)
    ceiling = {name: float(hit.mean()) for name, hit in _hits(network, unseen, asked).items()}
    return Probe(network=network, ceiling=ceiling)


def _hits(network: Trunk, pictures: np.ndarray, scenes: list[Scene]) -> dict[str, np.ndarray]:
    truth, read = _truth(scenes), []
    with torch.no_grad():
        for at in range(0, len(pictures), 100):
            logits = network(to_pixels(pictures[at : at + 100]))
            read.append(np.stack([row.argmax(dim=1).numpy() for row in logits], axis=1))
    right = np.concatenate(read) == truth
    return {name: right[:, place] for place, name in enumerate(CLASSES)}


def _blemished(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """uint8 picture, half of the time blurred, always with a little noise."""
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4))
    noisy = picture + rng.normal(0, rng.uniform(0, 6), picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _renders(first: int, count: int) -> tuple[np.ndarray, list[Scene]]:
    scenes = [sample_scene(FIRST_IDENTITY + first + place) for place in range(count)]
    people = [sample_identity(FIRST_IDENTITY + first + place) for place in range(count)]
    return np.stack([draw(person, scene).rgb for person, scene in zip(people, scenes, strict=True)]), scenes


def _truth(scenes: list[Scene]) -> np.ndarray:
    """int64 (n, classes): the index of each scene's word in its class."""
    return np.array([[WORDS[name].index(getattr(scene, name)) for name in CLASSES] for scene in scenes])
