"""The VAE: diffusers' AutoencoderTiny at a quarter of the resolution, 128 px -> 4 x 32 x 32 latents.

Four channels, because the inpainting pipelines accept no other number; a quarter and not an eighth, because at an
eighth eyes and mouths do not survive 128 px pictures. Trained on 64 px crops with L1 at four scales; noise on the
latents makes the decoder forgiving towards a generator's errors, and latents at half the size must decode to the
picture at half the size, which leaves a generator less fine grain to learn (T. Kouzelis et al., "EQ-VAE", 2025). The
encoder is kept thin: latents of the whole training set are made with it on a CPU.

The decoder is trained on alone once the latents are made (`DecoderStage`): that moves no latent.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from diffusers import AutoencoderTiny

from personactl.pocket.dataset import FaceSet
from personactl.pocket.training import Ema, NetworkStage, mixed_precision, step_rng, warm_cosine

PATCH = 64
BATCH = 8
LATENT_NOISE = 0.06
SCALED_WEIGHT = 0.3
DECODER_NOISE = 0.04
SQUARE_WEIGHT = 6.0


def build_autoencoder(scaling_factor: float = 1.0) -> AutoencoderTiny:
    """A fresh network; `scaling_factor` is 1 / standard deviation of the latents once that is known."""
    return AutoencoderTiny(
        in_channels=3,
        out_channels=3,
        encoder_block_out_channels=(32, 32, 32),
        decoder_block_out_channels=(32, 32, 32),
        num_encoder_blocks=(0, 1, 2),
        num_decoder_blocks=(3, 2, 1),
        latent_channels=4,
        upsampling_scaling_factor=2,
        scaling_factor=scaling_factor,
        force_upcast=False,
    )


def to_pixels(pictures: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in -1..1, channels last in memory."""
    x = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    return x.contiguous(memory_format=torch.channels_last)


