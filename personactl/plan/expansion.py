"""Manifest + persona + policies + locks + capabilities → Plan. No clock, no torch, and no disk but the baseline policy.

What the model cannot do is refused, at its place in the manifest and all at once; nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from personactl.document import Fault, did_you_mean
from personactl.document.numbers import decimal_text
from personactl.errors import NotAvailable, UsageProblem
from personactl.manifest import refusal
from personactl.model import (
    Capabilities,
    Finding,
    Gate,
    Manifest,
    ModelLock,
    Persona,
    Plan,
    ReferenceUse,
    ScorerLock,
    Shot,
    ShotSpec,
)
from personactl.persona import compose
from personactl.plan.document import plan_digest, run_id
from personactl.plan.keys import keyed
from personactl.policy import PlanFacts, Policy, check_plan, label_spec, with_baseline
from personactl.visible_label import LabelSpec

_EXTENSION = {"png": "png", "jpeg": "jpg", "webp": "webp", "avif": "avif", "tiff": "tif"}


def expand(
    manifest: Manifest,
    persona: Persona,
    policies: Sequence[Policy],
    model: ModelLock,
    scorer: ScorerLock,
    capabilities: Capabilities,
) -> Plan:
    """Everything that will be done. Policy findings are in the plan; `require_clean` refuses those that block.

    Raises ManifestError (plan.*) for what this model, persona or scorer cannot do, UsageProblem for another persona
    than the manifest's, NotAvailable for one that is not purely synthetic: the words that are signed into files, and
    the consent that would have to be looked up, are those of synthetic personas in this version.
    """
    active = with_baseline(policies)
    label = label_spec(active, manifest.output, role=manifest.campaign.role)
    _require_possible(manifest, persona, model, scorer, capabilities, label)
    gate = _gate(manifest, scorer)
    draft = Plan(
        run_id="",
        sha256="",
        manifest_path=manifest.path,
        manifest_sha256=manifest.sha256,
        campaign=manifest.campaign,
        persona_id=persona.id,
        persona_version=persona.version,
        persona_record_sha256=persona.record_sha256,
        persona_nonce=persona.record["nonce"],
        model=model,
        scorer=scorer,
        gate=gate,
        output=manifest.output,
        policies=tuple(policy.lock for policy in active),
        shots=(),
        findings=_findings(manifest, persona, active, model, scorer, gate, label),
        label=label,
    )
    return _named(replace(draft, shots=tuple(_shots(manifest, persona, draft))))


def _named(plan: Plan) -> Plan:
    """The plan with its digest, and the run that is named by it."""
    sha256 = plan_digest(plan)
    return replace(plan, sha256=sha256, run_id=run_id(plan.campaign.id, sha256))


def _require_possible(
    manifest: Manifest,
    persona: Persona,
    model: ModelLock,
    scorer: ScorerLock,
    capabilities: Capabilities,
    label: LabelSpec | None,
) -> None:
    campaign = manifest.campaign
    if (persona.id, persona.version) != (campaign.persona_id, campaign.persona_version):
        named = f"{campaign.persona_id}@{campaign.persona_version}"
        raise UsageProblem(
            f"the manifest is about {named}, not {persona.id}@{persona.version}", code="plan.wrong-persona"
        )
    if persona.origin != "synthetic":
        raise NotAvailable(f'a persona of origin "{persona.origin}"', where=f"personas/{persona.id}/{persona.version}")
    faults = list(_faults(manifest, persona, model, scorer, capabilities))
    faults += _label_faults(manifest, model, label)
    if faults:
        raise refusal(manifest, faults)


def _shots(manifest: Manifest, persona: Persona, draft: Plan) -> Iterator[Shot]:
    references = _references(manifest, persona)
    for spec in manifest.shots:
        prompt, negative = compose(persona, manifest, spec)
        for index in range(spec.count):
            shot = _shot(manifest, draft, spec, index, prompt=prompt, negative=negative, references=references)
            yield keyed(shot, draft)


def _shot(
    manifest: Manifest,
    draft: Plan,
    spec: ShotSpec,
    index: int,
    *,
    prompt: str,
    negative: str,
    references: tuple[ReferenceUse, ...],
) -> Shot:
    """A shot whose keys, and seed if none was given, are still to be derived."""
    settings, model = manifest.model, draft.model
    width, height = manifest.output.size or model.resolution
    guidance = settings.guidance if settings.guidance is not None else model.default_guidance
    return Shot(
        shot_id=spec.id,
        index=index,
        shot_key="",
        job_key="",
        base_seed=spec.seed or 0,
        given_seed=spec.seed is not None,
        prompt=prompt,
        negative=negative,
        references=references,
        width=width,
        height=height,
        steps=settings.steps if settings.steps is not None else model.default_steps,
        guidance=decimal_text(guidance),
        scheduler=settings.scheduler or model.default_scheduler,
        profile=settings.profile,
        file_name=f"{spec.id}-{index}.{_EXTENSION[manifest.output.format]}",
        alt_text=alt_text(draft.persona_id, draft.persona_version),
    )


def alt_text(persona_id: str, version: int) -> str:
    """The accessible description: public, so it says nothing of prompts and names."""
    return f"AI-generated picture of the synthetic persona {persona_id}, version {version}"


def _references(manifest: Manifest, persona: Persona) -> tuple[ReferenceUse, ...]:
    """The persona's references of the roles asked for: roles in the manifest's order, pictures in the record's."""
    return tuple(
        ReferenceUse(
            role=reference.role,
            sha256=reference.sha256,
            weight=manifest.reference.weight,
            path=f"{persona.folder}/{reference.path}",
        )
        for role in manifest.reference.roles
        for reference in persona.references
        if reference.role == role
    )


