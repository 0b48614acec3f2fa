"""Opening the SQLite file: settings that are read back, errors by meaning, durable directories (SPEC 11.2, 11.3)."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from personactl_ledger.authority import Authorizer, reader, restrict, writer
from personactl_ledger.errors import (
    FormatError,
    LedgerConflict,
    LedgerCorrupt,
    LedgerError,
    LedgerLocked,
    LedgerMissing,
    LedgerStorage,
)
from personactl_ledger.header import HEADER_BYTES, HeaderProblem, header_problem, length_problem, number
from personactl_ledger.lock import has_journal, writer_active
from personactl_ledger.schema import expected_objects, read_objects

BUSY_MILLISECONDS = 30_000
MOST_SCHEMA_STEPS = 100_000
"""Of SQLite's virtual machine, to read the list of tables; that of a ledger takes some hundred."""
LONGEST_VALUE = 4 << 20
"""Bytes of one row. No row of a ledger comes near; a hostile file could make one of a gigabyte."""

_BOTH: tuple[tuple[str, str, int | str], ...] = (
    ("busy_timeout", str(BUSY_MILLISECONDS), BUSY_MILLISECONDS),
    ("trusted_schema", "OFF", 0),
    ("cell_size_check", "ON", 1),
    ("foreign_keys", "ON", 1),
    ("mmap_size", "0", 0),
    ("temp_store", "MEMORY", 2),
)
_WRITER: tuple[tuple[str, str, int | str], ...] = (
    # A rollback journal, because WAL can corrupt a file under SQLite 3.7.0 to 3.51.2 (docs/adr/0100). With TRUNCATE the
    # journal's new length is synced, which is the commit; EXTRA also syncs the directory where a journal is deleted.
    ("journal_mode", "TRUNCATE", "truncate"),
    ("synchronous", "EXTRA", 3),
    ("fullfsync", "ON", 1),
    ("secure_delete", "ON", 1),
    ("recursive_triggers", "ON", 1),
)
_READER: tuple[tuple[str, str, int | str], ...] = (("query_only", "ON", 1),)


def connect_writer(path: Path) -> sqlite3.Connection:
    """A connection for the holder of the writer's lock; every setting is asserted, and it can only append.

    Rolls back what a crash left.
    """
    return _connect(path, "rw", _WRITER, writer)


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection that works while a writer is active."""
    return _connect(path, "ro", _READER, reader)


def _connect(
    path: Path, mode: str, extra: tuple[tuple[str, str, int | str], ...], authorizer: Authorizer
) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    with storage_errors(path):
        require_header(path, alone=mode == "rw")
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
            with finite_schema(connection, path):
                apply_settings(connection, path, (*_BOTH, *extra))
            restrict(connection, authorizer)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def finite_schema(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """For the first statements: SQLite reads the list of tables then, whose pages need not make a tree (docs/adr/0123).

    Raises LedgerCorrupt (code ledger.schema) for one that does not end.
    """
    connection.set_progress_handler(lambda: True, MOST_SCHEMA_STEPS)
    try:
        yield
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
            raise
        hint = "keep the file as it is; restore a backup"
        raise LedgerCorrupt(
            "the list of tables in the file does not end", where=str(path), hint=hint, code="ledger.schema"
        ) from error
    finally:
        connection.set_progress_handler(None, 0)


def apply_settings(
    connection: sqlite3.Connection, path: Path, settings: tuple[tuple[str, str, int | str], ...]
) -> None:
    """Set each PRAGMA and read it back. Raises LedgerStorage when SQLite did not obey."""
    for name, value, expected in settings:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        row = connection.execute(f"PRAGMA {name}").fetchone()
        found = row[0] if row else 0
        if found != expected:
            raise LedgerStorage(
                f"SQLite answered {found!r} to PRAGMA {name} = {value}",
                where=str(path),
                hint="use the SQLite library that your Python was built with, on a local file system",
                code="ledger.sqlite-setting",
            )


def require_file(path: Path) -> None:
    """Raises LedgerMissing, LedgerStorage, or LedgerCorrupt (code ledger.not-plain) for what is not a plain file."""
    with storage_errors(path):
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):  # a name with a zero byte in it is none
            raise LedgerMissing("there is no ledger here", where=str(path), hint="check the path") from None
    if not stat.S_ISREG(mode):
        raise LedgerCorrupt(
            "the ledger is not a plain file", where=str(path), hint="name the file itself", code="ledger.not-plain"
        )


def require_header(path: Path, *, alone: bool) -> None:
    """Raises LedgerCorrupt for a file that is not a ledger of format 1 by its first bytes, or whose length is not what
    they say, or with a write-ahead log beside it (SPEC 12.1, 12.2). `alone`: the caller holds the writer's lock.

    Asked before SQLite opens the file: even to read one with a log, it would write files beside the evidence.
    """
    quiet = not has_journal(path) and (alone or not writer_active(path))
    with path.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
        size = os.fstat(stream.fileno()).st_size
    problem = header_problem(header)
    if problem is None and quiet and (alone or not writer_active(path)):
        problem = length_problem(number(header, 28), size)
    if problem is None and has_journal(path, "-wal"):
        message = "a write-ahead log lies beside the file, and a ledger never has one"
        problem = HeaderProblem("ledger.journal", message, "nothing was opened; look at a copy that was made at rest")
    if problem is not None:
        raise LedgerCorrupt(problem.message, where=str(path), hint=problem.hint, code=problem.code)


def require_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raises LedgerCorrupt unless the open file has exactly the shipped schema, and nothing after its pages."""
    with storage_errors(path):
        connection.execute("BEGIN")
        try:
            same = read_objects(connection) == expected_objects()
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            problem = length_problem(pages, path.stat().st_size)
        finally:
            connection.execute("ROLLBACK")
    if problem is not None:
        raise LedgerCorrupt(problem.message, where=str(path), hint=problem.hint, code=problem.code)
    if not same:
        raise LedgerCorrupt(
            "the tables, triggers or views of the file are not those of schema.sql",
            where=str(path),
            hint="personactl ledger check",
            code="ledger.schema",
        )


