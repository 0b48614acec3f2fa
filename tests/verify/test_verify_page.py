"""docs/verify.md names every field, value and row that the code has, and no other."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from evidence_by_hand import GOOD, ORIGIN, STRIPPED

from personactl.keys.trust import TrustFile
from personactl.verdict import EntryCandidate
from personactl.verify import document
from personactl.verify.judgement import Demands, conclude
from personactl.verify.table import ANY, TABLE, VALUES, Condition

TRUST = TrustFile(
    name="Studio", origin=ORIGIN, development=False, c2pa_anchors=(), leaf_fingerprints=(), log_keys=(), root_keys=(),
    approvers=None, tsa_roots=(), detector="", issued_at="2026-11-21T08:00:00Z", sha256="cc" * 32,
)  # fmt: skip
NEAR = EntryCandidate(entry_id="ab" * 16, origin=ORIGIN, index=9, by="iscc", distance=4, of=256)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "verify.md").read_text(encoding="utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table in a section."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def paths(value: Any, at: str = "") -> set[str]:
    """Every place of a JSON document that holds no further one: `files[].axes.trust`."""
    if isinstance(value, dict):
        return set().union(*(paths(item, f"{at}.{key}" if at else key) for key, item in value.items()))
    if isinstance(value, list):
        return set().union(*(paths(item, f"{at}[]") for item in value))
    return {at}


def test_the_fields_are_those_of_the_document(page: str) -> None:
    stripped = replace(STRIPPED, candidates=(NEAR,))
    found = document([conclude(evidence, Demands()) for evidence in (GOOD, stripped)], [TRUST], "2026-11-21T09:00:00Z")
    found["files"][1] |= {"persona": found["files"][0]["persona"], "entry": found["files"][0]["entry"]}
    told = {name for cells in rows(page, "The document") for name in re.findall(r"`([^`]+)`", cells[0])}
    assert told == paths(found)


def test_the_values_are_those_of_the_axes(page: str) -> None:
    told = [(axis, value) for axis, value, _ in rows(page, "The axes")]
    assert told == [(axis, value) for axis, values in VALUES.items() for value in values]


def test_the_rows_are_those_of_the_table(page: str) -> None:
    told = [tuple(cells) for cells in rows(page, "From axes to verdict and exit code")]
    ours = [
        (row.axis, "any" if row.value == ANY else row.value, ", ".join(row.when), row.outcome, str(row.exit_code))
        for row in TABLE
    ]
    assert told == ours


def test_every_condition_is_explained(page: str) -> None:
    items = [line.split(":")[0] for line in page.splitlines() if line.startswith("- `")]
    explained = {name for item in items for name in re.findall(r"`([^`]+)`", item)}
    assert explained == set(get_args(Condition))
