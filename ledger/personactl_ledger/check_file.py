"""The file before its contents: header, stray journals, schema, SQLite's own check (SPEC 12.1 to 12.3)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic

from personactl_ledger.findings import Findings, Level
from personactl_ledger.lock import has_journal, writer_active
from personactl_ledger.schema import (
    APPLICATION_ID,
    MAGIC,
    ROLLBACK_JOURNAL,
    USER_VERSION,
    expected_objects,
    read_objects,
)

MOST_SECONDS = 10.0
"""For SQLite's own check where a writer is at work: it waits 30 seconds for readers, then gives up."""
_STEPS_BETWEEN_LOOKS = 100_000


def check_header(path: Path, findings: Findings) -> bool:
    """SPEC 12.1, read from the bytes and not through SQLite. Whether it makes sense to go on."""
    with path.open("rb") as stream:
        header = stream.read(100)
    if len(header) < 100 or not header.startswith(MAGIC):
        findings.add("ledger.header", "this is not an SQLite file")
        return False
    application, version = int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big")
    if application != APPLICATION_ID or version != USER_VERSION:
        findings.add("ledger.header", f"application_id {application:#x} with user_version {version} is not this format")
        return False
    if header[18:20] != ROLLBACK_JOURNAL:
        findings.add("ledger.journal", "the file was switched to write-ahead logging")
        return False
    return True


def check_journals(path: Path, findings: Findings) -> bool:
    """SPEC 12.2: a journal that nobody owns would change what SQLite reads. Whether it makes sense to go on."""
    for suffix in ("-wal", "-journal"):
        if has_journal(path, suffix) and not (suffix == "-journal" and writer_active(path)):
            findings.add(
                "ledger.journal",
                f"{path.name}{suffix} lies beside the file: a writer died, or the file was copied while in use",
            )
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
        readable = readable and not (kind == "table" and key in expected)
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
    try:
        rows = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}(10)").fetchall()]
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
