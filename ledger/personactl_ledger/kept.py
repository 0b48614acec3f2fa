"""What may take the place of evidence that somebody kept: only what loses nothing of it.

The checkpoint that a verifier keeps between checks (SPEC 12.9) gives way to a later one, never to a smaller one. A
receipt gives way to another one of its entry, while the ledger at hand still is what that receipt was signed over.
"""

from __future__ import annotations

from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.errors import LedgerError
from personactl_ledger.merkle import range_root
from personactl_ledger.receipt import parse_receipt
from personactl_ledger.view import LedgerView


def may_follow(note: str, kept: Checkpoint | None) -> bool:
    """Whether the checkpoint of a good check may be kept instead of `kept`, which that check was anchored to.

    `note` is empty where a check found none.
    """
    if not note:
        return False
    found = parse_checkpoint(note)
    return kept is None or (found.origin == kept.origin and found.size >= kept.size)


def grew_from(view: LedgerView, index: int, data: bytes) -> bool:
    """Whether `data` is a receipt of entry `index` whose checkpoint lies on the tree of this ledger.

    Where it does not, it may be the only anchor that shows a ledger which was cut back or forked.
    """
    try:
        receipt = parse_receipt(data)
    except LedgerError:
        return False
    head = receipt.proof.checkpoint
    if head.origin != view.origin or not index < head.size <= view.size or receipt.leaf != view.entry(index).entry.leaf:
        return False
    with storage_errors(view.path):
        return range_root(0, head.size, view.store.subtree) == head.root
