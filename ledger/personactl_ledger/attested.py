"""Which checkpoint a receipt for others should stand on: one that somebody outside has seen (SPEC 8.2, 14, 15).

The latest checkpoint is often newer than the last visit of a witness or of a time-stamp service. An older one that
covers the entry proves the same, and carries what they said.
"""

from __future__ import annotations

from collections.abc import Iterator

from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.revocation import believed, ends_of
from personactl_ledger.view import LedgerView

_OUTSIDE = (
    "SELECT DISTINCT size FROM cosignature WHERE size > ? ORDER BY size DESC",
    "SELECT DISTINCT size FROM timestamp WHERE size > ? ORDER BY size DESC",
)
"""Witnesses first: a trust file can ask for them, and time stamps are shown where they are."""


def attested_size(view: LedgerView, index: int) -> int | None:
    """The size of the newest checkpoint over entry `index` that a witness cosigned; where none did, of the newest that
    was time-stamped; where none was, None: then the latest is as good. Checkpoints that only ledger keys signed which
    were revoked from below them are passed over (SPEC 12.8)."""
    keyring = view.rules.keyring
    ends = ends_of(keyring, {})
    with storage_errors(view.path):
        for head in _seen(view, index):
            signers = accept_checkpoint(head, [key.vkeys for key in keyring.log_keys(head.size)]).by
            if believed(head, signers, ends):
                return head.size
    return None


def _seen(view: LedgerView, index: int) -> Iterator[Checkpoint]:
    for sql in _OUTSIDE:
        for (size,) in view.store.connection.execute(sql, (index,)).fetchall():
            head = view.store.checkpoint(size)
            if head is not None:
                yield head
