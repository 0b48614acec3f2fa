"""The generator: UNet, text encoder and IP-Adapter (FaceID layout), trained jointly from scratch on latents.

The networks are diffusers' and transformers' own classes, so the pack loads through StableDiffusionPipeline and
`load_ip_adapter` like any other. v-prediction (T. Salimans, J. Ho, 2022). Text and identity are dropped independently,
each to the value that the pipeline uses for its unconditional half: the empty prompt and the zero embedding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from diffusers import DDPMScheduler, UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn
from torch.overrides import TorchFunctionMode
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from personactl.errors import IntegrityError
from personactl.pocket.latents import LatentSet
from personactl.pocket.pack import ADAPTER_FILE, TOKENS
from personactl.pocket.recogniser import EMBEDDING
from personactl.pocket.scene import GRAMMAR, caption
from personactl.pocket.tokens import LENGTH, PLAIN_WORDS, spoken
from personactl.pocket.training import (
    Ema,
    Muon,
    add_up,
    mixed_precision,
    muon_groups,
    place_among_processes,
    step_rng,
    warm_cosine,
)

WIDTH = 128  # of text states and identity tokens
CHANNELS = (32, 64, 128)
HEADS = (2, 2, 4)
BATCH = 32  # pictures a step, shared among the processes
DROP_TEXT, DROP_IDENTITY, WITHOUT_ADAPTER = 0.1, 0.1, 0.04
FEATURE_WEIGHT = 6.0  # of eyes, nose and mouth in the loss, against 1 elsewhere
WORDS_WEIGHT = 0.05  # of reading the caption's words off its pooled embedding
# The pooled caption leaves a layer norm with length sqrt(128) times this; the time embedding that it is added to grows
# to lengths around 100, and beside that a gain of 1 is hardly heard.
CAPTION_GAIN = 6.0
SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


def build_unet() -> UNet2DConditionModel:
    """Convolutions at 32x32, attention at 8x8 and, on the way up, 16x16: that keeps a CPU within a second a picture.

    The caption also enters every residual block as scale and shift, pooled: a short training learns words that change
    a few cells (expression, garment) that way long before cross attention has found out where to put them.
    """
    unet = _unet()
    nn.init.constant_(unet.add_embedding.norm2.weight, CAPTION_GAIN)
    return unet


def _unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=HEADS,  # diffusers' name for the number of heads
        norm_num_groups=16,
        use_linear_projection=True,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Two layers of 128."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        projection_dim=WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def fresh_adapter(unet: UNet2DConditionModel) -> dict[str, dict[str, torch.Tensor]]:
    """Random IP-Adapter weights, FaceID layout; cross attentions carry the odd numbers, as diffusers reads them."""
    keys: dict[str, torch.Tensor] = {}
    crossing = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for place, name in enumerate(crossing):
        width = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
        keys[f"{2 * place + 1}.to_k_ip.weight"] = torch.randn(width, WIDTH) * WIDTH**-0.5
        keys[f"{2 * place + 1}.to_v_ip.weight"] = torch.randn(width, WIDTH) * 0.5 * WIDTH**-0.5
    hidden = 2 * EMBEDDING
    projection = {
        "proj.0.weight": torch.randn(hidden, EMBEDDING),
        "proj.0.bias": torch.zeros(hidden),
        "proj.2.weight": torch.randn(TOKENS * WIDTH, hidden) * hidden**-0.5,
        "proj.2.bias": torch.randn(TOKENS * WIDTH) * 0.02,
        "norm.weight": torch.ones(WIDTH),
        "norm.bias": torch.zeros(WIDTH),
    }
    return {"image_proj": projection, "ip_adapter": keys}


def adapter_weights(unet: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    """The flat IP-Adapter file of a UNet whose adapter was trained; the inverse of loading it."""
    projection = unet.encoder_hid_proj.image_projection_layers[0]
    first, second = projection.ff.net[0].proj, projection.ff.net[2]
    flat = {
        "image_proj.proj.0.weight": first.weight,
        "image_proj.proj.0.bias": first.bias,
        "image_proj.proj.2.weight": second.weight,
        "image_proj.proj.2.bias": second.bias,
        "image_proj.norm.weight": projection.norm.weight,
        "image_proj.norm.bias": projection.norm.bias,
    }
    crossing = [processor for processor in unet.attn_processors.values() if hasattr(processor, "to_k_ip")]
    for place, processor in enumerate(crossing):
        flat[f"ip_adapter.{2 * place + 1}.to_k_ip.weight"] = processor.to_k_ip[0].weight
        flat[f"ip_adapter.{2 * place + 1}.to_v_ip.weight"] = processor.to_v_ip[0].weight
    return {key: tensor.detach().cpu().clone().contiguous() for key, tensor in flat.items()}


def nested_adapter(flat: dict[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """A flat IP-Adapter file in the form that diffusers' loader takes."""
    nested: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in flat.items():
        part, key = name.split(".", 1)
        nested[part][key] = tensor.float()
    return nested


