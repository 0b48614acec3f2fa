"""The axis `disclosure`: does a file say, in the exact words, that it is synthetic, and nothing in it otherwise?

The signed claim speaks first; its own metadata, the XMP and the watermark must agree with it. No I/O.
"""

from __future__ import annotations

from personactl.claim_terms import ASSERTION_SCHEMA, CAPTURED, COMPOSITE, TRAINED_ALGORITHMIC_MEDIA
from personactl.model import Finding
from personactl.policy import FILE_LAYERS, MACHINE_LAYERS
from personactl.verify.evidence import Credential, Metadata, Pixels
from personactl.verify.findings import Conclusion, finding

_METADATA_LAYERS = frozenset(FILE_LAYERS).difference(MACHINE_LAYERS)
"""The marks that a policy may demand beside the signed claim and the watermark, in the names of its checks."""

_WANTED = {"synthetic": TRAINED_ALGORITHMIC_MEDIA, "edited": COMPOSITE}
"""The digital source type that each value of the axis asks for."""


def disclosure(
    claim: Credential,
    metadata: Metadata,
    pixels: Pixels,
    *,
    demanded: frozenset[str] = frozenset(),
    unlabelled: bool = False,
) -> Conclusion:
    """`demanded`: the marks that policies insist on; `unlabelled`: they insist on a visible label that the claim does
    not describe. The findings that name the rules are `judgement`'s."""
    if claim.presence != "embedded":
        said = (value for value, wanted in _WANTED.items() if wanted == metadata.source_type)
        return Conclusion(next(said, "missing"))
    if claim.problem is not None:
        return Conclusion("missing")
    missing = (*_source_type_faults(claim), *_assertion_faults(claim))
    if missing:
        return Conclusion("missing", missing)
    value = "synthetic" if claim.actions[0].name == "c2pa.created" else "edited"
    contradictions = (
        *_claim_contradictions(claim, value),
        *_metadata_contradictions(claim, metadata, value),
        *_watermark_contradictions(claim, pixels, value),
    )
    notes = _metadata_notes(metadata)
    if contradictions:
        return Conclusion("contradictory", contradictions + notes)
    lacking = demanded.intersection(_METADATA_LAYERS).difference(metadata.layers)
    return Conclusion("missing" if lacking or unlabelled else value, notes)


def _source_type_faults(claim: Credential) -> tuple[Finding, ...]:
    """The first action must be created with the exact type, or opened and then edited with the composite type."""
    if not claim.actions:
        return (finding("verify.disclosure-missing", "the credential lists no actions"),)
    first = claim.actions[0]
    if first.name == "c2pa.created":
        found, wanted = first.source_type, TRAINED_ALGORITHMIC_MEDIA
    elif first.name == "c2pa.opened":
        if first.source_type:
            return (finding("verify.source-type-unknown", "c2pa.opened must not carry a digitalSourceType"),)
        edits = [action.source_type for action in claim.actions[1:] if action.source_type]
        found, wanted = (COMPOSITE if COMPOSITE in edits else (edits or [""])[0]), COMPOSITE
    else:
        return (finding("verify.disclosure-missing", f"the first action is {first.name}, not created or opened"),)
    if not found:
        return (finding("verify.disclosure-missing", f"the action {first.name} names no digitalSourceType"),)
    if found != wanted:
        return (finding("verify.source-type-unknown", f"digitalSourceType is {found}, not {wanted}"),)
    return ()


def _assertion_faults(claim: Credential) -> tuple[Finding, ...]:
    faults = []
    if not claim.model_type:
        faults.append(
            finding(
                "verify.ai-disclosure-missing", "the assertion c2pa.ai-disclosure is not there or names no model type"
            )
        )
    complete = (
        claim.generation.get("schema") == ASSERTION_SCHEMA and claim.entry_id and claim.ledger_origin and claim.persona
    )
    if not complete:
        message = "the assertion org.personactl.generation is not there, or names no persona, ledger and entry"
        faults.append(finding("verify.assertion-missing", message))
    return tuple(faults)


def _claim_contradictions(claim: Credential, value: str) -> tuple[Finding, ...]:
    """What the claim itself says otherwise: a later step of a created picture that is a capture (something captured may
    have been put into an edited one), or another type in its own metadata."""
    wanted = _WANTED[value]
    later = claim.actions[1:] if value == "synthetic" else ()
    steps = [(action.name, action.source_type) for action in later if action.source_type in CAPTURED]
    faults = [f"the credential says {wanted}, its action {name} says {said}" for name, said in steps]
    others = [said for said in claim.metadata_source_types if said != wanted]
    faults += [f"the credential says {wanted}, the metadata in it says {said}" for said in others]
    return tuple(finding("verify.disclosure-contradicts", fault) for fault in faults)


def _metadata_contradictions(claim: Credential, metadata: Metadata, value: str) -> tuple[Finding, ...]:
    faults = []
    wanted = _WANTED[value]
    if metadata.twice:
        message = "the XMP gives several answers, and readers differ in which one they believe"
        faults.append(finding("verify.disclosure-contradicts", message))
    if metadata.source_type and metadata.source_type != wanted:
        message = f"the credential says {wanted}, the XMP says {metadata.source_type}"
        faults.append(finding("verify.disclosure-contradicts", message))
    if metadata.image_guid and metadata.image_guid != claim.entry_id:
        message = f"the credential names the entry {claim.entry_id}, the XMP DigImageGUID is {metadata.image_guid}"
        faults.append(finding("verify.entry-id-differs", message))
    return tuple(faults)


def _watermark_contradictions(claim: Credential, pixels: Pixels, value: str) -> tuple[Finding, ...]:
    """An edited file may still carry its parent's mark; a created one may carry only its own."""
    if pixels.state != "present" or value == "edited" or claim.entry_id.startswith(pixels.payload):
        return ()
    message = f"the watermark points to the entry {pixels.payload}…, the credential to {claim.entry_id}"
    return (finding("verify.watermark-differs", message),)


def _metadata_notes(metadata: Metadata) -> tuple[Finding, ...]:
    if metadata.problem:
        return (finding("verify.xmp-unreadable", f"the XMP cannot be read: {metadata.problem}"),)
    if not metadata.source_type and not metadata.twice:
        return (finding("verify.xmp-missing", "the XMP does not name a digital source type"),)
    return ()
