"""Canonical JSON: the same bytes as an independent RFC 8785 implementation, and nothing else accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from personactl_ledger import ProfileError, canonical_bytes, parse_canonical
from personactl_ledger.canonical import MAX_DEPTH, parse_document

KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(VALUES)
def test_parsing_gives_back_the_value(value: Any) -> None:
    assert parse_canonical(canonical_bytes(value)) == value
    assert parse_document(json.dumps(value, indent=2).encode()) == value


@given(VALUES, st.data())
def test_no_other_spelling_is_accepted(value: Any, data: st.DataObject) -> None:
    right = canonical_bytes(value)
    at = data.draw(st.integers(0, len(right) - 1))
    changed = right[:at] + data.draw(st.binary(max_size=2)) + right[at + 1 :]
    try:
        parsed = parse_canonical(changed)
    except ProfileError:
        return
    assert canonical_bytes(parsed) == changed


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b"[1.0]", b"[1e2]", b"[-0]", b"[NaN]", b"[9007199254740992]",
        b'["\\u0041"]', b'["\\/"]', b'["\\ud800"]', b'"\xff"', b'\xef\xbb\xbf"a"', b'{"\xc3\xa4":1}', b'{"":1}',
        b'{"a\x7f":1}', b'{"a\\n":1}', b"[1] ", b"", b"[" * 40 + b"]" * 40, b"[" * 100_000, b"1" * 5000,
        '"a"'.encode("utf-16"),
    ],
)  # fmt: skip
def test_what_lies_outside_the_profile_is_refused(text: bytes) -> None:
    with pytest.raises(ProfileError):
        parse_canonical(text)


@pytest.mark.parametrize(
    "value", [1.5, 2**53, -(2**53), b"x", {1: 1}, {"ä": 1}, {"": 1}, "\ud800", {"a": {"b": object()}}, {True: 1}]
)
def test_what_lies_outside_the_profile_is_not_written(value: Any) -> None:
    with pytest.raises(ProfileError):
        canonical_bytes(value)


def test_depth_is_limited_where_the_page_says_so() -> None:
    def nested(depth: int) -> Any:
        value: Any = []
        for _ in range(depth - 1):
            value = [value]
        return value

    assert parse_canonical(canonical_bytes(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(ProfileError):
        canonical_bytes(nested(MAX_DEPTH + 1))
    with pytest.raises(ProfileError):
        parse_canonical(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_many_brackets_side_by_side_are_not_depth() -> None:
    wide = [[] for _ in range(100)]
    assert parse_canonical(canonical_bytes(wide)) == wide


def test_documents_may_have_any_layout_but_no_duplicate_keys() -> None:
    assert parse_document(b' {"b": 1, "a": "\\u0041"} ') == {"a": "A", "b": 1}
    for text in (b'{"a":1,"a":2}', b"[0.5]", b'{"a":{"b":1,"b":1}}', b"[9007199254740992]"):
        with pytest.raises(ProfileError):
            parse_document(text)
