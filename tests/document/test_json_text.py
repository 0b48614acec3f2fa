"""Strict JSON with positions: what the standard library lets pass is refused at its place."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personactl.document import Fault, parse_json
from personactl.document.json_positions import duplicate_keys, json_positions
from personactl.document.source import Unparsable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def refused(data: bytes) -> tuple[str, int, int]:
    with pytest.raises(Unparsable) as caught:
        parse_json(data, path="x.json", room="persona")
    problem = caught.value.problems[0]
    return problem.code, problem.line, problem.column


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": 1,\n "a": 2}', ("persona.duplicate-key", 2, 2)),
        (b'{"b": [{"a": 1, "c": 0, "a": 2}]}', ("persona.duplicate-key", 1, 25)),
        (b'{"a": 1,}', ("persona.syntax", 1, 9)),
        (b"{'a': 1}", ("persona.syntax", 1, 2)),
        (b'{"a": 1} x', ("persona.syntax", 1, 10)),
        (b'{\n  "a": NaN}', ("persona.number", 2, 8)),
        (b'{"a": -Infinity}', ("persona.number", 1, 7)),
        (b'{"a": "\\ud800"}', ("persona.encoding", 1, 8)),
        (b'{"a": "\xff"}', ("persona.encoding", 1, 8)),
        (b"", ("persona.empty", 1, 1)),
        (b"[" * 100_000, ("persona.too-deep", 1, 100)),
        (b'{"a": 1e999999999999999999999}', ("persona.number", 1, 7)),
    ],
)
def test_refused_at_its_place(data: bytes, expected: tuple[str, int, int]) -> None:
    assert refused(data) == expected


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert refused(b'{"a": ' + b"9" * 5000 + b"}")[0] == "persona.number"


def test_a_whole_surrogate_pair_is_a_character() -> None:
    document = parse_json(b'{"a": "\\ud83d\\ude00"}', path="x", room="persona")
    assert document.value == {"a": "\U0001f600"}


def test_decimals_stay_exact() -> None:
    assert parse_json(b"[0.1]", path="x", room="persona").value == [Decimal("0.1")]


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([None, 1, 4]))
def test_every_path_has_a_span_that_holds_its_value(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    for path, span in json_positions(text).items():
        inner = value
        for step in path:
            inner = inner[step]
        assert json.loads(text[span.start : span.end]) == inner
        if path and isinstance(path[-1], str):
            assert json.loads(text[span.key_start : span.key_end]) == path[-1]
    assert duplicate_keys(text) == []


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='a"\\:,[]{} \n1', max_size=60))
def test_text_that_is_no_json_never_raises(text: str) -> None:
    assert isinstance(json_positions(text), dict)


def test_faults_come_in_the_order_of_the_text_and_fall_back_to_what_is_around() -> None:
    document = parse_json(b'{"b": {"c": 1},\n "a": 2}', path="x.json", room="persona")
    faults = [
        Fault(path=("a",), code="late", message="a"),
        Fault(path=("b", "absent"), code="early", message="b"),
        Fault(path=("b", "c"), code="plan.own", message="c", at="key"),
        Fault(path=(), code="whole", message="d"),
    ]
    found = [(problem.code, problem.line, problem.column) for problem in document.problems(faults)]
    assert found == [("persona.whole", 1, 1), ("persona.early", 1, 2), ("plan.own", 1, 8), ("persona.late", 2, 7)]
