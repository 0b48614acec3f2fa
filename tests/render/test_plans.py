"""A plan for people: whether a picture will carry a label that people see, which one, and who decided it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from terminals import piped

from personactl.model import Campaign, Gate, ModelLock, OutputSpec, Plan, ScorerLock
from personactl.render import plans
from personactl.visible_label import LabelSpec

SHA = "0" * 64
MODEL = ModelLock(
    name="pocket", family="sd15", backend="diffusers", license="Apache-2.0", license_sha256=SHA, commercial=True,
    sha256=SHA, files=(), resolution=(128, 128), default_steps=12, default_guidance="2", default_scheduler="ddim",
)  # fmt: skip
SCORER = ScorerLock(
    name="pocket", license="Apache-2.0", commercial=True, detector_sha256=SHA, recogniser_sha256=SHA,
    conditioner_sha256=SHA, threshold="0.4", calibration_id="", far="", far_upper95="",
)  # fmt: skip
PLAN = Plan(
    run_id="spring-00000000", sha256=SHA, manifest_path="manifests/spring.toml", manifest_sha256=SHA,
    campaign=Campaign(id="spring", persona_id="lira", persona_version=2), persona_id="lira", persona_version=2,
    persona_record_sha256=SHA, persona_nonce=SHA, model=MODEL, scorer=SCORER,
    gate=Gate(threshold="0.4", source="uncalibrated", calibration_id="", attempts=1, on_drift=("reseed",)),
    output=OutputSpec(), policies=(), shots=(),
)  # fmt: skip
LABEL = LabelSpec(
    words=("GENERATED",), height="0.03", least_height="0.02", margin="0.04", places=("top-left", "top-right"),
    asked_by=("eu-ai-act-art50/art-50.4", "us-ny-gbl-396b/disclose"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (replace(PLAN), "none: no policy asks for one"),
        (
            replace(PLAN, label=LABEL),
            "AI GENERATED, top-left if clear of the face (eu-ai-act-art50/art-50.4, us-ny-gbl-396b/disclose)",
        ),
        (
            replace(PLAN, label=replace(LABEL, asked_by=()), output=OutputSpec(label="always")),
            'AI GENERATED, top-left if clear of the face (label = "always")',
        ),
        (
            replace(PLAN, output=OutputSpec(label="never", label_reason="printed \x1b[31mbeside it")),
            "none: printed \\x1b[31mbeside it",
        ),
    ],
)
def test_the_plan_says_which_label_people_will_see(changed: Plan, line: str) -> None:
    terminal, out, _ = piped()
    plans.show(terminal, changed, left=0)
    assert [shown for shown in out.getvalue().splitlines() if "  label" in shown] == [f"  label      {line}"]
