"""A small face detector in SCRFD's output layout (J. Guo et al., 2021): nine outputs over strides 8, 16 and 32.

Two anchors a cell, as insightface expects of nine outputs; both predict the same way. Distances to the box's sides and
offsets to the five key points are in units of the stride, from the cell's corner (x * stride, y * stride). The exported
input is a STATIC 1 x 3 x 128 x 128: insightface then always detects at 128 px, whatever size it is asked for, instead
of scaling our small pictures up.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import nn

from personactl.pocket.detection_data import ANCHORS, INPUT, STRIDES, SceneMaker, targets
from personactl.pocket.onnx_files import write_onnx
from personactl.pocket.training import Ema, Muon, NetworkStage, muon_groups, step_rng, warm_cosine

BATCH = 32
WIDTH = 48


def _convolution(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Detector(nn.Module):
    """(n, 3, 128, 128) as (x - 127.5) / 128.

    Returns three lists over the strides: score logits (n, cells * 2, 1), sides (n, .., 4), key points (n, .., 10).
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(3, 16, 2), _convolution(16, 32, 2))
        self.stages = nn.ModuleList(
            [
                nn.Sequential(_convolution(32, WIDTH, 2), _convolution(WIDTH, WIDTH)),
                nn.Sequential(_convolution(WIDTH, 64, 2), _convolution(64, 64)),
                nn.Sequential(_convolution(64, 96, 2), _convolution(96, 96)),
            ]
        )
        self.lateral = nn.ModuleList([_convolution(width, WIDTH, kernel=1) for width in (WIDTH, 64, 96)])
        self.heads = nn.ModuleList([_convolution(WIDTH, WIDTH) for _ in STRIDES])
        self.scores = nn.ModuleList([nn.Conv2d(WIDTH, ANCHORS, 1) for _ in STRIDES])
        self.sides = nn.ModuleList([nn.Conv2d(WIDTH, ANCHORS * 4, 1) for _ in STRIDES])
        self.points = nn.ModuleList([nn.Conv2d(WIDTH, ANCHORS * 10, 1) for _ in STRIDES])
        for score, side in zip(self.scores, self.sides, strict=True):
            nn.init.constant_(score.bias, -4.0)  # faces are rare among cells
            nn.init.constant_(side.bias, 2.0)

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
        x = self.stem(x)
        levels = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            x = stage(x)
            levels.append(lateral(x))
        levels[1] = levels[1] + F.interpolate(levels[2], scale_factor=2.0, mode="nearest")
        levels[0] = levels[0] + F.interpolate(levels[1], scale_factor=2.0, mode="nearest")
        levels = [head(level) for head, level in zip(self.heads, levels, strict=True)]

        def flat(layers: nn.ModuleList, values: int) -> list[torch.Tensor]:
            maps = [layer(level).permute(0, 2, 3, 1) for layer, level in zip(layers, levels, strict=True)]
            return [part.reshape(part.shape[0], -1, values) for part in maps]

        return flat(self.scores, 1), [F.softplus(side) for side in flat(self.sides, 4)], flat(self.points, 10)


class ExportedDetector(nn.Module):
    """The nine rank-2 outputs in insightface's order: scores, boxes, key points, each over strides 8, 16, 32."""

    def __init__(self, network: Detector):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores, sides, points = self.network(x)
        return (
            *(torch.sigmoid(score[0]) for score in scores),
            *(side[0] for side in sides),
            *(point[0] for point in points),
        )


def export_detector(network: Detector, path: Path) -> None:
    """ONNX opset 17 with the static 128 px input."""
    names = [f"{kind}_{stride}" for kind in ("score", "bbox", "kps") for stride in STRIDES]
    write_onnx(ExportedDetector(network), torch.zeros(1, 3, INPUT, INPUT), path, inputs="input.1", outputs=names)


def detection_loss(
    outputs: tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]], wanted: list[torch.Tensor]
) -> tuple[torch.Tensor, dict[str, float]]:
    """Focal score loss, intersection-over-union of the sides, smooth L1 of the points relative to the face's size."""
    found = sum(float(level[..., 0].sum()) for level in wanted) + 1.0
    score_loss, side_loss, point_loss = (torch.zeros((), device=wanted[0].device) for _ in range(3))
    for scores, sides, points, want in zip(*outputs, wanted, strict=True):
        logits, truth = scores[..., 0], want[..., 0]
        focus = (torch.sigmoid(logits) - truth).square()
        score_loss = (
            score_loss + (focus * F.binary_cross_entropy_with_logits(logits, truth, reduction="none")).sum() / found
        )
        here = truth > 0
        if here.any():
            side_loss = side_loss + (1 - _overlap(sides[here], want[..., 1:5][here])).sum() / found
            size = want[..., 15:16][here]
            error = F.smooth_l1_loss(points[here] / size, want[..., 5:15][here] / size, reduction="none", beta=0.02)
            point_loss = point_loss + error.mean(dim=1).sum() / found
    total = score_loss + side_loss + 20 * point_loss
    return total, {"score": score_loss.item(), "overlap": 1 - side_loss.item(), "points": point_loss.item()}


def _overlap(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Intersection over union of boxes given as distances (left, top, right, bottom) from a common point."""
    shared = torch.minimum(first, second)
    inner = (shared[:, 0] + shared[:, 2]).clamp(min=0) * (shared[:, 1] + shared[:, 3]).clamp(min=0)
    area = [(box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (first, second)]
    return inner / (area[0] + area[1] - inner).clamp(min=1e-6)


class DetectorStage(NetworkStage):
    """Training of the detector on re-arranged pictures of a face set."""

    name = "detector"

    def __init__(self, maker: SceneMaker, *, seed: int, device: str = "cpu", batch: int = BATCH):
        self.maker, self.seed, self.device, self.size = maker, seed, device, batch
        torch.manual_seed(seed)
        self.network = Detector().to(device, memory_format=torch.channels_last)
        self.optimiser = Muon(muon_groups([self.network], matrix_lr=0.015, vector_lr=2.5e-3))
        self.ema = Ema(self.network.parameters(), 0.995)

    def step(self, index: int, total: int) -> dict[str, float]:
        self.optimiser.set_factor(warm_cosine(index, total, warm=80))
        pictures, faces = self.maker.batch(step_rng(self.seed, index), self.size)
        wanted = [level.to(self.device) for level in targets(faces)]
        self.network.train()
        loss, figures = detection_loss(self.network(self.maker.to_input(pictures).to(self.device)), wanted)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.ema.update(index)
        return figures

    def averaged(self) -> Detector:
        """The averaged network on the CPU, with batch statistics re-measured for its weights."""
        twin = Detector().to(self.device)
        twin.load_state_dict(self.network.state_dict())
        for parameter, shadow in zip(twin.parameters(), self.ema.shadow, strict=True):
            parameter.data.copy_(shadow)
        for norm in (part for part in twin.modules() if isinstance(part, nn.BatchNorm2d)):
            norm.reset_running_stats()
            norm.momentum = None
        twin.train()
        with torch.no_grad():
            for index in range(16):
                pictures, _ = self.maker.batch(step_rng(self.seed + 1, index), self.size)
                twin(self.maker.to_input(pictures).to(self.device))
        return twin.cpu().eval()
