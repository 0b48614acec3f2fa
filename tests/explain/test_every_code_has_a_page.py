"""No command prints `personactl explain CODE` for a code without a page, and no page speaks of a code that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from codes_in_sources import emitted

from personactl import explain


@pytest.fixture(scope="module")
def found(repository: Path) -> dict[str, str]:
    return emitted(repository)


def test_the_search_finds_codes_of_every_kind(found: dict[str, str]) -> None:
    assert found["credential.absent"]  # a class attribute
    assert found["feature.not-available"]  # an argument
    assert found["verify.ledger-absent"] == "personactl/verify/findings.py"  # a table
    assert found["manifest.unknown-key"]  # words that get the room of a document
    assert "c2pa.created" not in found
    assert "trust.json" not in found


def test_every_code_has_a_page(found: dict[str, str]) -> None:
    missing = {code: where for code, where in sorted(found.items()) if code not in explain.codes()}
    assert not missing


def test_every_page_has_a_code(found: dict[str, str]) -> None:
    assert not sorted(set(explain.codes()) - set(found))
