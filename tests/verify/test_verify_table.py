"""The verdict table against the product contract, row by row, and its totality over every combination of values."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest

from personactl.errors import WORST_FIRST
from personactl.verdict import Axes
from personactl.verify.table import ANY, TABLE, VALUES, Row, judge

GOOD = Axes(
    integrity="exact",
    credential="embedded",
    trust="trusted",
    disclosure="synthetic",
    watermark="present",
    ledger="exact",
    approval="approved",
)
SIGNED = frozenset({"signed"})


def test_everything_good_passes_with_exit_0() -> None:
    assert judge(GOOD, SIGNED) == ("pass", 0)


@pytest.mark.parametrize(
    ("changes", "conditions", "expected"),
    [
        ({"integrity": "altered"}, SIGNED, ("fail", 4)),
        ({"integrity": "unreadable"}, SIGNED, ("error", 4)),
        ({"integrity": "content", "ledger": "not-checked"}, SIGNED, ("pass", 0)),
        ({"integrity": "content", "ledger": "not-checked"}, SIGNED | {"require-exact"}, ("unproven", 6)),
        ({"credential": "absent", "trust": "not-checked", "disclosure": "missing"}, frozenset(), ("unproven", 6)),
        ({"credential": "remote", "trust": "not-checked", "disclosure": "missing"}, frozenset(), ("unproven", 6)),
        ({"trust": "listed"}, SIGNED, ("pass", 0)),
        ({"trust": "listed"}, SIGNED | {"label-required"}, ("unproven", 7)),
        ({}, SIGNED | {"label-required"}, ("pass", 0)),
        ({"trust": "untrusted"}, SIGNED, ("fail", 5)),
        ({"trust": "expired"}, SIGNED, ("fail", 5)),
        ({"trust": "not-checked"}, SIGNED, ("unproven", 5)),
        ({"disclosure": "edited"}, SIGNED, ("pass", 0)),
        ({"disclosure": "missing"}, SIGNED, ("fail", 7)),
        ({"disclosure": "contradictory"}, SIGNED, ("fail", 7)),
        ({"watermark": "not-checked"}, SIGNED, ("pass", 0)),
        ({"watermark": "absent"}, SIGNED, ("pass", 0)),
        ({"watermark": "absent"}, SIGNED | {"watermark-required"}, ("fail", 7)),
        ({"watermark": "not-checked"}, SIGNED | {"watermark-required"}, ("unproven", 7)),
        ({"watermark": "present"}, SIGNED | {"watermark-required"}, ("pass", 0)),
        ({"ledger": "absent", "integrity": "content"}, SIGNED, ("pass", 0)),
        ({}, SIGNED | {"record-contradicts"}, ("fail", 4)),
        ({"ledger": "not-checked"}, SIGNED | {"record-broken"}, ("fail", 4)),
        ({"ledger": "not-checked"}, SIGNED | {"record-untrusted"}, ("unproven", 5)),
        ({}, SIGNED | {"record-distrusted"}, ("fail", 5)),
        ({"ledger": "not-checked"}, SIGNED | {"record-unreadable"}, ("unproven", 6)),
        ({"approval": "not-checked"}, SIGNED, ("pass", 0)),
        ({"approval": "pending"}, SIGNED, ("pass", 0)),
        ({"approval": "rejected"}, SIGNED, ("fail", 3)),
        ({"approval": "pending"}, SIGNED | {"require-approval"}, ("fail", 3)),
        ({"approval": "not-checked"}, SIGNED | {"require-approval"}, ("fail", 3)),
    ],
)
def test_each_row_of_the_contract(
    changes: dict[str, str], conditions: frozenset[str], expected: tuple[str, int]
) -> None:
    assert judge(replace(GOOD, **changes), conditions) == expected


@pytest.mark.parametrize(
    ("changes", "conditions", "expected"),
    [
        ({"integrity": "altered", "disclosure": "missing", "trust": "untrusted"}, SIGNED, ("fail", 4)),
        ({"disclosure": "missing", "trust": "untrusted"}, SIGNED, ("fail", 7)),
        ({"trust": "not-checked", "disclosure": "contradictory"}, SIGNED, ("fail", 7)),
        ({"trust": "not-checked", "approval": "rejected"}, SIGNED, ("fail", 5)),
        ({"credential": "absent", "disclosure": "missing"}, frozenset({"record-untrusted"}), ("unproven", 5)),
        ({"integrity": "unreadable", "credential": "absent"}, frozenset(), ("error", 4)),
    ],
)
def test_the_gravest_verdict_and_the_worst_exit_code_win(
    changes: dict[str, str], conditions: frozenset[str], expected: tuple[str, int]
) -> None:
    assert judge(replace(GOOD, **changes), conditions) == expected


WORST_FIRST_AS_THE_CONTRACT_HAS_IT = (4, 7, 5, 6, 3)


def applied(row: Row) -> tuple[Axes, frozenset[str]]:
    """A file that is good but for this row."""
    axes = GOOD if row.value == ANY else replace(GOOD, **{row.axis: row.value})
    return axes, SIGNED | set(row.when)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.axis}-{row.value}-{'-'.join(row.when)}")
def test_each_row_alone_gives_its_own_outcome(row: Row) -> None:
    assert judge(*applied(row)) == (row.outcome, row.exit_code)


def test_of_any_two_problems_the_gravest_verdict_and_the_worst_code_win() -> None:
    compared = 0
    for one, other in itertools.combinations(TABLE, 2):
        (_, first), (_, second) = applied(one), applied(other)
        if one.axis == other.axis and ANY not in (one.value, other.value):
            continue  # an axis has one value
        changes = {row.axis: row.value for row in (one, other) if row.value != ANY}
        conditions = first | second
        hit = [row for row in TABLE if row.value in (ANY, changes.get(row.axis)) and conditions >= set(row.when)]
        gravest = next(word for word in ("error", "fail", "unproven") if word in {row.outcome for row in hit})
        worst = next(code for code in WORST_FIRST_AS_THE_CONTRACT_HAS_IT if code in {row.exit_code for row in hit})
        assert judge(replace(GOOD, **changes), conditions) == (gravest, worst)
        compared += 1
    assert compared > 150


def test_every_row_names_a_value_that_its_axis_has() -> None:
    assert set(VALUES) == {field.name for field in fields(Axes)}
    for row in TABLE:
        assert row.value == ANY or row.value in VALUES[row.axis]
        assert row.exit_code in WORST_FIRST


def test_no_combination_passes_unless_it_is_signed_intact_trusted_and_disclosed() -> None:
    conditions = {True: frozenset({"signed"}), False: frozenset()}
    passed = 0
    for values in itertools.product(*VALUES.values()):
        axes = Axes(**dict(zip(VALUES, values, strict=True)))
        outcome, code = judge(axes, conditions[axes.credential == "embedded"])
        assert (outcome == "pass") == (code == 0)
        if outcome == "pass":
            passed += 1
            assert axes.integrity not in ("altered", "unreadable")
            assert axes.credential == "embedded"
            assert axes.trust in ("trusted", "listed")
            assert axes.disclosure in ("synthetic", "edited")
            assert axes.approval != "rejected"
    assert passed
