"""Types of values that options of several commands take. A value that cannot be meant is refused by click, which names
the option: exit 2, before a file is opened."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

MAX_TEXT_BYTES = 4096
"""Of a reason or a ground, which the ledger keeps: far below what one entry can hold."""

INDEX = click.IntRange(0, 2**53 - 1)
"""The index of an entry; no larger one can be written (SPEC 2)."""


class _Text(click.ParamType[str]):
    name = "text"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
            self.fail(f"longer than {MAX_TEXT_BYTES} bytes; say it in a few words.", param, ctx)
        return text


TEXT = _Text()
"""A text that stays on record."""


class FiniteRange(click.FloatRange):
    """A number within limits; "nan", which compares with no limit, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


class _Output(click.Path):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            self.fail("'-' is not stdout here. Leave it out, or name /dev/stdout.", param, ctx)
        return super().convert(value, param, ctx)


OUTPUT = _Output(path_type=Path)
"""A file or folder that a command writes."""
