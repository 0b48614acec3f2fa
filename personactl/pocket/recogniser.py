"""A small face recogniser: 112 px aligned crop -> 128 numbers whose direction is the person.

Residual network, trained with CosFace (H. Wang et al., 2018: additive cosine margin) and a regression of the known
identity parameters, which a renderer gives away for nothing and which shortens training several times. Exported as ONNX
in insightface's ArcFace layout: input RGB (x - 127.5) / 127.5, one output, not normalised.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from onnxruntime import InferenceSession, SessionOptions
from torch import nn

from personactl.pocket.dataset import FaceSet
from personactl.pocket.onnx_files import write_onnx
from personactl.pocket.training import Ema, Muon, mixed_precision, muon_groups, step_rng, warm_cosine

CROP = 112
EMBEDDING = 128
BATCH = 80
SCALE = 28.0  # inverse temperature of the softmax
MARGIN = 0.2  # CosFace margin at the end of its ramp
TRAIT_WEIGHT = 4.0
# insightface's alignment targets for a 112 px crop: eyes, nose, mouth corners.
ALIGNED = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut; halves the resolution."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.body = nn.Sequential(
            _convolution(inputs, outputs, 3, 2),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class Recogniser(nn.Module):
    """(n, 3, 112, 112) in -1..1 -> (n, 128), batch-normalised without scale, so every direction is used."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(3, 24, 5, 2),
            Residual(24, 32),
            Residual(32, 64),
            Residual(64, 96),
            Residual(96, 96),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Linear(96 * 16, EMBEDDING, bias=False), nn.BatchNorm1d(EMBEDDING, affine=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(x))


def similarity_transform(points: np.ndarray, targets: np.ndarray = ALIGNED) -> np.ndarray:
    """The least-squares similarity (2, 3) that takes points (5, 2) to targets (5, 2) (S. Umeyama, 1991)."""
    centre, goal = points.mean(axis=0), targets.mean(axis=0)
    left, singular, right = np.linalg.svd((targets - goal).T @ (points - centre) / len(points))
    sign = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(sign) @ right
    scale = float((singular * sign).sum() / np.square(points - centre).sum(axis=1).mean())
    return np.hstack([scale * rotation, (goal - scale * rotation @ centre)[:, None]])


def aligned_crop(picture: np.ndarray, key_points: np.ndarray) -> np.ndarray:
    """uint8 (112, 112, 3): the face with its key points on `ALIGNED`, black outside, as insightface crops."""
    return cv2.warpAffine(picture, similarity_transform(key_points), (CROP, CROP))


def to_input(crops: np.ndarray) -> torch.Tensor:
    """uint8 (n, 112, 112, 3) RGB -> float32 (n, 3, 112, 112) in -1..1, channels last in memory."""
    x = torch.from_numpy(np.array(crops)).permute(0, 3, 1, 2).float()
    return x.sub_(127.5).div_(127.5).contiguous(memory_format=torch.channels_last)


