"""What a ledger's own revocations take back, for whoever has to act on it (SPEC 12.8). `check` finds the same."""

from __future__ import annotations

from personactl_ledger.checkpoint import accept_checkpoint, parse_checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.revocation import Distrust, believed, counting, ends_of
from personactl_ledger.view import LedgerView


def distrusted_entries(view: LedgerView) -> tuple[int, ...]:
    """Indexes of the entries, oldest first."""
    keyring = view.rules.keyring
    counted = counting(keyring, {})
    distrust = Distrust(ends_of(keyring, {}))
    later = view.entries(min(counted.values())) if counted else ()
    return tuple(stored.index for stored in later if distrust.judge(stored.index, stored.entry))


def distrusted_checkpoints(view: LedgerView) -> tuple[int, ...]:
    """Sizes of the stored checkpoints that only ledger keys signed that were revoked from below them."""
    keyring = view.rules.keyring
    ends = ends_of(keyring, {})
    found = []
    with storage_errors(view.path):
        notes = view.store.checkpoint_notes(min(counting(keyring, {}).values(), default=2**63 - 1))
    for note in notes:
        head = parse_checkpoint(note)
        signers = accept_checkpoint(head, [key.vkeys for key in keyring.log_keys(head.size)]).by
        if not believed(head, signers, ends):
            found.append(head.size)
    return tuple(found)
