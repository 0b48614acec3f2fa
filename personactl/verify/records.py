"""Where exact bytes come from: a receipt beside the file, or a ledger. Both count only under a trust file.

Every entry that is believed went through `verify_receipt`, also one that was found in a ledger: the same steps of the
specification decide for a recipient with one small file and for an auditor with the whole log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from personactl_ledger import LedgerError, LedgerTrust, ReceiptError, ReceiptReport, parse_receipt, verify_receipt
from personactl_ledger.trust import earliest

from personactl.errors import EXIT_TRUST
from personactl.keys.trust import TrustFile
from personactl.verify.evidence import Record, RecordSource, RecordState, persona_of
from personactl.verify.opening import MAX_RECEIPT_BYTES, RefusedError, read_plain

_WITNESSES = "ask the sender for a new receipt, written after the witnesses cosigned"
FILE_KINDS = frozenset({"output", "adoption"})
"""The kinds of entries whose subject is a delivered file."""


def read_receipt(places: Sequence[Path], trust: Sequence[TrustFile]) -> Record | None:
    """What the first receipt found at `places` says, None when there is none.

    The digest of the file is compared by the rules, not here, so that a sound receipt of another file is told apart
    from a forged one.
    """
    for place in places:
        try:
            data = read_plain(place, MAX_RECEIPT_BYTES)
        except RefusedError as refusal:
            if refusal.code == "verify.not-found":
                continue
            # What is no plain file was put there so; what may not be read here says nothing about the sender.
            state: RecordState = "unreadable" if refusal.code == "verify.unreadable" else "invalid"
            return Record(source="receipt", state=state, reason=refusal.message)
        return prove(data, trust, source="receipt")
    return None


def prove(data: bytes, trust: Sequence[TrustFile], *, source: RecordSource) -> Record:
    """Verify the bytes of a receipt under each trust file until one holds."""
    if not trust:
        return Record(source=source, state="unchecked")
    reasons: list[LedgerError] = []
    for item in trust:
        try:
            report = verify_receipt(data, ledger_trust(item, trust), subject_sha256=None)
        except LedgerError as error:
            if error.code == "receipt.revoked":
                return _distrusted(data, item, source, error)
            reasons.append(error)
        else:
            return _proven(report, item, source)
    faults = [error for error in reasons if error.exit_code != EXIT_TRUST]
    if faults:
        return Record(source=source, state="invalid" if source == "receipt" else "broken", reason=_reason(faults[0]))
    named = [error for error in reasons if error.code != "receipt.origin"]  # a trust file is for this very ledger
    reason = _reason(named[0]) if named else ""
    lacking = bool(named) and named[0].code == "receipt.witness-quorum"
    return Record(
        source=source, state="untrusted", reason=reason, origin=_origin(data), hint=_WITNESSES if lacking else ""
    )


def ledger_trust(item: TrustFile, trust: Sequence[TrustFile]) -> LedgerTrust:
    """The ledger part of one trust file, with the keys that any file about the same ledger revokes: an older file that
    does not know of a theft yet must not outvote one that does."""
    told = [dict(other.revoked) for other in trust if other.origin == item.origin]
    return replace(item.ledger, revoked=tuple(earliest(*told).items()))


def _origin(data: bytes) -> str:
    """The origin that a receipt claims, "" when it does not parse."""
    try:
        return parse_receipt(data).proof.checkpoint.origin
    except LedgerError:
        return ""


def _proven(report: ReceiptReport, trust: TrustFile, source: RecordSource) -> Record:
    if report.entry.kind not in FILE_KINDS:
        reason = f"it proves an entry of the kind {report.entry.kind}, which is about no delivered file"
        return Record(source=source, state="invalid" if source == "receipt" else "broken", reason=reason)
    predicate = report.entry.predicate
    identifier, origin = predicate.get("entryId"), predicate.get("origin")
    return Record(
        source=source,
        state="proven",
        subject_sha256=report.entry.subject_sha256,
        entry_id=identifier if isinstance(identifier, str) else "",
        origin=origin if isinstance(origin, str) else trust.origin,
        index=report.index,
        leaf_hash=report.entry.leaf_hash,
        persona=persona_of(predicate),
        development=trust.development or report.development,
        notes=report.notes,
        shown=report.shown,
    )


def _distrusted(data: bytes, trust: TrustFile, source: RecordSource, error: LedgerError) -> Record:
    """What the receipt says apart from the revocation: that it is about other bytes is still told."""
    report = verify_receipt(data, replace(trust.ledger, revoked=()), subject_sha256=None)
    said = _proven(report, trust, source)
    return said if said.state != "proven" else replace(said, state="distrusted", reason=_reason(error))


def _reason(error: LedgerError) -> str:
    step = f" ({error.where})" if isinstance(error, ReceiptError) and error.where else ""
    return f"{error.message}{step}"
