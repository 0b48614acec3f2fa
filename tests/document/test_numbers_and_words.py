"""Decimal text, and suggestions."""

from __future__ import annotations

import pytest

from personactl.document import closest, did_you_mean
from personactl.document.numbers import decimal_text


@pytest.mark.parametrize(
    ("value", "text"),
    [("2.50", "2.5"), ("2.0", "2"), (2, "2"), ("1E+2", "100"), ("-0.0", "0"), ("1e-3", "0.001"), ("100", "100")],
)
def test_decimal_text(value: str | int, text: str) -> None:
    assert decimal_text(value) == text


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity"])
def test_no_number_has_no_text(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        decimal_text(value)


def test_suggestions_see_case_and_underscores() -> None:
    assert closest("cuont", ["count", "seed"]) == "count"
    assert closest("ON-DRIFT", ["on_drift", "attempts"]) == "on_drift"
    assert closest("zzz", ["count", "seed"]) is None
    assert did_you_mean("nihgt", ["night"]) == 'did you mean "night"?'
    assert closest("x" * 10_000_000, ["count"]) is None
