"""The watermark: exact where it must be, quiet where there is none, and the same on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image
from signed_pictures import picture, saved

from personactl.disclose import spectrum, watermark, watermark_tiles, watermark_whole

PAYLOAD = bytes.fromhex("0123456789abcdef")
SIZES = [(64, 64), (128, 128), (200, 90), (256, 384), (512, 512), (1000, 700)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_the_payload_reads_back_and_the_picture_hardly_changes(height: int, width: int, seed: int) -> None:
    original = picture(height, width, seed)
    payload = np.random.default_rng(seed).bytes(8)
    marked = watermark.embed(original, payload)
    found = watermark.extract(marked)
    assert found.present
    assert found.payload == payload
    assert found.score > 0.7
    assert watermark.psnr(original, marked) > 42


@pytest.mark.parametrize("side", [512, 1024])
@pytest.mark.parametrize(("form", "quality"), [("JPEG", 90), ("JPEG", 75), ("JPEG", 50), ("WEBP", 80)])
def test_large_pictures_survive_recompression(side: int, form: str, quality: int) -> None:
    for seed in range(3):
        found = watermark.extract(saved(watermark.embed(picture(side, side, seed), PAYLOAD), form, quality=quality))
        assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize(("form", "quality"), [("JPEG", 95), ("JPEG", 75), ("WEBP", 90)])
def test_small_pictures_survive_the_formats_they_are_delivered_in(form: str, quality: int) -> None:
    for seed in range(10):
        found = watermark.extract(saved(watermark.embed(picture(128, 128, seed), PAYLOAD), form, quality=quality))
        assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_and_mirrored_pictures_are_read(turns: int, mirrored: bool) -> None:
    marked = np.rot90(watermark.embed(picture(300, 400), PAYLOAD), turns)
    seen = np.ascontiguousarray(marked[:, ::-1] if mirrored else marked)
    assert watermark.extract(seen).payload == PAYLOAD
    assert watermark.extract(seen).present


@pytest.mark.parametrize("size", [(512, 512), (256, 256), (128, 128), (900, 900), (700, 520)])
def test_resized_pictures_are_read(size: tuple[int, int]) -> None:
    marked = Image.fromarray(watermark.embed(picture(640, 640), PAYLOAD))
    found = watermark.extract(np.asarray(marked.resize(size, Image.Resampling.LANCZOS)))
    assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize("gain", [0.8, 0.9, 1.1])
def test_another_contrast_is_read(gain: float) -> None:
    marked = watermark.embed(picture(512, 512), PAYLOAD).astype(np.float64)
    found = watermark.extract(np.clip((marked - 128) * gain + 128, 0, 255).astype(np.uint8))
    assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_even_a_flat_picture_can_be_marked(level: int) -> None:
    marked = watermark.embed(np.full((128, 128, 3), level, dtype=np.uint8), PAYLOAD)
    assert watermark.extract(marked).present


def test_a_second_mark_replaces_the_first() -> None:
    once = watermark.embed(picture(512, 512), PAYLOAD)
    assert watermark.extract(watermark.embed(once, b"another!")).payload == b"another!"


def test_unmarked_pictures_are_not_marked() -> None:
    random = np.random.default_rng(1)
    for seed in range(20):
        height, width = random.integers(64, 400, 2)
        assert not watermark.extract(picture(int(height), int(width), seed)).present
    for _ in range(8):
        noise = random.integers(0, 256, (96, 96, 3), dtype=np.uint8)
        assert not watermark.extract(noise).present
    for level in (0, 128, 255):
        assert not watermark.extract(np.full((128, 128, 3), level, dtype=np.uint8)).present


def test_a_bit_of_the_payload_is_a_bit_of_the_answer() -> None:
    answers = {watermark.extract(watermark.embed(picture(96, 96), bytes([value] * 8))).payload for value in range(16)}
    assert answers == {bytes([value] * 8) for value in range(16)}


def test_the_input_is_left_alone() -> None:
    original = picture(128, 128)
    copy = original.copy()
    watermark.embed(original, PAYLOAD)
    assert np.array_equal(original, copy)


@pytest.mark.parametrize("shape", [(63, 200, 3), (200, 8, 3), (1, 1, 3)])
def test_too_small_a_picture_is_refused_and_reads_as_unmarked(shape: tuple[int, int, int]) -> None:
    small = np.zeros(shape, dtype=np.uint8)
    with pytest.raises(ValueError, match="too small"):
        watermark.embed(small, PAYLOAD)
    assert not watermark.extract(small).present


@pytest.mark.parametrize("shape", [(64, 70_000, 3), (128, 80_000, 3), (100_000, 100, 3)])
def test_a_strip_of_very_many_pixels_is_marked_and_read(shape: tuple[int, int, int]) -> None:
    strip = np.random.default_rng(2).integers(60, 190, shape, dtype=np.uint8)
    assert not watermark.extract(strip).present
    found = watermark.extract(watermark.embed(strip, PAYLOAD))
    assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize("payload", [b"", b"short", b"nine bytes"])
def test_another_payload_length_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        watermark.embed(picture(64, 64), payload)


def test_the_places_of_the_mark_are_the_same_for_ever() -> None:
    """Files that were delivered must stay readable: a change here needs a new version of the scheme."""
    places, vectors, offsets = watermark_whole._spreading(spectrum.PUBLIC_KEY)
    tile = watermark_tiles.layout(spectrum.PUBLIC_KEY)
    told = hashlib.sha256(places.astype("<i8").tobytes() + np.sign(vectors).astype("<i8").tobytes())
    told.update(np.round(offsets * 2**32).astype("<i8").tobytes())
    for part in (tile.signs, tile.places, tile.flips, np.array(watermark_tiles.PITCHES)):
        told.update(part.astype("<i8").tobytes())
    assert watermark.scheme() == "personactl-mark/2"
    assert told.hexdigest() == "ff37cd0d17052a72959b4939e540c1ae529cecd1b58c32b549e3c3aadedc71ea"


def test_another_key_reads_nothing() -> None:
    marked = watermark.LayeredWatermarker(key=b"ours").embed(picture(300, 300), PAYLOAD)
    assert watermark.LayeredWatermarker(key=b"ours").extract(marked).payload == PAYLOAD
    assert not watermark.extract(marked).present


def test_psnr_of_equal_pictures_is_infinite_and_of_a_known_error_known() -> None:
    flat = np.full((10, 10, 3), 100, dtype=np.uint8)
    assert watermark.psnr(flat, flat) == float("inf")
    assert watermark.psnr(flat, flat + np.uint8(1)) == pytest.approx(48.13, abs=0.01)
