"""The mark in what a crop left: exact after crops, resizes and recompression, bounded in time and memory."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageFilter
from signed_pictures import picture, saved

from personactl.disclose import spectrum, watermark, watermark_search, watermark_tiles

PAYLOAD = bytes.fromhex("0123456789abcdef")
Array = np.ndarray


def marked(height: int, width: int, seed: int = 0) -> Array:
    return watermark.embed(picture(height, width, seed), PAYLOAD)


def cropped(rgb: Array, kept: float, seed: int) -> Array:
    random = np.random.default_rng(seed)
    rows, columns = (int(length * kept) for length in rgb.shape[:2])
    top, left = random.integers(0, rgb.shape[0] - rows + 1), random.integers(0, rgb.shape[1] - columns + 1)
    return np.ascontiguousarray(rgb[top : top + rows, left : left + columns])


def resized(rgb: Array, factor: float) -> Array:
    size = round(rgb.shape[1] * factor), round(rgb.shape[0] * factor)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def assert_read(rgb: Array) -> None:
    found = watermark.extract(rgb)
    assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize("kept", [0.98, 0.9, 0.8, 0.7])
@pytest.mark.parametrize("shape", [(512, 512), (1024, 768), (400, 900)])
def test_a_crop_at_any_place_is_read(shape: tuple[int, int], kept: float) -> None:
    for seed in range(2):
        assert_read(cropped(marked(*shape, seed), kept, seed))


@pytest.mark.parametrize("factor", [0.5, 0.83, 1.27, 2.0])
def test_a_crop_that_was_resized_is_read(factor: float) -> None:
    assert_read(resized(cropped(marked(640, 512), 0.75, 3), factor))


@pytest.mark.parametrize(("form", "quality"), [("JPEG", 75), ("JPEG", 50), ("WEBP", 80), ("AVIF", 60)])
def test_a_crop_that_was_recompressed_is_read(form: str, quality: int) -> None:
    assert_read(saved(cropped(marked(512, 512, 1), 0.7, 4), form, quality=quality))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_crop_that_was_turned_or_mirrored_is_read(turns: int, mirrored: bool) -> None:
    seen = np.rot90(cropped(marked(512, 512, 2), 0.8, 5), turns)
    assert_read(np.ascontiguousarray(seen[:, ::-1] if mirrored else seen))


@pytest.mark.parametrize("gain", [0.8, 0.9, 1.2])
def test_a_crop_with_another_contrast_is_read(gain: float) -> None:
    seen = cropped(marked(640, 640), 0.8, 6)
    assert_read(np.clip((seen.astype(np.float64) - 128) * gain + 128, 0, 255).astype(np.uint8))


def test_a_blurred_crop_is_read() -> None:
    seen = Image.fromarray(cropped(marked(512, 512, 1), 0.85, 7))
    assert_read(np.asarray(seen.filter(ImageFilter.GaussianBlur(1))))


def test_a_picture_on_a_larger_canvas_is_read() -> None:
    seen = np.pad(marked(512, 512), ((40, 40), (13, 20), (0, 0)))
    assert_read(saved(seen, "JPEG", quality=85))


def test_a_small_picture_has_no_tiles_and_all_the_distortion_for_the_whole() -> None:
    assert not watermark_tiles.marked(255, 255)
    assert watermark_tiles.marked(256, 256)
    assert not watermark_tiles.marked(100, 5000)


@pytest.mark.parametrize("size", [(256, 256), (512, 512), (3000, 2000)])
def test_every_pitch_that_a_crop_and_a_resize_leave_is_looked_for(size: tuple[int, int]) -> None:
    pitch = watermark_tiles.pitch_of(*size)
    for kept in (1.0, 0.85, 0.7):
        for factor in (0.5, 1.0, 2.0):
            low, high = watermark_search.limits(*(int(side * kept * factor) for side in size))
            assert low <= pitch * factor <= high


@pytest.mark.parametrize(
    "shape", [(64, 6000), (6000, 64), (64, 64), (65, 500), (300, 2400), (2400, 300), (5000, 4000)], ids=str
)
@pytest.mark.parametrize("content", ["flat", "noise", "extremes"])
def test_no_picture_raises_or_takes_long(shape: tuple[int, int], content: str) -> None:
    random = np.random.default_rng(3)
    if content == "flat":
        rgb = np.full((*shape, 3), 200, dtype=np.uint8)
    else:
        rgb = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        rgb = rgb if content == "noise" else np.where(rgb > 127, 255, 0).astype(np.uint8)
    started = time.process_time()
    assert not watermark.extract(rgb).present
    assert time.process_time() - started < 5


def test_the_memory_for_a_large_picture_is_a_few_planes() -> None:
    rgb = np.zeros((4000, 4000, 3), dtype=np.uint8)
    watermark.extract(rgb[:64, :64])
    tracemalloc.start()
    watermark.extract(rgb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 4000 * 4000


@pytest.mark.parametrize("shape", [(300, 2400), (2400, 300), (512, 3000)])
def test_long_pictures_carry_the_mark(shape: tuple[int, int]) -> None:
    original = picture(*shape)
    seen = watermark.embed(original, PAYLOAD)
    assert watermark.psnr(original, seen) > 42
    assert_read(seen)
    assert_read(cropped(seen, 0.8, 1))


@pytest.mark.parametrize("content", ["noise", "extremes"])
def test_noise_and_clipped_pictures_carry_the_mark(content: str) -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    assert_read(watermark.embed(rgb if content == "noise" else np.where(rgb > 127, 255, 0).astype(np.uint8), PAYLOAD))


def test_unmarked_crops_with_repeating_patterns_are_not_marked() -> None:
    """Stripes and grids repeat as the tiles do: they may look like a lattice, never like a payload."""
    rows, columns = np.mgrid[0:512, 0:512]
    for period in (8, 13):
        for value in ((rows // period + columns // period) % 2, rows // period % 2, (rows % period == 0)):
            rgb = np.repeat((value * 200 + 20).astype(np.uint8)[..., None], 3, axis=2)
            assert not watermark.extract(rgb).present


def test_the_known_signs_look_the_same_from_all_sides() -> None:
    signs = watermark_tiles.layout(spectrum.PUBLIC_KEY).signs
    back = -np.arange(watermark_tiles.TILE) % watermark_tiles.TILE
    assert np.array_equal(signs, signs.T)
    assert np.array_equal(signs, signs[back])
    assert np.count_nonzero(signs) > 60
