"""TIFF: what the writer writes, and directories that point at each other, at themselves and at nothing."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from signed_pictures import delivered, picture, signer

from personactl.disclose import exif, ifd, pixels, read_marks, tiff
from personactl.disclose.parts import ContainerError
from personactl.errors import IntegrityError

BLOCK = exif.build(software="personactl 0", description="AI", created_at="2026-01-02T03:04:05Z")
LONG, SHORT = 4, 3


def directory(*fields: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A little-endian directory of (tag, type, number, value or offset)."""
    table = b"".join(struct.pack("<HHII", *field) for field in sorted(fields))
    return struct.pack("<H", len(fields)) + table + struct.pack("<I", following)


def file_of(*directories: bytes, first: int = 8) -> bytes:
    return b"II*\0" + struct.pack("<I", first) + b"".join(directories)


def saved(mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (70, 80)).save(buffer, "TIFF", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(64, 64), (300, 2000), (3, 90_000)])
def test_strips_and_fields_are_as_the_specification_wants_them(size: tuple[int, int]) -> None:
    data = tiff.encode(np.zeros((*size, 3), np.uint8), xmp=b"<x/>", exif=BLOCK)
    with Image.open(io.BytesIO(data)) as read:
        assert isinstance(read, TiffImagePlugin.TiffImageFile)
        tags = read.tag_v2
        structure = ifd.Structure(data)
        written = [entry.tag for entry in structure.directory(structure.first).entries]
        assert written == sorted(written)
        assert len(tags[273]) == len(tags[279]) == -(-size[0] // tags[278])
        assert tags.tagtype[700] == 1
        assert (tags[259], tags[317], tags[274]) == (8, 2, 1)
        assert (tags[305], tags[306]) == ("personactl 0", "2026:01:02 03:04:05")


def test_a_block_of_either_byte_order_is_taken_over() -> None:
    block = file_of(directory((305, 2, 8, 26)), b"someone\0")
    data = tiff.encode(picture(64, 64), xmp=b"<x/>", exif=block)
    assert data[:2] == b"II"
    (found,) = tiff.parts(data).exif
    assert exif.software(found) == "someone"
    assert np.array_equal(pixels.decode(data), picture(64, 64))


@pytest.mark.parametrize("big", [False, True])
def test_files_of_another_program_are_read(big: bool) -> None:
    fields = TiffImagePlugin.ImageFileDirectory_v2()
    fields[305], fields.tagtype[305] = "someone", 2
    fields[700], fields.tagtype[700] = b"<x>abcdefg</x>", 1
    found = tiff.parts(saved(tiffinfo=fields, big_tiff=big))
    assert found.xmp == [b"<x>abcdefg</x>"]
    assert [exif.software(block) for block in found.exif] == ["someone"]
    assert found.trailing == 0


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"])
def test_the_compressions_on_the_list_are_decoded(compression: str) -> None:
    assert pixels.decode(saved(compression=compression)).shape == (80, 70, 3)


@pytest.mark.parametrize("compression", ["jpeg", "group4", "lzma"])
def test_another_compression_is_not_decoded(compression: str) -> None:
    with pytest.raises(IntegrityError, match="compression") as caught:
        pixels.decode(saved("1" if compression == "group4" else "RGB", compression=compression))
    assert caught.value.code == "disclosure.picture-not-decoded"


def test_several_pages_are_not_decoded_and_their_marks_are_counted() -> None:
    fields = TiffImagePlugin.ImageFileDirectory_v2()
    fields[700], fields.tagtype[700] = b"<x/>", 1
    data = saved(tiffinfo=fields, save_all=True, append_images=[Image.new("RGB", (9, 9))])
    assert tiff.parts(data).xmp == [b"<x/>", b"<x/>"]
    with pytest.raises(IntegrityError, match="2 pictures") as caught:
        pixels.decode(data)
    assert caught.value.code == "disclosure.picture-not-decoded"


def test_a_picture_in_a_sub_directory_counts() -> None:
    inner = directory((700, 1, 4, 0x3E2F783C))
    outer = directory((330, LONG, 1, 8), (700, 1, 4, 0x3E2F793C))
    data = file_of(inner, outer, first=8 + len(inner))
    assert tiff.parts(data).xmp == [b"<y/>", b"<x/>"]
    assert "2 pictures" in tiff.not_decoded(data)


def test_sixteen_bits_are_read_as_their_upper_eight() -> None:
    grey = (np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)) * 16
    for form in ("TIFF", "PNG"):
        buffer = io.BytesIO()
        Image.fromarray(grey).save(buffer, form)
        assert np.array_equal(pixels.decode(buffer.getvalue())[..., 1], (grey >> 8).astype(np.uint8))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_of_32_bits_are_not_decoded(mode: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        pixels.decode(saved(mode))
    assert caught.value.code == "disclosure.picture-not-decoded"


def test_a_size_over_the_limit_is_refused_before_decoding() -> None:
    data = saved()
    wide = data.replace(struct.pack("<HHII", 256, LONG, 1, 70), struct.pack("<HHII", 256, LONG, 1, 1_000_000))
    assert wide != data
    with pytest.raises(IntegrityError) as caught:
        pixels.decode(wide, limit=64_000_000)
    assert caught.value.code == "disclosure.picture-too-large"


def test_the_size_of_a_tile_counts() -> None:
    """Three kilobytes of deflated zeros under a tile of 26,000 x 26,000 took two gigabytes."""
    packed = zlib.compress(bytes(100_000))
    places = {322: 26_000, 323: 26_000, 324: 8 + 2 + 12 * 11 + 4, 325: len(packed)}
    shape = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 284: 1}
    data = file_of(directory(*((tag, LONG, 1, value) for tag, value in (shape | places).items())), packed)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.size == (64, 64)
    with pytest.raises(IntegrityError, match="26000x26000") as caught:
        pixels.decode(data)
    assert caught.value.code == "disclosure.picture-too-large"


