"""The ledger file: one writer, any number of readers (SPEC 11).

A writer holds `flock` on `<path>.lock` from opening to closing. `append` is one transaction for all its drafts and
returns only when they are on the disk; if it raises, none of them was kept. Several threads may append, and share a
transaction when they meet (group.py). Readers hold no lock between rows.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from personactl_ledger import forking
from personactl_ledger.checkpoint import Checkpoint, sign_checkpoint
from personactl_ledger.database import (
    BUSY_MILLISECONDS,
    connect_reader,
    connect_writer,
    require_file,
    require_format,
    storage_errors,
)
from personactl_ledger.drafts import Draft, read_drafts
from personactl_ledger.encoding import require_time
from personactl_ledger.errors import LedgerCorrupt, LedgerError, LedgerLocked, LedgerStorage
from personactl_ledger.founding import found
from personactl_ledger.group import Also, Call, Group, fail_all
from personactl_ledger.growth import Growth
from personactl_ledger.heads import require_extension, require_log_key
from personactl_ledger.journal import recover, require_no_journal
from personactl_ledger.lock import WAIT, WriterLock, has_journal, writer_active
from personactl_ledger.merkle import range_root
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.store import Store
from personactl_ledger.transaction import Outcome, disk_failed, transaction
from personactl_ledger.view import LedgerView

__all__ = ["Draft", "Ledger"]


class Ledger(LedgerView):
    """One open ledger file, as a context manager. `writable` tells whether `append` and `checkpoint` may be called."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None):
        self._connection = connection
        self._lock = lock
        self._mutex = threading.RLock()
        self._group = Group(self._mutex)
        self._writing: int | None = None
        self._failed = False
        super().__init__(path, connection, writable=lock is not None)
        if lock is not None:
            lock.watch()
            self._load()
            forking.register(lock, self._mutex)

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
        wait: float = WAIT,
    ) -> Ledger:
        """Make a new ledger with genesis, operator key and ledger key, and leave it open for writing (SPEC 6.2).

        `wait`: seconds in which another process that makes it, or did, may let go of the lock.

        Raises LedgerConflict (code ledger.exists), LedgerLocked, LedgerStorage, or EntryRefused for a weak key.
        """
        path = Path(path)
        lock = WriterLock(path, wait)
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
    def open_writer(cls, path: Path | str, *, wait: float = WAIT) -> Ledger:
        """Open for appending; what a crash left half done is rolled back first (SPEC 11.4).

        `wait`: seconds in which another writer may finish; LedgerLocked after that.
        Raises LedgerMissing, LedgerLocked, LedgerCorrupt, LedgerStorage.
        """
        path = Path(path)
        require_file(path)
        lock = WriterLock(path, wait)
        try:
            return cls._open_locked(path, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open_reader(cls, path: Path | str) -> Ledger:
        """Open read-only, also while a writer is active (SPEC 11.4).

        What a writer that died left half done is rolled back first, which needs the right to write. Raises
        LedgerMissing, LedgerCorrupt, LedgerLocked, LedgerStorage (code ledger.journal-read-only without that right).
        """
        path = Path(path)
        require_file(path)
        patience = monotonic() + BUSY_MILLISECONDS / 1000
        while True:
            if has_journal(path) and not writer_active(path):
                cls._heal(path)
            try:
                return cls._open_as_it_is(path)
            except LedgerLocked:  # the writer died just now, or another reader is rolling back what it left
                if not has_journal(path) or monotonic() > patience:
                    raise
                sleep(0.02)

    @classmethod
    def _heal(cls, path: Path) -> None:
        """Roll back what a dead writer left, unless somebody else does."""
        try:
            cls.open_writer(path).close()
        except LedgerLocked:
            return
        except LedgerStorage as error:
            raise LedgerStorage(
                f"a writer died here; what it left has to be rolled back first, and that failed: {error.message}",
                where=str(path),
                hint="copy the file and its -journal to a place that can be written, and open the copy",
                code="ledger.journal-read-only",
            ) from error

    @classmethod
    def _open_as_it_is(cls, path: Path) -> Ledger:
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
        if has_journal(path):
            recover(path)
        connection = connect_writer(path)
        try:
            require_format(connection, path)
            with storage_errors(path):
                return cls(path, connection, lock)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Let go of the file and the lock. Calling it again does nothing, nor does calling it in a forked child."""
        if self._lock is not None and self._lock.inherited:
            return
        with self._mutex:
            if self.writable and not self._failed:
                with suppress(sqlite3.Error):
                    # Removes the empty journal file, so that a ledger at rest is one file.
                    self._connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            self._connection.close()
            if self._lock is not None:
                forking.forget(self._lock)
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

    def append(self, drafts: Sequence[Draft], *, now: str, also: Also | None = None) -> tuple[int, ...]:
        """Append all drafts in one transaction and return their indexes once they are on the disk (SPEC 6, 11.3).

        `also` writes rows that must be kept or lost together with the entries; it is given their indexes. It is called
        in the middle of the transaction, perhaps by another thread that appends.
        Raises EntryRefused, LedgerConflict or FormatError for the first draft that breaks a rule, LedgerStorage when
        the disk fails. Then none of the drafts was kept.
        """
        require_time(now)
        self._require_writer()
        with storage_errors(self.path):
            return self._group.submit(Call(read_drafts(drafts), now, also), self._commit)

    def _commit(self, calls: Sequence[Call]) -> None:
        """Append the calls of a group in one transaction, each whole or not at all. Holds the mutex."""
        try:
            with self._transaction() as outcome:
                for call in calls:
                    call.outcome = outcome
                    if len(calls) == 1:
                        self._place(call)
                    else:
                        self._place_apart(call)
        except Exception as error:
            fail_all(calls, error)

    def _place_apart(self, call: Call) -> None:
        """Place the call; when it breaks a rule, take back what it wrote, and leave the others alone."""
        self._connection.execute("SAVEPOINT call")
        try:
            self._place(call)
        except Exception as error:
            if disk_failed(error):
                raise
            self._connection.execute("ROLLBACK TO call")
            self._reload()
            call.error = error
        self._connection.execute("RELEASE call")

    def _place(self, call: Call) -> None:
        first = self._growth.frontier.size
        for index, draft in enumerate(call.drafts, start=first):
            entry = draft.entry
            self.rules.admit(index, entry, signed_by=draft.signed_by)
            self.store.insert(index, entry, call.now)
            self.store.insert_sealed(index, draft.sealed)
            self._growth.append(entry.leaf_hash, self.store)
            self.rules.record(index, entry)
        call.indexes = tuple(range(first, self._growth.frontier.size))
        if call.also is not None:
            call.also(self.store, call.indexes)

    def checkpoint(self, log: LogSigner, *, now: str) -> Checkpoint:
        """Sign the tree as it stands; the latest checkpoint again when nothing was added since (SPEC 7.3).

        Raises EntryRefused (code ledger.log-key) when `log` is not the ledger key that the ledger enrolled,
        LedgerCorrupt when the tree does not extend the last checkpoint.
        """
        require_time(now)
        self._require_writer()
        with self._mutex:
            self._require_sound()
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
        self._require_writer()
        with self._mutex, self._transaction():
            yield self.store

    @contextmanager
    def _transaction(self) -> Iterator[Outcome]:
        """Holds the mutex. Before the first row and before the commit the files must be those that were opened."""
        self._require_sound()
        assert self._lock is not None  # noqa: S101
        self._lock.require_in_place()
        self._writing = threading.get_ident()
        try:
            with storage_errors(self.path), transaction(self._connection, self._reload, self._fail) as outcome:
                yield outcome
                self._lock.require_in_place()
        finally:
            self._writing = None

    def _reload(self) -> None:
        """Read the memory again. While that is unfinished, or if it fails, nothing may be written."""
        self._failed = True
        self.load_rules()
        self._load()
        self._failed = False

    def _fail(self) -> None:
        self._failed = True

    def _require_writer(self) -> None:
        if self._lock is None:
            raise LedgerError("the ledger was opened for reading", code="ledger.read-only", exit_code=2)
        self._lock.require_own()
        if self._writing == threading.get_ident():
            raise RuntimeError("a write of the ledger was begun inside another one")

    def _require_sound(self) -> None:
        if self._failed:
            raise LedgerStorage(
                "an earlier write to the ledger failed; its outcome has to be read again",
                where=str(self.path),
                hint="close the ledger and run the command again",
            )
        require_no_journal(self.path)
