"""The time stamps of a receipt, for a verifier that brings roots of time-stamp services (SPEC 15.5)."""

from __future__ import annotations

from collections.abc import Sequence

from personactl_ledger.errors import FormatError, ReceiptError
from personactl_ledger.note import Vkey
from personactl_ledger.receipt import Receipt
from personactl_ledger.timestamping import covered_bytes, verify_token


def check_stamps(
    receipt: Receipt, signed_by: Sequence[tuple[Vkey, ...]], roots: Sequence[str]
) -> tuple[list[str], list[str]]:
    """What tokens show, and which ones show nothing and why. `signed_by` are the ledger keys that signed the
    checkpoint whole.

    Raises ReceiptError (code receipt.timestamp) for a token that does not hold. One from a service that does not count
    is a note.
    """
    head = receipt.proof.checkpoint
    shown, notes = [], []
    for place, stamp in enumerate(receipt.timestamps, start=1):
        renewed = None if stamp.covers is None else receipt.timestamps[stamp.covers].token
        covered = [covered_bytes(head, key, renewed) for key in signed_by]
        try:
            report = verify_token(stamp.token, covered, roots=roots, evidence=stamp.evidence)
            if report.hash_algorithm != stamp.hash_algorithm:
                raise FormatError("it is over another hash algorithm than the receipt says")
        except FormatError as error:
            raise ReceiptError(
                f"the receipt does not hold: time stamp {place}: {error.message}",
                code="receipt.timestamp",
                where="SPEC 15.5",
            ) from None
        if report.untrusted is None:
            shown.append(f"the checkpoint over {head.size} entries {report.says}")
        else:
            notes.append(f"time stamp {place} counts for nothing: {report.untrusted}")
    return shown, notes
