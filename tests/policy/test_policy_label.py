"""Which label several policies ask for together: the strictest of each measure, in whatever order they are named."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from personactl import policy
from personactl.document import PolicyProblems
from personactl.errors import PolicyError
from personactl.model import OutputSpec
from personactl.policy import LabelDemand, Policy, label_spec
from personactl.visible_label import LabelSpec

AUTO = OutputSpec()
EU, CN, IN, NY, KR, CA = (
    policy.load(name)
    for name in (
        "eu-ai-act-art50", "cn-gb45438", "in-it-rules-2026", "us-ny-gbl-396b", "kr-ai-basic-act", "us-ca-sb942",
    )
)  # fmt: skip
RULE = """[[rule]]
id = "one"
text = "Do it."
binds = "both"
severity = "warning"
check = "visible-label"
confirmed = false
source = { title = "A book", read = "2026-11-21" }
"""
HEAD = 'schema = 1\nid = "own"\ntitle = "Own"\nsummary = "Ours."\n'


def asked(*policies: Policy, role: str = "both", output: OutputSpec = AUTO, generated: bool = True) -> LabelSpec:
    found = label_spec(policies, output, role=role, generated=generated)
    assert found is not None
    return found


def own(**label: object) -> Policy:
    lines = [f"{name} = {value}" for name, value in label.items()]
    return policy.parse((HEAD + "[label]\n" + "\n".join(lines) + "\n" + RULE).encode(), "own.toml")


def test_a_policy_that_asks_for_a_label_gets_one() -> None:
    assert asked(EU) == LabelSpec(
        words=("GENERATED",),
        height="0.03",
        least_height="0.02",
        margin="0.04",
        places=("top-right", "top-left", "bottom-right", "bottom-left"),
        asked_by=("eu-ai-act-art50/art-50.4",),
    )
    assert asked(EU, generated=False).words == ("MODIFIED",)


def test_policies_that_ask_for_none_give_none() -> None:
    assert label_spec([policy.load("baseline"), CA], AUTO, role="both") is None


def test_a_rule_for_the_other_role_draws_nothing() -> None:
    assert label_spec([EU], AUTO, role="provider") is None
    assert label_spec([CN], AUTO, role="deployer") is None
    assert asked(CN, role="provider").words == ("生成",)


def test_always_draws_one_that_no_policy_asked_for_and_never_draws_none() -> None:
    found = asked(output=OutputSpec(label="always"))
    assert (found.words, found.asked_by, found.height) == (("GENERATED",), (), LabelDemand().height)
    assert asked(EU, role="provider", output=OutputSpec(label="always")).asked_by == ()
    assert label_spec([EU, CN], OutputSpec(label="never", label_reason="beside it"), role="both") is None


def test_the_strictest_of_several_policies_wins_in_any_order() -> None:
    found = {asked(*order) for order in itertools.permutations([EU, CN, IN, NY])}
    assert len(found) == 1
    (only,) = found
    assert (only.words, only.height, only.least_height) == (("GENERATED", "生成"), "0.05", "0.05")
    assert only.asked_by == (
        "cn-gb45438/explicit", "eu-ai-act-art50/art-50.4", "in-it-rules-2026/label", "us-ny-gbl-396b/disclose",
    )  # fmt: skip


def test_another_policy_never_makes_the_label_smaller() -> None:
    for one, other in itertools.permutations([EU, CN, IN, NY, KR], 2):
        alone, both = asked(one), asked(one, other)
        assert set(alone.words) <= set(both.words)
        assert float(both.height) >= float(alone.height)
        assert float(both.least_height) >= float(alone.least_height)
        assert set(both.places) <= set(alone.places)


def test_only_places_that_all_permit_remain_in_the_order_of_the_first_id() -> None:
    ours = own(places='["bottom-left", "top-left", "top-right"]')
    assert asked(EU, ours).places == ("top-right", "top-left", "bottom-left")
    assert asked(replace(ours, id="a-first"), EU).places == ("bottom-left", "top-left", "top-right")


def test_policies_without_a_common_place_are_refused() -> None:
    left, right = own(places='["top-left"]'), replace(own(places='["top-right"]'), id="other")
    with pytest.raises(PolicyError, match="other, own") as caught:
        label_spec([left, right], AUTO, role="both")
    assert caught.value.code == "policy.label-places"


def test_the_page_shows_the_measures_that_hold_where_a_policy_names_none(repository: Path) -> None:
    shown = re.findall(
        r"```toml\n(\[label\]\n.*?)```", (repository / "docs" / "labels.md").read_text("utf-8"), re.DOTALL
    )
    assert len(shown) == 1
    assert policy.parse((HEAD + shown[0] + RULE).encode(), "docs/labels.md").label == LabelDemand()


def test_a_label_table_is_read_exactly() -> None:
    found = own(languages='["en", "zh"]', height="0.050", least_height="0.04", margin="0").label
    assert found == LabelDemand(languages=("en", "zh"), height="0.05", least_height="0.04", margin="0")
    assert policy.parse((HEAD + RULE).encode(), "own.toml").label == LabelDemand()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("height = 3", "policy.out-of-range"),
        ("height = 0.3", "policy.label-measures"),
        ("height = 0.01", "policy.label-measures"),
        ("least_height = 0", "policy.label-measures"),
        ("margin = 0.5", "policy.label-measures"),
        ("places = []", "policy.out-of-range"),
        ('places = ["middle"]', "policy.bad-value"),
        ('languages = ["de"]', "policy.bad-value"),
        ("size = 1", "policy.unknown-key"),
    ],
)
def test_a_label_table_that_cannot_be_meant_is_refused(line: str, code: str) -> None:
    with pytest.raises(PolicyProblems) as caught:
        policy.parse((HEAD + "[label]\n" + line + "\n" + RULE).encode(), "own.toml")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_label_table_that_no_rule_asks_for_is_not_ignored() -> None:
    text = HEAD + "[label]\nheight = 0.04\n" + RULE.replace("visible-label", "watermark")
    with pytest.raises(PolicyProblems) as caught:
        policy.parse(text.encode(), "own.toml")
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [("policy.label-unasked", 5)]
