"""Working state of a project in .personactl/run.sqlite: intents, planned jobs, spent attempts. Never evidence.

The ledger alone says what was made. This file says what was about to be made when a process died, and remembers a few
answers that would otherwise need a pass over the ledger. It holds keys, ids and counts: no prompt, no name of a person.
When it is lost, the next start rebuilds what it needs from the ledger and the staging folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from personactl.errors import StorageError
from personactl.run.folders import STATE, Folder

FILE_NAME = "run.sqlite"
FORMAT = 2
APPLICATION_ID = 0x70617274  # "part"
_BUSY_SECONDS = 10.0
Closing = Literal["published", "rejected", "voided", "dropped", "failed"]

_SCHEMA = """
CREATE TABLE run (
  run TEXT PRIMARY KEY, plan_sha256 TEXT NOT NULL, manifest_path TEXT NOT NULL, attempts INTEGER NOT NULL,
  started_at TEXT NOT NULL) STRICT;
CREATE TABLE job (
  run TEXT NOT NULL, position INTEGER NOT NULL, job_key TEXT NOT NULL, shot TEXT NOT NULL, shot_index INTEGER NOT NULL,
  file_name TEXT NOT NULL, PRIMARY KEY (run, position)) STRICT;
CREATE TABLE intent (
  entry_id TEXT PRIMARY KEY, run TEXT NOT NULL, job_key TEXT NOT NULL, file_name TEXT NOT NULL,
  attempt INTEGER NOT NULL, opened_at TEXT NOT NULL, closing TEXT) STRICT;
CREATE INDEX intent_open ON intent (entry_id) WHERE closing IS NULL;
CREATE TABLE failure (
  run TEXT NOT NULL, job_key TEXT NOT NULL, reason TEXT NOT NULL, failed_at TEXT NOT NULL,
  PRIMARY KEY (run, job_key)) STRICT;
CREATE TABLE spent (
  job_key TEXT NOT NULL, attempt INTEGER NOT NULL, entry_index INTEGER NOT NULL, verdict TEXT NOT NULL,
  score TEXT NOT NULL, PRIMARY KEY (job_key, attempt)) STRICT;
CREATE TABLE seen (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, size INTEGER NOT NULL,
  last_leaf TEXT NOT NULL DEFAULT '') STRICT;
