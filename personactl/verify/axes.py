"""The rules, one function per axis: evidence in, the axis' value and its findings out. No I/O.

    integrity    are these the bytes that were signed or recorded?
    credential   is there a C2PA claim inside?
    trust        does a trust file of the verifier accept the signer, and everything that went in?
    disclosure   do the signed claim and the XMP say, in the exact words, that this is synthetic? (`disclosure.py`)
    watermark    do the pixels carry the mark, and does it point to the same entry?
    ledger       does a receipt or the ledger know these bytes?
    approval     did the people whom the trust file (else the ledger) names sign them off?

"Valid" is never enough: a stranger's certificate gives Valid, about a thousand byte positions of a signed file may
change unnoticed, and a made-up digitalSourceType stays Trusted. Hence the rules on bytes, on the signer and on words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from personactl.model import Finding
from personactl.verify.evidence import Credential, Evidence, Pixels, Record, Source
from personactl.verify.findings import Conclusion, finding

if TYPE_CHECKING:
    from personactl_ledger import Approval

_ABOUT_THE_SIGNER = ("signingCredential.", "timeStamp.")
"""Failure codes that speak of who signed and when, not of the bytes (C2PA 2.4, "Validation status codes")."""


def integrity(evidence: Evidence) -> Conclusion:
    """Proof of a change outweighs what cannot be read; what cannot be read outweighs what seems to match."""
    source, claim = evidence.source, evidence.credential
    if source.problem is not None:
        return Conclusion("unreadable", (source.problem,))
    faults = (*_claim_faults(claim), *_byte_faults(source, evidence.records))
    unread = _unreadable(claim, evidence.pixels)
    if faults:
        return Conclusion("altered", faults + unread)
    if unread:
        return Conclusion("unreadable", unread)
    if any(_is_exact(record, source) for record in evidence.records):
        return Conclusion("exact")
    if claim.presence == "embedded":
        note = (
            "the credential binds the content; about a thousand bytes of a file, such as padding and container headers "
            "(of AVIF pictures and clips also the file type), are not covered without a receipt"
        )
        return Conclusion("content", (finding("verify.content-only", note),))
    return Conclusion("not-checked")


def _unreadable(claim: Credential, pixels: Pixels) -> tuple[Finding, ...]:
    found = []
    if claim.problem is not None:
        found.append(claim.problem)
    if pixels.state == "refused":
        found.append(finding("verify.pixels-refused", pixels.problem))
    return tuple(found)


def _claim_faults(claim: Credential) -> tuple[Finding, ...]:
    own = [code for code in claim.failures if not code.startswith(_ABOUT_THE_SIGNER)]
    parents = [code for code in claim.ingredient_failures if not code.startswith(_ABOUT_THE_SIGNER)]
    faults = []
    if own or (claim.state == "Invalid" and not claim.failures):
        names = ", ".join(own) or "the validator names no reason"
        faults.append(finding("verify.altered", f"these are not the bytes that were signed ({names})"))
    if parents:
        names = ", ".join(parents)
        faults.append(finding("verify.ingredient-altered", f"a picture that went in had been altered before ({names})"))
    return tuple(faults)


def _byte_faults(source: Source, records: tuple[Record, ...]) -> tuple[Finding, ...]:
    return tuple(
        finding(
            "verify.bytes-differ",
            f"the {record.source} says SHA-256 {record.subject_sha256[:16]}…, the file has {source.sha256[:16]}…",
        )
        for record in records
        if record.state in ("proven", "refuted", "voided", "distrusted") and record.subject_sha256 != source.sha256
    )


def _is_exact(record: Record, source: Source) -> bool:
    return record.state == "proven" and record.subject_sha256 == source.sha256


def credential(claim: Credential) -> Conclusion:
    if claim.presence == "absent":
        message = "no credential was found; that is not evidence that the picture was or was not made by a machine"
        return Conclusion("absent", (finding("credential.absent", message),))
    if claim.presence == "remote":
        return Conclusion(
            "remote", (finding("credential.remote", "the credential is not in the file, only an address"),)
        )
    return Conclusion("embedded")


def trust(claim: Credential) -> Conclusion:
    if claim.presence != "embedded" or claim.problem is not None:
        return Conclusion("not-checked")
    if claim.signer == "not-asked":
        message = "no trust file was given, so nothing is known about the signer"
        return Conclusion("not-checked", (finding("verify.no-trust-file", message),))
    doubts = [code for code in claim.failures if code.startswith(_ABOUT_THE_SIGNER)]
    if claim.signer == "not-established" and len(doubts) < max(1, len(claim.failures)):
        return Conclusion("not-checked")  # the bytes are not those that were signed, and integrity says so
    if claim.signer in ("accepted", "listed", "not-established"):
        return _doubted(doubts) if doubts else _accepted(claim)
    return _refused(claim)


def _doubted(codes: list[str]) -> Conclusion:
    message = f"the validator refuses the signer's certificate or time-stamp ({', '.join(codes)})"
    return Conclusion("untrusted", (finding("verify.untrusted", message),))


def _accepted(claim: Credential) -> Conclusion:
    strangers = [code for code in claim.ingredient_failures if code.startswith(_ABOUT_THE_SIGNER)]
    if strangers:
        message = f"a picture that went in was signed by someone whom no trust file accepts ({', '.join(strangers)})"
        return Conclusion("untrusted", (finding("verify.ingredient-untrusted", message),))
    if claim.signer == "listed":
        return _listed(claim)
    if claim.ledger_origin and claim.ledger_origin != claim.trust_origin:
        # A trust file accepts a signer for its own ledger; for another one the signer is a stranger with a known face.
        message = f"the signer is accepted for the ledger {claim.trust_origin}, the file names {claim.ledger_origin}"
        return Conclusion("untrusted", (finding("verify.other-origin", message),))
    if claim.lists:
        message = f"a picture that went in was signed by someone who is on the list {', '.join(claim.lists)}"
        return Conclusion("trusted", (finding("verify.ingredient-listed", message),))
    return Conclusion("trusted")


def _listed(claim: Credential) -> Conclusion:
    message = (
        f"no trust file accepts the signer; its authority is on the list {', '.join(claim.lists)}, which says nothing "
        "about the ledger and the persona that the file names"
    )
    return Conclusion("listed", (finding("verify.listed", message),))


def _refused(claim: Credential) -> Conclusion:
    if claim.signer == "expired":
        message = (
            "the signing certificate has expired, and no trusted time-stamp shows that it was valid when it signed"
        )
        return Conclusion("expired", (finding("verify.expired", message),))
    if claim.signer == "not-allowed":
        message = f"the issuer is accepted, the certificate {claim.leaf_sha256[:16]}… is not on the trust file's list"
        return Conclusion("untrusted", (finding("verify.leaf-not-allowed", message),))
    return Conclusion(
        "untrusted", (finding("verify.untrusted", "no trust file accepts the signer, whatever its name"),)
    )


def watermark(pixels: Pixels, claim: Credential, *, required: bool) -> Conclusion:
    if pixels.state == "present":
        if claim.presence == "embedded":
            return Conclusion("present")
        message = f"the pixels carry a watermark that points to the entry {pixels.payload}… (score {pixels.score})"
        return Conclusion("present", (finding("verify.watermark-only", message),))
    if pixels.state == "skipped":
        return Conclusion("not-checked", (finding("verify.pixels-skipped", pixels.problem),))
    if pixels.state != "absent":
        return Conclusion("not-checked", _unseen(pixels, demanded=required and claim.presence == "embedded"))
    if claim.watermark_scheme not in ("", pixels.scheme):
        message = f"the credential names a watermark of the scheme {claim.watermark_scheme}, which is not read here"
        return Conclusion("not-checked", (finding("verify.watermark-other-scheme", message),))
    code = "verify.watermark-required" if required and claim.presence == "embedded" else "verify.watermark-absent"
    return Conclusion("absent", (finding(code, "the pixels carry no watermark that can be read"),))


def _unseen(pixels: Pixels, *, demanded: bool) -> tuple[Finding, ...]:
    """What is said of pixels that nobody looked at. `refused` ones make the file unreadable, which says enough."""
    if demanded and pixels.state != "refused":
        why = pixels.problem or "this file's pixels were not looked at"
        return (finding("verify.watermark-unchecked", f"a watermark is demanded, and none was looked for: {why}"),)
    return (finding("verify.watermark-not-read", pixels.problem),) if pixels.state == "not-read" else ()


def ledger(evidence: Evidence) -> Conclusion:
    findings = tuple(item for record in evidence.records for item in _record_findings(record, evidence))
    if any(_is_exact(record, evidence.source) for record in evidence.records):
        return Conclusion("exact", findings)
    if evidence.candidates:
        return Conclusion("similar", (*findings, *_candidates(evidence)))
    known = any(record.state in ("absent", "pending", "proven", "voided", "distrusted") for record in evidence.records)
    return Conclusion("absent" if known else "not-checked", findings)


def _candidates(evidence: Evidence) -> tuple[Finding, ...]:
    """One finding for each entry that the file may come from, with all that points to it."""
    entries = dict.fromkeys(near.entry_id for near in evidence.candidates)
    return tuple(finding("verify.candidate", _candidate(evidence, entry_id)) for entry_id in entries)


def _candidate(evidence: Evidence, entry_id: str) -> str:
    ways = [near for near in evidence.candidates if near.entry_id == entry_id]
    words = {"watermark": "watermark", "iscc": "ISCC"}
    told = [f"{near.distance} of {near.of} {words[near.by]} bits differ" for near in ways]
    if [near.by for near in ways] == ["watermark"] and evidence.pixels.codes:
        told.append("the picture itself does not look like that entry's: it was cropped, or the mark was copied")
    return f"it looks like entry #{ways[0].index} ({entry_id}) of {ways[0].origin}: {'; '.join(told)}"


def _record_findings(record: Record, evidence: Evidence) -> tuple[Finding, ...]:
    if record.state == "proven":
        told = record is evidence.records[-1]  # the ledger comes last and sees what a receipt cannot
        return (*_contradictions(record, evidence), *(_limits(record) if told else ()))
    if record.state == "absent" and claims_entry_of(evidence.credential, record):
        entry = evidence.credential.entry_id
        message = f"the file names the entry {entry} of this ledger, which has neither that entry nor these bytes"
        return (finding("verify.ledger-contradicts", message),)
    name = "receipt" if record.source == "receipt" else "ledger"
    message = {
        "refuted": f"the receipt and the ledger tell different histories: {record.reason}",
        "unreadable": f"a receipt is there and was not used: {record.reason}",
        "invalid": f"the receipt does not verify: {record.reason}",
        "broken": f"the ledger does not check: {record.reason}",
        "untrusted": record.reason or f"the {name} belongs to {record.origin or 'a log'} that no trust file names",
        "unchecked": f"the {name} was not used, because no trust file was given",
        "absent": f"the ledger has no entry for these bytes{record.reason and ': ' + record.reason}",
        "voided": f"the entry of this file does not stand: {record.reason}",
        "distrusted": record.reason or "the key that signed the entry of these bytes was revoked from before it",
        "pending": "the ledger holds an entry about this file, and no checkpoint covers it yet",
    }[record.state]
    subject = "entry" if record.state in ("voided", "pending", "distrusted") else name
    code = f"verify.{subject}-{record.state}"
    return (finding(code, message, instead=record.hint),)


def claims_entry_of(claim: Credential, record: Record) -> bool:
    """Whether the claim in the file names an entry of the very ledger that the record is about."""
    named = claim.presence == "embedded" and bool(claim.entry_id)
    return named and bool(record.origin) and claim.ledger_origin == record.origin


def _contradictions(record: Record, evidence: Evidence) -> tuple[Finding, ...]:
    """What a proven entry about these very bytes says otherwise than the claim inside them."""
    claim = evidence.credential
    if record.subject_sha256 != evidence.source.sha256 or claim.presence != "embedded" or not claim.entry_id:
        return ()
    pairs = (
        ("entry", record.entry_id, claim.entry_id),
        ("ledger", record.origin, claim.ledger_origin),
        ("persona", record.persona, claim.persona),
    )
    return tuple(
        finding(
            f"verify.{record.source}-contradicts", f"the {record.source} names the {what} {ours}, the file {theirs}"
        )
        for what, ours, theirs in pairs
        if theirs and ours != theirs
    )


def _limits(record: Record) -> tuple[Finding, ...]:
    shown = tuple(finding("verify.time-stamp", text) for text in record.shown)
    if not record.notes:
        return shown
    limits = finding("verify.record-limits", f"what this {record.source} cannot show: {'; '.join(record.notes)}")
    return (*shown, limits)


def approval(found: Approval | None, *, required: bool) -> Conclusion:
    """The verdict is that of the ledger's rule (SPEC 6.11); here it becomes a value and a finding."""
    if found is None or not found.threshold:
        why = "no ledger was used" if found is None else "neither the trust file nor the ledger names who approves"
        missing = finding("verify.not-approved", f"no approval of these bytes was shown: {why}")
        return Conclusion("not-checked", (missing,) if required else ())
    said = "; ".join(f"{word.key_id} {word.decision} by entry #{word.index}" for word in found.counted) or "no word yet"
    told = f"{found.threshold} of {len(found.approvers)} must approve: {said}"
    if found.verdict == "pending":
        return Conclusion("pending", (finding("verify.not-approved", told),) if required else ())
    code = "verify.approved" if found.verdict == "approved" else "verify.rejected"
    return Conclusion(found.verdict, (finding(code, told),))
