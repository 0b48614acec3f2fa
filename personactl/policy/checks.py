"""The checks that a policy rule can name. Each is a pure question about a plan or about the marks of a file.

A rule gives the demand its text, its source and its severity; a check only says whether the facts meet it. Checks that
no program can answer ("manual") become reminders: they are shown and never pass in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MACHINE_LAYERS = ("signed-metadata", "watermark")
FILE_STATEMENTS = (
    "alt-text",
    "provider-named",
    "system-named",
    "created-at",
    "unique-id",
    "detector-named",
    "china-label",
)
"""What the metadata of a file can say, beside that it is synthetic; `disclose.statements` finds them."""
FILE_LAYERS = (*MACHINE_LAYERS, "xmp", "exif", *FILE_STATEMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFacts:
    """What policies ask about the visible label: of a plan what will be drawn, of a file what its signed claim says.

    `label_words` are the words beside AI; a label that is drawn is clear of the face, inside the margin and readable.
    """

    visible_label: bool
    label_words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts(LabelFacts):
    """What a plan knows that policies ask about. `…_commercial` is None where the licence is not known.

    `consent` is the persona's consent record present; `embedding_consent` whether it permits embeddings (True for a
    synthetic persona). `references` is the number of reference pictures that condition a shot.
    """

    role: Literal["provider", "deployer", "both"]
    commercial: bool
    watermark: bool
    persona_origin: Literal["synthetic", "derived", "real"]
    persona_frozen: bool
    consent: bool
    embedding_consent: bool
    references: int
    model_license: str
    model_commercial: bool | None
    scorer_license: str
    scorer_commercial: bool | None
    recogniser_sha256: str
    conditioner_sha256: str
    threshold_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`code`: of its findings; `stage`: where it is asked; `hint`: what to do; `met`: do the facts meet the demand?

    `ask` is the hint for somebody who received a file and cannot make it again. A check about the visible label is
    asked of a plan and of a received file, with the same `met`.
    """

    code: str
    stage: Literal["plan", "file", "manual"]
    hint: str
    ask: str = ""
    met: Callable[[PlanFacts], bool] | None = None


_ASK_ORIGINAL = "ask the sender for the file as it was delivered; some services remove metadata on upload"
LABEL_CHECKS: dict[str, Callable[[LabelFacts], bool]] = {
    "visible-label": lambda facts: facts.visible_label,
    "label-words": lambda facts: facts.visible_label and bool(facts.label_words),
    "label-placement": lambda facts: facts.visible_label,
    "label-chinese": lambda facts: any(not word.isascii() for word in facts.label_words),
}
"""The checks about the visible label, by name, and when one is met."""


