"""What the walkers of the formats find in a file: the blocks that carry marks, without decoding a pixel."""

from __future__ import annotations

from dataclasses import dataclass, field


class ContainerError(ValueError):
    """The file breaks the rules of its format; the message says which."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """The mark-carrying blocks of one file, each as often as it occurs.

    `exif` holds TIFF structures without the "Exif" prefix, `c2pa` whole JUMBF manifest stores; `trailing` counts the
    bytes after the end of the picture.
    """

    xmp: list[bytes] = field(default_factory=list)
    exif: list[bytes] = field(default_factory=list)
    c2pa: list[bytes] = field(default_factory=list)
    trailing: int = 0
