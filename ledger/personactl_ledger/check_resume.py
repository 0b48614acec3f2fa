"""A pass over the entries after a kept checkpoint: its start, and what it must not leave unsaid (SPEC 12.9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from personactl_ledger.check_entries import EntryPass
from personactl_ledger.check_since import KeptBook, KeptTree, NotKept
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Findings
from personactl_ledger.revocation import ends_of


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
    tree.require_signed(entries.rules.origin, entries.rules.keyring, {})
    for size in wanted:
        if size < tree.size:
            entries.roots[size] = tree.root_at(size)
    return entries


def finish(tree: KeptTree, entries: EntryPass, revoked: Mapping[str, int]) -> None:
    """Raises NotKept where the key that signed the checkpoint is not believed any more, and where a new key-revoke, or
    one of the trust file's in `revoked`, reaches back to entries that were not read: they must be reported."""
    keyring = entries.rules.keyring
    tree.require_signed(entries.rules.origin, keyring, ends_of(keyring, revoked))
    for index, entry in tree.opened:
        entries.note_signers(index, entry)
    starts = [said.from_index for said in keyring.revocations.values() if said.at >= tree.size]
    if any(start < tree.size for start in (*starts, *revoked.values())):
        raise NotKept