CHECKS: dict[str, Check] = {
    "persona-frozen": Check(
        code="policy.persona-frozen",
        stage="plan",
        met=lambda facts: facts.persona_frozen,
        hint="freeze the version: personactl persona freeze ID@VERSION",
    ),
    "consent": Check(
        code="policy.consent",
        stage="plan",
        met=lambda facts: facts.persona_origin == "synthetic" or facts.consent,
        hint="put the consent record into the persona",
    ),
    "embedding-consent": Check(
        code="policy.embedding-consent",
        stage="plan",
        met=lambda facts: facts.persona_origin == "synthetic" or facts.embedding_consent,
        hint="the consent must permit embeddings; without it, no face of a real person is measured",
    ),
    "commercial-licence": Check(
        code="policy.commercial-licence",
        stage="plan",
        met=lambda facts: not facts.commercial or False not in (facts.model_commercial, facts.scorer_commercial),
        hint="use weights that may be used commercially, or set commercial = false",
    ),
    "known-licence": Check(
        code="policy.known-licence",
        stage="plan",
        met=lambda facts: not facts.commercial or None not in (facts.model_commercial, facts.scorer_commercial),
        hint="record the licence of the weights in the model's folder",
    ),
    "identity-scored": Check(
        code="policy.identity-scored",
        stage="plan",
        met=lambda facts: bool(facts.recogniser_sha256 and facts.threshold_source),
        hint="name a scorer whose recogniser has a digest",
    ),
    "calibrated-threshold": Check(
        code="policy.calibrated-threshold",
        stage="plan",
        met=lambda facts: facts.threshold_source != "uncalibrated",
        hint='set threshold = "calibrated" in [identity]',
    ),
    "independent-scorer": Check(
        code="policy.independent-scorer",
        stage="plan",
        met=lambda facts: not facts.references or facts.conditioner_sha256 != facts.recogniser_sha256,
        hint="score with another network than the one that conditions the picture",
    ),
    "watermark-enabled": Check(
        code="policy.watermark-enabled",
        stage="plan",
        met=lambda facts: facts.watermark,
        hint="set watermark = true in [output]",
    ),
    "visible-label": Check(
        code="policy.visible-label",
        stage="plan",
        met=LABEL_CHECKS["visible-label"],
        hint='set label = "auto" or "always" in [output]',
        ask="ask the sender for a copy with a visible label, or why there is none",
    ),
    "label-words": Check(
        code="policy.label-words",
        stage="plan",
        met=LABEL_CHECKS["label-words"],
        hint='set label = "auto" or "always" in [output]: the label says AI, and GENERATED or MODIFIED',
        ask="ask the sender for a copy whose visible label says AI, and GENERATED or MODIFIED",
    ),
    "label-placement": Check(
        code="policy.label-placement",
        stage="plan",
        met=LABEL_CHECKS["label-placement"],
        hint='set label = "auto" or "always" in [output]: the label is drawn into the picture, clear of the face',
        ask="ask the sender for a copy with the label in the picture, clear of the face",
    ),
    "label-chinese": Check(
        code="policy.label-chinese",
        stage="plan",
        met=LABEL_CHECKS["label-chinese"],
        hint='set label = "auto" in [output]; of the built-in policies, cn-gb45438 asks for Chinese words',
        ask="ask the sender for a copy whose visible label has the Chinese words",
    ),
    "signed-metadata": Check(
        code="policy.signed-metadata",
        stage="file",
        hint="sign the file; do not re-encode or strip it afterwards",
        ask="ask the sender for the file as it was delivered, with its credential",
    ),
    "watermark": Check(
        code="policy.watermark",
        stage="file",
        hint="mark the picture; strong cropping or scaling can destroy the mark",
        ask="ask the sender for the picture as it was delivered; strong cropping or scaling can destroy the mark",
    ),
    "xmp": Check(
        code="policy.xmp",
        stage="file",
        hint="keep the XMP block; some services remove it on upload",
        ask=_ASK_ORIGINAL,
    ),
    "exif": Check(
        code="policy.exif",
        stage="file",
        hint="keep the EXIF block; some services remove it on upload",
        ask=_ASK_ORIGINAL,
    ),
    "alt-text": Check(
        code="policy.alt-text",
        stage="file",
        hint="keep the XMP block: its alternative text says AI-generated",
        ask=_ASK_ORIGINAL,
    ),
    "provider-named": Check(
        code="policy.provider-named",
        stage="file",
        hint="keep the XMP block: photoshop:Credit names the organisation",
        ask=_ASK_ORIGINAL,
    ),
    "system-named": Check(
        code="policy.system-named",
        stage="file",
        hint="keep the XMP block: it names the model and its version",
        ask=_ASK_ORIGINAL,
    ),
    "created-at": Check(
        code="policy.created-at",
        stage="file",
        hint="keep the XMP block: xmp:CreateDate is when the file was made",
        ask=_ASK_ORIGINAL,
    ),
    "unique-id": Check(
        code="policy.unique-id",
        stage="file",
        hint="keep the XMP block: DigImageGUID is the entry's id in the ledger",
        ask=_ASK_ORIGINAL,
    ),
    "detector-named": Check(
        code="policy.detector-named",
        stage="file",
        hint="set detector in personactl.toml to the address where the public can have a file checked",
        ask="ask the sender for the address where a file can be checked, and for a file that names it",
    ),
    "china-label": Check(
        code="policy.china-label",
        stage="file",
        hint="name the policy cn-gb45438 in the manifest: it adds TC260:AIGC",
        ask="ask the sender for a file with the implicit label, TC260:AIGC",
    ),
    "manual": Check(
        code="policy.manual",
        stage="manual",
        hint="personactl cannot check this; see the rule with `personactl policy show`",
    ),
}
