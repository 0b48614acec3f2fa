"""The file formats that are written and read: one row each. A new format is one module and one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from personactl.disclose import jpeg, png, webp
from personactl.disclose.parts import Parts
from personactl.errors import NotAvailable


class Encode(Protocol):
    def __call__(self, rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one format is recognised by its first bytes, written with metadata, and taken apart."""

    name: str
    media_type: str
    pillow: str
    lossless: bool
    matches: Callable[[bytes], bool]
    encode: Encode
    parts: Callable[[bytes], Parts]


FORMATS = (
    Format(
        name="png",
        media_type="image/png",
        pillow="PNG",
        lossless=True,
        matches=lambda data: data.startswith(png.SIGNATURE),
        encode=png.encode,
        parts=png.parts,
    ),
    Format(
        name="jpeg",
        media_type="image/jpeg",
        pillow="JPEG",
        lossless=False,
        matches=lambda data: data.startswith(jpeg.SIGNATURE),
        encode=jpeg.encode,
        parts=jpeg.parts,
    ),
    Format(
        name="webp",
        media_type="image/webp",
        pillow="WEBP",
        lossless=False,
        matches=webp.matches,
        encode=webp.encode,
        parts=webp.parts,
    ),
)


def named(name: str) -> Format:
    """The format of this manifest name. Raises NotAvailable for one that is not written yet."""
    for row in FORMATS:
        if row.name == name:
            return row
    raise NotAvailable(f'output.format = "{name}"')


def sniff(data: bytes) -> Format | None:
    """The format that the first bytes belong to, or None when it is not on the list."""
    return next((row for row in FORMATS if row.matches(data)), None)
