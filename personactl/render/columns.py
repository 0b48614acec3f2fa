"""Aligned columns for lists of a few dozen rows: the header in words, the last column cut on a narrow terminal."""

from __future__ import annotations

from collections.abc import Sequence

from personactl.render.terminal import Line, Part, Styled, display_width, escape, parts_of, plain


def columns(header: Sequence[str], rows: Sequence[Sequence[Part]], width: int | None = None) -> list[Line]:
    """Rows as lines with two spaces between cells; `width` (terminal columns) cuts the last cell, None cuts nothing."""
    if not rows:
        return []
    table: list[Sequence[Part]] = [[Styled(name, "dim") for name in header], *rows]
    widths = [max(display_width(plain(row[index])) for row in table) for index in range(len(header) - 1)]
    return [_line(row, widths, width) for row in table]


def _line(row: Sequence[Part], widths: Sequence[int], width: int | None) -> Line:
    parts: list[Part] = []
    for cell, column in zip(row, widths, strict=False):
        parts += [cell, " " * (column - display_width(plain(cell)) + 2)]
    room = None if width is None else width - sum(widths) - 2 * len(widths)
    return (*parts, *_cut(row[-1], room))


def _cut(cell: Part, room: int | None) -> tuple[Part, ...]:
    if room is None or display_width(plain(cell)) <= max(room, 8):
        return parts_of(cell)
    text, kept = escape(cell.text if isinstance(cell, Styled) else cell), ""
    for character in text:
        if display_width(kept + character) > max(room, 8) - 1:
            break
        kept += character
    return (Styled(kept + "…", cell.style),) if isinstance(cell, Styled) else (kept + "…",)
