"""A pass over the entries after a kept checkpoint: its start, and what it must not leave unsaid (SPEC 12.9)."""

from __future__ import annotations

import sqlite3

from personactl_ledger.check_entries import EntryPass
from personactl_ledger.check_since import KeptBook, KeptTree, NotKept
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Findings


def resume(connection: sqlite3.Connection, tree: KeptTree, findings: Findings, wanted: set[int]) -> EntryPass:
    """A pass that begins at the checkpoint, with the keys that older entries enrolled, each judged again.

    Raises NotKept where such an entry breaks a rule, or no key among them signed the checkpoint.
    """
    older = KeptBook(connection, tree)
    entries = EntryPass(connection, findings, wanted, growth=tree.growth(), older=older)
    for index, entry in tree.root_entries():
        try:
            entries.rules.admit(index, entry)
        except LedgerError as error:
            raise NotKept from error
        entries.rules.record(index, entry)
        entries.note_signers(index, entry)
    tree.require_signed(entries.rules.origin, entries.rules.keyring)
    for size in wanted:
        if size < tree.size:
            entries.roots[size] = tree.root_at(size)
    return entries


def finish(tree: KeptTree, entries: EntryPass) -> None:
    """Raises NotKept when a new key-revoke reaches back to entries that were not read: they must be reported."""
    for index, entry in tree.opened:
        entries.note_signers(index, entry)
    for revocation in entries.rules.keyring.revocations.values():
        if revocation.at >= tree.size > revocation.from_index:
            raise NotKept
