"""The views as CSV: RFC 4180, UTF-8 without a mark, CRLF, safe to open in a spreadsheet (SPEC 16.7)."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

from personactl_ledger.tables import VIEWS

CHUNK = 512
STARTERS = frozenset("=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip  # noqa: E501
"""Characters that make a spreadsheet read a cell as a formula."""
GUARD = "'"


def guard(cell: str) -> str:
    """The cell with one `'` in front when a spreadsheet might run it, or when it begins with `'` itself.

    So every text comes back exactly when one GUARD is taken from its beginning.
    """
    first = cell[:1]
    said = cell.lstrip()[:1] or first
    risky = first in ("\t", "\r", "\n", GUARD) or said in STARTERS
    return GUARD + cell if cell and risky else cell


def write_views(connection: sqlite3.Connection, folder: Path, run: str | None) -> int:
    """One file for each view into the empty `folder`; with `run` only views that name a run. Returns their number."""
    written = 0
    for view in VIEWS:
        columns = view_columns(connection, view)
        if run is None or "run" in columns:
            write_view(connection, view, folder / f"{view}.csv", run)
            written += 1
    return written


def write_view(connection: sqlite3.Connection, view: str, target: Path, run: str | None = None) -> None:
    """One view as one file, with a header line. The caller compared the schema with ours."""
    where = "" if run is None else " WHERE run = ?"
    cursor = connection.execute(f"SELECT * FROM {view}{where}", () if run is None else (run,))  # noqa: S608  (VIEWS)
    with target.open("x", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([column[0] for column in cursor.description])
        while rows := cursor.fetchmany(CHUNK):
            writer.writerows([[_cell(value) for value in row] for row in rows])


def view_columns(connection: sqlite3.Connection, view: str) -> list[str]:
    """The names of a view's columns."""
    return [column[0] for column in connection.execute(f"SELECT * FROM {view} LIMIT 0").description]  # noqa: S608


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guard(value)
    return value.hex() if isinstance(value, bytes) else value
