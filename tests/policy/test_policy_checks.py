"""What policies say about plans and about the marks of files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from personactl import policy
from personactl.policy import CHECKS, LABEL_CHECKS, LabelFacts, PlanFacts

GOOD = PlanFacts(
    role="both",
    commercial=True,
    watermark=True,
    visible_label=False,
    label_words=(),
    persona_origin="synthetic",
    persona_frozen=True,
    consent=False,
    embedding_consent=True,
    references=1,
    model_license="Apache-2.0",
    model_commercial=True,
    scorer_license="Apache-2.0",
    scorer_commercial=True,
    recogniser_sha256="aa",
    conditioner_sha256="bb",
    threshold_source="calibrated-pack",
)
EU = (policy.load("eu-ai-act-art50"),)


def codes(facts: PlanFacts, policies: tuple[policy.Policy, ...] = ()) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in policy.check_plan(policies, facts)]


def test_a_good_plan_meets_the_baseline() -> None:
    assert codes(GOOD) == []


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"watermark": False}, "watermark-enabled", "error"),
        ({"persona_frozen": False}, "persona-frozen", "error"),
        ({"persona_origin": "real"}, "consent", "error"),
        ({"persona_origin": "derived", "consent": True, "embedding_consent": False}, "embedding-consent", "error"),
        ({"model_commercial": False}, "commercial-licence", "error"),
        ({"scorer_commercial": False}, "commercial-licence", "error"),
        ({"model_commercial": None}, "known-licence", "warning"),
        ({"recogniser_sha256": ""}, "identity-scored", "error"),
        ({"threshold_source": "uncalibrated"}, "calibrated-threshold", "warning"),
        ({"conditioner_sha256": "aa"}, "independent-scorer", "warning"),
    ],
)
def test_each_rule_of_the_baseline_can_fail(change: dict[str, object], code: str, severity: str) -> None:
    assert codes(replace(GOOD, **change)) == [(f"policy.{code}", severity)]


def test_every_plan_check_of_the_baseline_is_covered_above() -> None:
    named = {rule.check for rule in policy.load("baseline").rules if CHECKS[rule.check].stage == "plan"}
    assert named == {
        "watermark-enabled", "persona-frozen", "consent", "embedding-consent", "commercial-licence", "known-licence",
        "identity-scored", "calibrated-threshold", "independent-scorer",
    }  # fmt: skip


def test_non_commercial_campaigns_may_use_non_commercial_weights() -> None:
    assert codes(replace(GOOD, commercial=False, model_commercial=False, scorer_commercial=None)) == []


def test_a_text_only_plan_has_no_conditioner_to_be_independent_of() -> None:
    assert codes(replace(GOOD, references=0, conditioner_sha256="aa")) == []


LABELLED = replace(GOOD, visible_label=True, label_words=("GENERATED",))


def test_a_plan_without_the_label_that_policies_ask_for_is_a_finding() -> None:
    asked = {"policy.visible-label", "policy.label-words", "policy.label-placement"}
    assert asked <= {code for code, severity in codes(GOOD, EU) if severity == "warning"}
    assert not asked & {code for code, _ in codes(LABELLED, EU)}
    assert ("policy.visible-label", "warning") in codes(GOOD, (policy.load("us-ny-gbl-396b"),))


def test_the_chinese_policy_asks_for_chinese_words() -> None:
    china = (policy.load("cn-gb45438"),)
    assert ("policy.label-chinese", "warning") in codes(LABELLED, china)
    assert ("policy.label-chinese", "warning") not in codes(replace(LABELLED, label_words=("生成",)), china)


UNLABELLED = LabelFacts(visible_label=False, label_words=())
ENGLISH = LabelFacts(visible_label=True, label_words=("GENERATED",))


@pytest.mark.parametrize("name", policy.builtin_ids())
def test_a_received_file_is_asked_for_the_label_by_the_rules_that_ask_a_plan(name: str) -> None:
    regime = (policy.load(name),)
    for facts in (UNLABELLED, ENGLISH, replace(ENGLISH, label_words=("生成",)), replace(ENGLISH, label_words=())):
        planned = replace(GOOD, visible_label=facts.visible_label, label_words=facts.label_words)
        by_role = [policy.check_plan(regime, replace(planned, role=role)) for role in ("provider", "deployer")]
        of_plan = {(item.code, item.severity, item.message) for found in by_role for item in found}
        asked = {item for item in of_plan if item[0].removeprefix("policy.") in LABEL_CHECKS}
        assert {(item.code, item.severity, item.message) for item in policy.check_label(regime, facts)} == asked


def test_a_received_file_without_the_words_that_china_asks_for() -> None:
    china = (policy.load("cn-gb45438"),)
    assert [item.code for item in policy.check_label(china, ENGLISH)] == ["policy.label-chinese"]
    assert policy.check_label(china, replace(ENGLISH, label_words=("GENERATED", "生成"))) == ()
    assert policy.check_label((), UNLABELLED) == ()


def test_who_received_a_file_is_told_what_to_ask_the_sender_for() -> None:
    every = [policy.load(name) for name in policy.builtin_ids()]
    received = (*policy.check_layers(every, (), received=True), *policy.check_label(every, UNLABELLED))
    assert {item.hint.startswith("ask the sender for ") for item in received} == {True}
    made = policy.check_layers(every, ())
    assert not [item for item in made if "sender" in item.hint]


def test_rules_for_the_other_part_are_not_asked() -> None:
    provider = [finding.message for finding in policy.check_plan(EU, replace(GOOD, role="provider"))]
    deployer = [finding.message for finding in policy.check_plan(EU, replace(GOOD, role="deployer"))]
    both = [finding.message for finding in policy.check_plan(EU, GOOD)]
    assert not [message for message in provider if "art-50.4" in message]
    assert not [message for message in deployer if "code-2.1.1" in message]
    assert set(provider) | set(deployer) == set(both)
    assert any("guideline-148" in message for message in provider)
    assert any("guideline-148" in message for message in deployer)


def test_reminders_are_shown_and_warn_of_nothing() -> None:
    reminders = [finding for finding in policy.check_plan(EU, GOOD) if finding.code == "policy.manual"]
    assert reminders
    assert {finding.severity for finding in reminders} == {"info"}


def test_the_baseline_comes_last_and_once() -> None:
    assert [found.id for found in policy.load_all(["baseline", "eu-ai-act-art50", "baseline", "eu-ai-act-art50"])] == [
        "eu-ai-act-art50",
        "baseline",
    ]


def test_nothing_can_stand_in_for_the_baseline() -> None:
    own = replace(policy.load("us-ny-gbl-396b"), id="baseline")
    assert policy.with_baseline([own]) == (policy.load("baseline"),)
    assert codes(replace(GOOD, watermark=False), (own,)) == [("policy.watermark-enabled", "error")]


def test_another_policy_only_adds() -> None:
    bad = replace(GOOD, watermark=False, persona_frozen=False, model_commercial=False)
    assert set(codes(bad)) <= set(codes(bad, EU))


def test_two_layers_are_required_whatever_is_chosen() -> None:
    assert policy.required_layers(()) == 2
    assert policy.required_layers(EU) == 2
    assert policy.demanded_layers(EU) == {"signed-metadata", "watermark", "xmp"}


def test_a_rule_that_warns_demands_no_mark() -> None:
    own = policy.load("baseline").rules[4]
    assert (own.check, own.severity) == ("exif", "warning")
    strict = replace(policy.load("us-ny-gbl-396b"), rules=(replace(own, severity="error"),))
    assert policy.demanded_layers((strict,)) == {"signed-metadata", "watermark", "xmp", "exif"}


def test_missing_marks_are_found() -> None:
    assert policy.check_layers((), ("signed-metadata", "watermark", "xmp", "exif")) == ()
    assert policy.check_layers([policy.load(name) for name in policy.builtin_ids()], policy.FILE_LAYERS) == ()
    found = [(finding.code, finding.severity) for finding in policy.check_layers((), ("signed-metadata", "xmp"))]
    assert found == [("policy.watermark", "error"), ("policy.exif", "warning")]
    assert [finding.code for finding in policy.check_layers(EU, ("watermark", "xmp", "exif"))] == [
        "policy.signed-metadata", "policy.signed-metadata", "policy.detector-named", "policy.alt-text",
        "policy.signed-metadata",
    ]  # fmt: skip


@pytest.mark.parametrize("statement", policy.FILE_STATEMENTS)
def test_every_statement_is_asked_for_by_some_policy(statement: str) -> None:
    others = [layer for layer in policy.FILE_LAYERS if layer != statement]
    found = policy.check_layers([policy.load(name) for name in policy.builtin_ids()], others)
    assert {(item.code, item.severity) for item in found} == {(f"policy.{statement}", "warning")}


def test_every_check_says_what_to_do() -> None:
    for name, check in CHECKS.items():
        assert check.hint, name
        assert bool(check.ask) == (check.stage == "file" or name in LABEL_CHECKS), name
        assert check.code == f"policy.{name}"
        assert (check.met is not None) == (check.stage == "plan"), name
