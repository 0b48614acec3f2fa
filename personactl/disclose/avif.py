"""AVIF (AV1 Image File Format 1.1): Pillow writes it, a walker reads the items of its meta box (ISO/IEC 23008-12)."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from personactl.disclose import av1, bmff
from personactl.disclose.bmff import Box
from personactl.disclose.parts import ContainerError, Parts

QUALITY = 90
SPEED = 8
"""Of 0 (slow, small) to 10: a third of the time of the usual 6 for files that are 1 % larger."""

MAX_ITEMS = 4096
"""Items of one picture: a large one is put together from a few hundred tiles."""

_EXIF_PREFIX = b"Exif\0\0"
_XMP_TYPE = b"application/rdf+xml"
_CODED, _EXIF, _XMP = b"av01", b"Exif", b"XMP "
"""Kinds of items; the last one stands for `mime` items of the XMP type."""
_IN_FILE, _IN_IDAT = 0, 1


class _Location(NamedTuple):
    """Where the bytes of an item lie: construction method (0: in the file, 1: in idat), and (offset, length) pairs."""

    method: int
    extents: tuple[tuple[int, int], ...]


class _Item(NamedTuple):
    number: int
    kind: bytes


class _Meta(NamedTuple):
    """The meta box: number of the primary item, all items, where they lie, and the box that holds some of them."""

    primary: int
    items: list[_Item]
    locations: dict[int, _Location]
    idat: Box | None


def encode(rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes:
    """An AVIF of quality 90 without chroma subsampling, with XMP and EXIF items.

    By one thread, since with more the picture data depends on how many there are.
    """
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(
        buffer, format="AVIF", quality=QUALITY, subsampling="4:4:4", speed=SPEED, max_threads=1,
        xmp=xmp, exif=_EXIF_PREFIX + exif,
    )  # fmt: skip
    return buffer.getvalue()


def matches(data: bytes) -> bool:
    """True for a file type box with the brand of AVIF pictures, or the brands of pictures with AVIF among them."""
    named = bmff.brands(data)
    return named[:1] in ((b"avif",), (b"avis",)) or (named[:1] in ((b"mif1",), (b"msf1",)) and b"avif" in named)


def not_decoded(data: bytes) -> str:
    """Why the pixels are not looked at, "" when they can be. Raises ContainerError for a malformed file."""
    if bmff.brands(data)[:1] in ((b"avis",), (b"msf1",)):
        return "it is a sequence of pictures"
    meta = _meta(data, bmff.top_level(data)[0])
    primary = [item for item in meta.items if item.number == meta.primary]
    return "" if [item.kind for item in primary] == [_CODED] else "it is put together from other pictures"


def coded_size(data: bytes) -> tuple[int, int]:
    """Width and height of the largest frame in the coded data, whatever the boxes say. Raises ContainerError."""
    meta = _meta(data, bmff.top_level(data)[0])
    coded, room, largest = [item.number for item in meta.items if item.kind == _CODED], len(data), (0, 0)
    for number in coded:
        content = _content(data, meta, number, room)
        room -= len(content)
        largest = max(largest, *av1.frame_sizes(content), key=lambda size: size[0] * size[1])
    return largest


def parts(data: bytes) -> Parts:
    """The mark-carrying items and boxes. Raises ContainerError for a truncated or malformed file."""
    boxes, trailing = bmff.top_level(data)
    found, room = Parts(trailing=trailing), len(data)
    bmff.user_boxes(data, boxes, found)
    meta = _meta(data, boxes)
    for item in meta.items:
        if item.kind not in (_EXIF, _XMP):
            continue
        content = _content(data, meta, item.number, room)
        room -= len(content)
        if item.kind == _XMP:
            found.xmp.append(content)
        else:
            found.exif.append(_tiff(content))
    for location in meta.locations.values():
        if location.method == _IN_FILE and any(start + length > len(data) for start, length in location.extents):
            raise ContainerError("an AVIF item lies outside the file")
    return found


def _meta(data: bytes, boxes: list[Box]) -> _Meta:
    inner = bmff.inside(data, bmff.only(boxes, b"meta", "the AVIF"), skip=4)
    primary = _Reader(data, bmff.only(inner, b"pitm", "the meta box"))
    version = primary.full_box()
    return _Meta(
        primary=primary.number(4 if version else 2),
        items=_items(data, _Reader(data, bmff.only(inner, b"iinf", "the meta box"))),
        locations=_locations(_Reader(data, bmff.only(inner, b"iloc", "the meta box"))),
        idat=next((box for box in inner if box.kind == b"idat"), None),
    )


def _items(data: bytes, information: _Reader) -> list[_Item]:
    """The items of the item information box. An XMP packet becomes a kind of its own."""
    version = information.full_box()
    count = information.number(2 if version == 0 else 4)
    entries = bmff.inside(data, Box(b"iinf", information.position, information.position, information.end))
    if count != len(entries) or count > MAX_ITEMS:
        raise ContainerError(f"the AVIF lists {len(entries)} items where it says {count}, of {MAX_ITEMS} at most")
    items = []
    for entry in entries:
        reader = _Reader(data, entry)
        version = reader.full_box()
        if version < 2:
            continue  # without a type: such items are no metadata (ISO/IEC 14496-12, clause 8.11.6)
        number = reader.number(4 if version > 2 else 2)
        reader.number(2)
        kind = reader.take(4)
        texts = data[reader.position : reader.end].split(b"\0")
        if kind == b"mime" and len(texts) > 1 and texts[1] == _XMP_TYPE:
            if len(texts) > 2 and texts[2]:
                raise ContainerError("the XMP item of the AVIF is compressed")
            kind = _XMP
        items.append(_Item(number, kind))
    return items


def _locations(location: _Reader) -> dict[int, _Location]:
    """Every item of the item location box. Fields may have no bytes, so that counts alone must not drive a loop."""
    version = location.full_box()
    sizes = location.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    if not {offset_size, length_size, base_size, index_size} <= {0, 4, 8} or version > 2:
        raise ContainerError("the item location box of the AVIF has a form that does not exist")
    count = location.number(4 if version == 2 else 2)
    if count > MAX_ITEMS:
        raise ContainerError(f"the AVIF has more than {MAX_ITEMS} items")
    found: dict[int, _Location] = {}
    total = 0
    for _ in range(count):
        number = location.number(4 if version == 2 else 2)
        method = location.number(2) & 15 if version else _IN_FILE
        location.number(2)
        base, extents = location.number(base_size), location.number(2)
        total += extents
        if total > MAX_ITEMS or number in found:
            raise ContainerError(f"an AVIF item is located twice, or in more than {MAX_ITEMS} pieces")
        pieces = []
        for _ in range(extents):
            location.number(index_size)
            start = base + location.number(offset_size)
            pieces.append((start, location.number(length_size)))
        found[number] = _Location(method, tuple(pieces))
    return found


def _content(data: bytes, meta: _Meta, number: int, room: int) -> bytes:
    """The bytes of one item. `room`: how many there can be if no two items share any."""
    location, idat = meta.locations.get(number), meta.idat
    if location is None or not location.extents:
        raise ContainerError("an item of the AVIF has no place")
    if location.method == _IN_FILE:
        first, end = 0, len(data)
    elif location.method == _IN_IDAT and idat is not None:
        first, end = idat.body, idat.end
    else:
        raise ContainerError("an item of the AVIF is put together from other items")
    if sum(length for _, length in location.extents) > room:
        raise ContainerError("items of the AVIF overlap")
    pieces = []
    for start, length in location.extents:
        if not length or first + start + length > end:
            raise ContainerError("an item of the AVIF is empty, or lies outside the file")
        pieces.append(data[first + start : first + start + length])
    return b"".join(pieces)


def _tiff(content: bytes) -> bytes:
    """The TIFF structure of an Exif item, which begins with its offset in four bytes (ISO/IEC 23008-12, A.2.1)."""
    start = 4 + int.from_bytes(content[:4], "big")
    if start > len(content):
        raise ContainerError("the Exif item of the AVIF is shorter than its offset")
    return content[start:].removeprefix(_EXIF_PREFIX)


class _Reader:
    """Reads numbers from front to back of a box. Raises ContainerError where it ends."""

    __slots__ = ("_data", "end", "position")

    def __init__(self, data: bytes, box: Box) -> None:
        self._data, self.position, self.end = data, box.body, box.end

    def full_box(self) -> int:
        """The version; the flags are passed over."""
        (version,) = struct.unpack(">B3x", self.take(4))
        return int(version)

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if self.position > self.end:
            raise ContainerError("a box of the AVIF is shorter than what it holds")
        return self._data[start : self.position]