class RecogniserStage:
    """Training of one recogniser on one face set; `seed` separates the two that the pack ships."""

    def __init__(self, faces: FaceSet, *, seed: int, device: str = "cpu", batch: int = BATCH):
        self.name = f"recogniser-{faces.name}"
        self.faces, self.seed, self.device, self.size = faces, seed, device, batch
        torch.manual_seed(seed)
        self.network = Recogniser().to(device, memory_format=torch.channels_last)
        self.targets = torch.from_numpy(faces.trait_table()).to(device)
        self.traits = nn.Linear(EMBEDDING, self.targets.shape[1]).to(device)
        self.people = nn.Parameter(torch.randn(faces.people, EMBEDDING, device=device) * 0.05)
        groups = muon_groups([self.network], matrix_lr=0.02, vector_lr=3e-3)
        groups.append({"params": [self.people, *self.traits.parameters()], "lr": 4e-3, "kind": "vector"})
        self.optimiser = Muon(groups)
        self.ema = Ema(self.network.parameters(), 0.995)

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "traits": self.traits.state_dict(),
            "people": self.people.detach(),
            "optimiser": self.optimiser.state_dict(),
            "ema": self.ema.shadow,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.traits.load_state_dict(state["traits"])
        self.people.data.copy_(state["people"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.ema.load(state["ema"])

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops with the errors that a detector makes and the blemishes that a generator leaves, and their classes."""
        rows = rng.integers(0, len(self.faces), self.size)
        crops = np.empty((self.size, CROP, CROP, 3), np.uint8)
        for slot, row in enumerate(rows):
            points = self.faces.key_points[row]
            slack = 0.035 * (np.linalg.norm(points[0] - points[1]) + 4)
            crops[slot] = aligned_crop(self.faces.pictures[row], points + rng.normal(0, slack, (5, 2)))
            if rng.random() < 0.25:
                crops[slot] = cv2.GaussianBlur(crops[slot], (0, 0), rng.uniform(0.5, 1.8))
        x = to_input(crops)
        x = (
            x
            * torch.empty(self.size, 1, 1, 1).uniform_(0.88, 1.12)
            * torch.empty(self.size, 3, 1, 1).uniform_(0.95, 1.05)
        )
        x = x + torch.randn_like(x) * torch.empty(self.size, 1, 1, 1).uniform_(-0.06, 0.06).clamp_(min=0)
        return x.to(self.device), torch.from_numpy(self.faces.person(rows)).to(self.device)

    def step(self, index: int, total: int) -> dict[str, float]:
        share = index / total
        self.optimiser.set_factor(warm_cosine(index, total, warm=60))
        x, person = self.batch(step_rng(self.seed, index))
        self.network.train()
        with mixed_precision(self.device):
            hidden = self.network(x)
        hidden = hidden.float()
        cosine = F.normalize(hidden) @ F.normalize(self.people).T
        margin = MARGIN * min(1.0, max(0.0, (share - 0.15) / 0.4))
        identity = F.cross_entropy(SCALE * (cosine - margin * F.one_hot(person, self.faces.people)), person)
        trait = F.mse_loss(self.traits(hidden), self.targets[person])
        loss = identity + TRAIT_WEIGHT * (1 - 0.7 * share) * trait
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.ema.update(index)
        right = (cosine.argmax(dim=1) == person).float().mean()
        return {"loss": loss.item(), "traits": trait.item(), "accuracy": right.item()}

    def export(self, path: Path) -> None:
        """Write the averaged network as ONNX."""
        export_recogniser(self.averaged(), path)

    def averaged(self) -> Recogniser:
        """The averaged network on the CPU, in evaluation mode, with batch statistics re-measured for its weights."""
        twin = Recogniser().to(self.device)
        twin.load_state_dict(self.network.state_dict())
        for parameter, shadow in zip(twin.parameters(), self.ema.shadow, strict=True):
            parameter.data.copy_(shadow)
        norms = [part for part in twin.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # plain average over the batches below
        twin.train()
        with torch.no_grad():
            for index in range(24):
                twin(self.batch(step_rng(self.seed + 1, index))[0])
        return twin.cpu().eval()


def export_recogniser(network: Recogniser, path: Path) -> None:
    """ONNX opset 17, dynamic batch, in the layout that insightface routes to its ArcFace class."""
    axes = {"input.1": {0: "N"}, "embedding": {0: "N"}}
    write_onnx(network, torch.zeros(1, 3, CROP, CROP), path, inputs="input.1", outputs=["embedding"], axes=axes)


def open_recogniser(path: Path) -> InferenceSession:
    """An exported recogniser, on one thread."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def embed(session: InferenceSession, crops: np.ndarray, *, batch: int = 64) -> np.ndarray:
    """Unit-length embeddings float32 (n, 128) of uint8 crops (n, 112, 112, 3)."""
    name = session.get_inputs()[0].name
    parts = []
    for at in range(0, len(crops), batch):
        x = (crops[at : at + batch].astype(np.float32) - 127.5) / 127.5
        parts.append(session.run(None, {name: np.ascontiguousarray(x.transpose(0, 3, 1, 2))})[0])
    hidden = np.concatenate(parts)
    return hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
