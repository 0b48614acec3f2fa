"""Which pipeline family a model folder holds, and where its parts are.

`model_index.json` names a pipeline class and, for every component, a library and a class. diffusers would import either
from the folder itself if it is not one of its own, so both are allow-listed here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personactl.errors import WeightsError
from personactl.weights import Folder, IpAdapter, Pack, UpscalerFile

INDEX = "model_index.json"
FAMILIES: Mapping[str, str] = {"StableDiffusionPipeline": "stable-diffusion"}

# component → the (library, class) pairs that may fill it; the safety checker is never loaded
_SCHEDULER_LIBRARY = "diffusers"
COMPONENTS: Mapping[str, frozenset[tuple[str, str]]] = {
    "vae": frozenset({("diffusers", "AutoencoderKL"), ("diffusers", "AutoencoderTiny")}),
    "unet": frozenset({("diffusers", "UNet2DConditionModel")}),
    "text_encoder": frozenset({("transformers", "CLIPTextModel")}),
    "tokenizer": frozenset({("transformers", "CLIPTokenizer"), ("transformers", "CLIPTokenizerFast")}),
    "safety_checker": frozenset({("stable_diffusion", "StableDiffusionSafetyChecker")}),
    "feature_extractor": frozenset({("transformers", "CLIPImageProcessor"), ("transformers", "CLIPFeatureExtractor")}),
    "image_encoder": frozenset({("transformers", "CLIPVisionModelWithProjection")}),
}
_NEEDED_WEIGHTS = {
    "vae": "vae/diffusion_pytorch_model",
    "unet": "unet/diffusion_pytorch_model",
    "text_encoder": "text_encoder/model",
}
_ADAPTER_FOLDER = "ip-adapter"
_ADAPTER_KEY = "image_proj.proj.0.weight"
_MAX_LEVELS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`generator`, `conditioner`, `adapter.folder`: paths relative to the model folder, "" for the folder itself.

    `adapter` is None when pictures cannot be conditioned on a face; `embedding` is the width of a face embedding (0
    without adapter). `native` is (width, height) in pixels; sizes must be multiples of `size_multiple`. `upscaler` is
    None when larger pictures than native are generated in one go.
    """

    family: str
    generator: str
    adapter: IpAdapter | None
    conditioner: str
    embedding: int
    native: tuple[int, int]
    size_multiple: int
    scheduler_class: str
    upscaler: UpscalerFile | None = None

    def enlarges(self, width: int, height: int) -> bool:
        """Whether a picture of this size is generated at the native size and then enlarged."""
        scale = self.upscaler.scale if self.upscaler else 0
        return (width, height) == (scale * self.native[0], scale * self.native[1])

    def inside(self, name: str) -> str:
        """The path of a file of the generator, relative to the model folder."""
        return f"{self.generator}/{name}" if self.generator else name


def read_layout(folder: Folder, pack: Pack | None) -> Layout:
    """The layout of a hashed folder. Raises WeightsError: weights.unknown-family, weights.code, weights.incomplete."""
    generator = pack.generator if pack else ""
    prefix = f"{generator}/" if generator else ""
    family = _family(folder, prefix)
    unet, vae = (_document(folder, f"{prefix}{part}/config.json") for part in ("unet", "vae"))
    for part in _NEEDED_WEIGHTS:
        _check_weights(folder, prefix + _NEEDED_WEIGHTS[part])
    adapter = pack.ip_adapter if pack else _find_adapter(folder)
    vae_factor = 2 ** (_levels(vae, "block_out_channels", "decoder_block_out_channels") - 1)
    multiple = math.lcm(8, vae_factor * 2 ** (_levels(unet, "block_out_channels") - 1))
    scheduler = _document(folder, f"{prefix}scheduler/scheduler_config.json")
    return Layout(
        family=family,
        generator=generator,
        adapter=adapter,
        conditioner=(pack.conditioner if pack else "conditioner") if adapter else "",
        embedding=_embedding(folder, adapter) if adapter else 0,
        native=pack.resolution if pack else _native(unet, vae_factor),
        size_multiple=multiple,
        scheduler_class=str(scheduler.get("_class_name", "")),
        upscaler=_upscaler(folder, pack),
    )


def _upscaler(folder: Folder, pack: Pack | None) -> UpscalerFile | None:
    upscaler = pack.upscaler if pack else None
    if upscaler and folder.digest_of(upscaler.file) is None:
        raise WeightsError("the pack has no upscaler here", where=upscaler.file, code="weights.incomplete")
    return upscaler


