"""Numbers as decimal strings, so that canonical JSON needs no floats and equal numbers have equal text."""

from __future__ import annotations

from decimal import Decimal


def decimal_text(value: int | str | Decimal) -> str:
    """The shortest plain decimal: 2.50 → "2.5", 2.0 → "2", 1E+1 → "10", -0.0 → "0". Raises ValueError on nan, inf."""
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value}")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