SELF = directory((256, SHORT, 1, 1), following=8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (file_of(SELF), "circle"),
        (file_of(directory((330, LONG, 1, 8))), "circle"),
        (file_of(first=0), "no directory"),
        (file_of(first=9999), "outside"),
        (file_of(first=8), "outside"),
        (file_of(b"\xff\xff"), "more than"),
        (file_of(directory((700, 1, 1 << 30, 8))), "outside"),
        (file_of(directory((700, 1, 9, 1 << 30))), "outside"),
        (file_of(directory((700, 1, 30, 8), (700, 1, 30, 8))), "overlap"),
        (file_of(directory((273, LONG, 1, 1 << 30), (279, LONG, 1, 1))), "outside"),
        (file_of(directory((273, LONG, 1, 8), (279, LONG, 1, 1 << 30))), "outside"),
        (file_of(directory((273, LONG, 1, 8), (279, SHORT, 2, 1))), "places"),
        (file_of(directory((273, 2, 1, 8), (279, LONG, 1, 1))), "no whole number"),
        (file_of(directory((34665, LONG, 1, 9999))), "outside"),
        (file_of(directory((34665, SHORT, 2, 8))), "not one"),
        (file_of(directory((305, 2, 1, 65), (305, 2, 1, 66))), "twice"),
        (file_of(directory((34853, LONG, 1, 9999))), "outside"),
        (b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 62), "more than"),
        (b"II*\0\0", "outside"),
    ],
)
def test_a_malformed_file_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        tiff.parts(data)


def test_what_is_no_tiff_is_refused() -> None:
    with pytest.raises(ContainerError, match="begin"):
        ifd.Structure(b"II*")


def test_many_directories_over_the_same_bytes_end_early() -> None:
    """Directories may overlap: 500 of them, 12 bytes apart, see half a million fields in a few kilobytes."""
    pointers = struct.pack("<500I", *(8000 + 12 * number for number in range(500)))
    shared = struct.pack("<HHII", 1000, 0, 0, 0) * 2000
    data = file_of(directory((330, LONG, 500, 26)), pointers).ljust(8000, b"\0") + shared
    with pytest.raises(ContainerError, match="more than"):
        tiff.parts(data)


def test_two_manifests_are_no_manifest() -> None:
    data = bytearray(delivered("tiff"))
    (position,) = struct.unpack_from(">I", data, 4)
    (count,) = struct.unpack_from(">H", data, position)
    table = data[position + 2 : position + 2 + 12 * count]
    fields = [table[place : place + 12] for place in range(0, 12 * count, 12)]
    (store,) = [field for field in fields if field.startswith(b"\xcd\x41")]
    doubled = bytes(data[:4]) + struct.pack(">I", len(data)) + bytes(data[8:])
    doubled += struct.pack(">H", count + 1) + table + store + bytes(4)
    assert len(tiff.parts(doubled).c2pa) == 2
    reading = read_marks(doubled, anchors=signer().anchors).c2pa
    assert reading.state not in ("Trusted", "Valid")
    assert reading.leaf_sha256 == ""