def load_generator(pack: Path) -> tuple[UNet2DConditionModel, CLIPTextModel, dict[str, torch.Tensor]]:
    """UNet, text encoder (float32) and the adapter's file of a pack folder."""
    folder = (pack / "generator").resolve()
    options = {"local_files_only": True, "use_safetensors": True, "dtype": torch.float32}
    unet = UNet2DConditionModel.from_pretrained(str(folder / "unet"), **options)
    text = CLIPTextModel.from_pretrained(str(folder / "text_encoder"), **options)
    return unet.eval(), text.eval(), load_file(pack / "ip-adapter" / ADAPTER_FILE)


def bare_unet_weights(unet: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    """The UNet's own weights, without the adapter that was trained inside it."""
    state = unet.state_dict()
    return {k: v.detach().cpu() for k, v in state.items() if "_ip." not in k and not k.startswith("encoder_hid_proj")}


class FloatAttention(TorchFunctionMode):
    """Attention in float32 inside bfloat16 autocast: on CPUs its bfloat16 backward is two to four times slower."""

    def __torch_function__(self, function: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is not F.scaled_dot_product_attention:
            return function(*args, **kwargs)
        query, key, value, *rest = args
        with torch.autocast(query.device.type, enabled=False):
            return function(query.float(), key.float(), value.float(), *rest, **kwargs)


class GeneratorStage:
    """Joint training. Several processes (torch.distributed) take their own batches and average their gradients."""

    name = "generator"

    def __init__(
        self, data: LatentSet, tokenizer: CLIPTokenizer, *, seed: int, device: str = "cpu", batch: int = BATCH
    ):
        self.data, self.tokenizer, self.seed, self.device = data, tokenizer, seed, device
        self.rank, self.world = place_among_processes()
        self.size = max(1, batch // self.world)
        torch.manual_seed(seed)
        self.unet = build_unet()
        self.text = build_text_encoder(tokenizer).to(device)
        self.unet._load_ip_adapter_weights([fresh_adapter(self.unet)], low_cpu_mem_usage=False)
        self.unet.requires_grad_(True).to(device, memory_format=torch.channels_last)
        self.crossing = [part for part in self.unet.attn_processors.values() if hasattr(part, "to_k_ip")]
        self.words = nn.Linear(WIDTH, sum(map(len, GRAMMAR))).to(device)
        self.parameters = [*self.unet.parameters(), *self.text.parameters()]
        self.optimiser = Muon(muon_groups([self.unet, self.text, self.words], matrix_lr=0.02, vector_lr=2e-3))
        self.ema = Ema(self.parameters, 0.999)
        self.signal = DDPMScheduler(**SCHEDULE).alphas_cumprod.to(device)

    def state(self) -> dict[str, Any]:
        return {
            "unet": self.unet.state_dict(),
            "text": self.text.state_dict(),
            "words": self.words.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "ema": self.ema.shadow,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.unet.load_state_dict(state["unet"])
        self.text.load_state_dict(state["text"])
        self.words.load_state_dict(state["words"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.ema.load(state["ema"])

    def adopt(self, pack: Path) -> None:
        """Begin with the weights of a pack instead of random ones. Raises IntegrityError when its networks are of
        another build."""
        unet, text, adapter = load_generator(pack)
        twin = build_unet()
        try:
            twin.load_state_dict(unet.state_dict())
            twin._load_ip_adapter_weights([nested_adapter(adapter)], low_cpu_mem_usage=False)
            self.unet.load_state_dict(twin.state_dict())
            self.text.load_state_dict(text.state_dict())
        except RuntimeError as error:
            raise IntegrityError(
                f"the generator of this pack is built otherwise: {str(error).splitlines()[0]}",
                where=str(pack),
                hint="train without --base",
            ) from error
        self.ema.load(self.parameters)

    def conditions(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Token ids (n, LENGTH), identity embeddings (n, 1, 128) for pictures `rows`, with drop-out of both, and the
        captions' words int64 (n, classes of the grammar), -1 where a caption does not name one.

        The embedding is the direction of the mean over one to four other pictures of the same person, as a persona's
        template is at generation time.
        """
        views = self.data.views
        pooled = np.zeros((len(rows), EMBEDDING), np.float32)
        captions = []
        for slot, row in enumerate(rows):
            chosen = row // views * views + rng.integers(0, views, rng.integers(1, 5))
            mean = self.data.embeddings[chosen].mean(axis=0)
            if rng.random() >= DROP_IDENTITY:
                pooled[slot] = mean / np.linalg.norm(mean)
            captions.append("" if rng.random() < DROP_TEXT else self.prompt(int(row), rng))
        ids = self.tokenizer(
            captions, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
        ).input_ids
        words = torch.tensor([spoken(text) for text in captions])
        return ids.to(self.device), torch.from_numpy(pooled)[:, None].to(self.device), words.to(self.device)

    def prompt(self, row: int, rng: np.random.Generator) -> str:
        """The picture's caption, one time in five behind words that say nothing about it, as names in prompts do."""
        text = caption(self.data.scenes[row], rng)
        if rng.random() < 0.2:
            words = PLAIN_WORDS.split()
            text = " ".join(words[place] for place in rng.integers(0, len(words), rng.integers(1, 4))) + ", " + text
        return text

    def step(self, index: int, total: int) -> dict[str, float]:
        rng = step_rng(self.seed, index * self.world + self.rank)
        self.optimiser.set_factor(warm_cosine(index, total, warm=100, flat=0.35))
        rows = rng.integers(0, len(self.data), self.size)
        ids, identity, words = self.conditions(rows, rng)
        clean = torch.from_numpy(self.data.latents[rows].astype(np.float32)).to(self.device)
        # Stratified times: every batch sees the whole range, which lowers the gradient's variance.
        times = torch.from_numpy(
            ((np.arange(self.size) + rng.random(self.size)) / self.size * 1000).astype(np.int64)
        ).to(self.device)
        noise = torch.randn(clean.shape).to(self.device)
        keep = self.signal[times].view(-1, 1, 1, 1)
        noisy = keep.sqrt() * clean + (1 - keep).sqrt() * noise
        velocity = keep.sqrt() * noise - (1 - keep).sqrt() * clean
        scale = float(np.random.default_rng([self.seed, index, 1]).random() >= WITHOUT_ADAPTER)
        for processor in self.crossing:
            processor.scale = [scale]
        with mixed_precision(self.device), FloatAttention():
            states = self.text(ids)[0]
            answer = self.unet(
                noisy.contiguous(memory_format=torch.channels_last),
                times,
                states,
                added_cond_kwargs={"image_embeds": [identity]},
            ).sample
        loss = (self._weights(rows) * (answer.float() - velocity).square()).mean()
        unread = self._unread_words(states.float(), words)
        self.optimiser.zero_grad(set_to_none=True)
        (loss + WORDS_WEIGHT * unread).backward()
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.ema.update(index)
        return {"loss": loss.item(), "words": unread.item()}

    def _unread_words(self, states: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Cross entropy of reading each caption's words off its pooled embedding with one linear layer.

        Nothing else tells an encoder that starts from chance, early, that two words which change a few cells differ.
        """
        pooled = self.unet.add_embedding(states) / CAPTION_GAIN
        parts = self.words(pooled).split([len(group) for group in GRAMMAR], dim=1)
        named = [F.cross_entropy(p, words[:, n], ignore_index=-1, reduction="sum") for n, p in enumerate(parts)]
        return torch.stack(named).sum() / len(words)

    def _weights(self, rows: np.ndarray) -> torch.Tensor:
        """Loss weights (n, 1, 32, 32) with mean 1 a picture. They move no optimum; they say where to be exact first."""
        weights = torch.ones(len(rows), 1, *self.data.latents.shape[2:])
        for slot, (left, top, right, bottom) in enumerate(self.data.features[rows].tolist()):
            weights[slot, :, top:bottom, left:right] = FEATURE_WEIGHT
        return (weights / weights.mean(dim=(2, 3), keepdim=True)).to(self.device)

    def _average_gradients(self) -> None:
        if self.world == 1:
            return
        everything = [*self.parameters, *self.words.parameters()]
        for parameter in everything:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in everything]
        add_up(gradients)
        torch._foreach_div_(gradients, self.world)

    def averaged(self) -> tuple[UNet2DConditionModel, CLIPTextModel, dict[str, torch.Tensor]]:
        """The averaged UNet without adapter, the text encoder, and the adapter's file, all on the CPU."""
        self.ema.swap()
        unet = build_unet()
        unet.load_state_dict(bare_unet_weights(self.unet))
        text = build_text_encoder(self.tokenizer)
        text.load_state_dict({key: tensor.cpu() for key, tensor in self.text.state_dict().items()})
        adapter = adapter_weights(self.unet)
        self.ema.swap()
        return unet.eval(), text.eval(), adapter
