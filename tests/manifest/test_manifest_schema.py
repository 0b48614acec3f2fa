"""The editor schema and the validator agree: on the fixtures, and on every key with every kind of value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli

from personactl import manifest
from personactl.document.keys import Section, section_of
from personactl.manifest.keys import MANIFEST

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "manifests"
GOOD = sorted((FIXTURES / "good").glob("*.toml"))
# What a schema cannot say: relations between tables, the number of decimals, and nan, which JSON does not have.
BEYOND = {
    "duplicate-shot", "duplicate-scene", "unknown-scene", "too-many-shots", "threshold-too-fine", "threshold-nan",
    "label-never-unexplained", "label-reason-unused", "watermarker-unused",
}  # fmt: skip
VALIDATOR = jsonschema.Draft202012Validator(manifest.json_schema())
ODD: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    -1,
    7,
    16,
    20_000,
    2**63,
    Decimal("0.5"),
    Decimal("-2.5"),
    Decimal("300.5"),
    "",
    " ",
    "a",
    "A b",
    "pocket",
    "../x",
    "/x",
    "a/./b",
    "a//b",
    "hero",
    "png",
    "avif",
    "reseed",
    "queue",
    "auto",
    "never",
    "exact",
    "fast",
    "calibrated",
    "lira@2",
    "lira@0",
    "x" * 3000,
    "a\nb",
    "a\x1bb",
    "a\u202eb",
    [],
    ["hero"],
    ["hero", "hero"],
    ["reseed"],
    ["queue"],
    [128, 128],
    [128, 129],
    [128],
    [8, 128],
    [1, "a"],
    {},
    {"id": "a"},
    [{"id": "a", "prompt": "b"}],
    [{"id": "a", "prompt": "b", "from": "hero"}],
    [{"path": "a", "weight": 1}],
]
FULL: dict[str, Any] = tomli.loads((FIXTURES / "good" / "everything.toml").read_text(), parse_float=Decimal)


def floats(value: Any) -> Any:
    """Decimal as float: the validator of the library knows JSON's numbers only."""
    if isinstance(value, dict):
        return {name: floats(element) for name, element in value.items()}
    if isinstance(value, list):
        return [floats(element) for element in value]
    return float(value) if isinstance(value, Decimal) else value


def accepted_by_schema(value: Any) -> bool:
    return VALIDATOR.is_valid(floats(value))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(manifest.json_schema())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_manifests_fit_the_schema(path: Path) -> None:
    assert accepted_by_schema(tomli.loads(path.read_text(), parse_float=Decimal))


def test_bad_manifests_do_not_fit_unless_only_the_validator_can_tell() -> None:
    seen = set()
    for path in sorted((FIXTURES / "bad").glob("*.toml")):
        try:
            value = tomli.loads(path.read_bytes().decode(), parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError):
            continue
        seen.add(path.stem)
        assert accepted_by_schema(value) == (path.stem in BEYOND), path.stem
    assert seen > BEYOND


def places(section: Section, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key in section.keys:
        yield (*path, key.name)
        inner = section_of(key.kind)
        if inner is not None and key.name != "lora":
            yield from places(inner, (*path, key.name, 0) if inner is not key.kind else (*path, key.name))
            yield (*path, key.name, *((0,) if inner is not key.kind else ()), "unknown-key")


@pytest.mark.parametrize("place", list(places(MANIFEST)), ids=lambda place: ".".join(map(str, place)))
def test_validator_and_schema_agree_on_each_key(place: tuple[str | int, ...]) -> None:
    for odd in ODD:
        value = copy.deepcopy(FULL)
        table = value
        for step in place[:-1]:
            table = table[step]
        table[place[-1]] = odd
        faults = list(MANIFEST.faults(value))
        assert accepted_by_schema(value) == (not faults), (odd, faults)


def test_each_required_key_is_required_by_both() -> None:
    for place in [("schema",), ("campaign",), ("shot",), ("campaign", "id"), ("shot", 0, "prompt"), ("scene", 0, "id")]:
        value: Any = copy.deepcopy(FULL)
        table = value
        for step in place[:-1]:
            table = table[step]
        del table[place[-1]]
        assert not accepted_by_schema(value)
        assert list(MANIFEST.faults(value))


def test_the_reference_page_names_every_key() -> None:
    page = manifest.reference_page()
    for place in places(MANIFEST):
        if place[-1] != "unknown-key":
            assert f"`{place[-1]}`" in page
    assert "*Not available yet.*" in page
