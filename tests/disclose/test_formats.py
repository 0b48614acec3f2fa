"""Formats: written so that others read them, taken apart without trusting them."""

from __future__ import annotations

import contextlib
import io
import zlib
from dataclasses import replace

import numpy as np
import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from signed_pictures import picture

from personactl.disclose import exif, formats, jpeg, pixels, xmp
from personactl.disclose.parts import ContainerError, OverLimitError, Parts
from personactl.errors import IntegrityError, NotAvailable

NAMES = [row.name for row in formats.FORMATS]
LOSSLESS = [row.name for row in formats.FORMATS if row.lossless]
PACKET = xmp.build({xmp.DIGITAL_SOURCE_TYPE: "http://example.org/x", xmp.ALT_TEXT: "AI picture"})
BLOCK = exif.build(software="personactl 0", description="AI", created_at="2026-01-02T03:04:05Z")


def encoded(name: str, height: int = 70, width: int = 101) -> bytes:
    return formats.named(name).encode(picture(height, width), xmp=PACKET, exif=BLOCK)


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (64, 64), (70, 101), (333, 517)])
def test_a_lossless_format_is_lossless_for_another_decoder(name: str, height: int, width: int) -> None:
    original = picture(height, width)
    data = formats.named(name).encode(original, xmp=PACKET, exif=BLOCK)
    with Image.open(io.BytesIO(data)) as read:
        read.load()
        assert read.mode == "RGB"
        assert np.array_equal(np.asarray(read), original)


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("level", [0, 255])
def test_extreme_values_and_a_view_stay_as_they_are(name: str, level: int) -> None:
    original = np.full((40, 50, 3), level, dtype=np.uint8)
    original[::2] = 255 - level
    view = original[::-1, ::2]
    data = formats.named(name).encode(view, xmp=PACKET, exif=BLOCK)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), view)


@pytest.mark.parametrize("name", NAMES)
def test_pillow_reads_pixels_xmp_and_exif(name: str) -> None:
    with Image.open(io.BytesIO(encoded(name))) as read:
        assert read.format == formats.named(name).pillow
        assert read.size == (101, 70)
        assert read.getexif()[piexif.ImageIFD.Software] == "personactl 0"
        packet = read.info.get("xmp") or read.info["XML:com.adobe.xmp"].encode()
        assert packet == PACKET


@pytest.mark.parametrize("name", NAMES)
def test_the_type_is_told_by_the_first_bytes(name: str) -> None:
    row = formats.sniff(encoded(name))
    assert isinstance(row, formats.Format)
    assert row.name == name
    assert Image.MIME[row.pillow] == row.media_type


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"BM", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b"<svg/>", b"\0" * 64])
def test_other_types_are_not_read(data: bytes) -> None:
    assert formats.sniff(data) is None


def test_a_format_that_is_not_written_is_refused() -> None:
    with pytest.raises(NotAvailable):
        formats.named("heic")


@pytest.mark.parametrize("name", NAMES)
def test_the_walker_finds_what_the_writer_wrote(name: str) -> None:
    found = formats.named(name).parts(encoded(name))
    (block,) = found.exif
    assert replace(found, exif=[]) == Parts(xmp=[PACKET])
    assert fields(block) == fields(BLOCK)


def fields(block: bytes) -> dict[str, dict[int, object]]:
    """What a TIFF structure says, wherever it keeps it: in a TIFF file the fields stand in the picture's directory."""
    said = piexif.load(b"Exif\0\0" + block)
    said["0th"].pop(piexif.ImageIFD.ExifTag)
    return {name: said[name] for name in ("0th", "Exif")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tail", [b"x", b"PK\3\4" * 100, b"\xff\xd9", b"\0" * 3])
def test_appended_bytes_are_counted(name: str, tail: bytes) -> None:
    assert formats.named(name).parts(encoded(name) + tail).trailing == len(tail)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_anywhere_is_refused_and_nothing_else(name: str) -> None:
    data, row = encoded(name, 16, 16), formats.named(name)
    for length in range(16, len(data)):
        with pytest.raises(ContainerError):
            row.parts(data[:length])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), run=st.integers(1, 6))
