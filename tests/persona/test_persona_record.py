"""The record: strict JSON, no unknown keys, consent wherever somebody real stands behind the persona."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from personactl import persona
from personactl.document import PersonaProblems
from personactl.persona.record import RECORD

SHA = "ab" * 32
CONSENT: dict[str, Any] = {
    "documentSha256": SHA,
    "signedOn": "2026-05-01",
    "capacity": "self",
    "minor": False,
    "uses": ["advertising"],
    "territories": ["EU"],
    "term": {"from": "2026-05-01", "until": None},
    "training": False,
    "embedding": True,
    "revocationContact": "rights@example.org",
}
FULL: dict[str, Any] = {
    "schema": "personactl.persona/1",
    "id": "lira",
    "version": 2,
    "parent": "lira@1",
    "name": "Lira",
    "origin": "derived",
    "nonce": "0123456789abcdef" * 4,
    "face": {"shape": "oval face", "skin": "light skin", "eyes": "green eyes", "moles": "mole on the left cheek"},
    "hair": "long red hair",
    "body": "tall",
    "wardrobe": {"default": "green coat", "rules": ["no logos"]},
    "lighting": "soft light",
    "posture": "upright",
    "palette": {"iris": "#3d6b35", "hair": "lab(38 40.5 -3)"},
    "prompt": {"name": "", "traits": []},
    "references": [{"role": "hero", "path": "refs/hero.png", "sha256": SHA, "license": "Apache-2.0", "marks": []}],
    "consent": CONSENT,
    "notes": "first line\nsecond line",
}


def problems(record: Any) -> list[str]:
    with pytest.raises(PersonaProblems) as caught:
        persona.parse(persona.record_bytes(record), "persona.json")
    assert caught.value.exit_code == 2
    return [problem.code for problem in caught.value.problems]


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    record = copy.deepcopy(FULL)
    table: Any = record
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = value
    return record


def test_a_full_record_survives_writing_and_reading() -> None:
    data = persona.record_bytes(FULL)
    assert persona.parse(data, "persona.json") == FULL
    assert data.endswith(b"}\n")
    assert json.loads(data) == FULL


def test_the_full_record_of_this_test_has_every_key() -> None:
    assert set(FULL) == {key.name for key in RECORD.keys}


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("schema",), "personactl.persona/2", "persona.schema-version"),
        (("id",), "Lira", "persona.bad-id"),
        (("id",), "../lira", "persona.bad-id"),
        (("version",), 0, "persona.out-of-range"),
        (("version",), 1.5, "persona.wrong-type"),
        (("version",), True, "persona.wrong-type"),
        (("parent",), "lira", "persona.bad-value"),
        (("name",), " ", "persona.empty-text"),
        (("name",), "a\x1b[2J", "persona.bad-text"),
        (("origin",), "sythetic", "persona.bad-value"),
        (("nonce",), "A" * 64, "persona.bad-value"),
        (("nonce",), "0" * 63, "persona.bad-value"),
        (("nonce",), None, "persona.wrong-type"),
        (("consent",), None, "persona.consent-missing"),
        (("consent", "minor"), True, "persona.minor"),
        (("consent", "term", "until"), "2026-13-01", "persona.bad-value"),
        (("consent", "uses"), [], "persona.out-of-range"),
        (("face", "ears2"), "x", "persona.unknown-key"),
        (("palette", "iris"), "green", "persona.bad-value"),
        (("palette", "iris"), "#FFF", "persona.bad-value"),
        (("references", 0, "path"), "../hero.png", "persona.bad-path"),
        (("references", 0, "path"), "/hero.png", "persona.bad-path"),
        (("references", 0, "path"), "refs/hero.exe", "persona.bad-value"),
        (("references", 0, "role"), "main", "persona.bad-value"),
        (("references", 0, "sha256"), SHA.upper(), "persona.bad-value"),
        (("hair",), {"style": "long"}, "persona.wrong-type"),
        (("extra",), 1, "persona.unknown-key"),
    ],
)
def test_one_defect_one_problem(path: tuple[str | int, ...], value: Any, code: str) -> None:
    assert problems(changed(path, value)) == [code]


@pytest.mark.parametrize("name", ["schema", "id", "version", "name", "origin", "nonce"])
def test_what_a_record_cannot_do_without(name: str) -> None:
    record = {key: value for key, value in FULL.items() if key != name}
    assert "persona.missing-key" in problems(record)


@pytest.mark.parametrize("name", sorted(CONSENT))
def test_a_consent_record_is_complete(name: str) -> None:
    consent = {key: value for key, value in CONSENT.items() if key != name}
    assert problems({**FULL, "consent": consent}) == ["persona.missing-key"]


def test_a_synthetic_persona_needs_no_consent() -> None:
    record = {key: value for key, value in FULL.items() if key != "consent"} | {"origin": "synthetic"}
    assert persona.parse(persona.record_bytes(record), "p")["origin"] == "synthetic"
    assert problems(record | {"origin": "real"}) == ["persona.consent-missing"]


def test_two_references_do_not_share_a_file() -> None:
    record = changed(("references",), FULL["references"] * 2)
    assert problems(record) == ["persona.duplicate"]


def test_a_key_twice_is_refused_with_its_place() -> None:
    data = b'{"schema": "personactl.persona/1",\n "consent": null,\n "consent": {}}'
    with pytest.raises(PersonaProblems) as caught:
        persona.parse(data, "persona.json")
    assert [(p.code, p.line, p.column) for p in caught.value.problems] == [("persona.duplicate-key", 3, 2)]


def test_problems_have_line_column_quote_and_suggestion() -> None:
    data = persona.record_bytes(changed(("wardrob",), {}))
    with pytest.raises(PersonaProblems) as caught:
        persona.parse(data, "persona.json")
    problem = caught.value.problems[0]
    assert problem.quote.strip() == '"wardrob": {}'
    assert problem.column == 3
    assert problem.hint == 'did you mean "wardrobe"?'


@pytest.mark.parametrize("data", [b"[]", b"1", b'"x"', b"null"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(PersonaProblems) as caught:
        persona.parse(data, "persona.json")
    assert caught.value.code == "persona.wrong-type"
