"""The ledger file: one writer, any number of readers (SPEC 11).

A writer holds `flock` on `<path>.lock` from opening to closing. `append` is one transaction for all its drafts and
returns only when they are on the disk; if it raises, none of them was kept. Readers hold no lock between rows.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from personactl_ledger.checkpoint import Checkpoint, sign_checkpoint
from personactl_ledger.database import connect_reader, connect_writer, require_file, require_format, storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import EntryRefused, LedgerCorrupt, LedgerError, LedgerLocked, LedgerStorage
from personactl_ledger.founding import found
from personactl_ledger.growth import Growth
from personactl_ledger.heads import require_extension, require_log_key
from personactl_ledger.lock import WriterLock, has_journal, writer_active
from personactl_ledger.merkle import range_root
from personactl_ledger.sealed import Sealed, commitment
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.store import Store
from personactl_ledger.transaction import transaction
from personactl_ledger.view import LedgerView


@dataclass(frozen=True, slots=True)
class Draft:
    """A signed leaf that is to be appended, with the values behind its commitments."""

    leaf: bytes
    sealed: tuple[Sealed, ...] = ()


class Ledger(LedgerView):
    """One open ledger file, as a context manager. `writable` tells whether `append` and `checkpoint` may be called."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None):
        self._connection = connection
        self._lock = lock
        self._mutex = threading.RLock()
        self._failed = False
        super().__init__(path, connection, writable=lock is not None)
        if self.writable:
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
        """Read the tree's right edge, and refuse a tree that left its own last checkpoint."""
        self._growth = Growth.load(self.store)
        last = self.store.latest_checkpoint()
        if last is not None and (
            last.size > self._growth.frontier.size or range_root(0, last.size, self.store.subtree) != last.root
        ):
            raise LedgerCorrupt(
                f"the entries do not lead to the ledger's own checkpoint over {last.size} entries",
                where=str(self.path),
                hint="keep the file as it is and run `personactl ledger check`",
                code="ledger.checkpoint-root",
            )

    # --- writing -----------------------------------------------------------------------------------------------------

    def append(
        self, drafts: Sequence[Draft], *, now: str, also: Callable[[Store, tuple[int, ...]], None] | None = None
    ) -> tuple[int, ...]:
        """Append all drafts in one transaction and return their indexes once they are on the disk (SPEC 6, 11.3).

        `also` writes rows that must be kept or lost together with the entries; it is given their indexes.
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
            with self.write():
                for index, (entry, sealed) in enumerate(parsed, start=first):
                    self.rules.admit(index, entry)
                    self.store.insert(index, entry, now)
                    self.store.insert_sealed(index, sealed)
                    growth.append(entry.leaf_hash, self.store)
                    self.rules.record(index, entry)
                indexes = tuple(range(first, growth.frontier.size))
                if also is not None:
                    also(self.store, indexes)
            self._growth = growth
        return indexes

    def checkpoint(self, log: LogSigner, *, now: str) -> Checkpoint:
        """Sign the tree as it stands; the latest checkpoint again when nothing was added since (SPEC 7.3).

        Raises EntryRefused (code ledger.log-key) when `log` is not the ledger key that the ledger enrolled,
        LedgerCorrupt when the tree does not extend the last checkpoint.
        """
        require_time(now)
        with self._mutex:
            self._require_writer()
            size = self._growth.frontier.size
            require_log_key(self.rules.keyring, self.origin, size, log)
            with storage_errors(self.path):
                last = self.store.latest_checkpoint()
                require_extension(self.store, last)
                if last is not None and last.size == size:
                    return last
                signed = sign_checkpoint(self.origin, size, self._growth.frontier.root(), log, now=now)
                with self.write():
                    self.store.insert_checkpoint(signed, now)
        return signed

    @contextmanager
    def write(self) -> Iterator[Store]:
        """One transaction for the modules of this package: what it wrote is on the disk when the block has ended.

        Raises LedgerError (code ledger.read-only) for a reader, LedgerStorage when the disk fails.
        """
        with self._mutex:
            self._require_writer()
            with storage_errors(self.path), transaction(self._connection, self._reload, self._fail):
                yield self.store

    def _reload(self) -> None:
        self.load_rules()
        self._load()

    def _fail(self) -> None:
        self._failed = True

    def _require_writer(self) -> None:
        if not self.writable:
            raise LedgerError("the ledger was opened for reading", code="ledger.read-only", exit_code=2)
        if self._failed:
            raise LedgerStorage(
                "an earlier write to the ledger failed; its outcome has to be read again",
                where=str(self.path),
                hint="close the ledger and run the command again",
            )


def _require_commitments(entry: Entry, sealed: Sequence[Sealed]) -> None:
    """Each sealed value must be what the entry committed to (SPEC 10.2)."""
    committed = entry.predicate.get("sealed", {})
    for item in sealed:
        if committed.get(item.field) != commitment(item.field, item.salt, item.value):
            raise EntryRefused(f"the entry does not commit to the sealed {item.field}", code="ledger.seal")
