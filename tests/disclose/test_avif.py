"""The walker of AVIF: items wherever a file may keep them, and files that point where they should not."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image
from signed_pictures import delivered, picture, saved

from personactl.disclose import av1, avif, bmff, formats, pixels, watermark
from personactl.disclose.parts import ContainerError, Parts
from personactl.errors import IntegrityError

TIFF = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
EXIF_ITEM = struct.pack(">I", 6) + b"Exif\0\0" + TIFF
RDF = b"\0application/rdf+xml\0"


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, version: int, body: bytes) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]) + body)


def entry(number: int, kind: bytes, texts: bytes = b"\0") -> bytes:
    return full(b"infe", 2, struct.pack(">HH", number, 0) + kind + texts)


def information(*entries: bytes) -> bytes:
    return full(b"iinf", 0, struct.pack(">H", len(entries)) + b"".join(entries))


def located(*items: tuple[int, int, list[tuple[int, int]]]) -> bytes:
    """An item location box: (item, construction method, pieces)."""
    body = struct.pack(">HH", 0x4400, len(items))
    for number, method, pieces in items:
        body += struct.pack(">HHHH", number, method, 0, len(pieces))
        body += b"".join(struct.pack(">II", *piece) for piece in pieces)
    return full(b"iloc", 1, body)


PRIMARY = full(b"pitm", 0, b"\0\1")


def file_of(*inner: bytes, front: bytes = b"") -> bytes:
    """A file type box, whatever comes in front, and a meta box."""
    return box(b"ftyp", b"avif\0\0\0\0avif") + front + full(b"meta", 0, PRIMARY + b"".join(inner))


def test_items_lie_in_the_meta_box_or_in_pieces_of_the_file() -> None:
    front = box(b"mdat", b"<x:x" + EXIF_ITEM + b"mp/>")
    start = 20 + 8
    places = located((1, 0, [(start + 4, len(EXIF_ITEM))]), (2, 0, [(start, 4), (start + 4 + len(EXIF_ITEM), 4)]))
    data = file_of(information(entry(1, b"Exif"), entry(2, b"mime", RDF)), places, front=front)
    assert avif.parts(data) == Parts(xmp=[b"<x:xmp/>"], exif=[TIFF])
    stored = located((1, 1, [(0, len(EXIF_ITEM))]), (2, 1, [(len(EXIF_ITEM), 3)]))
    inside = file_of(information(entry(1, b"Exif"), entry(2, b"mime", RDF)), stored, box(b"idat", EXIF_ITEM + b"<x>"))
    assert avif.parts(inside) == Parts(xmp=[b"<x>"], exif=[TIFF])


def test_every_block_is_counted_as_often_as_it_occurs() -> None:
    entries = [entry(number, b"mime", RDF) for number in (1, 2)] + [entry(3, b"Exif"), entry(4, b"Exif")]
    content = b"<1><2>" + EXIF_ITEM + EXIF_ITEM
    size = len(EXIF_ITEM)
    places = located((1, 1, [(0, 3)]), (2, 1, [(3, 3)]), (3, 1, [(6, size)]), (4, 1, [(6 + size, size)]))
    data = file_of(information(*entries), places, box(b"idat", content)) + box(b"uuid", bmff.XMP_UUID + b"<3>")
    assert avif.parts(data) == Parts(xmp=[b"<3>", b"<1>", b"<2>"], exif=[TIFF, TIFF])


def test_other_items_are_no_metadata() -> None:
    entries = [entry(1, b"av01"), entry(2, b"mime", b"\0text/plain\0"), entry(3, b"mime", b""), full(b"infe", 0, b"")]
    assert avif.parts(file_of(information(*entries), located())) == Parts()


ONE = information(entry(1, b"mime", RDF))


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        ((), "iinf"),
        ((ONE,), "iloc"),
        ((ONE, ONE, located()), "iinf"),
        ((PRIMARY, ONE, located()), "pitm"),
        ((ONE, located()), "no place"),
        ((ONE, located((1, 0, []))), "no place"),
        ((ONE, located((1, 0, [(0, 0)]))), "empty"),
        ((ONE, located((1, 0, [(0, 1 << 30)]))), "overlap"),
        ((ONE, located((1, 0, [(1 << 30, 1)]))), "outside"),
        ((ONE, located((1, 1, [(0, 1)]))), "other items"),
        ((ONE, located((1, 1, [(0, 5)])), box(b"idat", b"1234")), "outside"),
        ((ONE, located((1, 2, [(0, 1)]))), "other items"),
        ((ONE, located((1, 0, [(0, 60)] * 5))), "overlap"),
        ((ONE, located((1, 0, [(0, 1)]), (1, 0, [(0, 1)]))), "twice"),
        ((ONE, located((7, 0, [(1 << 30, 1)]), (1, 0, [(0, 1)]))), "outside"),
        ((information(entry(1, b"mime", RDF + b"deflate\0")), located()), "compressed"),
        ((full(b"iinf", 0, struct.pack(">H", 9)), located()), "lists"),
        ((full(b"iinf", 1, struct.pack(">I", 1 << 31)), located()), "lists"),
        ((information(full(b"infe", 2, b"\0")), located()), "shorter"),
        ((ONE, full(b"iloc", 0, b"\x44\0\xff\xff")), "more than"),
        ((ONE, full(b"iloc", 2, b"\x44\0" + b"\xff" * 4)), "more than"),
        ((ONE, full(b"iloc", 0, b"\x30\0\0\0")), "does not exist"),
        ((ONE, full(b"iloc", 9, b"\x44\0\0\0")), "does not exist"),
        ((information(entry(1, b"Exif")), located((1, 1, [(0, 4)])), box(b"idat", b"\xff" * 4)), "shorter"),
    ],
)
def test_a_malformed_file_is_refused(inner: tuple[bytes, ...], reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        avif.parts(file_of(*inner))


def test_fields_without_bytes_do_not_drive_a_loop() -> None:
    """An item of 65,535 pieces takes six bytes where offsets and lengths have none."""
    body = struct.pack(">HH", 0, 4000) + b"".join(struct.pack(">HHH", n, 0, 0xFFFF) for n in range(4000))
    with pytest.raises(ContainerError, match="pieces"):
        avif.parts(file_of(ONE, full(b"iloc", 0, body)))


def test_a_sequence_of_pictures_is_not_decoded_and_its_marks_are_read() -> None:
    buffer = io.BytesIO()
    frames = [Image.fromarray(picture(64, 64, seed)) for seed in range(3)]
    frames[0].save(buffer, "AVIF", save_all=True, append_images=frames[1:], xmp=b"<x/>")
    row = formats.sniff(buffer.getvalue())
    assert row is not None
    assert row.name == "avif"
    assert row.parts(buffer.getvalue()).xmp == [b"<x/>"]
    with pytest.raises(IntegrityError) as caught:
        pixels.decode(buffer.getvalue())
    assert caught.value.code == "disclosure.picture-not-decoded"


def test_what_the_coded_data_says_of_its_size_counts() -> None:
    """A decoder makes room for the coded size; the boxes may claim less."""
    buffer = io.BytesIO()
    Image.new("RGB", (1600, 900)).save(buffer, "AVIF", speed=10)
    data = buffer.getvalue()
    assert avif.coded_size(data) == (1600, 900)
    place = data.index(b"ispe") + 8
    small = data[:place] + struct.pack(">II", 64, 64) + data[place + 8 :]
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.size == (64, 64)
    with pytest.raises(IntegrityError, match="1600x900") as caught:
        pixels.decode(small, limit=1_000_000)
    assert caught.value.code == "disclosure.picture-too-large"


def test_a_picture_of_tiles_is_not_decoded() -> None:
    places = located((1, 1, [(0, 4)]))
    data = file_of(information(entry(1, b"grid")), places, box(b"idat", b"\0\0\0\0"))
    with pytest.raises(IntegrityError, match="put together") as caught:
        pixels.decode(data)
    assert caught.value.code == "disclosure.picture-not-decoded"


def test_transparency_is_a_second_coded_item() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (64, 96), (1, 2, 3, 100)).save(buffer, "AVIF")
    assert avif.coded_size(buffer.getvalue()) == (64, 96)
    assert pixels.decode(buffer.getvalue()).shape == (96, 64, 3)


@pytest.mark.parametrize(
    ("coded", "reason"),
    [
        (b"", "no sequence header"),
        (b"\x12\0", "no sequence header"),
        (b"\x12\0" * 5000, "more than"),
        (b"\x0a\x7f\0", "longer"),
        (b"\x8a\0", "malformed"),
        (b"\x0a" + b"\xff" * 9, "does not end"),
        (b"\x0a\x01\x18", "too short"),
        (b"\x0a\x01\x04", "timing"),
    ],
)
def test_coded_data_that_cannot_be_sized_is_refused(coded: bytes, reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        list(av1.frame_sizes(coded))


@pytest.mark.parametrize("options", [{"quality": 30}, {"speed": 10, "subsampling": "4:2:0"}, {"tile_rows": 2}])
@pytest.mark.parametrize("size", [(1, 1), (16, 3), (257, 1023), (4096, 8)])
def test_the_size_of_coded_data_is_that_of_the_picture(options: dict[str, Any], size: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "AVIF", **options)
    assert avif.coded_size(buffer.getvalue()) == size


def test_a_size_over_the_limit_is_refused_before_decoding() -> None:
    data = delivered("avif")
    place = data.index(b"ispe") + 8
    claimed = data[:place] + struct.pack(">II", 20_000, 10_000) + data[place + 8 :]
    with pytest.raises(IntegrityError):
        pixels.decode(claimed)
    with pytest.raises(IntegrityError) as caught:
        pixels.decode(data, limit=100)
    assert caught.value.code == "disclosure.picture-too-large"


@pytest.mark.parametrize("size", [128, 192, 320])
@pytest.mark.parametrize("level", [None, 4, 128, 251])
def test_the_watermark_reads_back_at_the_quality_that_is_written(size: int, level: int | None) -> None:
    plain = picture(size, size) if level is None else np.full((size, size, 3), level, dtype=np.uint8)
    payload = bytes(range(8))
    written = avif.encode(watermark.embed(plain, payload), xmp=b"<x/>", exif=TIFF)
    found = watermark.extract(pixels.decode(written))
    assert (found.present, found.payload) == (True, payload)
    assert found.score > 0.85


def test_the_same_pixels_give_the_same_bytes() -> None:
    first, second = (avif.encode(picture(200, 300), xmp=b"<x/>", exif=TIFF) for _ in range(2))
    assert first == second


def test_ten_bits_are_read_as_eight() -> None:
    plain = picture(64, 64)
    assert np.abs(saved(plain, "AVIF", quality=95).astype(int) - plain).mean() < 3
