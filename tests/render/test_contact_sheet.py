"""The contact sheet: every picture has its place and its text, and a bad file cannot spoil it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from personactl.render.contact_sheet import MARGIN, TILE, Cell, render


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def picture(path: Path, color: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> Path:
    Image.new("RGB", size, color).save(path)
    return path


def test_pictures_stand_in_a_grid_in_order(tmp_path: Path) -> None:
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    cells = [Cell(picture=picture(tmp_path / f"{n}.png", color), lines=("a", "b")) for n, color in enumerate(colors)]
    sheet = opened(render("run", cells, columns=2))
    assert sheet.width == MARGIN + 2 * (TILE + MARGIN)
    found = [color for color in colors if color in {pixel for _, pixel in sheet.getcolors(1 << 20) or []}]
    assert found == colors
    left = sheet.crop((0, 0, sheet.width // 2, sheet.height // 2))
    assert colors[0] in {pixel for _, pixel in left.getcolors(1 << 20) or []}
    assert colors[1] not in {pixel for _, pixel in left.getcolors(1 << 20) or []}


def test_the_text_is_drawn_below_the_picture(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", (255, 255, 255))
    empty, written = (opened(render("", [Cell(picture=path, lines=(line,))])) for line in ("", "rain-0.png  0.81 pass"))
    assert empty.size == written.size
    assert empty.tobytes() != written.tobytes()


def test_a_wide_picture_keeps_its_shape(tmp_path: Path) -> None:
    path = picture(tmp_path / "wide.png", (10, 200, 30), (400, 100))
    sheet = opened(render("run", [Cell(picture=path, lines=("x",))]))
    count = {pixel: number for number, pixel in sheet.getcolors(1 << 20) or []}[(10, 200, 30)]
    assert count == TILE * TILE // 4


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_an_unreadable_picture_becomes_a_tile_that_says_so(content: bytes, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    missing = render("run", [Cell(picture=None, lines=("x",))])
    assert render("run", [Cell(picture=bad, lines=("x",))]) == missing
    assert render("run", [Cell(picture=tmp_path / "none.png", lines=("x",))]) == missing


def test_a_run_without_pictures_has_a_sheet_too() -> None:
    assert opened(render("run", [])).width > TILE


def test_hostile_and_long_text_is_cut_and_escaped() -> None:
    sheet = opened(render("\x1b" * 500, [Cell(picture=None, lines=("x" * 5000, "\u202e" * 900))]))
    assert sheet.width == 2 * MARGIN + TILE


@pytest.mark.parametrize("form", ["png", "jpg", "webp", "avif", "tif"])
def test_every_format_that_is_written_is_shown(form: str, tmp_path: Path) -> None:
    path = picture(tmp_path / f"a.{form}", (200, 40, 10))
    sheet = opened(render("run", [Cell(picture=path, lines=("x",))]))
    middle = sheet.getpixel((MARGIN + TILE // 2, sheet.height - MARGIN * 3 - TILE // 2))
    assert isinstance(middle, tuple)
    assert abs(middle[0] - 200) < 8 and abs(middle[2] - 10) < 8
