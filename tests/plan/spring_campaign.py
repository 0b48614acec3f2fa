"""A small campaign and locks for it, all by value: planning needs no disk, no model and no clock."""

from __future__ import annotations

from typing import Any

from personactl import manifest, plan
from personactl.model import Capabilities, Manifest, ModelLock, Persona, Plan, Reference, ScorerLock

TEXT = """schema = 1
[campaign]
id = "spring"
persona = "lira@2"
[model]
steps = 20
guidance = 2.5
scheduler = "dpmsolver++"
[reference]
roles = ["hero"]
weight = 0.8
[negative]
text = "blurry"
[identity]
attempts = 3
[output]
size = [128, 128]
[[scene]]
id = "night"
prompt = "night street"
lighting = "neon light"
[[shot]]
id = "rain"
scene = "night"
prompt = "running"
mood = "laughing"
count = 2
seed = 1234
[[shot]]
id = "still"
prompt = "portrait"
"""
MODEL = ModelLock(
    name="pocket",
    family="sd15",
    backend="diffusers",
    license="Apache-2.0",
    license_sha256="1" * 64,
    commercial=True,
    sha256="2" * 64,
    files=(),
    resolution=(128, 128),
    default_steps=12,
    default_guidance="2.00",
    default_scheduler="ddim",
)
SCORER = ScorerLock(
    name="pocket",
    license="Apache-2.0",
    commercial=True,
    detector_sha256="3" * 64,
    recogniser_sha256="4" * 64,
    conditioner_sha256="5" * 64,
    threshold="0.4650",
    calibration_id="cal-1",
    far="0.001",
    far_upper95="0.0012",
)
CAPABILITIES = Capabilities(
    modes=("t2i",),
    max_references=2,
    negative="native",
    schedulers=("ddim", "dpmsolver++"),
    size_multiple=16,
    min_size=64,
    max_size=256,
)
PERSONA = Persona(
    id="lira",
    version=2,
    name="Lira Secret-Name",
    origin="synthetic",
    record={"nonce": "a" * 64, "prompt": {"name": "", "traits": []}, "wardrobe": {"default": "red coat"}},
    record_sha256="6" * 64,
    folder="/srv/project/personas/lira/2",
    references=(
        Reference(role="hero", path="refs/hero.png", sha256="7" * 64),
        Reference(role="front", path="refs/front.png", sha256="8" * 64),
    ),
    frozen=True,
)
DEFAULTS: dict[str, Any] = {
    "persona": PERSONA,
    "policies": (),
    "model": MODEL,
    "scorer": SCORER,
    "capabilities": CAPABILITIES,
}


def read(text: str = TEXT) -> Manifest:
    return manifest.parse(text.encode(), "manifests/spring.toml")


def expand(text: str = TEXT, **changes: Any) -> Plan:
    """The plan of TEXT (or another text), with some inputs replaced."""
    given = {**DEFAULTS, **changes}
    return plan.expand(
        read(text), given["persona"], given["policies"], given["model"], given["scorer"], given["capabilities"]
    )
