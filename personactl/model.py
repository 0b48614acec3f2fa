"""The types that flow through personactl, frozen and without behaviour; each stage takes exactly the previous type.

    Manifest + Persona + policies + locks → Plan of Shots → Candidate → Scored → Disclosed → entry → receipt → Verdict

Numbers that are not integers travel as decimal strings ("0.8"), so that canonical JSON needs no floats. `sha256`
holds bare lower-case hex, `digest` holds "sha256:<hex>", times are RFC 3339 with `Z`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from personactl.visible_label import LabelRecord, LabelSpec

if TYPE_CHECKING:
    import numpy as np

IdentityVerdict = Literal["pass", "drift", "copy", "wrong-person", "no-face", "extra-face", "not-scorable"]
Severity = Literal["error", "warning", "info"]

_ADDED: Mapping[str, Any] = {"added": True}
"""Of a field that the first version of its document lacks: see `plan.codec`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """One file by its path relative to a root, its size in bytes and its SHA-256 (hex)."""

    path: str
    sha256: str
    size: int


# --- what the operator asked -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    id: str
    persona_id: str
    persona_version: int
    policies: tuple[str, ...] = ()
    role: Literal["provider", "deployer", "both"] = "both"
    commercial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """`path` is "pocket" or a local folder; `steps`, `guidance`, `scheduler` None mean the model's own defaults."""

    backend: str = "diffusers"
    path: str = "pocket"
    profile: Literal["exact", "fast"] = "exact"
    steps: int | None = None
    guidance: str | None = None
    scheduler: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSpec:
    """Persona reference roles that condition the picture, and the weight (0..2) of image against text."""

    roles: tuple[str, ...] = ("hero",)
    weight: str = "0.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySpec:
    """`threshold` is "calibrated" or a cosine as a decimal string in [-1, 1]."""

    threshold: str = "calibrated"
    attempts: int = 4
    on_drift: tuple[str, ...] = ("reseed",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """`size` is (width, height) in pixels, None means the model's own resolution.

    `label_reason` is why `label` is "never", and empty with any other setting. `watermarker` is the watermark's scheme.
    """

    format: Literal["png", "jpeg", "webp", "avif", "tiff"] = "png"
    size: tuple[int, int] | None = None
    watermark: bool = True
    label: Literal["auto", "always", "never"] = "auto"
    label_reason: str = field(default="", metadata=_ADDED)
    watermarker: Literal["built-in", "trustmark"] = field(default="built-in", metadata=_ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSpec:
    id: str
    prompt: str
    lighting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotSpec:
    id: str
    prompt: str
    scene: str | None = None
    mood: str = ""
    wardrobe: str = ""
    negative: str = ""
    count: int = 1
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A valid manifest. `sha256` is that of the original bytes, which are kept in `data`."""

    path: str
    data: bytes
    sha256: str
    campaign: Campaign
    model: ModelSpec
    reference: ReferenceSpec
    style: tuple[tuple[str, str], ...]
    negative: str
    identity: IdentitySpec
    output: OutputSpec
    scenes: tuple[SceneSpec, ...]
    shots: tuple[ShotSpec, ...]


# --- the persona ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One reference picture of a persona version; `path` is relative to the version's folder. `marks`: what it said
    about itself when it was enrolled, for people."""

    role: str
    path: str
    sha256: str
    license: str = ""
    source: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One version of a persona record. `record` is the parsed JSON, `record_sha256` the digest of its exact bytes."""

    id: str
    version: int
    name: str
    origin: Literal["synthetic", "derived", "real"]
    record: Mapping[str, Any]
    record_sha256: str
    folder: str
    references: tuple[Reference, ...]
    frozen: bool


# --- what will be done ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLock:
    """Every file that makes the pixels. `sha256` is the digest of the canonical JSON of `files`."""

    name: str
    family: str
    backend: str
    license: str
    license_sha256: str
    commercial: bool | None
    sha256: str
    files: tuple[FileDigest, ...]
    resolution: tuple[int, int]
    default_steps: int
    default_guidance: str
    default_scheduler: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do. Sizes in pixels; `negative` is "native" or "none" (a negative prompt is then refused)."""

    modes: tuple[str, ...]
    max_references: int
    negative: Literal["native", "none"]
    schedulers: tuple[str, ...]
    size_multiple: int
    min_size: int
    max_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerLock:
    """The network that scores, with the calibration that its pack carries ("" where it carries none)."""

    name: str
    license: str
    commercial: bool | None
    detector_sha256: str
    recogniser_sha256: str
    conditioner_sha256: str
    threshold: str
    calibration_id: str
    far: str
    far_upper95: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLock:
    id: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceUse:
    """A reference as a shot uses it; `path` is absolute and is not part of any key."""

    role: str
    sha256: str
    weight: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`threshold` is a cosine; `source` is calibrated-pack | calibrated-persona | uncalibrated."""

    threshold: str
    source: str
    calibration_id: str
    attempts: int
    on_drift: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One unit of work with nothing left to resolve. `file_name` is `<shot>-<index>.<ext>`."""

    shot_id: str
    index: int
    shot_key: str
    job_key: str
    base_seed: int
    given_seed: bool
    prompt: str
    negative: str
    references: tuple[ReferenceUse, ...]
    width: int
    height: int
    steps: int
    guidance: str
    scheduler: str
    profile: str
    file_name: str
    alt_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, completely. `sha256` is that of its canonical JSON; `run_id` derives from it.

    `persona_nonce` (64 hex digits) is as private as the prompts are.
    """

    run_id: str
    sha256: str
    manifest_path: str
    manifest_sha256: str
    campaign: Campaign
    persona_id: str
    persona_version: int
    persona_record_sha256: str
    persona_nonce: str = field(repr=False)
    model: ModelLock
    scorer: ScorerLock
    gate: Gate
    output: OutputSpec
    policies: tuple[PolicyLock, ...]
    shots: tuple[Shot, ...]
    findings: tuple[Finding, ...] = ()
    label: LabelSpec | None = field(default=None, metadata=_ADDED)


# --- what was made -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Pixels and how they came. `pixels`: uint8 RGB, shape (height, width, 3)."""

    shot: Shot
    attempt: int
    seed: int
    pixels: np.ndarray[Any, Any]
    pixels_sha256: str
    environment: Mapping[str, str]
    generated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRecord:
    """What the scorer found. `score` is the cosine to the persona's template, "" when not scorable."""

    verdict: IdentityVerdict
    score: str
    threshold: str
    threshold_source: str
    calibration_id: str
    recogniser_sha256: str
    faces_found: int
    detector_score: str
    face_px: int
    face_box: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    candidate: Candidate
    identity: IdentityRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkRecord:
    """`payload` is 16 hex digits (64 bits); `psnr` in dB and `score` are decimal strings; `weights` are the files of a
    scheme that has some."""

    scheme: str
    payload: str
    psnr: str
    score: str
    weights: tuple[FileDigest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed:
    """The final signed bytes, not yet visible. `layers` lists the machine-readable marks that were read back.

    `statements` are what the XMP says in the names of policy checks.
    """

    scored: Scored
    entry_id: str
    data: bytes
    sha256: str
    media_type: str
    layers: tuple[str, ...]
    statements: tuple[str, ...]
    digital_source_type: str
    c2pa_manifest_sha256: str
    watermark: WatermarkRecord | None
    label: LabelRecord
    iscc: str


# --- what was found -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement of what was found; `code` has an `explain` page."""

    code: str
    severity: Severity
    message: str
    hint: str = ""
