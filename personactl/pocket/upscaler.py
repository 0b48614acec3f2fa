"""The upscaler: twice the size in one pass, taught what the pack's own decoder leaves of a drawing.

A sub-pixel network (W. Shi et al., "ESPCN", 2016) with residual blocks that predicts the difference to the bilinear
enlargement. The renderer draws at any size, so it has its pairs for nothing: the same scene at 128 and at 256 px, the
small one in half of the cases through the autoencoder and back, because that is what it will be given.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from diffusers import AutoencoderTiny
from torch import nn

from personactl.pocket.autoencoder import decode, encode, to_pixels
from personactl.pocket.dataset import FIRST_SEED, IDENTITIES, scene_seed
from personactl.pocket.drawing.renderer import SIZE, draw
from personactl.pocket.identity import sample_identity
from personactl.pocket.onnx_files import write_onnx
from personactl.pocket.scene import sample_scene
from personactl.pocket.training import Ema, NetworkStage, step_rng, warm_cosine

SCALE = 2
WIDTH = 32
BLOCKS = 5
DRAWINGS = 3  # a step, each cut into CUTS crops
CUTS = 4
PATCH = 40  # px of the small picture


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, 1, 1), nn.ReLU(inplace=True), nn.Conv2d(WIDTH, WIDTH, 3, 1, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Upscaler(nn.Module):
    """(n, 3, h, w) in -1..1 -> (n, 3, 2h, 2w), not clipped."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, WIDTH, 5, 1, 2), *(Block() for _ in range(BLOCKS)), nn.Conv2d(WIDTH, 3 * SCALE**2, 3, 1, 1)
        )
        nn.init.zeros_(self.layers[-1].weight)  # begins as the bilinear enlargement
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rough = F.interpolate(x, scale_factor=float(SCALE), mode="bilinear", align_corners=False)
        return rough + F.pixel_shuffle(self.layers(x), SCALE)


class UpscalerStage(NetworkStage):
    """Training on fresh drawings; `autoencoder` is the pack's own."""

    name = "upscaler"

    def __init__(self, autoencoder: AutoencoderTiny, *, seed: int, device: str = "cpu"):
        self.autoencoder, self.seed, self.device = autoencoder, seed, device
        torch.manual_seed(seed)
        self.network = Upscaler().to(device, memory_format=torch.channels_last)
        self.peak = 2e-3
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.peak, betas=(0.9, 0.98))
        self.ema = Ema(self.network.parameters(), 0.995)

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Small crops (n, 3, p, p) and what they should become (n, 3, 2p, 2p)."""
        small, large = [], []
        for _ in range(DRAWINGS):
            one, two = self.pair(rng)
            for _ in range(CUTS):
                left, top = rng.integers(0, SIZE - PATCH + 1, 2)
                small.append(one[top : top + PATCH, left : left + PATCH])
                large.append(two[SCALE * top : SCALE * (top + PATCH), SCALE * left : SCALE * (left + PATCH)])
        return to_pixels(np.stack(small)).to(self.device), to_pixels(np.stack(large)).to(self.device)

    def pair(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A scene at its size, half of the time through the autoencoder, and at twice that; uint8."""
        person = FIRST_SEED["a"] + int(rng.integers(IDENTITIES))
        identity, scene = sample_identity(person), sample_scene(scene_seed(person, int(rng.integers(64))))
        small, large = draw(identity, scene).rgb, draw(identity, scene, SCALE * SIZE).rgb
        if rng.random() < 0.5:
            small = round_trip(self.autoencoder, small[None], rng.uniform(0, 0.1))[0]
        return small, large

    def step(self, index: int, total: int) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.peak * warm_cosine(index, total, warm=60, flat=0.4)
        small, large = self.batch(step_rng(self.seed, index))
        error = (self.network(small) - large).abs().mean()
        self.optimiser.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.ema.update(index)
        return {"l1": error.item()}

    def averaged(self) -> Upscaler:
        """The averaged network on the CPU."""
        twin = Upscaler()
        for parameter, shadow in zip(twin.parameters(), self.ema.shadow, strict=True):
            parameter.data.copy_(shadow)
        return twin.eval()


def round_trip(network: AutoencoderTiny, pictures: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """uint8 pictures (n, h, w, 3) through the autoencoder and back, with normal noise on the latents."""
    latents = encode(network, pictures)
    if noise:
        latents = latents + noise * torch.randn(latents.shape).numpy()
    return decode(network, latents)


def export_upscaler(network: Upscaler, path: Path) -> None:
    """ONNX opset 17, any height and width: input `picture` in -1..1, output `enlarged`."""
    axes = {2: "height", 3: "width"}
    write_onnx(
        network,
        torch.zeros(1, 3, SIZE, SIZE),
        path,
        inputs="picture",
        outputs=["enlarged"],
        axes={"picture": axes, "enlarged": axes},
    )
