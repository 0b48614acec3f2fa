"""What must hold before a ledger key signs a tree (SPEC 7.3)."""

from __future__ import annotations

from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.errors import EntryRefused, LedgerCorrupt
from personactl_ledger.keyring import Keyring
from personactl_ledger.merkle import range_root
from personactl_ledger.signer import LogSigner
from personactl_ledger.store import Store


def require_log_key(keyring: Keyring, origin: str, size: int, log: LogSigner) -> None:
    """Raises EntryRefused (code ledger.log-key) unless the key may sign a tree of this size, with all its halves."""
    if log.verifier_keys(origin) not in [key.vkeys for key in keyring.log_keys(size)]:
        raise EntryRefused(
            "this ledger key is not one that the ledger enrolled and still uses",
            hint="use the ledger key of this project, with all its halves",
            code="ledger.log-key",
        )


def require_extension(store: Store, last: Checkpoint | None) -> None:
    """Raises LedgerCorrupt (code ledger.checkpoint-root) when the tree does not extend its last checkpoint."""
    if last is not None and range_root(0, last.size, store.subtree) != last.root:
        raise LedgerCorrupt("the tree left its last checkpoint", code="ledger.checkpoint-root")
