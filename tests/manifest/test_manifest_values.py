"""What a manifest means: defaults, numbers as text, order, and the original bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from personactl import manifest
from personactl.document import Fault
from personactl.errors import ManifestError
from personactl.model import IdentitySpec, ModelSpec, OutputSpec, ReferenceSpec

GOOD = Path(__file__).resolve().parents[2] / "fixtures" / "manifests" / "good"


def read(name: str) -> manifest.Manifest:
    return manifest.parse((GOOD / name).read_bytes(), name)


def test_what_is_left_out_has_the_defaults_of_the_model() -> None:
    found = read("minimal.toml")
    assert found.model == ModelSpec()
    assert found.reference == ReferenceSpec()
    assert found.identity == IdentitySpec()
    assert found.output == OutputSpec()
    assert (found.style, found.negative, found.scenes) == ((), "", ())
    assert (found.campaign.role, found.campaign.commercial, found.campaign.policies) == ("both", False, ())
    assert (found.shots[0].count, found.shots[0].seed, found.shots[0].scene) == (1, None, None)


def test_every_available_key_reaches_the_manifest() -> None:
    found = read("everything.toml")
    campaign = found.campaign
    assert (campaign.persona_id, campaign.persona_version, campaign.role) == ("lira", 2, "deployer")
    assert campaign.policies == ("eu-ai-act-art50",)
    assert campaign.commercial is True
    assert (found.model.path, found.model.steps, found.model.guidance) == ("models/own", 20, "2.5")
    assert found.model.scheduler == "dpmsolver++"
    assert found.reference == ReferenceSpec(roles=("hero", "three-quarter"), weight="0.8")
    assert found.style[:3] == (("lens", "35mm"), ("lighting", "Rembrandt"), ("grain", "fine"))
    assert len(found.style) == 10
    assert found.negative == "freckles, skin blemishes"
    assert found.identity == IdentitySpec(threshold="0.45", attempts=4, on_drift=("reseed",))
    assert found.output == OutputSpec(format="webp", size=(128, 256), watermark=True, label="auto")
    scene = found.scenes[0]
    assert (scene.id, scene.prompt, scene.lighting) == ("night-street", "night street", "neon light")
    rain, still = found.shots
    assert (rain.scene, rain.mood, rain.wardrobe) == ("night-street", "determined", "red coat")
    assert (rain.count, rain.seed) == (4, 2**63 - 1)
    assert still.prompt == "standing, 静か"


def test_inline_and_dotted_forms_mean_the_same() -> None:
    found = read("inline.toml")
    assert found.identity.attempts == 2
    assert [(shot.id, shot.count) for shot in found.shots] == [("a", 1), ("b", 2)]


def test_the_digest_is_that_of_the_original_bytes() -> None:
    data = (GOOD / "minimal.toml").read_bytes()
    found = manifest.parse(data, "m.toml")
    assert found.data == data
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert manifest.parse(data + b"# note\n", "m.toml").sha256 != found.sha256


@pytest.mark.parametrize(("written", "kept"), [("2", "2"), ("2.0", "2"), ("2.50", "2.5"), ("1e1", "10"), ("0.0", "0")])
def test_equal_numbers_have_equal_text(written: str, kept: str) -> None:
    data = (GOOD / "minimal.toml").read_bytes() + f"[model]\nguidance = {written}\n".encode()
    assert manifest.parse(data, "m.toml").model.guidance == kept


def test_windows_line_ends_are_read_and_columns_still_count() -> None:
    data = (GOOD / "minimal.toml").read_bytes().replace(b"\n", b"\r\n")
    assert manifest.parse(data, "m.toml").campaign.id == "first"
    with pytest.raises(ManifestError) as caught:
        manifest.parse(data + b"cuont = 1\r\n", "m.toml")
    problem = caught.value.problems[0]
    assert (problem.line, problem.column, problem.quote) == (10, 1, "cuont = 1")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("cuont = 4", 'did you mean "count"?'),
        ("steps = 4", '"steps" belongs in [model]'),
        ("zzz = 4", "known keys: id, scene"),
        ('scene = "x"', "add a [[scene]] with this id"),
    ],
)
def test_suggestions(line: str, hint: str) -> None:
    data = (GOOD / "minimal.toml").read_bytes() + line.encode()
    with pytest.raises(ManifestError) as caught:
        manifest.parse(data, "m.toml")
    assert (caught.value.problems[0].hint or "").startswith(hint)


def test_a_later_stage_points_into_the_manifest() -> None:
    found = read("everything.toml")
    fault = Fault(path=("output", "size", 1), code="plan.size-unsupported", message="too large")
    problem = manifest.refusal(found, [fault]).problems[0]
    assert problem.quote == "size = [128, 256]"
    assert problem.column == 14
    absent = Fault(path=("output", "absent"), code="plan.size-unsupported", message="too large")
    assert manifest.refusal(found, [absent]).problems[0].quote == "[output]"


def test_a_file_above_the_cap_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.parse(b"#" * (2**20 + 1), "m.toml")
    assert caught.value.code == "manifest.too-large"


def test_ten_thousand_pictures_are_the_limit_not_beyond_it() -> None:
    data = (GOOD / "minimal.toml").read_bytes() + b"count = 10000\n"
    assert manifest.parse(data, "m.toml").shots[0].count == 10_000
    with pytest.raises(ManifestError) as caught:
        manifest.parse(data + b'[[shot]]\nid = "two"\nprompt = "sad"\n', "m.toml")
    assert caught.value.code == "manifest.too-many-shots"


def test_a_campaign_without_a_role_has_the_projects() -> None:
    minimal, full = (GOOD / "minimal.toml").read_bytes(), (GOOD / "everything.toml").read_bytes()
    assert manifest.parse(minimal, "m.toml").campaign.role == "both"
    assert manifest.parse(minimal, "m.toml", role="provider").campaign.role == "provider"
    assert manifest.parse(full, "m.toml", role="provider").campaign.role == "deployer"