def _family(folder: Folder, prefix: str) -> str:
    where = prefix + INDEX
    index = _document(folder, where)
    name = index.get("_class_name")
    family = FAMILIES.get(name) if isinstance(name, str) else None
    if family is None:
        raise WeightsError(
            f"the pipeline class {name!r} is not supported",
            where=where,
            hint="supported: " + ", ".join(FAMILIES),
            code="weights.unknown-family",
        )
    for component, entry in index.items():
        if isinstance(entry, list):
            _check_component(where, component, entry)
    missing = sorted(part for part in ("scheduler", "tokenizer", *_NEEDED_WEIGHTS) if not index.get(part))
    if missing:
        raise WeightsError(f"the pipeline has no {missing[0]}", where=where, code="weights.incomplete")
    return family


def _check_component(where: str, component: str, entry: list[Any]) -> None:
    if entry == [None, None]:
        return
    known = COMPONENTS.get(component, frozenset())
    scheduler = component == "scheduler" and entry[:1] == [_SCHEDULER_LIBRARY] and str(entry[-1]).endswith("Scheduler")
    if len(entry) != 2 or not (scheduler or tuple(entry) in known):
        raise WeightsError(
            f"the component {component!r} asks for {entry!r}, which is not one of this family",
            where=where,
            hint="personactl imports no code that a model names",
            code="weights.code",
        )


def _document(folder: Folder, path: str) -> Mapping[str, Any]:
    document = folder.documents.get(path)
    if not isinstance(document, dict):
        raise WeightsError(
            f"the model folder has no {path}",
            where=path,
            hint="a model folder is one that diffusers' save_pretrained wrote",
            code="weights.incomplete",
        )
    return document


def _check_weights(folder: Folder, stem: str) -> None:
    if folder.digest_of(f"{stem}.safetensors") or folder.digest_of(f"{stem}.safetensors.index.json"):
        return
    raise WeightsError(
        "a component has no safetensors weights",
        where=f"{stem}.safetensors",
        hint="only the default variant is read: save the pipeline again with save_pretrained(safe_serialization=True)",
        code="weights.incomplete",
    )


def _levels(config: Mapping[str, Any], *keys: str) -> int:
    levels = next((len(config[key]) for key in keys if isinstance(config.get(key), list) and config[key]), 1)
    if levels > _MAX_LEVELS:
        raise WeightsError(
            f"a network of {levels} levels is not supported", where=keys[0], code="weights.config-invalid"
        )
    return levels


def _native(unet: Mapping[str, Any], vae_factor: int) -> tuple[int, int]:
    sample = unet.get("sample_size", 64)
    height, width = sample if isinstance(sample, list) and len(sample) == 2 else (sample, sample)
    if type(height) is not int or type(width) is not int or not (0 < height < 4096 and 0 < width < 4096):
        raise WeightsError("sample_size is not a size", where="unet/config.json", code="weights.config-invalid")
    return width * vae_factor, height * vae_factor


def _find_adapter(folder: Folder) -> IpAdapter | None:
    """A FaceID adapter beside the pipeline: exactly one file in ip-adapter/, together with a conditioner/ folder."""
    files = [file for file in folder.beneath(_ADAPTER_FOLDER) if file.path.endswith(".safetensors")]
    if len(files) != 1 or not folder.beneath("conditioner"):
        return None
    shapes = folder.tensors[files[0].path]
    out, norm = shapes.get("image_proj.proj.2.weight"), shapes.get("image_proj.norm.weight")
    if _ADAPTER_KEY not in shapes or not out or not norm:
        return None
    if norm[0] == 0:
        raise _not_face_id(files[0].path)
    name = files[0].path.removeprefix(_ADAPTER_FOLDER + "/")
    return IpAdapter(folder=_ADAPTER_FOLDER, weight_name=name, tokens=max(1, out[0] // norm[0]))


def _embedding(folder: Folder, adapter: IpAdapter) -> int:
    path = f"{adapter.folder}/{adapter.weight_name}"
    shape = folder.tensors.get(path, {}).get(_ADAPTER_KEY, ())
    if len(shape) != 2:
        raise _not_face_id(path)
    return shape[1]


def _not_face_id(path: str) -> WeightsError:
    return WeightsError("not an IP-Adapter of the FaceID kind", where=path, code="weights.incomplete")
