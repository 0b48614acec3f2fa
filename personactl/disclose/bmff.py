"""Boxes of the ISO base media file format (ISO/IEC 14496-12): what AVIF pictures and MP4 clips are made of.

Only structure is read here, within fixed limits: no box is entered that is not asked for, nothing recurses, and a
length is believed after it was compared with the bytes that are there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from personactl.disclose.parts import ContainerError, OverLimitError, Parts

MAX_BOXES = 8_000
"""Boxes of a whole file, at every depth. The C2PA library takes time by the square of their number: 0.4 seconds of
CPU for 8,000, minutes for a megabyte of empty ones. An MP4 of one track has about 30, each fragment adds seven.
"""

MAX_PADDING = 64 << 10
MAX_HELD = 256
"""Bytes of padding in a whole file, and those of them that are not zero. A C2PA signature covers none of them. Encoders
write zeros, or their name: padding that holds more than that is a place to hide things in."""
_HELD_A_FRAGMENT = 64
"""What a table of fragments, which no signature covers either, may hold for each fragment: about ten for each track."""

MAX_FILE_TYPE = 1024
"""Bytes of a file type box. That of an encoder has about 30."""

C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The user type of the box that holds a manifest store (C2PA 2.4, "Embedding manifests into BMFF-based assets")."""
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The user type of the box that holds an XMP packet (ISO 16684-3, clause 4.6)."""

_STORES = (b"manifest", b"original", b"update")
"""Purposes of a C2PA box whose content is a manifest store, behind an offset of eight bytes."""
_MERKLE = b"merkle"
_PADDING = (b"free", b"skip")
_FRAGMENT, _FRAGMENT_TABLE = b"moof", b"mfra"
_CONTAINERS = frozenset(
    {
        b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"tref", b"mvex", b"moof", b"traf",
        b"mfra", b"meta", b"iprp", b"ipco", b"schi", b"sinf", b"treg",
    }
)  # fmt: skip
"""Boxes made of boxes, as far as anybody who reads marks goes into them."""
_LONGEST_PURPOSE = 16
_MAX_BRANDS = 64


class Box(NamedTuple):
    """One box: its four-character type, where it starts, where its content starts, where it ends."""

    kind: bytes
    start: int
    body: int
    end: int


def brands(data: bytes) -> tuple[bytes, ...]:
    """The major brand and the compatible ones of the file type box that a file begins with; none when it has none.

    As many as are there, up to 64: the first bytes of a file suffice to tell most types.
    """
    if data[4:8] != b"ftyp" or len(data) < 16:
        return ()
    end = min(int.from_bytes(data[:4], "big"), len(data), 16 + 4 * _MAX_BRANDS)
    return (data[8:12], *(data[place : place + 4] for place in range(16, end - 3, 4)))


def top_level(data: bytes) -> tuple[list[Box], int]:
    """The boxes of a file and how many bytes follow the last one. Raises ContainerError, OverLimitError for padding.

    What has no room for a box header, or whose type is not four printable characters, is no box: it trails, and so does
    padding at the end, and a table of fragments where there are none. A box that claims more bytes than there are is an
    error, since the file may have been cut off inside it.

    A C2PA signature covers neither padding, tables of fragments and its own boxes, nor the file type (C2PA 2.4,
    "BMFF-based hash"): whoever adds some leaves it sound. Hence what they may hold is bounded here.
    """
    boxes: list[Box] = []
    position = 0
    while position < len(data):
        kind = data[position + 4 : position + 8]
        if len(kind) < 4 or not all(0x20 <= character < 0x7F for character in kind):
            break
        box = _box(data, position, len(data), last=True)
        if kind == b"ftyp" and boxes:
            raise ContainerError("it has a second file type box")
        _add(boxes, box)
        position = box.end
    _bound_tail(data, position, len(boxes))
    _bound(data, boxes)
    _require_file_type(data, boxes)
    _bound_unsigned(data, boxes)
    fragmented = any(box.kind == _FRAGMENT for box in boxes)
    while _is_unsigned(data, boxes[-1]) and not (fragmented and boxes[-1].kind == _FRAGMENT_TABLE):
        position = boxes.pop().start
    return boxes, len(data) - position


def inside(data: bytes, parent: Box, skip: int = 0) -> list[Box]:
    """The boxes that fill a box from `skip` bytes after its start. Raises ContainerError."""
    boxes: list[Box] = []
    position = parent.body + skip
    while position < parent.end:
        box = _box(data, position, parent.end, last=False)
        _add(boxes, box)
        position = box.end
    return boxes


def only(boxes: Iterable[Box], kind: bytes, where: str) -> Box:
    """The one box of a kind. Raises ContainerError when there is none or more than one."""
    found = [box for box in boxes if box.kind == kind]
    if len(found) != 1:
        raise ContainerError(f"{where} has {len(found)} boxes of the type {kind.decode('ascii')}, not one")
    return found[0]


def user_boxes(data: bytes, boxes: Iterable[Box], found: Parts) -> None:
    """Put the XMP packets and manifest stores of `uuid` boxes into `found`. Raises ContainerError."""
    for box in boxes:
        if box.kind != b"uuid":
            continue
        if box.end - box.body < 16:
            raise ContainerError("a uuid box is too short for its user type")
        user_type, body = data[box.body : box.body + 16], box.body + 16
        if user_type == XMP_UUID:
            found.xmp.append(data[body : box.end])
        elif user_type == C2PA_UUID:
            found.c2pa.extend(_store(data, body, box.end))


def _store(data: bytes, body: int, end: int) -> list[bytes]:
    """The manifest store of a C2PA box: version and flags, purpose, offset of the Merkle data, then the store."""
    purpose = data[body + 4 : min(end, body + 4 + _LONGEST_PURPOSE)].split(b"\0")[0]
    start = body + 4 + len(purpose) + 1 + 8
    if purpose == _MERKLE:
        return []
    if purpose not in _STORES or start > end:
        raise ContainerError("a C2PA box has a purpose that does not exist, or is too short for it")
    return [data[start:end]]


def _require_file_type(data: bytes, boxes: list[Box]) -> None:
    """Raises ContainerError unless the file begins with a file type box of brands and nothing else.

    QuickTime writes zeros where it has no further brand.
    """
    if not boxes or boxes[0].kind != b"ftyp":
        raise ContainerError("it does not begin with a file type box")
    _, start, body, end = boxes[0]
    if body - start != 8 or end - start > MAX_FILE_TYPE:
        raise ContainerError(f"the length of its file type box is in a long form, or beyond {MAX_FILE_TYPE} bytes")
    named = [data[body : body + 4], *(data[place : min(place + 4, end)] for place in range(body + 8, end, 4))]
    if end - body < 8 or not all(_is_brand(brand) for brand in named):
        raise ContainerError("its file type box holds what is no brand")


def _is_brand(brand: bytes) -> bool:
    return len(brand) == 4 and (brand == bytes(4) or all(0x20 <= character < 0x7F for character in brand))


def _is_unsigned(data: bytes, box: Box) -> bool:
    """Whether no signature covers the box, and it is neither the manifest store nor the file type."""
    return box.kind in (*_PADDING, _FRAGMENT_TABLE) or (
        _is_own(data, box) and data.startswith(_MERKLE + b"\0", box.body + 20)
    )


def _is_own(data: bytes, box: Box) -> bool:
    return box.kind == b"uuid" and data[box.body : box.body + 16] == C2PA_UUID


def _bound_unsigned(data: bytes, boxes: list[Box]) -> None:
    """Raises OverLimitError for unsigned boxes that could hide something, ContainerError for a manifest store behind
    all that its signature covers. There nothing would bound its length; anywhere else more of it moves the next box,
    and the hash covers where that lies.
    """
    unsigned = [box for box in boxes if _is_unsigned(data, box)]
    tables = [box for box in unsigned if box.kind == _FRAGMENT_TABLE]
    allowed = _HELD_A_FRAGMENT * sum(box.kind == _FRAGMENT for box in boxes)
    in_tables = _held(data, tables)
    held = _held(data, unsigned) - min(in_tables, allowed)
    if held > MAX_HELD:
        raise OverLimitError(f"{held} bytes of padding that no signature covers hold something")
    if sum(box.end - box.start for box in unsigned) > MAX_PADDING:
        raise OverLimitError(f"it has more than {MAX_PADDING} bytes of padding that no signature covers")
    last = next(box for box in reversed(boxes) if not _is_unsigned(data, box))
    if _is_own(data, last):
        raise ContainerError("its manifest store stands behind all that it signs")


def _bound_tail(data: bytes, position: int, number: int) -> None:
    """Raises OverLimitError where what trails could be taken for more boxes, of whatever type, than are read."""
    while position < len(data):
        try:
            position = _box(data, position, len(data), last=True).end
        except ContainerError:
            return
        number += 1
        if number > MAX_BOXES:
            raise OverLimitError(f"it has more than {MAX_BOXES} boxes")


def _held(data: bytes, boxes: list[Box]) -> int:
    """How many bytes of the boxes are not zero."""
    return sum(box.end - box.body - data.count(b"\0", box.body, box.end) for box in boxes)


def _bound(data: bytes, boxes: list[Box]) -> None:
    """Raises ContainerError for a file with too many boxes. Malformed ones are for those who enter them to refuse."""
    pending, number = [box for box in boxes if box.kind in _CONTAINERS], len(boxes)
    while pending:
        parent = pending.pop()
        position = parent.body + (4 if data[parent.body : parent.body + 4] == bytes(4) else 0)  # `meta` has a version
        while position < parent.end:
            try:
                box = _box(data, position, parent.end, last=True)
            except ContainerError:
                break
            number, position = number + 1, box.end
            if number > MAX_BOXES:
                raise ContainerError(f"it has more than {MAX_BOXES} boxes")
            if box.kind in _CONTAINERS:
                pending.append(box)


def _box(data: bytes, position: int, end: int, *, last: bool) -> Box:
    """The box at a position. `last`: it may be one that says "to the end of the file"."""
    if end - position < 8:
        raise ContainerError("a box breaks off in its header")
    size, kind = struct.unpack_from(">I4s", data, position)
    body = position + 8
    if size == 1:
        if end - position < 16:
            raise ContainerError("a box breaks off in its header")
        (size,) = struct.unpack_from(">Q", data, body)
        body += 8
    elif size == 0 and last:
        size = end - position
    if size < body - position:
        raise ContainerError("a box is shorter than its header")
    if position + size > end:
        raise ContainerError("a box is longer than what it lies in")
    return Box(kind, position, body, position + size)


def _add(boxes: list[Box], box: Box) -> None:
    if len(boxes) >= MAX_BOXES:
        raise ContainerError(f"it has more than {MAX_BOXES} boxes")
    boxes.append(box)