class AutoencoderStage(NetworkStage):
    """Training of the autoencoder on both face sets' pictures."""

    name = "vae"

    def __init__(self, faces: FaceSet, *, seed: int, device: str = "cpu"):
        self.faces, self.seed, self.device = faces, seed, device
        torch.manual_seed(seed)
        self.network = build_autoencoder().to(device, memory_format=torch.channels_last)
        self.peak = 2.5e-3
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.peak, betas=(0.9, 0.98))
        self.ema = Ema(self.network.parameters(), 0.995)

    def adopt(self, pack: Path) -> None:
        """Begin with the weights of a pack instead of random ones."""
        self.begin_with(load_autoencoder(pack))

    def begin_with(self, network: AutoencoderTiny) -> None:
        """Take over another network's weights."""
        self.network.load_state_dict(network.state_dict())
        self.ema.load(self.network.parameters())

    def batch(self, rng: np.random.Generator) -> torch.Tensor:
        """Crops of 64 px, aligned to the latent grid; half of them on the face, where the detail is."""
        rows = rng.integers(0, len(self.faces), BATCH)
        crops = np.empty((BATCH, PATCH, PATCH, 3), np.uint8)
        for slot, row in enumerate(rows):
            picture = self.faces.pictures[row]
            left, top = rng.integers(0, 17, 2) * 4
            if rng.random() < 0.5:
                centre = self.faces.key_points[row].mean(axis=0) + rng.uniform(-12, 12, 2)
                left, top = (np.clip(centre - PATCH / 2, 0, picture.shape[0] - PATCH) // 4 * 4).astype(int)
            crops[slot] = picture[top : top + PATCH, left : left + PATCH]
        return to_pixels(crops).to(self.device)

    def step(self, index: int, total: int) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.peak * warm_cosine(index, total, warm=60, flat=0.4)
        loss, figures = self.loss(self.batch(step_rng(self.seed, index)))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.ema.update(index)
        return figures

    def loss(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss of pictures (n, 3, h, w) in -1..1, and figures for the log."""
        latents = self.network.encode(x).latents
        y = self.network.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
        half = self.network.decode(F.avg_pool2d(latents, 2)).sample
        scaled = (F.avg_pool2d(x, 2) - half).abs().mean()
        fine, coarse = differences(x, y)
        spread, centre = latents.std(dim=(0, 2, 3)), latents.mean(dim=(0, 2, 3))
        tidy = (latents.abs() - 3).clamp(min=0).square().mean() + 0.05 * (
            (spread - 1).square() + centre.square()
        ).mean()
        loss = fine + 0.5 * coarse + SCALED_WEIGHT * scaled + 0.3 * tidy
        return loss, {
            "l1": fine.item(),
            "coarse": coarse.item(),
            "scaled": scaled.item(),
            "spread": spread.mean().item(),
        }

    def averaged(self) -> AutoencoderTiny:
        """The averaged network on the CPU, with its scaling factor measured on 256 pictures of the set."""
        twin = build_autoencoder().to(self.device)
        twin.load_state_dict(self.network.state_dict())
        for parameter, shadow in zip(twin.parameters(), self.ema.shadow, strict=True):
            parameter.data.copy_(shadow)
        twin = twin.cpu().eval()
        rows = np.linspace(0, len(self.faces) - 1, min(256, len(self.faces))).astype(int)
        latents = encode(twin, self.faces.pictures[rows])
        twin.register_to_config(scaling_factor=round(float(1 / latents.std()), 6))
        return twin


class DecoderStage(AutoencoderStage):
    """The decoder of a finished autoencoder, trained on; the encoder, and with it every latent, stays as it is.

    Squared error counts here beside L1: what the first stage left is thin lines, and those are large errors.
    """

    name = "decoder"

    def __init__(self, faces: FaceSet, start: AutoencoderTiny, *, seed: int, device: str = "cpu"):
        super().__init__(faces, seed=seed, device=device)
        self.begin_with(start)
        self.network.encoder.requires_grad_(False)
        self.peak = 1.2e-3

    def loss(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        with torch.no_grad():
            latents = self.network.encode(x).latents
        y = self.network.decode(latents + DECODER_NOISE * torch.randn_like(latents)).sample
        fine, coarse = differences(x, y)
        square = (x - y).square().mean()
        return fine + 0.5 * coarse + SQUARE_WEIGHT * square, {"l1": fine.item(), "square": square.item()}


def differences(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """L1 of two batches of pictures, and the sum of it at a half, a quarter and an eighth of the size."""
    coarse = sum((F.avg_pool2d(x - y, size).abs().mean() for size in (2, 4, 8)), torch.zeros((), device=x.device))
    return (x - y).abs().mean(), coarse


def load_autoencoder(pack: Path) -> AutoencoderTiny:
    """The autoencoder of a pack folder, float32."""
    return AutoencoderTiny.from_pretrained(
        str((pack / "generator" / "vae").resolve()), local_files_only=True, use_safetensors=True, dtype=torch.float32
    )


def encode(network: AutoencoderTiny, pictures: np.ndarray, *, device: str = "cpu", batch: int = 32) -> np.ndarray:
    """Latents float32 (n, 4, h / 4, w / 4) of uint8 pictures, not yet scaled."""
    network = network.to(device, memory_format=torch.channels_last)
    parts = []
    for at in range(0, len(pictures), batch):
        with torch.no_grad(), mixed_precision(device):
            latents = network.encode(to_pixels(pictures[at : at + batch]).to(device)).latents
        parts.append(latents.float().cpu())
    return torch.cat(parts).contiguous().numpy()


def decode(network: AutoencoderTiny, latents: np.ndarray) -> np.ndarray:
    """uint8 pictures (n, h, w, 3) of unscaled latents float32 (n, 4, h / 4, w / 4)."""
    with torch.no_grad():
        y = network.decode(torch.from_numpy(latents)).sample.clamp(-1, 1)
    return y.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio in dB of uint8 picture pairs (n, h, w, 3)."""
    error = np.square(first.astype(np.float32) - second.astype(np.float32)).mean(axis=(1, 2, 3))
    return float(np.mean(10 * np.log10(255**2 / np.maximum(error, 1e-6))))
