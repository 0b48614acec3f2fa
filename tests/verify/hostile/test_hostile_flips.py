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


def one_bit_of_each(data: bytes, *, first: int) -> list[tuple[int, int]]:
    """(place, bit): another bit from byte to byte, so that all eight are met in every structure."""
    return [(place, (first + place * 5) % 8) for place in range(len(data))]


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
def test_with_a_receipt_every_flipped_byte_fails(
    form: str, small: dict[str, Small], studios: Studios, tmp_path: Path
) -> None:
    bits = one_bit_of_each(small[form].data, first=3)
    found = bit_flips.sweep(small[form], studios.ours, put(small[form], tmp_path), bits)
    assert set(found.outcomes) <= {("fail", 4), ("error", 4)}
    assert found.outcomes.total() == len(small[form].data)
    assert found.slowest < CEILING_S


@pytest.mark.parametrize("form", bit_flips.FORMS)
def test_without_a_receipt_a_flipped_byte_fails_or_changes_nothing_that_is_shown(
    form: str, small: dict[str, Small], studios: Studios, tmp_path: Path
) -> None:
    bits = one_bit_of_each(small[form].data, first=0)
    found = bit_flips.sweep(small[form], studios.ours, tmp_path / f"a.{form}", bits)
    assert found.shown_otherwise == []
    assert found.outcomes.total() == len(small[form].data)
    assert found.outcomes["pass", 0] < 1_200, "the padding of the signature is not covered, and little else"
    assert found.slowest < CEILING_S