"""
_FROM_1 = "ALTER TABLE seen ADD COLUMN last_leaf TEXT NOT NULL DEFAULT ''"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Work that was announced before it began. `attempt` counts from 0; `entry_id` is 32 hex digits."""

    entry_id: str
    run: str
    job_key: str
    file_name: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One planned picture of a run."""

    job_key: str
    shot: str
    index: int
    file_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A rejected attempt, as the ledger has it. `score` is a cosine as a decimal string, "" when there was none."""

    attempt: int
    entry_index: int
    verdict: str
    score: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far this project has read which ledger: `last_leaf` is the leaf hash (hex) at `size` - 1, "" where
    an older version of personactl did not write it down."""

    origin: str
    size: int
    last_leaf: str


class RunState:
    """An open state file. Every method that writes is one transaction, durable when it returns.

    All methods raise StorageError: storage.state-damaged for a broken file, else what the disk said.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = path

    @classmethod
    def open(cls, project: Path) -> RunState:
        """Open for a run, creating what is missing. The ledger's lock is the lock of this file too."""
        Folder.open(project, STATE, mode=0o700).close()
        path = project / STATE / FILE_NAME
        with _reporting(path):
            state = cls(_connect(path, "rwc"), path)
            state._prepare()
        return state

    @classmethod
    def open_reader(cls, project: Path) -> RunState | None:
        """Open for questions while a run may be at work; None when there is no state yet."""
        path = project / STATE / FILE_NAME
        if not path.is_file():
            return None
        with _reporting(path):
            # Not "ro": the journal of a process that was killed must be rolled back before the first read.
            state = cls(_connect(path, "rw" if os.access(path, os.W_OK) else "ro"), path)
            if state._one("PRAGMA user_version") != FORMAT:
                state.close()
                return None
            state._one("PRAGMA query_only=ON")
        return state

    def close(self) -> None:
        self._db.close()

    def _prepare(self) -> None:
        # A rollback journal, not WAL: one writer, and no dependence on the WAL-reset fix (ADR 0501).
        if self._one("PRAGMA journal_mode=TRUNCATE") != "truncate" or self._synchronous() != 3:
            raise StorageError("SQLite did not accept the durable settings", where=str(self._path))
        version = self._one("PRAGMA user_version")
        if version == 0:
            with self._writing():
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version={FORMAT}")
        elif version == 1:
            with self._writing():
                self._db.execute(_FROM_1)
                self._db.execute(f"PRAGMA user_version={FORMAT}")
        elif version != FORMAT:
            raise _damaged(self._path, f"its format is {version}, this version knows {FORMAT}")

    def _synchronous(self) -> Any:
        self._db.execute("PRAGMA synchronous=EXTRA")
        return self._one("PRAGMA synchronous")

    # --- runs and jobs ---

    def plan(self, run: str, *, plan_sha256: str, manifest_path: str, attempts: int, jobs: Sequence[Job],
             now: str) -> None:  # fmt: skip
        """Remember what a run is to make, for `status`."""
        rows = [(run, at, job.job_key, job.shot, job.index, job.file_name) for at, job in enumerate(jobs)]
        if [row[2:] for row in rows] == [tuple(row) for row in self._all(
            "SELECT job_key, shot, shot_index, file_name FROM job WHERE run=? ORDER BY position", run
        )]:  # fmt: skip
            return
        with self._writing():
            self._db.execute("DELETE FROM job WHERE run=?", (run,))
            self._db.execute("INSERT OR REPLACE INTO run VALUES (?,?,?,?,?)",
                             (run, plan_sha256, manifest_path, attempts, now))  # fmt: skip
            self._db.executemany("INSERT INTO job VALUES (?,?,?,?,?,?)", rows)

    def latest_run(self) -> str | None:
        """The run whose jobs were written last."""
        row = self._all("SELECT run FROM run ORDER BY started_at DESC, rowid DESC LIMIT 1")
        return row[0][0] if row else None

    def run(self, run: str) -> tuple[str, int] | None:
        """(manifest path, attempts for each shot) of a run."""
        rows = self._all("SELECT manifest_path, attempts FROM run WHERE run=?", run)
        return (rows[0][0], rows[0][1]) if rows else None

    def jobs(self, run: str) -> tuple[Job, ...]:
        """The planned pictures of a run in order."""
        rows = self._all("SELECT job_key, shot, shot_index, file_name FROM job WHERE run=? ORDER BY position", run)
        return tuple(Job(job_key=row[0], shot=row[1], index=row[2], file_name=row[3]) for row in rows)

    # --- intents ---

    def open_intent(self, intent: Intent, *, now: str) -> None:
        """Announce work. It is on the disk when this returns."""
        with self._writing():
            self._db.execute(
                "INSERT INTO intent VALUES (?,?,?,?,?,?,NULL)",
                (intent.entry_id, intent.run, intent.job_key, intent.file_name, intent.attempt, now),
            )

    def close_intent(self, entry_id: str, closing: Closing) -> None:
        """Say how the work ended. Unknown ids are accepted: the state may have been lost in between."""
        with self._writing():
            self._db.execute("UPDATE intent SET closing=? WHERE entry_id=?", (closing, entry_id))

    def close_rejected(self, entry_id: str, job_key: str, spent: Spent) -> None:
        """Close the intent of an attempt that the ledger has as rejected."""
        with self._writing():
            self._db.execute("UPDATE intent SET closing='rejected' WHERE entry_id=?", (entry_id,))
            self._db.execute(_SPEND, _row(job_key, spent))

    def open_intents(self) -> tuple[Intent, ...]:
        """Every intent of every run that was not closed."""
        rows = self._all(
            "SELECT entry_id, run, job_key, file_name, attempt FROM intent WHERE closing IS NULL ORDER BY rowid"
        )
        return tuple(
            Intent(entry_id=row[0], run=row[1], job_key=row[2], file_name=row[3], attempt=row[4]) for row in rows
        )

    # --- failures: the class or code only, because a message may quote a prompt ---

    def fail(self, run: str, job_key: str, reason: str, *, now: str) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO failure VALUES (?,?,?,?)", (run, job_key, reason, now))

    def failures(self, run: str) -> dict[str, str]:
        """jobKey → code of the last failure."""
        return dict(self._all("SELECT job_key, reason FROM failure WHERE run=?", run))

    # --- spent attempts: what the ledger's reject entries say, by job key over all runs ---

    def seen(self) -> Seen | None:
        """The ledger that was read for `learn` last, and how far; None before the first time."""
        rows = self._all("SELECT origin, size, last_leaf FROM seen")
        return Seen(origin=rows[0][0], size=int(rows[0][1]), last_leaf=rows[0][2]) if rows else None

    def learn(self, seen: Seen, spent: Sequence[tuple[str, Spent]], *, afresh: bool) -> None:
        """Add (jobKey, attempt) pairs and remember how far the ledger was read; `afresh` forgets first."""
        with self._writing():
            if afresh:
                self._db.execute("DELETE FROM spent")
            self._db.executemany(_SPEND, [_row(key, item) for key, item in spent])
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (1,?,?,?)", (seen.origin, seen.size, seen.last_leaf))

    def spent(self, job_key: str) -> tuple[Spent, ...]:
        """The rejected attempts of a job in order."""
        rows = self._all(
            "SELECT attempt, entry_index, verdict, score FROM spent WHERE job_key=? ORDER BY attempt", job_key
        )
        return tuple(Spent(attempt=row[0], entry_index=row[1], verdict=row[2], score=row[3]) for row in rows)

    # --- SQLite ---

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _reporting(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _all(self, statement: str, *values: str) -> list[Any]:
        with _reporting(self._path):
            return self._db.execute(statement, values).fetchall()

    def _one(self, statement: str) -> Any:
        row = self._db.execute(statement).fetchone()
        return row[0] if row else None


_SPEND = "INSERT OR REPLACE INTO spent VALUES (?,?,?,?,?)"


def _row(job_key: str, spent: Spent) -> tuple[str, int, int, str, str]:
    return (job_key, spent.attempt, spent.entry_index, spent.verdict, spent.score)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        raise StorageError(
            f"the run state cannot be written: {error}",
            where=str(path),
            hint="check free space and permissions, then run the same command again",
            code="storage.full" if full else "storage.failed",
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> StorageError:
    return StorageError(
        f"the run state cannot be used: {reason}",
        where=str(path),
        hint="move this file away and run again: the ledger is the record, and the state is made anew from it",
        code="storage.state-damaged",
    )
