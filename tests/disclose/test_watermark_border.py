"""Bars of one colour around a picture: found, taken off, and no reason to see a mark where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from signed_pictures import picture, saved

from personactl.disclose import spectrum, watermark, watermark_border, watermark_whole

PAYLOAD = bytes.fromhex("0123456789abcdef")
BARS = {
    "letterbox": ((10, 10), (0, 0)),
    "pillarbox": ((0, 0), (25, 25)),
    "frame": ((16, 16), (16, 16)),
    "one bar": ((0, 40), (0, 0)),
    "wide bars": ((60, 60), (0, 0)),
}


def barred(rgb: np.ndarray[Any, Any], kind: str, level: int = 0) -> np.ndarray[Any, Any]:
    return np.pad(rgb, (*BARS[kind], (0, 0)), constant_values=level)


@pytest.mark.parametrize("kind", BARS)
@pytest.mark.parametrize("level", [0, 255])
def test_a_small_picture_between_bars_is_read(kind: str, level: int) -> None:
    found = watermark.extract(barred(watermark.embed(picture(128, 128), PAYLOAD), kind, level))
    assert (found.present, found.payload) == (True, PAYLOAD)


@pytest.mark.parametrize("quality", [50, 75, 92])
def test_bars_that_were_recompressed_are_still_found(quality: int) -> None:
    found = watermark.extract(
        saved(barred(watermark.embed(picture(128, 128), PAYLOAD), "letterbox"), "JPEG", quality=quality)
    )
    assert (found.present, found.payload) == (True, PAYLOAD)


def test_a_large_picture_between_bars_wider_than_the_tiles_bear_is_read() -> None:
    marked = watermark.embed(picture(512, 512), PAYLOAD)
    shown = np.pad(marked, ((300, 300), (0, 0), (0, 0)))
    assert watermark.extract(shown).payload == PAYLOAD
    half = np.asarray(Image.fromarray(shown).resize((256, 556), Image.Resampling.BOX))
    assert watermark.extract(half).payload == PAYLOAD


def test_the_border_is_found_to_the_pixel() -> None:
    plane = spectrum.luma(barred(picture(128, 100), "frame"))
    found = watermark_border.inside(plane)
    assert found is not None
    assert np.array_equal(found, plane[16:144, 16:116])


@pytest.mark.parametrize(
    "rgb",
    [
        picture(128, 128),
        np.full((128, 128, 3), 7, dtype=np.uint8),
        np.pad(picture(40, 40), ((50, 50), (50, 50), (0, 0))),
        np.pad(picture(300, 40), ((0, 0), (50, 50), (0, 0))),
    ],
    ids=["none", "flat", "too small inside", "too narrow inside"],
)
def test_where_there_is_no_border_or_nothing_in_it_nothing_more_is_read(rgb: np.ndarray[Any, Any]) -> None:
    assert watermark_border.inside(spectrum.luma(rgb)) is None


def test_the_readings_in_a_border_are_as_few_as_the_stated_rate_allows() -> None:
    decodings = 2 + watermark.SEARCHED + watermark.BORDERED
    assert decodings * 2.0**-24 <= watermark.FALSE_POSITIVE_RATE


def test_an_unmarked_picture_between_bars_is_not_marked() -> None:
    random = np.random.default_rng(3)
    for seed in range(40):
        plane = spectrum.luma(barred(picture(128, 128, seed), "frame"))
        inner, seen = watermark.inside_border(plane), spectrum.of_plane(plane, 44, 44, plane.shape)
        assert inner is not None
        assert inner.values.shape == (watermark_whole.OUTER, watermark_whole.OUTER)
        scheme = watermark.LayeredWatermarker(key=random.bytes(16))
        readings = list(scheme.readings(seen, (), inner))
        assert len(readings) == 3
        assert not any(reading.present for reading in readings)
