"""The marks of a file → evidence: the claim as the verifier's trust files see it, and the metadata beside it.

The claim is read under the anchors of all trust files together. When that makes it Trusted, the one trust file that
accepts it is found, because its leaf list, its ledger and its development mark apply, and no other file's. A public
list that the verifier brought comes last, and makes nobody more than `listed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from personactl.disclose import C2paReading, Marks, read_marks, statements
from personactl.keys.trust import TrustFile
from personactl.keys.trust_list import TrustList
from personactl.model import Finding
from personactl.verify.evidence import Action, Credential, Metadata, Presence, Signer
from personactl.verify.findings import PASSED_ON, finding

_SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"
_IMAGE_GUID = "Iptc4xmpExt:DigImageGUID"
_PRESENCE: dict[str, Presence] = {"Absent": "absent", "Remote": "remote"}


def read_claim(
    data: bytes, trust: Sequence[TrustFile], lists: Sequence[TrustList] = ()
) -> tuple[Credential, Metadata, tuple[Finding, ...]]:
    """What the file says and who stands behind it. Never raises for what a file contains.

    Lists of signers are asked only where the trust files leave one unknown: that of the file, or of what went in.
    """
    services = [root for item in lists if item.stamps for root in item.anchors]
    trust = _current(trust)
    marks = _marks(data, trust, services)
    accepting = _accepting(data, marks.c2pa, trust, services) if marks.c2pa.signer_accepted else None
    signer = _signer(marks.c2pa, accepting, trust, asked=bool(trust or lists))
    used: tuple[str, ...] = ()
    signers = [item for item in lists if not item.stamps]
    if signers and (signer in ("unknown", "expired") or _strangers(marks.c2pa)):
        again = _marks(data, trust, services, listed=[anchor for item in signers for anchor in item.anchors])
        known = again.c2pa.signer_accepted and not _impersonates(again.c2pa, trust)
        if signer in ("unknown", "expired") and known:
            signer = "listed"
        if signer in ("accepted", "listed"):
            marks, used = again, tuple(f"{item.name} (SHA-256 {item.sha256[:16]}…)" for item in signers)
    return _claim(marks, signer, accepting, used), _metadata(marks), _passed_on(marks)


def _current(trust: Sequence[TrustFile]) -> tuple[TrustFile, ...]:
    """Of the trust files about one ledger the newest: an older one, which may list a certificate or an authority that
    was withdrawn since, must not outvote it (ADR 0613)."""
    newest: dict[str, str] = {}
    for item in trust:
        newest[item.origin] = max(newest.get(item.origin, ""), item.issued_at)
    return tuple(item for item in trust if item.issued_at == newest[item.origin])


def _marks(data: bytes, trust: Sequence[TrustFile], services: Sequence[str], *, listed: Sequence[str] = ()) -> Marks:
    """The marks under the anchors of all trust files, and the listed ones, together. `services`: roots of time-stamp
    services that count beside those of the trust files."""
    anchors = [anchor for item in trust for anchor in item.c2pa_anchors]
    roots = [root for item in trust for root in item.tsa_roots]
    return read_marks(data, anchors=[*anchors, *listed], tsa_roots=[*roots, *services])


def _strangers(reading: C2paReading) -> bool:
    return any(code.startswith("signingCredential.") for code in reading.ingredient_failures)


def _impersonates(reading: C2paReading, trust: Sequence[TrustFile]) -> bool:
    """Whether the claim names a ledger whose own trust file is at hand: that file alone says who signs for it."""
    origin = _text((reading.assertion or {}).get("ledgerOrigin"))
    return any(item.origin == origin for item in trust)


def _claim(marks: Marks, signer: Signer, accepting: TrustFile | None, lists: tuple[str, ...]) -> Credential:
    reading = marks.c2pa
    return Credential(
        presence=_PRESENCE.get(reading.state, "embedded"),
        state=reading.state if reading.state in ("Trusted", "Valid", "Invalid") else "",
        problem=_problem(marks),
        failures=reading.failures,
        ingredient_failures=reading.ingredient_failures,
        signer=signer,
        lists=lists,
        trust_origin=accepting.origin if accepting else "",
        development=accepting.development if accepting else False,
        leaf_sha256=reading.leaf_sha256,
        actions=tuple(_action(item) for item in reading.actions),
        model_type=_text((reading.ai_disclosure or {}).get("modelType")),
        metadata_source_types=reading.metadata_source_types,
        generation=reading.assertion or {},
    )


def _accepting(
    data: bytes, reading: C2paReading, trust: Sequence[TrustFile], services: Sequence[str]
) -> TrustFile | None:
    """The trust file under whose own anchors the claim is Trusted: one that allows the leaf, if any does."""
    if len(trust) == 1:
        return trust[0]
    origin = _text((reading.assertion or {}).get("ledgerOrigin"))
    order = sorted(trust, key=lambda item: (not _allows(item, reading), item.origin != origin))
    for item in order:
        if _marks(data, [item], services).c2pa.signer_accepted:
            return item
    return None


def _allows(trust: TrustFile, reading: C2paReading) -> bool:
    """Whether the trust file lists the leaf; an empty list allows every leaf of its anchors."""
    return not trust.leaf_fingerprints or reading.leaf_sha256 in trust.leaf_fingerprints


def _signer(reading: C2paReading, accepting: TrustFile | None, trust: Sequence[TrustFile], *, asked: bool) -> Signer:
    if not asked:
        return "not-asked"
    if accepting is not None:
        return "accepted" if _allows(accepting, reading) else "not-allowed"
    if "signingCredential.expired" in reading.failures and any(_allows(item, reading) for item in trust):
        return "expired"
    if any(code.startswith("signingCredential.") for code in reading.failures) or reading.signer_accepted:
        return "unknown"
    return "not-established"


def _problem(marks: Marks) -> Finding | None:
    """Why nothing can be said: the container breaks its format's rules, or a credential is there and does not parse."""
    broken = [item.message for item in marks.findings if item.code == "disclosure.file-malformed"]
    if broken:
        return finding("verify.unreadable", broken[0])
    if marks.c2pa.state == "Unreadable":
        return finding("credential.broken", f"the credential cannot be read: {marks.c2pa.error or 'no reason given'}")
    return None


def _action(item: object) -> Action:
    if not isinstance(item, Mapping):
        return Action(name="")
    return Action(name=_text(item.get("action")), source_type=_text(item.get("digitalSourceType")))


def _metadata(marks: Marks) -> Metadata:
    found = {item.code: item.message for item in marks.findings}
    return Metadata(
        source_type=marks.xmp.get(_SOURCE_TYPE, ""),
        image_guid=marks.xmp.get(_IMAGE_GUID, ""),
        problem=found.get("disclosure.xmp-unreadable", ""),
        twice="disclosure.xmp-twice" in found,
        software=marks.exif_software,
        statements=statements(marks.xmp),
    )


def _passed_on(marks: Marks) -> tuple[Finding, ...]:
    return tuple(
        Finding(code=item.code, severity="warning", message=item.message, hint=item.hint)
        for item in marks.findings
        if item.code in PASSED_ON
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
