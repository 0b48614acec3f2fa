"""Pictures, credentials and one call that discloses, for the tests of this room."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from personactl import keys
from personactl.disclose import C2paSigner, disclose
from personactl.model import (
    Candidate,
    Disclosed,
    IdentityRecord,
    ModelLock,
    OutputSpec,
    PolicyLock,
    Scored,
    Shot,
)

ENTRY_ID = "0123456789abcdef" + "fedcba9876543210"
ORIGIN = "example.org/personactl/0123456789abcdef"
SECRETS = ("SECRET PROMPT", "SECRET NEGATIVE", "4711471147", "0.87654321")
CLAIMED_AT = "2026-01-02T03:04:05Z"

MODEL = ModelLock(
    name="pocket",
    family="stable-diffusion",
    backend="diffusers",
    license="Apache-2.0",
    license_sha256="00" * 32,
    commercial=True,
    sha256="ab" * 32,
    files=(),
    resolution=(128, 128),
    default_steps=20,
    default_guidance="2.5",
    default_scheduler="dpmsolver++",
)
POLICIES = (PolicyLock(id="baseline", sha256="cd" * 32),)

Array = np.ndarray[Any, Any]


def picture(height: int, width: int, seed: int = 0) -> Array:
    """Soft shapes with some texture in every octave, like a photograph's spectrum. uint8 RGB."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for octave in range(1, 7):
        cells = random.normal(size=(2**octave + 1, 2**octave + 1, 3)) * 90 / 2**octave
        for channel in range(3):
            layer = Image.fromarray(cells[..., channel].astype(np.float32))
            total[..., channel] += np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC))
    total += random.normal(size=total.shape) * 2
    return np.clip(total + 128, 0, 255).astype(np.uint8)


def scored(pixels: Array, *, title: str = "rain-0.png", alt_text: str = "AI-generated picture, in the rain") -> Scored:
    height, width = pixels.shape[:2]
    shot = Shot(
        shot_id="rain",
        index=0,
        shot_key="0" * 64,
        job_key="1" * 64,
        base_seed=4711471147,
        given_seed=True,
        prompt="SECRET PROMPT",
        negative="SECRET NEGATIVE",
        references=(),
        width=width,
        height=height,
        steps=20,
        guidance="2.5",
        scheduler="dpmsolver++",
        profile="exact",
        file_name=title,
        alt_text=alt_text,
    )
    candidate = Candidate(
        shot=shot,
        attempt=0,
        seed=4711471147,
        pixels=pixels,
        pixels_sha256="22" * 32,
        environment={},
        generated_at=CLAIMED_AT,
    )
    identity = IdentityRecord(
        verdict="pass",
        score="0.87654321",
        threshold="0.5",
        threshold_source="calibrated-pack",
        calibration_id="",
        recogniser_sha256="33" * 32,
        faces_found=1,
        detector_score="0.99",
        face_px=64,
        face_box=(1, 2, 3, 4),
    )
    return Scored(candidate=candidate, identity=identity)


@cache
def keyset(organisation: str = "Example Studio", number: int = 0) -> keys.KeySet:
    """Development keys; another `number` gives other keys under the same names."""
    with TemporaryDirectory(prefix=f"keys-{number}-") as place:
        folder = Path(place) / "keys"
        keys.create_development(folder, organisation=organisation, domain="example.org", now=CLAIMED_AT)
        return keys.load(folder)


@cache
def signer(number: int = 0) -> C2paSigner:
    return C2paSigner(keyset(number=number).c2pa)


def disclosed(
    form: str = "png", *, pixels: Array | None = None, by: C2paSigner | None = None, **changes: Any
) -> Disclosed:
    """One disclosed picture. `changes` replace arguments of `disclose`; `title`, `alt_text` those of the shot."""
    shown = picture(128, 128) if pixels is None else pixels
    texts = {name: changes.pop(name) for name in ("title", "alt_text") if name in changes}
    arguments: dict[str, Any] = {
        "entry_id": ENTRY_ID,
        "output": OutputSpec(format=form),  # type: ignore[arg-type]
        "persona_id": "lira",
        "persona_version": 2,
        "model": MODEL,
        "origin": ORIGIN,
        "policies": POLICIES,
        "organisation": "Example Studio",
        "detector": "https://example.org/verify",
        "signer": by or signer(),
        "claimed_at": CLAIMED_AT,
    }
    return disclose(scored(shown, **texts), **{**arguments, **changes})


@cache
def delivered(form: str = "png", size: int = 128) -> bytes:
    """The bytes of one disclosed picture, made once."""
    return disclosed(form, pixels=picture(size, size)).data


def bare(form: str = "PNG", seed: int = 0, **options: Any) -> bytes:
    """A picture file without any mark."""
    buffer = io.BytesIO()
    Image.fromarray(picture(64, 64, seed)).save(buffer, format=form, **options)
    return buffer.getvalue()


def actions_definition(*assertions: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """A manifest definition with one actions assertion for each list of actions, and nothing else."""
    said = [{"allActionsIncluded": True, "actions": list(actions)} for actions in assertions]
    return {
        "claim_generator_info": [{"name": "test", "version": "1", "specVersion": "2.4.0"}],
        "title": "test",
        "assertions": [{"label": "c2pa.actions.v2", "created": True, "data": data} for data in said],
    }


def saved(pixels: Array, form: str, **options: Any) -> Array:
    """What is left of pixels after Pillow saved and read them."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=form, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))
