"""Pixels → marked, signed bytes that were read back.

    label → watermark → encode with XMP and EXIF → sign (C2PA) → read all layers from the final bytes → digest, ISCC

The order matters: XMP and EXIF are under the signature, and so are the marked pixels; a mark that does not read back
from the very bytes that will be published stops the output. The watermark is embedded last of what changes pixels, so
that it also lies over the visible label.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from personactl import __version__, claim_terms
from personactl.disclose import c2pa_manifest, exif, fingerprint, formats, label, pixels, watermark, xmp
from personactl.disclose.c2pa import C2paSigner, Signed
from personactl.disclose.label import Drawing
from personactl.disclose.marks import read_marks
from personactl.disclose.statements import CHINA_LABEL, DETECTOR, says_ai, statements
from personactl.errors import DisclosureError
from personactl.model import Disclosed, ModelLock, OutputSpec, PolicyLock, Scored, WatermarkRecord
from personactl.visible_label import LabelRecord, LabelSpec

SOFTWARE = f"{c2pa_manifest.GENERATOR} {__version__}"
CHINA_POLICY = "cn-gb45438"
DEFAULT_ALT_TEXT = "AI-generated picture of a synthetic person"
DEFAULT_DETECTOR = "personactl verify"

_ENTRY_ID = re.compile(r"[0-9a-f]{32}")


class Said(Protocol):
    """What the metadata of a file must say: XMP properties by name, and the data of our own assertion."""

    @property
    def xmp(self) -> Mapping[str, str]: ...

    @property
    def assertion(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intent:
    """What the file must say, before it says it: compared field by field with what is read back.

    `labelled` are the pixels before the watermark, `marked` those with it.
    """

    xmp: Mapping[str, str]
    assertion: Mapping[str, Any]
    payload: bytes
    label: LabelRecord
    drawing: Drawing | None
    labelled: np.ndarray[Any, Any]
    marked: np.ndarray[Any, Any]


def disclose(
    scored: Scored,
    *,
    entry_id: str,
    output: OutputSpec,
    persona_id: str,
    persona_version: int,
    model: ModelLock,
    origin: str,
    policies: Sequence[PolicyLock],
    organisation: str,
    detector: str,
    signer: C2paSigner,
    claimed_at: str,
    references: Sequence[bytes] = (),
    visible_label: LabelSpec | None = None,
    watermarker: watermark.Watermarker = watermark.DEFAULT,
) -> Disclosed:
    """Label, mark, encode, sign and read back one picture. `watermarker` marks it, and must read its mark back.

    `entry_id` is 32 hex digits; its first 16 are the watermark's payload. `references` (file bytes) become `inputTo`
    ingredients. Raises DisclosureError naming the layer that was not made or did not read back, KeyProblem when
    signing fails, NotAvailable for a format that this version does not make.
    """
    payload = _payload(entry_id, output)
    row, shot = formats.named(output.format), scored.candidate.shot
    labelled, drawing = _label(scored, visible_label)
    said = label.record(output, visible_label, drawing)
    generation = c2pa_manifest.assertion(
        entry_id=entry_id, persona_id=persona_id, persona_version=persona_version,
        origin=origin, policies=policies, output=output, label=said,
        watermark=_foreign(watermarker) if payload else "",
    )  # fmt: skip
    packet = _xmp(entry_id, model, origin, policies, organisation, detector, claimed_at, shot.alt_text)
    intent = _Intent(
        xmp=packet, assertion=generation, payload=payload, marked=_mark(labelled, payload, watermarker),
        label=said, drawing=drawing, labelled=labelled,
    )  # fmt: skip
    signed = _sign(row, intent, signer, model=model, title=shot.file_name, at=claimed_at, references=references)
    return _read_back(scored, entry_id, row, intent, signed, signer, watermarker)


def _payload(entry_id: str, output: OutputSpec) -> bytes:
    if not _ENTRY_ID.fullmatch(entry_id):
        raise ValueError("an entryId has 32 lower-case hex digits")
    return bytes.fromhex(entry_id)[: watermark.PAYLOAD_BYTES] if output.watermark else b""


def _foreign(watermarker: watermark.Watermarker) -> str:
    """The scheme that the file has to name, "" for the one that every reader looks for."""
    scheme = watermark.scheme(watermarker)
    return "" if scheme == watermark.scheme() else scheme


def _label(scored: Scored, spec: LabelSpec | None) -> tuple[np.ndarray[Any, Any], Drawing | None]:
    """The pixels with the visible label, clear of the face that was scored; as they are where none is asked for."""
    rgb, face = scored.candidate.pixels, scored.identity.face_box
    return (rgb, None) if spec is None else label.draw(rgb, spec, faces=() if face is None else (face,))


def _sign(
    row: formats.Format,
    intent: _Intent,
    signer: C2paSigner,
    *,
    model: ModelLock,
    title: str,
    at: str,
    references: Sequence[bytes],
) -> Signed:
    """Encode with XMP and EXIF, then sign: nothing may change the bytes afterwards."""
    block = exif.build(software=SOFTWARE, description=DEFAULT_ALT_TEXT, created_at=at)
    encoded = row.encode(intent.marked, xmp=xmp.build(intent.xmp), exif=block)
    inputs = {f"reference-{number}": content for number, content in enumerate(references, start=1)}
    manifest = c2pa_manifest.definition(
        title=title, created_at=at, model=model, generation=intent.assertion,
        labelled=intent.drawing is not None, watermarked=bool(intent.payload), ingredients=tuple(inputs),
    )  # fmt: skip
    return signer.sign(manifest, row.media_type, encoded, references=inputs)


def _xmp(
    entry_id: str,
    model: ModelLock,
    origin: str,
    policies: Sequence[PolicyLock],
    organisation: str,
    detector: str,
    claimed_at: str,
    alt_text: str,
) -> dict[str, str]:
    properties = {
        xmp.DIGITAL_SOURCE_TYPE: claim_terms.TRAINED_ALGORITHMIC_MEDIA,
        "Iptc4xmpExt:AISystemUsed": model.name,
        "Iptc4xmpExt:AISystemVersionUsed": f"sha256:{model.sha256}",
        "Iptc4xmpExt:DigImageGUID": entry_id,
        xmp.ALT_TEXT: alt_text if says_ai(alt_text) else f"{DEFAULT_ALT_TEXT}. {alt_text}".strip(" ."),
        "xmp:CreatorTool": SOFTWARE,
        "xmp:CreateDate": claimed_at,
        "photoshop:Credit": organisation,
        DETECTOR: detector or DEFAULT_DETECTOR,
    }
    if any(policy.id == CHINA_POLICY for policy in policies):
        properties[CHINA_LABEL] = xmp.china_label(origin, entry_id)
    return {name: xmp.clean(value) for name, value in properties.items()}


def _mark(rgb: np.ndarray[Any, Any], payload: bytes, watermarker: watermark.Watermarker) -> np.ndarray[Any, Any]:
    """The pixels with the watermark, or as they are where none is asked for."""
    if not payload:
        return rgb
    try:
        return watermarker.embed(rgb, payload)
    except ValueError as error:
        raise DisclosureError(
            f"the watermark cannot be embedded: {error}",
            hint="choose a larger output.size, or output.watermark = false where policy allows it",
            code="watermark.too-small",
        ) from None


def require_marks(intent: Said, signed: Signed, signer: C2paSigner, *, software: str) -> None:
    """Read manifest, XMP and EXIF from the final bytes. Raises DisclosureError naming what is not as it was meant.

    `software` is what EXIF must name, "" for a format that has no EXIF.
    """
    marks = read_marks(signed.data, anchors=signer.anchors, tsa_roots=signer.tsa_roots)
    reading = marks.c2pa
    store_sha256 = hashlib.sha256(signed.manifest_store).hexdigest()
    if not reading.sound:
        why = ", ".join((*reading.failures, *reading.ingredient_failures)) or reading.error or "no reason given"
        raise _lost(
            "the C2PA signature", f"is {reading.state.lower()} under its own anchors ({why})", "c2pa.not-trusted"
        )
    if reading.assertion != intent.assertion or reading.digital_source_type != claim_terms.TRAINED_ALGORITHMIC_MEDIA:
        raise _lost("the C2PA manifest", "does not say what was put into it", "c2pa.assertion-changed")
    if reading.leaf_sha256 != signer.leaf_sha256 or reading.manifest_sha256 != store_sha256:
        raise _lost("the C2PA manifest", "is not found in the file as it was signed", "c2pa.assertion-changed")
    if marks.xmp != intent.xmp:
        raise _lost("the XMP packet", "does not read back as written", "disclosure.xmp-lost")
    if marks.exif_software != software:
        raise _lost("the EXIF block", "does not read back as written", "disclosure.exif-lost")


def _read_back(
    scored: Scored,
    entry_id: str,
    row: formats.Format,
    intent: _Intent,
    signed: Signed,
    signer: C2paSigner,
    watermarker: watermark.Watermarker,
) -> Disclosed:
    require_marks(intent, signed, signer, software=SOFTWARE)
    final = pixels.decode(signed.data)
    if row.lossless and not np.array_equal(final, intent.marked):
        raise _lost("the picture", "changed although its format is lossless", "disclosure.pixels-changed")
    if intent.drawing is not None:
        label.require_drawn(final, intent.drawing)
    record = _watermark_record(intent, final, watermarker)
    return Disclosed(
        scored=scored,
        entry_id=entry_id,
        data=signed.data,
        sha256=hashlib.sha256(signed.data).hexdigest(),
        media_type=row.media_type,
        layers=("signed-metadata", *(("watermark",) if record else ()), "xmp", "exif"),
        statements=statements(intent.xmp),
        digital_source_type=claim_terms.TRAINED_ALGORITHMIC_MEDIA,
        c2pa_manifest_sha256=hashlib.sha256(signed.manifest_store).hexdigest(),
        watermark=record,
        label=intent.label,
        iscc=fingerprint.image_code(final),
    )


def _watermark_record(
    intent: _Intent, final: np.ndarray[Any, Any], watermarker: watermark.Watermarker
) -> WatermarkRecord | None:
    """The watermark as read from the decoded final file. Raises DisclosureError when it is not the one embedded."""
    if not intent.payload:
        return None
    found = watermarker.extract(final)
    if not found.present or found.payload != intent.payload:
        raise _lost("the watermark", f"does not read back (score {found.score:.2f})", "watermark.not-read-back")
    return WatermarkRecord(
        scheme=watermark.scheme(watermarker),
        payload=found.payload.hex(),
        psnr=f"{watermark.psnr(intent.labelled, intent.marked):.2f}",
        score=f"{found.score:.4f}",
        weights=watermarker.weights,
    )


def _lost(layer: str, what: str, code: str) -> DisclosureError:
    return DisclosureError(f"{layer} {what}; the output is withheld", hint=f"personactl explain {code}", code=code)
