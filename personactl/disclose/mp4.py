"""MP4 and QuickTime clips (ISO/IEC 14496-12 and -14): a walker over their boxes, and where an XMP packet goes.

Video is neither encoded nor decoded here. A clip has no EXIF: its format has no place for it.
"""

from __future__ import annotations

import struct

from personactl.disclose import bmff
from personactl.disclose.parts import ContainerError, Parts

_QUICKTIME = b"qt  "
_BRANDS = frozenset({b"mp41", b"mp42", b"mp71", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"dash", b"f4v ", b"MSNV"})
_ISO = b"iso"
"""Brands of ISO/IEC 14496-12 itself: `isom`, `iso2` and so on."""


def matches(data: bytes) -> bool:
    """True for a file type box whose major brand is one of MP4."""
    major = bmff.brands(data)[:1]
    return bool(major) and (major[0] in _BRANDS or major[0].startswith(_ISO))


def matches_quicktime(data: bytes) -> bool:
    """True for a file type box whose major brand is QuickTime's."""
    return bmff.brands(data)[:1] == (_QUICKTIME,)


def parts(data: bytes) -> Parts:
    """The mark-carrying boxes. Raises ContainerError for a truncated or malformed file.

    XMP stands in a `uuid` box of the file in MP4, in `moov/udta/XMP_` in QuickTime; both are looked for in both.
    """
    boxes, trailing = bmff.top_level(data)
    found = Parts(trailing=trailing)
    bmff.user_boxes(data, boxes, found)
    movie = bmff.only(boxes, b"moov", "the clip")
    for user_data in (box for box in bmff.inside(data, movie) if box.kind == b"udta"):
        found.xmp.extend(data[box.body : box.end] for box in _user_data(data, user_data) if box.kind == b"XMP_")
    return found


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The clip with an XMP packet in a `uuid` box at its end, where no chunk offset has to change.

    To be called before signing. Raises ContainerError for a clip that is malformed, has XMP already, goes on after its
    last box, or ends with a table of fragments (`mfra`), which is found by its distance from the end of the file.
    """
    found = parts(data)
    if found.xmp or found.c2pa:
        raise ContainerError("the clip carries XMP or a C2PA manifest already")
    boxes, _ = bmff.top_level(data)
    if found.trailing or any(box.kind == b"mfra" for box in boxes):
        raise ContainerError("nothing can be put behind the last box of the clip")
    body = bmff.XMP_UUID + packet
    return _closed(data, boxes[-1]) + struct.pack(">I4s", 8 + len(body), b"uuid") + body


def _closed(data: bytes, last: bmff.Box) -> bytes:
    """The clip, its last box with its true length where it said "to the end of the file"."""
    if data[last.start : last.start + 4] != bytes(4):
        return data
    if last.end - last.start >= 1 << 32:
        raise ContainerError("the last box of the clip is too long for a length of four bytes")
    return data[: last.start] + struct.pack(">I", last.end - last.start) + data[last.start + 4 :]


def _user_data(data: bytes, box: bmff.Box) -> list[bmff.Box]:
    """The boxes of user data, which QuickTime may close with four zero bytes."""
    if box.end - box.body >= 4 and data[box.end - 4 : box.end] == bytes(4):
        try:
            return bmff.inside(data, box._replace(end=box.end - 4))
        except ContainerError:
            pass  # the zeros belong to the last box
    return bmff.inside(data, box)
