"""The ledger file: one writer, any number of readers (SPEC 11).

A writer holds `flock` on `<path>.lock` from opening to closing. `append` is one transaction for all its drafts and
returns only when they are on the disk; if it raises, none of them was kept. Readers hold no lock between rows.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from personactl_ledger.book import RunState
from personactl_ledger.checkpoint import Checkpoint, sign_checkpoint
from personactl_ledger.database import connect_reader, connect_writer, require_file, require_format, storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import (
    EntryRefused,
    LedgerCorrupt,
    LedgerError,
    LedgerLocked,
    LedgerMissing,
    LedgerStorage,
)
from personactl_ledger.founding import found
from personactl_ledger.growth import Growth
from personactl_ledger.lock import WriterLock, has_journal, writer_active
from personactl_ledger.merkle import range_root
from personactl_ledger.proving import prove
from personactl_ledger.receipt import Timestamp
from personactl_ledger.rules import Rules
from personactl_ledger.sealed import Sealed, commitment
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.store import Store, StoredEntry, TableBook


@dataclass(frozen=True, slots=True)
class Draft:
    """A signed leaf that is to be appended, with the values behind its commitments."""

    leaf: bytes
    sealed: tuple[Sealed, ...] = ()


class Ledger:
    """One open ledger file, as a context manager. `writable` tells whether `append` and `checkpoint` may be called."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None):
        self.path = path
        self.writable = lock is not None
        self._connection = connection
        self._lock = lock
        self._mutex = threading.RLock()
        self._store = Store(connection)
        self._failed = False
        self._load()

    # --- opening and closing -----------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        domain: str,
        development: bool,
        root: Signer,
        operator_public: bytes,
        log: LogSigner,
        now: str,
    ) -> Ledger:
        """Make a new ledger with genesis, operator key and ledger key, and leave it open for writing (SPEC 6.2).

        Raises LedgerConflict (code ledger.exists), LedgerLocked, LedgerStorage, or EntryRefused for a weak key.
        """
        path = Path(path)
        lock = WriterLock(path)
        try:
            found(
                path,
                domain=domain,
                development=development,
                root=root,
                operator_public=operator_public,
                log=log,
                now=now,
            )
            return cls._open_locked(path, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open_writer(cls, path: Path | str) -> Ledger:
        """Open for appending; what a crash left half done is rolled back first (SPEC 11.4).

        Raises LedgerMissing, LedgerLocked, LedgerCorrupt, LedgerStorage.
        """
        path = Path(path)
        require_file(path)
        lock = WriterLock(path)
        try:
            return cls._open_locked(path, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open_reader(cls, path: Path | str) -> Ledger:
        """Open read-only, also while a writer is active (SPEC 11.4).

        What a writer that died left half done is rolled back first, which needs the right to write. Raises
        LedgerMissing, LedgerCorrupt, LedgerStorage.
        """
        path = Path(path)
        require_file(path)
        if has_journal(path) and not writer_active(path):
            with suppress(LedgerLocked):
                cls.open_writer(path).close()
        connection = connect_reader(path)
        try:
            require_format(connection, path)
            with storage_errors(path):
                return cls(path, connection, None)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def _open_locked(cls, path: Path, lock: WriterLock) -> Ledger:
        connection = connect_writer(path)
        try:
            require_format(connection, path)
            with storage_errors(path):
                return cls(path, connection, lock)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Let go of the file and the lock. Calling it again does nothing."""
        with self._mutex:
            if self.writable and not self._failed:
                with suppress(sqlite3.Error):
                    # Removes the empty journal file, so that a ledger at rest is one file.
                    self._connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            self._connection.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self) -> None:
        """Read keys and the tree's right edge; a writer also refuses a tree that left its own last checkpoint."""
        self._rules = Rules(TableBook(self._store))
        for index, leaf in self._store.root_entries():
            self._rules.record(index, parse_entry(leaf))
        if not self._rules.origin:
            raise LedgerCorrupt("the ledger has no genesis entry", where=str(self.path), code="ledger.genesis")
        if not self.writable:
            return
        self._growth = Growth.load(self._store)
        last = self._store.latest_checkpoint()
        if last is not None and (
            last.size > self._growth.frontier.size or range_root(0, last.size, self._store.subtree) != last.root
        ):
            raise LedgerCorrupt(
                f"the entries do not lead to the ledger's own checkpoint over {last.size} entries",
                where=str(self.path),
                hint="keep the file as it is and run `personactl ledger check`",
                code="ledger.checkpoint-root",
            )

    # --- what it says ------------------------------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """`<domain>/personactl/<16 hex digits>` (SPEC 6.2)."""
        return self._rules.origin

    @property
    def development(self) -> bool:
        """Whether the genesis declares development keys."""
        return self._rules.development

    @property
    def size(self) -> int:
        """Number of entries now."""
        with storage_errors(self.path):
            return self._growth.frontier.size if self.writable else self._store.size()

    def entry(self, index: int) -> StoredEntry:
        """One entry. Raises LedgerMissing (code ledger.entry-missing)."""
        with storage_errors(self.path):
            row = self._store.leaf(index)
        if row is None:
            raise LedgerMissing(f"there is no entry {index}", where=str(self.path), code="ledger.entry-missing")
        return StoredEntry(index, parse_entry(row[0], later=True), row[1])

    def entries(
        self, start: int = 0, stop: int | None = None, *, kind: str | None = None, run: str | None = None
    ) -> Iterator[StoredEntry]:
        """Entries [start, stop) in order, all of those present when the call began if `stop` is None."""
        end = self.size if stop is None else min(stop, self.size)
        with storage_errors(self.path):
            yield from self._store.entries(start, end, kind=kind, run=run)

    def by_subject(self, sha256: str) -> list[StoredEntry]:
        """Every entry about the file or pixels with this SHA-256 (64 hex digits), oldest first."""
        with storage_errors(self.path):
            indexes = self._store.indexes_of_subject(sha256)
        return [self.entry(index) for index in indexes]

    def by_entry_id(self, entry_id: str) -> StoredEntry | None:
        """The output, reject or adoption with this entryId (32 hex digits)."""
        with storage_errors(self.path):
            index = self._store.index_of_entry_id(entry_id)
        return None if index is None else self.entry(index)

    def by_job_key(self, job_key: str) -> StoredEntry | None:
        """The standing (not voided) output of a job key (64 hex digits), over all runs."""
        with storage_errors(self.path):
            index = self._store.standing(job_key)
        return None if index is None else self.entry(index)

    def run_state(self, run: str) -> RunState | None:
        """The latest start of a run: what its run-close has to say (firstIndex is `open_index`)."""
        with storage_errors(self.path):
            return self._store.run_state(run, self._store.size())

    def unseal(self, index: int) -> dict[str, str]:
        """The values behind an entry's commitments that were not erased, each checked against its commitment."""
        committed = self.entry(index).entry.predicate.get("sealed", {})
        values = {}
        with storage_errors(self.path):
            for field, salt, value in self._store.sealed(index):
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
            return self._store.latest_checkpoint()

    def prove(self, index: int, *, timestamps: Sequence[Timestamp] = ()) -> bytes:
        """The receipt of an entry against the latest checkpoint, as JSON bytes (SPEC 8).

        Raises LedgerMissing (codes ledger.entry-missing, ledger.no-checkpoint), LedgerConflict (code ledger.voided) for
        an output that was voided or an adoption that was withdrawn.
        """
        with storage_errors(self.path):
            if not self.writable:
                self._load()  # a writer elsewhere may have enrolled keys since this reader was opened
            return prove(self._store, self._rules.keyring, index, tuple(timestamps)).to_bytes()

    # --- writing -----------------------------------------------------------------------------------------------------

    def append(self, drafts: Sequence[Draft], *, now: str) -> tuple[int, ...]:
        """Append all drafts in one transaction and return their indexes once they are on the disk (SPEC 6, 11.3).

        Raises EntryRefused, LedgerConflict or FormatError for the first draft that breaks a rule, LedgerStorage when
        the disk fails. Then none of the drafts was kept.
        """
        require_time(now)
        parsed = [(parse_entry(draft.leaf), draft.sealed) for draft in drafts]
        for entry, sealed in parsed:
            _require_commitments(entry, sealed)
        with self._mutex:
            self._require_writer()
            growth = self._growth.copy()
            first = growth.frontier.size
            with storage_errors(self.path), self._transaction():
                for index, (entry, sealed) in enumerate(parsed, start=first):
                    self._rules.admit(index, entry)
                    self._store.insert(index, entry, now)
                    self._store.insert_sealed(index, sealed)
                    growth.append(entry.leaf_hash, self._store)
                    self._rules.record(index, entry)
            self._growth = growth
        return tuple(range(first, first + len(parsed)))

    def checkpoint(self, log: LogSigner, *, now: str) -> Checkpoint:
        """Sign the tree as it stands; the latest checkpoint again when nothing was added since (SPEC 7.3).

        Raises EntryRefused (code ledger.log-key) when `log` is not the ledger key that the ledger enrolled,
        LedgerCorrupt when the tree does not extend the last checkpoint.
        """
        require_time(now)
        with self._mutex:
            self._require_writer()
            size = self._growth.frontier.size
            if log.verifier_keys(self.origin) not in [key.vkeys for key in self._rules.keyring.log_keys(size)]:
                raise EntryRefused(
                    "this ledger key is not one that the ledger enrolled and still uses",
                    hint="use the ledger key of this project, with all its halves",
                    code="ledger.log-key",
                )
            with storage_errors(self.path):
                last = self._store.latest_checkpoint()
                if last is not None and range_root(0, last.size, self._store.subtree) != last.root:
                    raise LedgerCorrupt("the tree left its last checkpoint", code="ledger.checkpoint-root")
                if last is not None and last.size == size:
                    return last
                signed = sign_checkpoint(self.origin, size, self._growth.frontier.root(), log, now=now)
                with self._transaction():
                    self._store.insert_checkpoint(signed, now)
        return signed

    def _transaction(self) -> _Transaction:
        return _Transaction(self)

    def _require_writer(self) -> None:
        if not self.writable:
            raise LedgerError("the ledger was opened for reading", code="ledger.read-only", exit_code=2)
        if self._failed:
            raise LedgerStorage(
                "an earlier write to the ledger failed; its outcome has to be read again",
                where=str(self.path),
                hint="close the ledger and run the command again",
            )


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT; on any error the file and the writer's memory go back to what they were."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger

    def __enter__(self) -> None:
        self._ledger._connection.execute("BEGIN IMMEDIATE")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ledger = self._ledger
        try:
            if error is None:
                ledger._connection.execute("COMMIT")
                return
        except BaseException as failure:
            self._roll_back(failure)
            raise
        self._roll_back(error)

    def _roll_back(self, error: BaseException) -> None:
        """After a rule was broken, go on; after the disk failed, the outcome is unknown and nothing more is written."""
        ledger = self._ledger
        ledger._failed = isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)
        try:
            if ledger._connection.in_transaction:
                ledger._connection.execute("ROLLBACK")
            if not ledger._failed:
                ledger._load()
        except (sqlite3.Error, LedgerError):
            ledger._failed = True


def _require_commitments(entry: Entry, sealed: Sequence[Sealed]) -> None:
    """Each sealed value must be what the entry committed to (SPEC 10.2)."""
    committed = entry.predicate.get("sealed", {})
    for item in sealed:
        if committed.get(item.field) != commitment(item.field, item.salt, item.value):
            raise EntryRefused(f"the entry does not commit to the sealed {item.field}", code="ledger.seal")