def sync_directory(folder: Path) -> None:
    """Make a new or removed name durable. File systems that cannot sync a directory are taken at their word."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into the ledger's own by meaning, and say where bytes do not parse."""
    try:
        yield
    except FormatError as error:
        error.where = error.where or str(path)
        raise
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except UnicodeDecodeError as error:  # raised by Python for SQLite's own messages and names that quote the file
        raise LedgerCorrupt(
            "the file holds text that is not UTF-8", where=str(path), hint="keep the file as it is; restore a backup"
        ) from error
    except OSError as error:
        raise storage_problem(error, path) from error


def storage_problem(error: OSError, path: Path) -> LedgerStorage:
    """What the system says of `path`, with what helps."""
    absent = error.errno in (errno.ENOENT, errno.ENOTDIR)
    hint = "check the path: a folder of it is not there" if absent else "check space and permissions"
    return LedgerStorage(f"{error.strerror or error}", where=str(path), hint=hint)


def translate(error: sqlite3.Error, path: Path) -> LedgerError:
    """An error of SQLite about the file at `path`, by meaning."""
    name = getattr(error, "sqlite_errorname", "") or ""
    where = str(path)
    if name.startswith("SQLITE_BUSY") or name.startswith("SQLITE_LOCKED"):
        return LedgerLocked("the ledger is busy", where=where, hint="run the same command again")
    if name == "SQLITE_READONLY_ROLLBACK":
        return LedgerLocked(
            "a writer died, and what it left has to be rolled back first",
            where=where,
            hint="run the same command again",
        )
    if name == "SQLITE_TOOBIG":
        return LedgerCorrupt(
            "a row is larger than any that a ledger may have",
            where=where,
            hint="keep the file as it is; restore a backup",
            code="ledger.row-size",
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return LedgerStorage(
            f"the ledger cannot be read or written: {error}", where=where, hint="check space, permissions and the disk"
        )
    if name.startswith("SQLITE_CONSTRAINT") and "entry.leaf_hash" in str(error):
        return LedgerConflict(
            "the very same entry stands in the ledger already", where=where, code="ledger.entry-twice"
        )
    if name.startswith("SQLITE_CONSTRAINT"):
        return LedgerConflict(f"the database refused the change: {error}", where=where, code="ledger.conflict")
    return LedgerCorrupt(
        f"SQLite cannot use the file: {error}", where=where, hint="keep the file as it is and restore a backup"
    )
