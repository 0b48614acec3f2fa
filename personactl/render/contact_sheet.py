"""The contact sheet: a PNG with every picture of a run in a grid, its name, its score and its verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from personactl.render.terminal import escape

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw as Pen

TILE = 192
"""Side of a picture's square in pixels; pictures keep their aspect ratio inside it."""
MARGIN = 12
LINE = 15
LONGEST = 200
"""Characters of a line that are looked at: more never fit, and cutting them one by one takes long."""
MAX_PIXELS = 64_000_000
_BACKGROUND, _EMPTY, _INK, _SOFT = (250, 250, 248), (226, 226, 222), (24, 24, 24), (96, 96, 92)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One picture: where it is (None: there is none), and the lines of text below it, the first one emphasised."""

    picture: Path | None
    lines: tuple[str, ...]


def render(title: str, cells: Sequence[Cell], *, columns: int = 4) -> bytes:
    """The sheet as PNG bytes. `columns` 1..20; a missing or unreadable picture becomes a tile that says so."""
    from io import BytesIO

    from PIL import Image, ImageDraw

    columns = max(1, min(columns, len(cells) or 1))
    rows = -(-len(cells) // columns)
    text = LINE * max((len(cell.lines) for cell in cells), default=0) + MARGIN
    size = (MARGIN + columns * (TILE + MARGIN), 3 * MARGIN + LINE + rows * (TILE + text + MARGIN))
    sheet = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (MARGIN, MARGIN), title, _INK, size[0] - 2 * MARGIN)
    for number, cell in enumerate(cells):
        left = MARGIN + number % columns * (TILE + MARGIN)
        top = 2 * MARGIN + LINE + number // columns * (TILE + text + MARGIN)
        _place(sheet, draw, cell, left, top)
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _place(sheet: Picture, draw: Pen, cell: Cell, left: int, top: int) -> None:
    picture = _thumbnail(cell.picture)
    if picture is None:
        draw.rectangle((left, top, left + TILE - 1, top + TILE - 1), fill=_EMPTY)
        _write(draw, (left + MARGIN, top + TILE // 2), "no picture", _SOFT, TILE - 2 * MARGIN)
    else:
        sheet.paste(picture, (left + (TILE - picture.width) // 2, top + (TILE - picture.height) // 2))
    for row, line in enumerate(cell.lines):
        _write(draw, (left, top + TILE + 4 + row * LINE), line, _SOFT if row else _INK, TILE)


def _thumbnail(path: Path | None) -> Picture | None:
    """The picture scaled to fit the tile; None when there is no readable picture."""
    from PIL import Image

    from personactl.disclose import pixels
    from personactl.errors import IntegrityError

    if path is None:
        return None
    try:
        picture = Image.fromarray(pixels.decode(path.read_bytes(), limit=MAX_PIXELS))
    except (OSError, IntegrityError):
        return None
    scale = min(TILE / picture.width, TILE / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _write(draw: Pen, where: tuple[int, int], text: str, color: tuple[int, int, int], room: int) -> None:
    """One line of text, cut with an ellipsis where `room` pixels end."""
    from PIL import ImageFont

    font = ImageFont.load_default()
    shown = escape(text[:LONGEST])
    while len(shown) > 1 and draw.textlength(shown, font=font) > room:
        shown = shown[:-2] + "…"
    draw.text(where, shown, fill=color, font=font)
