"""A copy of the ledger file up to the checkpoint, built from rows and not from pages (SPEC 16.8, docs/adr/0111).

The schema is the shipped text, so nothing that somebody planted in the source travels along. Sealed values that are not
asked for are never written into the new file: there is nothing to wipe.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from personactl_ledger.check import check
from personactl_ledger.database import connect_reader
from personactl_ledger.errors import LedgerCorrupt
from personactl_ledger.export_state import ExportState
from personactl_ledger.schema import APPLICATION_ID, USER_VERSION, expected_objects
from personactl_ledger.view import LedgerView

CHUNK = 512
"""Keys of rows read at a time; the source is not locked between two reads."""


def write_copy(view: LedgerView, state: ExportState, target: Path, *, with_sealed: bool) -> int:
    """Build the copy at `target`, which must not exist; returns the number of sealed values in it."""
    source = view.store.connection
    target.touch(mode=0o600, exist_ok=False)
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        for setting in (f"application_id = {APPLICATION_ID}", f"user_version = {USER_VERSION}", "journal_mode = OFF",
                        "synchronous = OFF", "secure_delete = ON", "cache_size = -65536"):  # fmt: skip
            copy.execute(f"PRAGMA {setting}").fetchall()
        objects = expected_objects()
        copy.execute("BEGIN")
        _make(copy, [sql for (kind, _), (_, _, sql) in objects.items() if kind == "table" and sql])
        _fill(source, copy, "entry", "idx", state.size)
        for level in range(8):
            _fill(source, copy, "tile", "idx", state.size >> 8 * (level + 1), f"level = {level} AND ")
        for table in ("checkpoint", "cosignature"):
            _fill(source, copy, table, "size", state.size + 1)
        _fill(source, copy, "timestamp", "id", state.stamps + 1)
        sealed = _fill(source, copy, "sealed", "idx", state.size) if with_sealed else 0
        _make(copy, [sql for (kind, _), (_, _, sql) in objects.items() if kind != "table" and sql])
        copy.execute("COMMIT")
        if copy.execute("PRAGMA freelist_count").fetchone()[0]:
            raise LedgerCorrupt("the copy holds pages that no table uses", where=str(target))
    return sealed


def check_copy(view: LedgerView, state: ExportState, target: Path) -> None:
    """Read the copy back: tree, tiles, checkpoints, schema (SPEC 12, level tree). Raises LedgerCorrupt."""
    report = check(target, level="tree")
    errors = [item for item in report.findings if item.severity == "error"]
    root = state.checkpoint.root.hex() if state.checkpoint is not None else report.root_hex
    if errors or (report.size, report.root_hex) != (state.size, root):
        said = f"{errors[0].message} [{errors[0].code}]" if errors else "its tree is another one"
        raise LedgerCorrupt(
            f"the copy does not check out: {said}", where=str(view.path),
            hint="keep the file as it is and run `personactl ledger check`",
        )  # fmt: skip


@contextmanager
def open_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A reading connection to a copy that this module wrote, with its views allowed and sorting on the disk."""
    with closing(connect_reader(path)) as connection:
        connection.execute("PRAGMA temp_store = FILE")
        # Older SQLite does not count json_extract as harmless in a view; these views are the shipped ones.
        connection.execute("PRAGMA trusted_schema = ON")
        yield connection


def _make(copy: sqlite3.Connection, statements: list[str]) -> None:
    for sql in statements:
        copy.execute(sql)


def _fill(source: sqlite3.Connection, copy: sqlite3.Connection, table: str, key: str, stop: int, more: str = "") -> int:
    """Copy the rows whose natural number `key` is below `stop`; returns how many there were."""
    columns = len(source.execute(f"SELECT * FROM {table} LIMIT 0").description)  # noqa: S608  (constants, all of them)
    insert = f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608
    select = f"SELECT * FROM {table} WHERE {more}{key} >= ? AND {key} < ? ORDER BY {key}"  # noqa: S608
    done, start = 0, 0
    while start < stop:
        rows = source.execute(select, (start, min(stop, start + CHUNK))).fetchall()
        copy.executemany(insert, rows)
        done, start = done + len(rows), start + CHUNK
    return done
