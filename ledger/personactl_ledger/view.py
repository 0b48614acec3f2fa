"""What an open ledger says: look-ups, proofs, the latest checkpoint. Readers and the writer share it (SPEC 11.4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from personactl_ledger.approvals import Approval, Approvals, Approvers
from personactl_ledger.book import RunState
from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import LedgerCorrupt, LedgerMissing
from personactl_ledger.marks import Marks, marks
from personactl_ledger.own_trust import own_trust
from personactl_ledger.proving import prove
from personactl_ledger.receipt import Timestamp
from personactl_ledger.rules import Rules
from personactl_ledger.sealed import commitment
from personactl_ledger.store import Store, StoredEntry, TableBook
from personactl_ledger.trust import LedgerTrust


class LedgerView:
    """One open connection. `store` and `rules` are for the modules of this package."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, writable: bool):
        self.path = path
        self.writable = writable
        self.store = Store(connection)
        self.load_rules()

    def load_rules(self) -> None:
        """Read what earlier entries decide. Raises LedgerCorrupt (code ledger.genesis) when there is no genesis."""
        self.rules = Rules(TableBook(self.store))
        for index, leaf in self.store.root_entries():
            self.rules.record(index, parse_entry(leaf))
        if not self.rules.origin:
            raise LedgerCorrupt("the ledger has no genesis entry", where=str(self.path), code="ledger.genesis")

    @property
    def origin(self) -> str:
        """`<domain>/personactl/<16 hex digits>` (SPEC 6.2)."""
        return self.rules.origin

    @property
    def development(self) -> bool:
        """Whether the genesis declares development keys."""
        return self.rules.development

    @property
    def size(self) -> int:
        """Number of entries now."""
        with storage_errors(self.path):
            return self.store.size()

    def entry(self, index: int) -> StoredEntry:
        """One entry. Raises LedgerMissing (code ledger.entry-missing)."""
        with storage_errors(self.path):
            row = self.store.leaf(index)
            if row is None:
                raise LedgerMissing(f"there is no entry {index}", where=str(self.path), code="ledger.entry-missing")
            return StoredEntry(index, parse_entry(row[0], later=True), row[1])

    def entries(
        self, start: int = 0, stop: int | None = None, *, kind: str | None = None, run: str | None = None
    ) -> Iterator[StoredEntry]:
        """Entries [start, stop) in order, all of those present when the call began if `stop` is None."""
        end = self.size if stop is None else min(stop, self.size)
        with storage_errors(self.path):
            yield from self.store.entries(start, end, kind=kind, run=run)

    def by_subject(self, sha256: str) -> list[StoredEntry]:
        """Every entry about the file or pixels with this SHA-256 (64 hex digits), oldest first."""
        with storage_errors(self.path):
            indexes = self.store.indexes_of_subject(sha256)
        return [self.entry(index) for index in indexes]

    def approval(
        self, sha256: str, *, approvers: Approvers | None = None, revoked: Mapping[str, int] | None = None
    ) -> Approval:
        """Whether persons approved the bytes with this SHA-256 (64 hex digits): SPEC 6.11.

        `approvers` are (threshold, raw keys) of the verifier's trust file, `revoked` its key ids that are believed only
        below an index; without `approvers` the trust entries of the ledger name them. Files that an approval does not
        list in its excerpt are decided by its subject: ask for the decisions document then. Raises ProfileError when
        more approvals are asked than there are different keys.
        """
        return self.approvals(approvers=approvers, revoked=revoked).about(sha256)

    def approvals(self, *, approvers: Approvers | None = None, revoked: Mapping[str, int] | None = None) -> Approvals:
        """All approvals until now, to be asked about many files; as `approval`."""
        with storage_errors(self.path):
            if not self.writable:
                self.load_rules()
            return Approvals(self, approvers=approvers, revoked=revoked)

    def trust(self) -> LedgerTrust:
        """What a trust file of this ledger says of it: log keys and root keys since the genesis, retired ones too, the
        approvers of the newest trust entry, and every revocation (SPEC 9.1)."""
        with storage_errors(self.path):
            if not self.writable:
                self.load_rules()
            return own_trust(self)

    def in_use(self, role: str) -> tuple[str, ...]:
        """Key ids of a role that were neither retired nor revoked so far, oldest first (SPEC 6.6)."""
        return tuple(key.key_id for key in self.rules.keyring.active(role))

    def marks(self) -> Iterator[Marks]:
        """(index, entryId, ISCC, whether it was taken back) of every output and adoption, from the columns of the file:
        for finding entries, not for believing them."""
        with storage_errors(self.path):
            yield from marks(self.store.connection)

    def by_entry_id(self, entry_id: str) -> StoredEntry | None:
        """The output, reject or adoption with this entryId (32 hex digits)."""
        with storage_errors(self.path):
            index = self.store.index_of_entry_id(entry_id)
        return None if index is None else self.entry(index)

    def by_job_key(self, job_key: str) -> StoredEntry | None:
        """The standing (not voided) output of a job key (64 hex digits), over all runs."""
        with storage_errors(self.path):
            index = self.store.standing(job_key)
        return None if index is None else self.entry(index)

    def run_state(self, run: str) -> RunState | None:
        """The latest start of a run: what its run-close has to say (firstIndex is `open_index`)."""
        with storage_errors(self.path):
            return self.store.run_state(run, self.store.size())

    def unseal(self, index: int) -> dict[str, str]:
        """The values behind an entry's commitments that were not erased, each checked against its commitment."""
        committed = self.entry(index).entry.predicate.get("sealed", {})
        values = {}
        with storage_errors(self.path):
            for field, salt, value in self.store.sealed(index):
                if committed.get(field) != commitment(field, salt, value):
                    raise LedgerCorrupt(
                        f"the sealed {field} of entry {index} is not the value that was committed to",
                        where=str(self.path),
                        code="ledger.seal",
                    )
                values[field] = value
        return values

    def latest_checkpoint(self) -> Checkpoint | None:
        """The largest signed tree head."""
        with storage_errors(self.path):
            return self.store.latest_checkpoint()

    def prove(self, index: int, *, size: int | None = None, timestamps: Sequence[Timestamp] = ()) -> bytes:
        """The receipt of an entry against the latest checkpoint, or the one over `size` entries, as JSON (SPEC 8).

        Raises LedgerMissing (codes ledger.entry-missing, ledger.no-checkpoint), LedgerConflict (code ledger.voided) for
        an output that was voided or an adoption that was withdrawn.
        """
        with storage_errors(self.path):
            if not self.writable:
                self.load_rules()  # a writer elsewhere may have enrolled keys since this reader was opened
            return prove(self.store, self.rules.keyring, index, tuple(timestamps), size).to_bytes()
