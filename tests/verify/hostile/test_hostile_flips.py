"""Every byte of a small PNG, JPEG and WebP with one bit flipped: with a receipt none passes, without one none lies."""

from __future__ import annotations

from pathlib import Path

import bit_flips
import pytest
from attacks import CEILING_S, Studios, judge
from bit_flips import Small


@pytest.fixture(scope="session")
def small(studios: Studios, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Small]:
    return bit_flips.small_files(studios.ours, tmp_path_factory.mktemp("small"))


PADDING = 1_000
"""Zero bytes behind the signature that nothing covers; all alike, so that every eighth stands for its neighbours."""


def one_bit_of_each(data: bytes) -> list[tuple[int, int]]:
    """(place, bit): another bit from byte to byte, so that all eight are met in every structure."""
    start = data.index(b"\x63pad\x59" + PADDING.to_bytes(2, "big")) + 7
    padding = range(start, start + PADDING)
    assert not any(data[start : start + PADDING])
    return [(place, place * 5 % 8) for place in range(len(data)) if place not in padding or place % 8 == 0]


def put(small: Small, folder: Path) -> Path:
    path = folder / f"a.{small.form}"
    path.write_bytes(small.data)
    path.with_name(path.name + ".receipt").write_bytes(small.receipt)
    return path


@pytest.mark.parametrize("form", bit_flips.FORMS)
def test_the_file_itself_is_exact_and_shows_the_same_each_time(
    form: str, small: dict[str, Small], studios: Studios, tmp_path: Path
) -> None:
    verdict = judge(put(small[form], tmp_path), studios.ours)
    assert (verdict.verdict, verdict.axes.integrity) == ("pass", "exact")
    assert bit_flips.shown(small[form].data, studios.ours) == bit_flips.shown(small[form].data, studios.ours)


@pytest.mark.parametrize("form", bit_flips.FORMS)
def test_a_flipped_byte_shows_nothing_else_and_with_a_receipt_it_fails(
    form: str, small: dict[str, Small], studios: Studios, tmp_path: Path
) -> None:
    """Every byte without a receipt, but for most of the padding. With one, each of those that pass without, and every
    48th of the others: a receipt takes no failure back. `bench/flips.py` does all of both, with all eight bits."""
    bits = one_bit_of_each(small[form].data)
    alone = bit_flips.sweep(small[form], studios.ours, tmp_path / f"alone.{form}", bits)
    assert alone.shown_otherwise == []
    assert alone.outcomes.total() == len(bits) >= len(small[form].data) - PADDING
    assert len(alone.passed) < PADDING // 8 + 200, "the padding of the signature is not covered, and little else"
    proven = bit_flips.sweep(small[form], studios.ours, put(small[form], tmp_path), [*alone.passed, *bits[::48]])
    assert set(proven.outcomes) <= {("fail", 4), ("error", 4)}
    assert max(alone.slowest, proven.slowest) < CEILING_S
