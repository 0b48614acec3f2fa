"""`explain`: pages are found, unknown codes are answered with the nearest ones, and every page has the same shape."""

from __future__ import annotations

import pytest

from personactl import explain
from personactl.errors import UsageProblem


def test_a_page_begins_with_its_code() -> None:
    assert explain.page("verify.altered").startswith("# verify.altered\n")


def test_codes_are_sorted_and_each_has_a_page() -> None:
    codes = explain.codes()
    assert list(codes) == sorted(codes)
    assert "credential.absent" in codes


def test_a_misspelt_code_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageProblem) as caught:
        explain.page("verify.alterd")
    assert caught.value.exit_code == 2
    assert "verify.altered" in (caught.value.hint or "")


@pytest.mark.parametrize("code", ["../../../etc/passwd", "", ".", "verify", "VERIFY.ALTERED", "verify.altered\0"])
def test_what_is_no_code_is_never_a_path(code: str) -> None:
    with pytest.raises(UsageProblem):
        explain.page(code)


@pytest.mark.parametrize("code", explain.codes())
def test_every_page_is_short_and_says_what_to_do(code: str) -> None:
    lines = explain.page(code).splitlines()
    assert lines[0] == f"# {code}"
    assert lines[1] == ""
    assert 5 <= len(lines) <= 30, "a page is one screen"
    assert max(map(len, lines)) <= 400
    text = " ".join(lines).lower()
    for claim in ("compliant", "tamper-proof", "blockchain"):
        assert claim not in text
