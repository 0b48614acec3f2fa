"""Every code that `verify` reports, with its severity and what to do about it. Each has a page under `explain`."""

from __future__ import annotations

from typing import NamedTuple

from personactl.model import Finding, Severity

_GET_A_FRESH_COPY = "ask the sender for the file again, by another way"
_TELL_THE_SENDER = "tell the sender; do not use the file as evidence"

MAX_MESSAGE = 1000
"""Characters of a message. It may quote the file, which may hold megabytes that would scroll the verdict away."""

CODES: dict[str, tuple[Severity, str]] = {
    # the file itself
    "verify.not-found": ("error", "check the path"),
    "verify.not-a-plain-file": ("error", "name the file itself, not a link or a device"),
    "verify.too-large": ("error", "verify the original picture, not a container around it"),
    "verify.empty-folder": ("error", "name the folder that holds the pictures"),
    "verify.unreadable": ("error", _GET_A_FRESH_COPY),
    "verify.unsupported-type": ("error", "this version reads PNG, JPEG, WebP, AVIF, TIFF, MP4 and QuickTime"),
    "verify.timed-out": ("error", "if you know the file to be sound, give it longer: --timeout SECONDS"),
    "verify.out-of-memory": ("error", "do not open it with other programs before you know what it is"),
    "verify.worker-crashed": ("error", "verify it once more alone; then tell the sender, and us"),
    "verify.wrong-extension": ("warning", "rename it to what it is"),
    # integrity
    "verify.altered": ("error", _GET_A_FRESH_COPY),
    "verify.bytes-differ": ("error", _GET_A_FRESH_COPY),
    "verify.content-only": ("info", "ask the sender for the receipts, or give --receipts DIR"),
    "verify.not-exact": ("error", "ask the sender for the receipts, or give --receipts DIR"),
    # credential
    "credential.absent": ("warning", "ask the sender for the original file; platforms often strip metadata"),
    "credential.remote": ("warning", "ask the sender for a file with the credential inside; nothing is fetched"),
    "credential.broken": ("error", _GET_A_FRESH_COPY),
    # trust
    "verify.no-trust-file": ("warning", "get trust.json from the sender by another way, then give --trust FILE"),
    "verify.untrusted": ("error", "if you know the signer, get their trust.json by another way"),
    "verify.listed": ("warning", "ask the sender for a trust.json, by another way than the delivery"),
    "verify.ingredient-listed": ("info", "it counts as far as you rely on that list"),
    "verify.leaf-not-allowed": ("error", "ask the sender for a current trust.json"),
    "verify.expired": ("error", "ask the sender for a receipt, or for files signed with a current certificate"),
    "verify.ingredient-altered": ("error", _TELL_THE_SENDER),
    "verify.ingredient-untrusted": ("error", "ask the sender who signed the pictures that went in"),
    "verify.other-origin": ("error", "ask the owner of the ledger that the file names who signed it"),
    "verify.development-keys": ("info", "ask for files that were released under production keys"),
    # disclosure
    "verify.disclosure-missing": ("error", _TELL_THE_SENDER),
    "verify.source-type-unknown": ("error", _TELL_THE_SENDER),
    "verify.disclosure-contradicts": ("error", _TELL_THE_SENDER),
    "verify.ai-disclosure-missing": ("error", _TELL_THE_SENDER),
    "verify.assertion-missing": ("error", _TELL_THE_SENDER),
    "verify.entry-id-differs": ("error", _TELL_THE_SENDER),
    "verify.xmp-missing": ("warning", "ask the sender why the embedded XMP is not there"),
    "verify.xmp-unreadable": ("warning", "ask the sender for the original file"),
    "verify.label-unchecked": ("warning", "look at the picture; get trust.json from the sender by another way"),
    # watermark
    "verify.watermark-absent": ("warning", "a heavy crop or re-encoding can remove it; ask for the original"),
    "verify.watermark-required": ("error", _TELL_THE_SENDER),
    "verify.watermark-unchecked": ("error", "ask the sender for a picture whose watermark can be read"),
    "verify.watermark-differs": ("error", _TELL_THE_SENDER),
    "verify.watermark-not-read": ("info", "rely on the credential and the receipt"),
    "verify.watermark-other-scheme": ("info", "read it with that scheme's own tool; the credential and receipt stand"),
    "verify.watermark-only": ("info", "give --ledger FILE to look up the entry that it points to"),
    "verify.pixels-skipped": ("warning", "give --pixels to look for the watermark"),
    "verify.pixels-refused": ("error", _GET_A_FRESH_COPY),
    # receipts and the ledger
    "verify.receipt-invalid": ("error", "ask the sender for the receipt of this very file"),
    "verify.receipt-contradicts": ("error", _TELL_THE_SENDER),
    "verify.receipt-refuted": ("error", "keep the receipt and the ledger; ask the sender for a newer ledger"),
    "verify.receipt-unreadable": ("error", "make the receipt readable for you, then verify again"),
    "verify.receipt-untrusted": ("warning", "ask the sender for the trust.json of that ledger"),
    "verify.receipt-unchecked": ("info", "give --trust FILE"),
    "verify.ledger-broken": ("error", "personactl ledger check FILE"),
    "verify.ledger-untrusted": ("warning", "ask the sender for the trust.json of that ledger"),
    "verify.ledger-unchecked": ("info", "give --trust FILE"),
    "verify.ledger-contradicts": ("error", _TELL_THE_SENDER),
    "verify.ledger-absent": ("warning", "ask for a newer copy of the ledger, or for a receipt"),
    "verify.entry-voided": ("error", "ask the sender for the output that replaced it"),
    "verify.entry-distrusted": ("error", "ask the sender which key signed it, and why it was revoked"),
    "verify.time-stamp": ("info", "it counts as far as you rely on that service"),
    "verify.record-limits": ("info", "personactl ledger check --anchor FILE, with a receipt that you kept"),
    "verify.entry-pending": ("warning", "ask for a copy of the ledger with a newer checkpoint, or for a receipt"),
    "verify.candidate": ("info", "a candidate is not a proof: compare it with the original of that entry"),
    # approvals
    "verify.not-approved": ("error", "give --ledger FILE with the approvals, or ask the sender for it"),
    "verify.rejected": ("error", "ask the sender why, and do not use the file"),
    "verify.approved": ("info", "each key id is that of one person; the sender knows whose"),
}


PASSED_ON = frozenset({"disclosure.trailing-data", "disclosure.exif-twice", "disclosure.exif-unreadable"})
"""Findings of the reader that do not bear on an axis; they stand in the verdict as warnings."""


class Conclusion(NamedTuple):
    """The value of one axis, and what was found about it."""

    value: str
    findings: tuple[Finding, ...] = ()


def finding(code: str, message: str, *, instead: str = "") -> Finding:
    """A finding with the severity and hint of its code. `message` completes neither; it says what was found. `instead`
    is the hint where another one helps."""
    severity, hint = CODES[code]
    told = message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "… (cut off)"
    return Finding(code=code, severity=severity, message=told, hint=instead or hint)
