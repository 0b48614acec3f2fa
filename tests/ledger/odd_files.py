"""Files that are no ledger, or one that somebody worked on: each is made from a good one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ledger_bench import NOW, forge

Change = Callable[[Path], object]


@dataclass(frozen=True)
class Odd:
    """How to make it, the code of the first finding, the exit code, and what opening it for reading says (`opens`
    means that reading goes on, and only a check notices)."""

    change: Change
    code: str
    opening: str = ""
    exit_code: int = 4


def written(offset: int, data: bytes) -> Change:
    def change(path: Path) -> None:
        with path.open("r+b") as stream:
            stream.seek(offset)
            stream.write(data)

    return change


def replaced(make: Change) -> Change:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def by_sql(*scripts: str) -> Change:
    """Run statements one by one, with all that a hostile author may switch off."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for pragma in ("writable_schema = ON", "ignore_check_constraints = ON", "foreign_keys = OFF"):
                connection.execute(f"PRAGMA {pragma}")
            for script in scripts:
                connection.executescript(script)

    return change


def past_the_triggers(sql: str) -> Change:
    return by_sql(forge.tamper(sql))


def through_a_loose_table(table: str, sql: str) -> Change:
    """Change rows of a table whose STRICT and CHECKs were taken away meanwhile."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            where = f"WHERE type = 'table' AND name = '{table}'"
            text = connection.execute(f"SELECT sql FROM sqlite_master {where}").fetchone()[0]  # noqa: S608
        loose = text.replace("STRICT, ", "").replace(") STRICT", ")").replace("NOT NULL", "").replace("'", "''")
        text = text.replace("'", "''")
        by_sql(f"UPDATE sqlite_master SET sql = '{loose}' {where}")(path)  # noqa: S608
        past_the_triggers(f"{sql};")(path)
        by_sql(f"UPDATE sqlite_master SET sql = '{text}' {where}")(path)  # noqa: S608

    return change


def in_pages_of(size: int) -> Change:
    return by_sql(f"PRAGMA page_size = {size}; VACUUM;")


def in_utf16(path: Path) -> None:
    script = "\n".join(closing_dump(path))
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA encoding = 'UTF-16le'; {forge_pragmas()} {script}")


def closing_dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def forge_pragmas() -> str:
    return "PRAGMA application_id = 0x504C4731; PRAGMA user_version = 1; PRAGMA foreign_keys = OFF;"


def without_the_schema(path: Path) -> None:
    path.unlink()
    by_sql(forge_pragmas(), "CREATE TABLE notes (a);")(path)


def zeroes(megabytes: int, kind: str = "BLOB") -> str:
    return f"CAST(zeroblob({megabytes << 20}) AS {kind})"


def with_a_value_of(column: str, megabytes: int) -> Change:
    value = zeroes(megabytes, "TEXT" if column == "statement" else "BLOB")
    return through_a_loose_table("entry", f"UPDATE entry SET {column} = {value} WHERE idx = 3;")  # noqa: S608


HUGE_NOTE = f"UPDATE checkpoint SET note = {zeroes(5, 'TEXT')};"  # noqa: S608
ANOTHER_ENTRY = (
    "INSERT INTO entry SELECT {}, zeroblob(32), 'note', NULL, NULL, NULL, NULL, NULL, subject_name, subject_sha256,"
    " key_id, appended_at, statement, leaf FROM entry WHERE idx = 3;"
)

SAID_TO_BE = {
    "empty": Odd(replaced(Path.touch), "ledger.empty-file"),
    "text": Odd(replaced(lambda path: path.write_bytes(b"not a database\n" * 1000)), "ledger.not-sqlite"),
    "short": Odd(lambda path: os.truncate(path, 60), "ledger.not-sqlite"),
    "encrypted": Odd(written(0, bytes(range(130, 230))), "ledger.not-sqlite"),
    "another program's": Odd(written(68, b"GPKG"), "ledger.other-application"),
    "newer": Odd(by_sql("PRAGMA user_version = 2"), "ledger.newer-format"),
    "older": Odd(by_sql("PRAGMA user_version = 0"), "ledger.older-format"),
    "write-ahead": Odd(written(18, b"\2\2"), "ledger.journal"),
    "small pages": Odd(in_pages_of(1024), "ledger.file-settings"),
    "large pages": Odd(in_pages_of(65536), "ledger.file-settings"),
    "UTF-16": Odd(in_utf16, "ledger.file-settings"),
    "auto-vacuum": Odd(by_sql("PRAGMA auto_vacuum = FULL; VACUUM;"), "ledger.file-settings"),
    "reserved bytes": Odd(written(20, b"\x20"), "ledger.file-settings"),
    "damaged header": Odd(written(80, b"x"), "ledger.header"),
    "cut": Odd(lambda path: os.truncate(path, 4096 * 9), "ledger.file-length"),
    "cut in a page": Odd(lambda path: os.truncate(path, 4096 * 9 + 17), "ledger.file-length"),
    "lengthened": Odd(lambda path: os.truncate(path, path.stat().st_size + 4096), "ledger.file-length"),
    "folder": Odd(replaced(Path.mkdir), "ledger.not-plain"),
    "pipe": Odd(replaced(os.mkfifo), "ledger.not-plain"),
    "link": Odd(lambda path: path.symlink_to(path.rename(path.with_name("target"))), "ledger.not-plain"),
    "dangling link": Odd(replaced(lambda path: path.symlink_to("nowhere")), "ledger.not-plain"),
}  # fmt: skip
"""What the first bytes, or the name, give away: the same code from every reader."""

# SQLite leaves CHECK constraints out where it opens a file for reading only, so none of these is found by them.
INSIDE = {
    "another schema": Odd(without_the_schema, "ledger.schema"),
    "a trigger added": Odd(
        by_sql("CREATE TRIGGER x AFTER INSERT ON entry BEGIN DELETE FROM sealed; END"), "ledger.schema"),
    "a view that counts for ever": Odd(
        by_sql("DROP VIEW v_output; CREATE VIEW v_output AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
               " FROM n) SELECT i AS idx FROM n"), "ledger.schema"),
    "a table that is a view": Odd(
        by_sql("ALTER TABLE tile RENAME TO t; CREATE VIEW tile AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
               " SELECT i + 1 FROM n) SELECT i AS level, i AS idx, X'' AS hashes, X'' AS root FROM n"),
        "ledger.schema"),
    "a virtual table": Odd(by_sql("CREATE VIRTUAL TABLE v USING fts5(a)"), "ledger.schema"),
    "a virtual table of an unknown module": Odd(
        by_sql("INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING nobody(a)')"),
        "ledger.schema"),
    "a generated column": Odd(
        by_sql("ALTER TABLE sealed ADD COLUMN x TEXT AS (hex(zeroblob(100000000)))"), "ledger.schema"),
    "an index on an expression": Odd(
        by_sql("CREATE INDEX x ON entry (length(hex(zeroblob(1000000))))"), "ledger.schema"),
    "a schema that does not parse": Odd(by_sql("UPDATE sqlite_master SET sql = 'CREATE VIEW (' WHERE name = 'v_keys'"),
                                        "ledger.database", "ledger.corrupt"),
    "a schema that calls itself": Odd(
        by_sql("UPDATE sqlite_master SET rootpage = 1 WHERE name = 'tile'"), "ledger.database", "ledger.corrupt"),
    "an index of another table's pages": Odd(
        by_sql("UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'entry')"
               " WHERE name = 'sealed'"), "ledger.database", "opens"),
    "text that is not UTF-8": Odd(
        through_a_loose_table("entry", "UPDATE entry SET kind = CAST(X'ff' AS TEXT) WHERE idx = 3;"), "ledger.database",
        "opens"),
    "a sealed value that is not UTF-8": Odd(
        past_the_triggers("UPDATE sealed SET value = CAST(X'ff' AS TEXT);"), "ledger.database", "opens"),
    "a huge leaf": Odd(with_a_value_of("leaf", 5), "ledger.row-size", "ledger.row-size"),
    "a huge statement": Odd(with_a_value_of("statement", 5), "ledger.row-size", "opens"),
    "a huge checkpoint": Odd(
        through_a_loose_table("checkpoint", HUGE_NOTE), "ledger.row-size",
        "ledger.row-size"),
    "a leaf of 65,536 bytes": Odd(
        through_a_loose_table("entry", "UPDATE entry SET leaf = zeroblob(65536) WHERE idx = 3;"), "ledger.leaf-hash",
        "ledger.leaf-size"),
    "a gap": Odd(past_the_triggers("DELETE FROM entry WHERE idx = 3;"), "ledger.index-gap", "opens"),
    "a negative index": Odd(through_a_loose_table("entry", ANOTHER_ENTRY.format(-7)), "ledger.index-gap", "opens"),
    "a huge index": Odd(
        past_the_triggers(ANOTHER_ENTRY.format(2**62).replace("zeroblob(32)", "randomblob(32)")), "ledger.index-gap",
        "opens"),
    "the largest index": Odd(
        past_the_triggers(ANOTHER_ENTRY.format(2**63 - 1).replace("zeroblob(32)", "randomblob(32)")),
        "ledger.index-gap", "opens"),
    "a checkpoint over a huge size": Odd(
        past_the_triggers("UPDATE checkpoint SET size = 9007199254740993;"), "ledger.checkpoint-columns", "opens"),
    "no entries": Odd(past_the_triggers("DELETE FROM sealed; DELETE FROM checkpoint; DELETE FROM entry;"),
                      "ledger.genesis", "ledger.genesis"),
}  # fmt: skip
"""What only reading the tables shows."""

__all__ = ["INSIDE", "NOW", "SAID_TO_BE", "Odd"]
