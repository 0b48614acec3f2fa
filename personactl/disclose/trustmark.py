"""TrustMark (Bui, Agarwal, Collomosse; arXiv:2311.18297), the watermark of the [trustmark] extra, as a `Watermarker`.

Adobe's package, under the MIT licence, gives the networks, the error correction and all that happens to the pixels.
The weights are the operator's: variant Q, converted to safetensors (docs/watermark.md says how). The package itself
would fetch weights by HTTP, take any error for "no model" and unpickle what it finds; here its loading is replaced, so
that nothing is fetched, nothing is unpickled, no YAML names what is imported, and a tensor that lacks is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose.coding import PAYLOAD_BYTES
from personactl.disclose.watermark import Extraction
from personactl.errors import EnvironmentProblem, ExtraMissing, WeightsError
from personactl.model import FileDigest
from personactl.weights import Folder, open_folder

Array = np.ndarray[Any, Any]

NAME, VARIANT = "trustmark", "Q"
FILES: Mapping[str, str] = {part: f"{part}_{VARIANT}.safetensors" for part in ("encoder", "decoder")}
MIN_SIDE = 64
"""Shorter sides are refused: the mark, made at 256 x 256, would be shrunk away."""

SECRET_BITS = 100
_ENCODER = {"resolution": 256, "secret_len": SECRET_BITS, "width": 32, "ndown": 4, "nmiddle": 1, "activ": "silu"}
_DECODER = {"resolution": 224, "secret_len": SECRET_BITS, "arch": "resnet50"}
"""What `trustmark_Q.yaml` says, the file whose MD5 the package 0.9.2 gives as fe40df84a7feeebfceb7a7678d7e6ec6."""
_SPARE = "0000"
"""BCH_4 holds 68 bits, of which 64 are the payload; what is read must have these four too."""


@dataclass(frozen=True, slots=True)
class TrustMarkWatermarker:
    """Variant Q with the code BCH_4: 64 bits, of 96 coded ones up to 4 corrected. `model`: `trustmark.TrustMark`.

    Of a picture whose sides differ by more than 2 to 1 only the square in its middle is marked: the package's rule.
    """

    model: Any
    weights: tuple[FileDigest, ...] = ()
    name: str = NAME
    version: str = VARIANT

    def embed(self, rgb: Array, payload: bytes) -> Array:
        if len(payload) != PAYLOAD_BYTES:
            raise ValueError(f"a watermark payload has {PAYLOAD_BYTES} bytes, not {len(payload)}")
        height, width = rgb.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise ValueError(f"a picture of {width}x{height} is too small to be marked ({MIN_SIDE} at least)")
        return np.array(self.model.encode(Image.fromarray(rgb), _packed(payload), MODE="binary"))

    def extract(self, rgb: Array) -> Extraction:
        """`score` is the share of the 100 bits that were read right, 0 where the code could not be solved."""
        bits, solved, code = self.model.decode(Image.fromarray(rgb), MODE="binary")
        if not solved or code != self.model.enctyp or bits[8 * PAYLOAD_BYTES :] != _SPARE:
            return Extraction(payload=bytes(PAYLOAD_BYTES), score=0.0, present=False)
        sent = self.model.ecc.encode_binary([bits])[0]
        agreement = float(np.mean(sent == self.model.decoder.heard))
        payload = int(bits[: 8 * PAYLOAD_BYTES], 2).to_bytes(PAYLOAD_BYTES, "big")
        return Extraction(payload=payload, score=agreement, present=True)


def open_trustmark(folder: Path) -> TrustMarkWatermarker:
    """Load encoder and decoder from the safetensors in `folder`; on the CPU, so that one machine repeats itself.

    Raises ExtraMissing without the package, EnvironmentProblem when it is not as it was, WeightsError when the folder
    or one of the files or tensors is not there (watermark.no-weights) or not fit to be read (weights.*).
    """
    package, networks = _package()
    found = _weights(folder)
    parts = {
        "encoder": _Encoder(_loaded(networks.Unet1(**_ENCODER), "encoder", found)),
        "decoder": _Decoder(_loaded(networks.SecretDecoder(**_DECODER), "decoder", found)),
    }
    found.check_unchanged()

    class Local(package.TrustMark):  # type: ignore[name-defined, misc]
        """TrustMark with the parts that are loaded already."""

        def load_model(self, *_paths: object, part: str, **_named: object) -> object:
            return parts[part]

        def check_and_download(self, filename: str) -> None:
            raise RuntimeError(f"nothing is fetched, not even {Path(filename).name}")

    code = package.TrustMark.Encoding.BCH_4
    model = Local(
        use_ECC=True, verbose=False, secret_len=SECRET_BITS, device="cpu", model_type=VARIANT, encoding_type=code,
        loadRemover=False,
    )  # fmt: skip
    if model.schemaCapacity() != 8 * PAYLOAD_BYTES + len(_SPARE):
        raise _other_package(f"its code BCH_4 holds {model.schemaCapacity()} bits")
    weights = tuple(file for file in found.files if file.path in FILES.values())
    return TrustMarkWatermarker(model, weights)


def _packed(payload: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in payload) + _SPARE


def _package() -> tuple[Any, Any]:
    """The package and its module of networks."""
    try:
        import safetensors.torch  # noqa: F401
        import trustmark
        import trustmark.unet
    except ModuleNotFoundError as error:
        missing = error.name or NAME
        raise ExtraMissing("trustmark", needed_for="the TrustMark watermark", missing=missing) from error
    except (ImportError, RuntimeError) as error:  # torchvision raises RuntimeError beside another build of torch
        raise _other_package(f"it cannot be imported: {error}") from error
    return trustmark, trustmark.unet


def _other_package(what: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the package trustmark cannot be used: {what}",
        hint="pip install 'personactl[trustmark]', with the torchvision that fits your torch",
        code="environment.broken-library",
    )


def _weights(folder: Path) -> Folder:
    if not folder.is_dir():
        raise _no_weights("there is no folder with TrustMark's weights", str(folder))
    found = open_folder(folder.resolve())
    for name in FILES.values():
        if found.digest_of(name) is None:
            raise _no_weights(f"TrustMark's weights lack {name}", str(folder / name))
    return found


def _loaded(network: Any, part: str, found: Folder) -> Any:
    """The network with the tensors whose names begin with its part, all of them and no other."""
    from safetensors.torch import load_file

    path = found.root / FILES[part]
    prefix = f"{part}."
    tensors = {name.removeprefix(prefix): value for name, value in load_file(path).items() if name.startswith(prefix)}
    wanted = network.state_dict()
    for name in sorted({*wanted, *tensors}):
        if name not in tensors:
            raise _no_weights(f"{path.name} lacks the tensor {prefix}{name}", str(path))
        if name not in wanted or tensors[name].shape != wanted[name].shape:
            raise _no_weights(f"{path.name} is not of variant {VARIANT}: {prefix}{name}", str(path))
    network.load_state_dict(tensors, strict=True)
    return network.eval()


def _no_weights(what: str, where: str) -> WeightsError:
    return WeightsError(
        what,
        where=where,
        hint="docs/watermark.md says how to get and convert the weights; personactl never downloads",
        code="watermark.no-weights",
    )


class _Encoder:
    """What TrustMark calls of its own class around the network: marked picture and residual, in -1..1."""

    device = "cpu"

    def __init__(self, network: Any) -> None:
        self._network = network

    def __call__(self, cover: Any, secret: Any) -> tuple[Any, Any]:
        marked = self._network(cover, secret)
        return marked, marked - cover


class _Decoder:
    """The same for reading. `heard`: the 100 bits as they were read last, before they are corrected."""

    device = "cpu"

    def __init__(self, network: Any) -> None:
        self._network = network
        self.heard: Array = np.zeros(SECRET_BITS, dtype=bool)

    def decoder(self, picture: Any) -> Any:
        logits = self._network(picture)
        self.heard = (logits > 0).cpu().numpy()[0]
        return logits
