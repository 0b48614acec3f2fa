"""Not TrustMark: a stand-in of the same class interface, for tests of how our subclass loads and refuses.

It says nothing about the real package's networks or error correction. Its "networks" write and read the bits as black
and white pixels of the first row; its constructor loads as the package 0.9.2 does, by the methods that ours replaces.
"""

from __future__ import annotations

import urllib.request
from typing import Any

import numpy as np
import torch
from PIL import Image


class _Code:
    def encode_binary(self, texts: list[str]) -> np.ndarray[Any, Any]:
        bits = [text.ljust(68, "0")[:68] + "0" * 28 + "0010" for text in texts]
        return np.array([[float(bit) for bit in line] for line in bits], dtype=np.float32)


class TrustMark:
    class Encoding:
        BCH_5 = 1
        BCH_4 = 2

    def __init__(
        self, use_ECC: bool = True, verbose: bool = True, secret_len: int = 100, device: str = "",
        model_type: str = "Q", encoding_type: int = Encoding.BCH_5, loadRemover: bool = True,
    ) -> None:  # fmt: skip
        self.enctyp, self.ecc, self.device = encoding_type, _Code(), device
        place = f"/package/models/{{}}_{model_type}.ckpt"
        named = (place.format("config"), place.format("weights"), device, secret_len)
        self.decoder = self.load_model(*named, part="decoder")
        self.encoder = self.load_model(*named, part="encoder")
        self.removal = self.load_model(*named, part="remover") if loadRemover else None

    def schemaCapacity(self) -> int:
        return {1: 61, 2: 68}[self.enctyp]

    def check_and_download(self, filename: str) -> None:
        urllib.request.urlretrieve(f"https://weights.invalid/{filename}", filename)

    def load_model(self, config_path: str, weight_path: str, device: str, secret_len: int, part: str = "all") -> Any:
        self.check_and_download(weight_path)
        return torch.load(weight_path)

    def encode(self, image: Image.Image, text: str, MODE: str = "text") -> Image.Image:
        cover = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 127.5 - 1
        marked, _ = self.encoder(cover, torch.from_numpy(self.ecc.encode_binary([text])))
        pixels = ((marked[0] + 1) * 127.5).round().clamp(0, 255).permute(1, 2, 0)
        return Image.fromarray(pixels.to(torch.uint8).numpy())

    def decode(self, image: Image.Image, MODE: str = "text") -> tuple[str, bool, int]:
        picture = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 127.5 - 1
        bits = "".join("1" if logit > 0 else "0" for logit in self.decoder.decoder(picture)[0])
        return (bits[:68], True, int(bits[98:], 2)) if bits[68:96] == "0" * 28 else ("", False, -1)
