"""The file before its contents: header, stray journals, schema, SQLite's own check (SPEC 12.1 to 12.3)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Literal

from personactl_ledger.findings import Findings, Level
from personactl_ledger.header import HEADER_BYTES, header_problem, length_problem, number
from personactl_ledger.journal import foreign_journal
from personactl_ledger.lock import has_journal, writer_active
from personactl_ledger.schema import expected_objects, read_objects

Soundness = Literal["sound", "unsound", "unknown"]
MOST_SECONDS = 10.0
"""For SQLite's own check where a writer is at work: it waits 30 seconds for readers, then gives up."""
_STEPS_BETWEEN_LOOKS = 100_000


def check_header(path: Path, findings: Findings) -> bool:
    """SPEC 12.1, read from the bytes and not through SQLite. Whether it makes sense to go on."""
    quiet = not has_journal(path) and not writer_active(path)
    with path.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
        size = os.fstat(stream.fileno()).st_size
    problem = header_problem(header)
    if problem is None and quiet and not writer_active(path):
        problem = length_problem(number(header, 28), size)
    if problem is not None:
        findings.add(problem.code, problem.message)
    return problem is None


def check_journals(path: Path, findings: Findings) -> bool:
    """SPEC 12.2: a journal that nobody owns would change what SQLite reads. Whether it makes sense to go on."""
    for suffix in ("-wal", "-journal"):
        if not has_journal(path, suffix) or (suffix == "-journal" and writer_active(path)):
            continue
        reason = foreign_journal(path) if suffix == "-journal" else None
        if reason is not None:
            findings.add("ledger.journal-foreign", reason)
        else:
            message = f"{path.name}{suffix} lies beside the file: a writer died, or the file was copied while in use"
            findings.add("ledger.journal", message)
        return False
    return True


def check_schema(connection: sqlite3.Connection, findings: Findings) -> bool:
    """SPEC 12.3: nothing missing, nothing changed, nothing added. Whether the tables themselves can be read."""
    expected, found = expected_objects(), read_objects(connection)
    readable = True
    for kind, name in sorted(set(expected) | set(found)):
        key = (kind, name)
        if key in expected and key in found and expected[key] == found[key]:
            continue
        what = "is missing" if key not in found else "differs from schema.sql" if key in expected else "is not ours"
        findings.add("ledger.schema", f"the {kind} {name} {what}")
        # What is missing, and triggers and views, are never reached by reading; SQLite evaluates an index to check it.
        readable = readable and not (kind in ("table", "index") and (kind == "table" or key in found))
    return readable


def check_database(connection: sqlite3.Connection, level: Level, findings: Findings, path: Path) -> Soundness:
    """SPEC 12.3: SQLite's own consistency check: pages at every level, above `tree` also every index and key.

    Who checks at level `index` looks entries up afterwards, by indexes that no signature covers.

    It reads in one go and so keeps a writer out. Where one is at work it is given up after MOST_SECONDS: "unknown".
    Where the pages do not make trees, or a row is damaged, nothing else may be read: "unsound".
    """
    end = monotonic() + MOST_SECONDS
    connection.set_progress_handler(lambda: monotonic() > end and writer_active(path), _STEPS_BETWEEN_LOOKS)
    # The whole check leaves out the list of free pages in a schema with views (SQLite 3.40); by this name it is read.
    try:
        for what in ("1", "sqlite_master"):
            found = first_row(connection, f"PRAGMA quick_check({what})")
            if found != "ok":
                findings.add("ledger.database", f"quick_check of SQLite: {found[:300]}")
                return "unsound"
        if level != "tree":
            _check_indexes(connection, findings)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
            raise
        return "unknown"
    finally:
        connection.set_progress_handler(None, 0)
    return "sound"


def first_row(connection: sqlite3.Connection, sql: str) -> str:
    """The first row of an answer of one column. SQLite stops there: after a page that two others point to, it would go
    on with the rows of tables that have no end."""
    with closing(connection.execute(sql)) as cursor:
        return str(cursor.fetchone()[0])


def _check_indexes(connection: sqlite3.Connection, findings: Findings) -> None:
    rows = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)").fetchall()]
    if rows != ["ok"]:
        findings.add("ledger.database", f"integrity_check of SQLite: {'; '.join(rows)[:300]}")
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        findings.add("ledger.database", "a row points to an entry or a checkpoint that is not there")