def test_a_changed_file_is_read_or_refused(name: str, place: float, value: int, run: int) -> None:
    data, row = bytearray(encoded(name, 16, 16)), formats.named(name)
    start = 16 + int(place * (len(data) - 16))
    data[start : start + run] = bytes([value]) * run
    with contextlib.suppress(ContainerError):
        row.parts(bytes(data))
    with contextlib.suppress(IntegrityError):
        pixels.decode(bytes(data), limit=1_000_000)


def test_a_compressed_xmp_chunk_is_refused() -> None:
    data, keyword = encoded("png"), b"XML:com.adobe.xmp\0"
    start = data.index(b"iTXt" + keyword)
    length = int.from_bytes(data[start - 4 : start], "big")
    changed = b"iTXt" + keyword + b"\1" + data[start + 4 + len(keyword) + 1 : start + 4 + length]
    checksum = zlib.crc32(changed).to_bytes(4, "big")
    with pytest.raises(ContainerError, match="compressed"):
        formats.named("png").parts(data[:start] + changed + checksum + data[start + 8 + length :])


@pytest.mark.parametrize("kind", [b"iTXt", b"eXIf"])
def test_a_wrong_checksum_of_a_mark_is_refused(kind: bytes) -> None:
    """The one of a manifest too, which the hard binding leaves out: tests/verify/hostile/test_hostile_flips.py."""
    data = bytearray(encoded("png"))
    start = data.index(kind)
    length = int.from_bytes(data[start - 4 : start], "big")
    data[start + 4 + length] ^= 1
    with pytest.raises(ContainerError, match="checksum"):
        formats.named("png").parts(bytes(data))


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(IntegrityError, match="pixels"):
        pixels.decode(bomb)


def _filled(place: str, number: int) -> bytes:
    data = encoded("jpeg")
    at = {"before a segment": 2, "behind the picture data": data.rindex(b"\xff\xd9")}[place]
    return data[:at] + b"\xff" * number + data[at:]


@pytest.mark.parametrize("place", ["before a segment", "behind the picture data"])
def test_a_jpeg_has_as_many_fill_bytes_as_the_limit(place: str) -> None:
    assert formats.named("jpeg").parts(_filled(place, jpeg.MAX_FILL)) == formats.named("jpeg").parts(encoded("jpeg"))
    too_many = _filled(place, jpeg.MAX_FILL + 1)
    with pytest.raises(OverLimitError, match="fill bytes"):
        formats.named("jpeg").parts(too_many)
    with pytest.raises(IntegrityError, match="fill bytes") as caught:
        pixels.decode(too_many)
    assert caught.value.code == "disclosure.picture-unreadable"


def test_fill_bytes_are_counted_over_the_whole_file() -> None:
    data = _filled("before a segment", 600)
    at = data.rindex(b"\xff\xd9")
    with pytest.raises(OverLimitError, match="fill bytes"):
        formats.named("jpeg").parts(data[:at] + b"\xff" * 600 + data[at:])


@pytest.mark.parametrize("start", [b"\xff\xe1\0\1" + b"\xff" * 5000, b"\xff\0" * 5000, b"\xff\0" + bytes(5000)])
def test_a_jpeg_that_is_malformed_before_its_picture_data_is_not_decoded(start: bytes) -> None:
    """Pillow would look for the next marker in Python, byte by byte."""
    data = encoded("jpeg")
    with pytest.raises(IntegrityError, match="longer than the file") as caught:
        pixels.decode(data[:2] + start + data[2:])
    assert caught.value.code == "disclosure.picture-unreadable"
    assert pixels.decode(data[:-2] + b"\xff\xe1\0\1").shape == (70, 101, 3)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_pictures_of_other_modes_decode_to_rgb(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (70, 80)).save(buffer, format="JPEG" if mode == "CMYK" else "PNG")
    assert pixels.decode(buffer.getvalue()).shape == (80, 70, 3)
