"""Which kinds of file may stand in a model folder. What is not on the list is refused, with its name.

Formats that can run code when they are loaded (pickle in all its guises, Python, compiled objects) are named in the
refusal; so is a pickle behind an innocent name, which is found by its first bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from personactl.errors import WeightsError
from personactl.weights import configs, tensors

# fmt: off
PICKLE_SUFFIXES = frozenset({
    ".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".msgpack", ".joblib", ".npy", ".npz", ".h5", ".hdf5",
    ".mar", ".dill",
})
CODE_SUFFIXES = frozenset({
    ".py", ".pyc", ".pyo", ".pyd", ".pyi", ".so", ".dll", ".dylib", ".sh", ".ipynb", ".js", ".wasm", ".whl", ".egg",
})
PLAIN_SUFFIXES = frozenset({".txt", ".md", ".license", ".onnx", ".model", ".png", ".jpg", ".jpeg", ".webp"})
PLAIN_NAMES = frozenset({"license", "licence", "notice", "readme", "copying", ".gitattributes", ".gitignore"})
# fmt: on

_CONVERT = "convert it to safetensors somewhere safe; personactl never loads formats that can run code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What `inspect` read: a parsed JSON configuration, or the shapes in a safetensors file."""

    document: Any = None
    shapes: Mapping[str, tuple[int, ...]] | None = None


def inspect(path: str, descriptor: int, size: int) -> Found:
    """Look at one opened file of `size` bytes.

    Raises WeightsError: weights.pickle, weights.code, weights.unknown-kind, and what `configs` and `tensors` raise.
    """
    name = path.rsplit("/", 1)[-1].lower()
    suffix = PurePosixPath(name).suffix
    if suffix in PICKLE_SUFFIXES:
        raise WeightsError(
            f"a {suffix} file can run code when it is loaded", where=path, hint=_CONVERT, code="weights.pickle"
        )
    if suffix in CODE_SUFFIXES or "__pycache__" in path:
        raise WeightsError(
            "a model folder may not carry code",
            where=path,
            hint="remove it; personactl runs no code from a model",
            code="weights.code",
        )
    if looks_like_pickle(os.pread(descriptor, 4, 0)):
        raise WeightsError(
            "this file is a pickle, whatever its name says", where=path, hint=_CONVERT, code="weights.pickle"
        )
    if suffix == ".safetensors":
        return Found(shapes=tensors.read_shapes(path, descriptor, size))
    if suffix == ".json":
        return Found(document=configs.read(path, descriptor, size))
    if suffix in PLAIN_SUFFIXES or name in PLAIN_NAMES:
        return Found()
    raise WeightsError(
        "this kind of file does not belong in a model folder",
        where=path,
        hint="keep safetensors, JSON, tokenizer text, ONNX, licence and picture files only; remove the rest",
        code="weights.unknown-kind",
    )


def looks_like_pickle(beginning: bytes) -> bool:
    """True for a zip archive (torch.save, also of TorchScript) and for the PROTO opcode of pickle protocols 2 to 5."""
    return beginning[:4] == b"PK\x03\x04" or beginning[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
