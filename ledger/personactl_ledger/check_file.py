"""The file before its contents: header, stray journals, schema, SQLite's own check (SPEC 12.1 to 12.3)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from time import monotonic

from personactl_ledger.findings import Findings, Level
from personactl_ledger.header import HEADER_BYTES, header_problem, length_problem, number
from personactl_ledger.journal import foreign_journal
from personactl_ledger.lock import has_journal, writer_active
from personactl_ledger.schema import expected_objects, read_objects

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


def check_database(connection: sqlite3.Connection, level: Level, findings: Findings, path: Path) -> bool:
    """SPEC 12.3: SQLite's own consistency check: pages at level index, also every index and key at level full.

    It reads in one go and so keeps a writer out. Where one is at work it is given up after MOST_SECONDS: then False.
    """
    if level == "tree":
        return True
    end = monotonic() + MOST_SECONDS
    connection.set_progress_handler(lambda: monotonic() > end and writer_active(path), _STEPS_BETWEEN_LOOKS)
    pragma = "integrity_check" if level == "full" else "quick_check"
    # The whole check leaves out the list of free pages in a schema with views (SQLite 3.40); by this name it is read.
    try:
        for what in ("10", "sqlite_master"):
            rows = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}({what})").fetchall()]
            if rows != ["ok"]:
                findings.add("ledger.database", f"{pragma} of SQLite: {'; '.join(rows)[:300]}")
        if level == "full" and connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            findings.add("ledger.database", "a row points to an entry or a checkpoint that is not there")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
            raise
        return False
    finally:
        connection.set_progress_handler(None, 0)
    return True
