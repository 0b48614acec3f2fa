"""What XMP says beside that a picture is synthetic, and what only looks like it."""

from __future__ import annotations

import json

import pytest
from signed_pictures import POLICIES, disclosed

from personactl.disclose import read_marks, statements, xmp
from personactl.model import PolicyLock
from personactl.policy import FILE_STATEMENTS

GOOD = {
    "Iptc4xmpCore:AltTextAccessibility": "AI-generated picture",
    "photoshop:Credit": "Example Studio",
    "Iptc4xmpExt:AISystemUsed": "pocket",
    "Iptc4xmpExt:AISystemVersionUsed": "sha256:ab",
    "xmp:CreateDate": "2026-01-02T03:04:05Z",
    "Iptc4xmpExt:DigImageGUID": "ab" * 16,
    "personactl:Detector": "https://example.org/verify",
    "TC260:AIGC": xmp.china_label("example.org/personactl/01", "ab" * 16),
}


def test_a_delivered_file_makes_every_statement() -> None:
    result = disclosed(policies=(*POLICIES, PolicyLock(id="cn-gb45438", sha256="ee" * 32)))
    assert set(result.statements) == set(FILE_STATEMENTS)
    assert set(statements(read_marks(result.data, anchors=()).xmp)) == set(FILE_STATEMENTS)


def test_a_file_of_another_regime_has_no_chinese_label_and_the_bare_tool_is_no_address() -> None:
    assert set(FILE_STATEMENTS) - set(disclosed(detector="").statements) == {"china-label", "detector-named"}


def test_nothing_says_nothing() -> None:
    assert statements({}) == ()
    assert set(statements(GOOD)) == set(FILE_STATEMENTS)


@pytest.mark.parametrize(
    ("name", "value", "lost"),
    [
        ("Iptc4xmpCore:AltTextAccessibility", "A girl said hello", "alt-text"),
        ("photoshop:Credit", "  ", "provider-named"),
        ("Iptc4xmpExt:AISystemVersionUsed", "", "system-named"),
        ("xmp:CreateDate", "2026-01-02T03:04:05", "created-at"),
        ("xmp:CreateDate", "yesterday", "created-at"),
        ("Iptc4xmpExt:DigImageGUID", "", "unique-id"),
        ("personactl:Detector", "personactl verify", "detector-named"),
        ("personactl:Detector", "javascript:alert(1)", "detector-named"),
        ("TC260:AIGC", "{", "china-label"),
        ("TC260:AIGC", "[" * 100_000, "china-label"),
        ("TC260:AIGC", "[]", "china-label"),
        ("TC260:AIGC", '{"AIGC": 1}', "china-label"),
    ],
)
def test_each_statement_can_be_missing(name: str, value: str, lost: str) -> None:
    assert set(FILE_STATEMENTS) - set(statements({**GOOD, name: value})) == {lost}


@pytest.mark.parametrize(
    "change",
    [
        {"Label": 1},
        {"Label": "4"},
        {"ContentProducer": ""},
        {"ProduceID": "two words"},
        {"ReservedCode1": 'quote"'},
        {"Extra": ""},
    ],
)
def test_a_chinese_label_of_another_form_is_none(change: dict[str, object]) -> None:
    document = json.loads(GOOD["TC260:AIGC"])
    document["AIGC"] |= change
    assert "china-label" not in statements({**GOOD, "TC260:AIGC": json.dumps(document)})
