"""JPEG (ISO/IEC 10918-1): Pillow writes it, a walker reads its marker segments."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose.parts import ContainerError, OverLimitError, Parts, bounded

SIGNATURE = b"\xff\xd8\xff"
QUALITY = 95
MAX_SCANS = 100
"""Encoders write a dozen at most. A decoder passes over the whole picture for each scan, however few bytes it has."""
MAX_FILL = 1024
"""Fill bytes of a file. Any number may stand before a marker, nobody writes more than a few, and decoders take them one
by one: two million cost Pillow more than a second."""

_EXIF_PREFIX = b"Exif\0\0"
_XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP_PREFIX = b"http://ns.adobe.com/xmp/extension/\0"
"""More of a packet that did not fit (XMP specification, part 3). It is not put together; it counts as a second packet,
so that it cannot say in some readers what the first does not say in ours."""
_APP1, _APP11, _SOS, _EOI = 0xE1, 0xEB, 0xDA, 0xD9
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker after entropy-coded data: neither a stuffed byte nor a restart (clause B.1.1.5)."""
_MARKER = re.compile(rb"\xff+")
_FILL = re.compile(rb"\xff\xff+")  # twenty times as fast as \xff{2,}: a literal beginning is searched for
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JUMBF = b"JP"
_STORE_TYPE_AT = 24
"""Where the type of the first box's description lies in a segment's body."""
_JUMBF_SEGMENT = struct.Struct(">2sHI4s4s")
"""APP11 of ISO/IEC 19566-5, Annex D: identifier, box instance, packet number, then LBox and TBox in each packet."""


def encode(rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes:
    """A baseline JPEG of quality 95 without chroma subsampling, XMP and EXIF in APP1."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=QUALITY, subsampling=0, xmp=xmp, exif=_EXIF_PREFIX + exif)
    return buffer.getvalue()


def parts(data: bytes) -> Parts:
    """The mark-carrying segments. Raises ContainerError for a truncated or malformed file."""
    found = Parts()
    packets: dict[int, list[tuple[int, bytes, bytes]]] = {}
    for marker, body, end in bounded(_segments(data)):
        found.trailing = len(data) - end
        if marker == _APP1 and body.startswith(_XMP_PREFIX):
            found.xmp.append(body[len(_XMP_PREFIX) :])
        elif marker == _APP1 and body.startswith(_EXTENDED_XMP_PREFIX):
            found.xmp.append(body)
        elif marker == _APP1 and body.startswith(_EXIF_PREFIX):
            found.exif.append(body[len(_EXIF_PREFIX) :])
        elif marker == _APP11 and len(body) >= _JUMBF_SEGMENT.size:
            if not body.startswith(_JUMBF):
                _refuse_store(body)
                continue
            _, instance, packet, length, kind = _JUMBF_SEGMENT.unpack_from(body)
            packets.setdefault(instance, []).append((packet, length + kind, body[_JUMBF_SEGMENT.size :]))
    for instance in packets.values():
        ordered = sorted(instance, key=lambda item: item[0])
        found.c2pa.append(ordered[0][1] + b"".join(content for _, _, content in ordered))
    return found


def _refuse_store(body: bytes) -> None:
    """Raises ContainerError for a manifest store in a segment that is no JUMBF: some readers do not ask whether it is,
    and would find one that others do not see."""
    if body[_STORE_TYPE_AT : _STORE_TYPE_AT + 4] == b"c2pa":
        raise ContainerError("a manifest store lies in a segment that is not for one")


def not_decoded(data: bytes) -> str:
    """No reason at all. Raises ContainerError where the segments before the first scan are malformed or too many.

    There Pillow looks for the next marker byte by byte, which takes it half a second for each megabyte.
    """
    for marker, _, _ in bounded(_segments(data)):
        if marker == _SOS:
            break
    return ""


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each marker, the bytes of its segment and where it ends, through every scan to the end of the picture."""
    position, scans, fill = 2, 0, 0
    while True:
        marker, position, fill = _marker(data, position, fill)
        if marker == _EOI:
            yield marker, b"", position
            return
        if marker in _STANDALONE:
            yield marker, b"", position
            continue
        if position + 2 > len(data):
            raise ContainerError("the JPEG breaks off inside a segment")
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2 or position + length > len(data):
            raise ContainerError("a JPEG segment is longer than the file")
        yield marker, data[position + 2 : position + length], position + length
        position += length
        if marker == _SOS:
            scans += 1
            if scans > MAX_SCANS:
                raise OverLimitError(f"it has more than {MAX_SCANS} scans")
            scan_end = _AFTER_SCAN.search(data, position)
            if scan_end is None:
                raise ContainerError("the JPEG ends inside its picture data")
            for run in _FILL.finditer(data, position, scan_end.start() + 1):
                fill = _filled(fill, run.end() - run.start() - 1)
            position = scan_end.start()


def _filled(before: int, more: int) -> int:
    """How many fill bytes there are by now. Raises OverLimitError for more than MAX_FILL."""
    if before + more > MAX_FILL:
        raise OverLimitError(f"it has more than {MAX_FILL} fill bytes between its segments")
    return before + more


def _marker(data: bytes, position: int, filled: int) -> tuple[int, int, int]:
    """The marker at `position`, behind fill bytes (clause B.1.1.2), where it ends, and how many fill bytes there are by
    now, `filled` of them before."""
    start = _MARKER.match(data, position)
    if start is None:
        raise ContainerError("the JPEG breaks off between its segments")
    filled = _filled(filled, start.end() - position - 1)
    if start.end() >= len(data):
        raise ContainerError("the JPEG breaks off between its segments")
    return data[start.end()], start.end() + 1, filled
