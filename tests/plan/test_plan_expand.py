"""Expansion: everything resolved, nothing dropped in silence, refusals at their place in the manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from spring_campaign import CAPABILITIES, MODEL, PERSONA, SCORER, TEXT

from personactl import plan, policy
from personactl.errors import LicenceError, ManifestError, NotAvailable, PolicyError, UsageProblem
from personactl.model import Gate, Persona, Plan, Reference

Make = Callable[..., Plan]


def refused(make: Make, text: str = TEXT, **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ManifestError) as caught:
        make(text, **changes)
    assert caught.value.exit_code == 2
    return [(problem.code, problem.quote) for problem in caught.value.problems]


def test_each_shot_is_complete(make: Make) -> None:
    found = make()
    assert [(shot.shot_id, shot.index, shot.file_name) for shot in found.shots] == [
        ("rain", 0, "rain-0.png"),
        ("rain", 1, "rain-1.png"),
        ("still", 0, "still-0.png"),
    ]
    rain, _, still = found.shots
    assert (rain.width, rain.height, rain.steps, rain.guidance) == (128, 128, 20, "2.5")
    assert (rain.scheduler, rain.profile, rain.negative) == ("dpmsolver++", "exact", "blurry")
    assert rain.prompt == "red coat, night street, running, laughing, neon light"
    assert [(use.role, use.sha256, use.weight) for use in rain.references] == [("hero", "7" * 64, "0.8")]
    assert rain.references[0].path == "/srv/project/personas/lira/2/refs/hero.png"
    assert still.prompt == "red coat, portrait"


def test_what_the_manifest_leaves_out_is_the_models_own(make: Make) -> None:
    text = TEXT.replace("steps = 20\nguidance = 2.5\nscheduler", "profile").replace("dpmsolver++", "exact")
    shot = make(text.replace("size = [128, 128]\n", ""), model=replace(MODEL, resolution=(96, 160))).shots[0]
    assert (shot.steps, shot.guidance, shot.scheduler) == (12, "2", "ddim")
    assert (shot.width, shot.height) == (96, 160)


@pytest.mark.parametrize(
    ("written", "ending"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp"), ("avif", "avif"), ("tiff", "tif")]
)
def test_file_names(make: Make, written: str, ending: str) -> None:
    found = make(TEXT.replace("[output]\n", f'[output]\nformat = "{written}"\n'))
    assert found.shots[1].file_name == f"rain-1.{ending}"


def test_the_alt_text_tells_neither_prompt_nor_name(make: Make) -> None:
    for shot in make().shots:
        assert shot.alt_text == "AI-generated picture of the synthetic persona lira, version 2"
        assert PERSONA.name not in shot.alt_text


def test_roles_come_in_the_manifests_order_and_every_picture_of_a_role_is_used(make: Make) -> None:
    faces = tuple(Reference(role="expression", path=f"refs/{n}.png", sha256=f"{n}" * 64) for n in (1, 2))
    someone = replace(PERSONA, references=(*PERSONA.references, *faces))
    text = TEXT.replace('["hero"]', '["expression", "hero"]')
    found = make(text, persona=someone, capabilities=replace(CAPABILITIES, max_references=3))
    assert [use.sha256[0] for use in found.shots[0].references] == ["1", "2", "7"]


def test_a_calibrated_threshold_is_the_packs(make: Make) -> None:
    assert make().gate == Gate(
        threshold="0.465", source="calibrated-pack", calibration_id="cal-1", attempts=3, on_drift=("reseed",)
    )


def test_a_number_is_uncalibrated_whatever_its_value(make: Make) -> None:
    gate = make(TEXT.replace("attempts = 3", "attempts = 3\nthreshold = 0.465")).gate
    assert (gate.threshold, gate.source, gate.calibration_id) == ("0.465", "uncalibrated", "")


def test_without_calibration_the_word_is_refused(make: Make) -> None:
    scorer = replace(SCORER, threshold="", calibration_id="")
    text = TEXT.replace("attempts = 3", 'threshold = "calibrated"')
    assert refused(make, text, scorer=scorer) == [("plan.not-calibrated", 'threshold = "calibrated"')]
    assert refused(make, scorer=scorer)[0][0] == "plan.not-calibrated"
    assert make(TEXT.replace("attempts = 3", "threshold = 0.4"), scorer=scorer).gate.threshold == "0.4"


def test_a_negative_that_the_model_would_drop_is_refused_everywhere(make: Make) -> None:
    text = TEXT + 'negative = "hat"\n'
    without = replace(CAPABILITIES, negative="none")
    assert refused(make, text, capabilities=without) == [
        ("plan.negative-unsupported", 'text = "blurry"'),
        ("plan.negative-unsupported", 'negative = "hat"'),
    ]
    assert make(TEXT.replace('"blurry"', '""'), capabilities=without).shots[0].negative == ""


@pytest.mark.parametrize("size", ["[128, 136]", "[48, 128]", "[128, 272]"])
def test_a_size_that_the_model_cannot_make_is_refused(make: Make, size: str) -> None:
    text = TEXT.replace("[128, 128]", size)
    assert refused(make, text) == [("plan.size-unsupported", f"size = {size}")]


def test_other_refusals(make: Make) -> None:
    text = TEXT.replace("dpmsolver++", "dpmsolver")
    assert refused(make, text) == [("plan.scheduler-unsupported", 'scheduler = "dpmsolver"')]
    text = TEXT.replace('["hero"]', '["hero", "profile"]')
    assert refused(make, text) == [("plan.role-missing", 'roles = ["hero", "profile"]')]
    text = TEXT.replace('["hero"]', '["hero", "front"]')
    few = replace(CAPABILITIES, max_references=1)
    assert refused(make, text, capabilities=few) == [("plan.too-many-references", 'roles = ["hero", "front"]')]
    assert refused(make, capabilities=replace(CAPABILITIES, modes=("i2i",)))[0][0] == "plan.mode-unsupported"


def test_all_refusals_come_at_once_in_the_order_of_the_text(make: Make) -> None:
    text = TEXT.replace("dpmsolver++", "euler").replace("[128, 128]", "[100, 8192]").replace("[100", "[104")
    found = refused(make, text, persona=replace(PERSONA, references=()))
    assert [code for code, _ in found] == [
        "plan.scheduler-unsupported",
        "plan.role-missing",
        "plan.size-unsupported",
        "plan.size-unsupported",
    ]


def test_the_default_role_missing_is_said_without_a_key_to_point_at(make: Make) -> None:
    text = TEXT.replace('[reference]\nroles = ["hero"]\nweight = 0.8\n', "")
    assert refused(make, text, persona=replace(PERSONA, references=()))[0][0] == "plan.role-missing"


@pytest.mark.parametrize("someone", [replace(PERSONA, id="mara"), replace(PERSONA, version=3)])
def test_another_persona_is_refused(make: Make, someone: Persona) -> None:
    with pytest.raises(UsageProblem) as caught:
        make(persona=someone)
    assert caught.value.code == "plan.wrong-persona"


def codes(found: Plan) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in found.findings]


def test_a_clean_plan_passes(make: Make) -> None:
    found = make()
    assert codes(found) == []
    plan.require_clean(found)


def test_the_baseline_is_in_every_plan(make: Make) -> None:
    assert make().policies == (policy.load("baseline").lock,)
    names = [lock.id for lock in make(policies=policy.load_all(["us-ny-gbl-396b"])).policies]
    assert names == ["us-ny-gbl-396b", "baseline"]


COMMERCIAL = TEXT.replace("[campaign]\n", "[campaign]\ncommercial = true\n")


@pytest.mark.parametrize("lock", ["model", "scorer"])
def test_a_commercial_campaign_refuses_non_commercial_weights(make: Make, lock: str) -> None:
    banned = replace({"model": MODEL, "scorer": SCORER}[lock], commercial=False)
    found = make(COMMERCIAL, **{lock: banned})
    assert codes(found) == [("policy.commercial-licence", "error")]
    with pytest.raises(LicenceError) as caught:
        plan.require_clean(found)
    assert caught.value.exit_code == 8
    plan.require_clean(make(TEXT, **{lock: banned}))


def test_findings_of_severity_error_block_and_warnings_do_not(make: Make) -> None:
    found = make(TEXT.replace("[output]\n", "[output]\nwatermark = false\n"), persona=replace(PERSONA, frozen=False))
    assert codes(found) == [("policy.watermark-enabled", "error"), ("policy.persona-frozen", "error")]
    with pytest.raises(PolicyError, match="and 1 more") as caught:
        plan.require_clean(found)
    assert caught.value.exit_code == 2
    assert caught.value.code == "policy.watermark-enabled"
    plan.require_clean(make(scorer=replace(SCORER, conditioner_sha256="4" * 64)))


@pytest.mark.parametrize("origin", ["real", "derived"])
def test_a_persona_that_is_not_purely_synthetic_is_refused_even_with_consent(make: Make, origin: Any) -> None:
    """The description that is signed into every file says that nobody real is shown."""
    given = replace(PERSONA, origin=origin, record={**PERSONA.record, "consent": {"embedding": True}})
    with pytest.raises(NotAvailable, match=origin) as caught:
        make(persona=given)
    assert (caught.value.code, caught.value.exit_code) == ("feature.not-available", 2)
    assert caught.value.where == "personas/lira/2"


def test_a_policy_that_asks_for_a_visible_label_gets_one(make: Make) -> None:
    found = make(policies=policy.load_all(["eu-ai-act-art50"]))
    assert found.label is not None
    assert (found.label.words, found.label.asked_by) == (("GENERATED",), ("eu-ai-act-art50/art-50.4",))
    assert "policy.visible-label" not in {code for code, _ in codes(found)}
    plan.require_clean(found)


def test_a_label_that_is_left_out_is_a_finding_with_its_reason_in_the_plan(make: Make) -> None:
    text = TEXT.replace("[output]\n", '[output]\nlabel = "never"\nlabel_reason = "printed beside it"\n')
    found = make(text, policies=policy.load_all(["eu-ai-act-art50"]))
    assert (found.label, found.output.label_reason) == (None, "printed beside it")
    assert ("policy.visible-label", "warning") in codes(found)
    plan.require_clean(found)


def test_a_reason_does_not_meet_a_rule_that_blocks(make: Make) -> None:
    strict = policy.load("us-ny-gbl-396b")
    blocking = replace(strict, rules=(replace(strict.rules[0], severity="error", confirmed=True),))
    text = TEXT.replace("[output]\n", '[output]\nlabel = "never"\nlabel_reason = "printed beside it"\n')
    with pytest.raises(PolicyError) as caught:
        plan.require_clean(make(text, policies=[blocking]))
    assert caught.value.code == "policy.visible-label"


def test_a_label_that_cannot_be_read_in_pictures_of_this_size_is_refused_where_the_size_stands(make: Make) -> None:
    small = TEXT.replace("[output]\nsize = [128, 128]", '[output]\nlabel = "always"\nsize = [64, 64]')
    with pytest.raises(ManifestError) as caught:
        make(small)
    problem = caught.value.problems[0]
    assert (problem.code, problem.quote) == ("plan.label-too-large", "size = [64, 64]")
    both = policy.load_all(["cn-gb45438", "eu-ai-act-art50"])
    with pytest.raises(ManifestError, match="AI GENERATED 生成 does not fit into 128x128") as caught:
        make(policies=both)