def _gate(manifest: Manifest, scorer: ScorerLock) -> Gate:
    calibrated = manifest.identity.threshold == "calibrated"
    return Gate(
        threshold=decimal_text(scorer.threshold if calibrated else manifest.identity.threshold),
        source="calibrated-pack" if calibrated else "uncalibrated",
        calibration_id=scorer.calibration_id if calibrated else "",
        attempts=manifest.identity.attempts,
        on_drift=manifest.identity.on_drift,
    )


def _findings(
    manifest: Manifest,
    persona: Persona,
    policies: Sequence[Policy],
    model: ModelLock,
    scorer: ScorerLock,
    gate: Gate,
    label: LabelSpec | None,
) -> tuple[Finding, ...]:
    consent = persona.record.get("consent")
    facts = PlanFacts(
        role=manifest.campaign.role,
        commercial=manifest.campaign.commercial,
        watermark=manifest.output.watermark,
        visible_label=label is not None,
        label_words=label.words if label else (),
        persona_origin=persona.origin,
        persona_frozen=persona.frozen,
        consent=consent is not None,
        embedding_consent=persona.origin == "synthetic" or bool(consent and consent["embedding"]),
        references=len(_references(manifest, persona)),
        model_license=model.license,
        model_commercial=model.commercial,
        scorer_license=scorer.license,
        scorer_commercial=scorer.commercial,
        recogniser_sha256=scorer.recogniser_sha256,
        conditioner_sha256=scorer.conditioner_sha256,
        threshold_source=gate.source,
    )
    return check_plan(policies, facts)


def _faults(
    manifest: Manifest, persona: Persona, model: ModelLock, scorer: ScorerLock, capabilities: Capabilities
) -> Iterator[Fault]:
    """What cannot be done, each at its key."""
    yield from _size_faults(manifest, capabilities)
    yield from _reference_faults(manifest, persona, capabilities)
    yield from _negative_faults(manifest, model, capabilities)
    scheduler = manifest.model.scheduler
    if scheduler is not None and scheduler not in capabilities.schedulers:
        known = ", ".join(capabilities.schedulers)
        hint = did_you_mean(scheduler, capabilities.schedulers) or f"the model has: {known}"
        message = f'{model.name} has no scheduler "{scheduler}"'
        yield Fault(path=("model", "scheduler"), code="plan.scheduler-unsupported", message=message, hint=hint)
    if "t2i" not in capabilities.modes:
        message = f"{model.name} cannot make a picture from text"
        yield Fault(path=("model", "path"), code="plan.mode-unsupported", message=message, hint="use another model")
    if manifest.identity.threshold == "calibrated" and not scorer.threshold:
        message = f"the scorer {scorer.name} carries no calibration"
        hint = "give threshold as a number; it is recorded as uncalibrated"
        yield Fault(path=("identity", "threshold"), code="plan.not-calibrated", message=message, hint=hint)


def _size_faults(manifest: Manifest, capabilities: Capabilities) -> Iterator[Fault]:
    for index, pixels in enumerate(manifest.output.size or ()):
        low, high, step = capabilities.min_size, capabilities.max_size, capabilities.size_multiple
        if not low <= pixels <= high or pixels % step:
            message = f"the model makes pictures of {low} to {high} pixels, in multiples of {step}, not {pixels}"
            yield Fault(path=("output", "size", index), code="plan.size-unsupported", message=message)


def _label_faults(manifest: Manifest, model: ModelLock, label: LabelSpec | None) -> Iterator[Fault]:
    """A picture in which the label could not be read, wherever the face is. Better known before pictures are made."""
    if label is None:
        return
    from personactl.disclose import label_fits

    width, height = manifest.output.size or model.resolution
    if label_fits(width, height, label):
        return
    text = " ".join(("AI", *label.words))
    asking = ("campaign", "policies") if label.asked_by else ("output", "label")
    yield Fault(
        path=("output", "size") if manifest.output.size else asking,
        code="plan.label-too-large",
        message=f"the visible label {text} does not fit into {width}x{height} pixels so that it can be read",
        hint="choose a larger size in [output], or see `personactl explain plan.label-too-large`",
    )


def _negative_faults(manifest: Manifest, model: ModelLock, capabilities: Capabilities) -> Iterator[Fault]:
    """A negative prompt that the model would drop in silence."""
    if capabilities.negative != "none":
        return
    message = f"{model.name} has no negative prompt: it would be ignored"
    code, hint = "plan.negative-unsupported", "remove it, and say in the prompt what you want instead"
    if manifest.negative:
        yield Fault(path=("negative", "text"), code=code, message=message, hint=hint)
    for index, shot in enumerate(manifest.shots):
        if shot.negative:
            yield Fault(path=("shot", index, "negative"), code=code, message=message, hint=hint)


def _reference_faults(manifest: Manifest, persona: Persona, capabilities: Capabilities) -> Iterator[Fault]:
    there = {reference.role for reference in persona.references}
    for index, role in enumerate(manifest.reference.roles):
        if role not in there:
            message = f'{persona.id}@{persona.version} has no reference of the role "{role}"'
            hint = f"it has: {', '.join(sorted(there))}" if there else "it has none; see `personactl persona hero`"
            yield Fault(path=("reference", "roles", index), code="plan.role-missing", message=message, hint=hint)
    used = len(_references(manifest, persona))
    if used > capabilities.max_references:
        message = f"the model takes {capabilities.max_references} reference pictures, not {used}"
        yield Fault(path=("reference", "roles"), code="plan.too-many-references", message=message)
