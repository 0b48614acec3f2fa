"""TIFF 6.0: a lossless writer with XMP and EXIF in the picture's own directory, and a walker over the directories.

Written by us because Pillow loses EXIF where it is told other fields. Strips are deflated (TIFF technical note of 2002)
after horizontal differencing (TIFF 6.0, section 14) by ISA-L; Pillow reads them back in the tests, pixel for pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from isal import isal_zlib

from personactl.disclose import ifd
from personactl.disclose.ifd import Directory, Entry, Field, Structure
from personactl.disclose.parts import ContainerError, Parts

XMP = 700
"""XMP specification part 3, table 12: type BYTE."""
C2PA = 0xCD41
"""C2PA 2.4, "Embedding manifests into TIFF": type UNDEFINED."""
EXIF_DIRECTORY = 34665

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_ORIENTATION, _SAMPLES, _ROWS = 274, 277, 278
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _JPEG, _JPEG_BYTES = 273, 279, 324, 325, 513, 514
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_X_RESOLUTION, _Y_RESOLUTION, _PLANAR, _RESOLUTION_UNIT, _PREDICTOR = 282, 283, 284, 296, 317
_SUB_DIRECTORIES = 330
_DATA = {_STRIPS: _STRIP_BYTES, _TILES: _TILE_BYTES, _JPEG: _JPEG_BYTES}
_EXIF_POINTERS = frozenset({34853, 40965})
"""GPS and interoperability directories: known to be there, and not read."""
_DESCRIPTIVE = frozenset({270, 271, 272, 305, 306, 315, 33432, EXIF_DIRECTORY})
"""Fields of the first directory that EXIF describes a picture with (CIPA DC-008, table 4), and its own directory."""
_NOT_COPIED = frozenset({37500, 40965})
"""Maker notes and the interoperability directory hold offsets, which would point elsewhere."""

_RGB, _HORIZONTAL, _INCH, _DOTS = 2, 2, 2, 72
_UNCOMPRESSED, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS = 1, 5, 8, 32946, 32773
_DECODED = frozenset({_UNCOMPRESSED, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS})
_DEFLATE_LEVEL = 2
_STRIP_SIZE = 1 << 18


def encode(rgb: np.ndarray[Any, Any], *, xmp: bytes, exif: bytes) -> bytes:
    """A TIFF of uint8 RGB (height, width, 3). `exif` is a TIFF structure: its fields become those of the file."""
    given = Structure(exif)
    order = given.order
    own = given.directory(given.first)
    fields = [_field(given, entry) for entry in own.entries if entry.tag in _DESCRIPTIVE - {EXIF_DIRECTORY}]
    deeper = [given.directory(_one_number(given, entry)) for entry in own.entries if entry.tag == EXIF_DIRECTORY]
    strips = _strips(rgb)
    lengths = [len(strip) for strip in strips]
    fields += [Field(XMP, ifd.BYTE, len(xmp), xmp), *_picture_fields(order, rgb)]
    fields.append(ifd.numbers(order, _STRIP_BYTES, ifd.LONG, *lengths))

    def directories(places: list[int], exif_at: int) -> bytes:
        pointers = [ifd.numbers(order, _STRIPS, ifd.LONG, *places)]
        if deeper:
            pointers.append(ifd.numbers(order, EXIF_DIRECTORY, ifd.LONG, exif_at))
        return ifd.written(order, [*fields, *pointers], 8)

    exif_at = 8 + len(directories(lengths, 0))  # the sizes do not depend on the offsets
    second = ifd.written(order, [_field(given, entry) for entry in deeper[0].entries], exif_at) if deeper else b""
    start = exif_at + len(second)
    places = [start + sum(lengths[:number]) for number in range(len(lengths))]
    return b"".join((ifd.header(order, 8), directories(places, exif_at), second, *strips))


def not_decoded(data: bytes) -> str:
    """Why the pixels are not looked at, "" when they can be. Raises ContainerError for a malformed file."""
    structure = Structure(data)
    pages = list(_pages(structure))
    further = [entry.number for page in pages for entry in page.entries if entry.tag == _SUB_DIRECTORIES]
    pictures = len(pages) + sum(further)
    if pictures != 1:
        return f"it holds {pictures} pictures"
    methods = [_one_number(structure, entry) for entry in pages[0].entries if entry.tag == _COMPRESSION]
    foreign = [method for method in methods if method not in _DECODED]
    return f"its compression ({foreign[0]}) is not one that is decoded" if foreign else ""


def coded_size(data: bytes) -> tuple[int, int]:
    """Width and height of a tile, (0, 0) without any: a decoder makes room for one, however small the picture is.

    Raises ContainerError for a malformed file.
    """
    structure = Structure(data)
    sizes: dict[int, int] = {_TILE_WIDTH: 0, _TILE_HEIGHT: 0}
    for entry in structure.directory(structure.first).entries:
        if entry.tag in sizes:
            sizes[entry.tag] = max(sizes[entry.tag], _one_number(structure, entry))
    return sizes[_TILE_WIDTH], sizes[_TILE_HEIGHT]


def parts(data: bytes) -> Parts:
    """The mark-carrying fields of every directory. Raises ContainerError for a truncated or malformed file."""
    structure, found = Structure(data), Parts()
    pending = list(_pages(structure))
    seen: set[int] = set()
    while pending:
        directory = pending.pop(0)
        _account(structure, directory)
        for entry in directory.entries:
            if entry.tag == XMP:
                found.xmp.append(structure.bytes_of(entry))
            elif entry.tag == C2PA:
                found.c2pa.append(structure.bytes_of(entry))
                found.unhashed += [entry.number_at, (entry.start, entry.end - entry.start)]
            elif entry.tag == _SUB_DIRECTORIES:
                pending.extend(_sub_directories(structure, entry, seen))
        if block := _exif_block(structure, directory):
            found.exif.append(block)
    found.trailing = len(data) - structure.furthest
    return found


def _pages(structure: Structure) -> Iterator[Directory]:
    """The chain of directories that the file begins with. Raises ContainerError for one that runs in a circle."""
    position, seen = structure.first, set[int]()
    if not position:
        raise ContainerError("the TIFF has no directory")
    while position:
        if position in seen:
            raise ContainerError("the directories of the TIFF run in a circle")
        seen.add(position)
        directory = structure.directory(position)
        yield directory
        position = directory.next


def _sub_directories(structure: Structure, entry: Entry, seen: set[int]) -> Iterator[Directory]:
    for position in structure.numbers(entry):
        if int(position) in seen:
            raise ContainerError("the directories of the TIFF run in a circle")
        seen.add(int(position))
        yield structure.directory(int(position))


def _account(structure: Structure, directory: Directory) -> None:
    """Look where the picture data and the directories that are not read lie, so that what follows them is known."""
    fields = {entry.tag: entry for entry in directory.entries}
    for starts, lengths in _DATA.items():
        if starts in fields and lengths in fields:
            structure.stretches(fields[starts], fields[lengths])
    for tag in _EXIF_POINTERS.intersection(fields):
        for position in structure.numbers(fields[tag]):
            structure.directory(int(position))


def _exif_block(structure: Structure, directory: Directory) -> bytes:
    """The descriptive fields of a directory, and its EXIF directory, as a TIFF structure; b"" without any."""
    described = [entry for entry in directory.entries if entry.tag in _DESCRIPTIVE]
    if not described:
        return b""
    tags = [entry.tag for entry in described]
    if len(tags) != len(set(tags)):
        raise ContainerError("a directory of the TIFF has a descriptive field twice")
    fields = [_field(structure, entry) for entry in described if entry.tag != EXIF_DIRECTORY]
    inner: list[Field] = []
    for entry in described:
        if entry.tag == EXIF_DIRECTORY:
            deeper = structure.directory(_one_number(structure, entry))
            _account(structure, deeper)
            inner = [_field(structure, item) for item in deeper.entries if item.tag not in _NOT_COPIED]
    order = structure.order
    if not inner:
        return ifd.header(order, 8) + ifd.written(order, fields, 8)
    pointer = ifd.numbers(order, EXIF_DIRECTORY, ifd.LONG, 0)
    start = 8 + len(ifd.written(order, [*fields, pointer], 8))
    pointer = ifd.numbers(order, EXIF_DIRECTORY, ifd.LONG, start)
    return ifd.header(order, 8) + ifd.written(order, [*fields, pointer], 8) + ifd.written(order, inner, start)


def _one_number(structure: Structure, entry: Entry) -> int:
    values = structure.numbers(entry)
    if len(values) != 1:
        raise ContainerError(f"the TIFF field {entry.tag} has {len(values)} values, not one")
    return int(values[0])


def _field(structure: Structure, entry: Entry) -> Field:
    return Field(entry.tag, entry.type, entry.number, structure.bytes_of(entry))


def _picture_fields(order: ifd.Order, rgb: np.ndarray[Any, Any]) -> list[Field]:
    height, width = rgb.shape[:2]
    shorts = {
        _BITS: (8, 8, 8), _COMPRESSION: (_DEFLATE,), _PHOTOMETRIC: (_RGB,), _ORIENTATION: (1,), _SAMPLES: (3,),
        _PLANAR: (1,), _RESOLUTION_UNIT: (_INCH,), _PREDICTOR: (_HORIZONTAL,),
    }  # fmt: skip
    return [
        ifd.numbers(order, _WIDTH, ifd.LONG, width),
        ifd.numbers(order, _HEIGHT, ifd.LONG, height),
        ifd.numbers(order, _ROWS, ifd.LONG, _rows_per_strip(width)),
        ifd.numbers(order, _X_RESOLUTION, ifd.RATIONAL, _DOTS, 1),
        ifd.numbers(order, _Y_RESOLUTION, ifd.RATIONAL, _DOTS, 1),
        *(ifd.numbers(order, tag, ifd.SHORT, *values) for tag, values in shorts.items()),
    ]


def _strips(rgb: np.ndarray[Any, Any]) -> list[bytes]:
    """Deflated strips of rows in which each sample is the difference to the one of the pixel before, modulo 256."""
    differences = np.array(rgb, dtype=np.uint8, order="C")
    np.subtract(rgb[:, 1:], rgb[:, :-1], out=differences[:, 1:])
    rows = _rows_per_strip(rgb.shape[1])
    return [
        isal_zlib.compress(differences[top : top + rows].tobytes(), _DEFLATE_LEVEL)
        for top in range(0, len(differences), rows)
    ]


def _rows_per_strip(width: int) -> int:
    return max(1, _STRIP_SIZE // (3 * width))
