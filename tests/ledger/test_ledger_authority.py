"""What SQL the connections refuse, and settings that SQLite did not take (authority.py, database.py)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_bench import NOW, Bench
from personactl_ledger import Draft, Ledger, LedgerStorage, check, database, seal
from personactl_ledger.database import connect_reader, connect_writer
from personactl_ledger.tables import VIEWS, rows

REFUSED = r"not authorized|authorization denied|prohibited"

CHANGES = [
    "DELETE FROM entry", "DELETE FROM tile", "DELETE FROM checkpoint", "DELETE FROM cosignature",
    "DELETE FROM timestamp", "UPDATE checkpoint SET size = 9", "UPDATE timestamp SET id = 9",
    "UPDATE entry SET statement = 'x'", "UPDATE tile SET root = x'00'", "UPDATE sealed SET value = 'x'",
    "DROP TABLE entry", "DROP TRIGGER entry_no_delete", "DROP VIEW v_output", "DROP INDEX entry_kind",
    "ALTER TABLE entry ADD COLUMN more TEXT", "ALTER TABLE entry RENAME TO other",
    "ALTER TABLE entry DROP COLUMN statement",
    "CREATE TABLE more (x)", "CREATE VIEW more AS SELECT 1", "CREATE INDEX more ON entry (leaf)",
    "CREATE TRIGGER more AFTER INSERT ON entry BEGIN SELECT 1; END",
    "CREATE TEMP TABLE more (x)", "CREATE TEMP VIEW more AS SELECT 1",
    "CREATE TEMP TRIGGER more BEFORE INSERT ON main.entry BEGIN SELECT RAISE(IGNORE); END",
    "CREATE VIRTUAL TABLE more USING fts5(x)",
    "ATTACH ':memory:' AS other", "VACUUM", "VACUUM INTO '/nowhere/copy'", "REINDEX", "ANALYZE",
    "PRAGMA writable_schema = ON", "PRAGMA writable_schema = RESET", "PRAGMA user_version = 2",
    "PRAGMA application_id = 1", "PRAGMA schema_version = 1", "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF", "PRAGMA query_only = OFF", "PRAGMA secure_delete = OFF", "PRAGMA foreign_keys = OFF",
    "PRAGMA ignore_check_constraints = ON", "PRAGMA recursive_triggers = OFF", "PRAGMA cell_size_check = OFF",
    "PRAGMA mmap_size = 100000", "PRAGMA temp_store_directory = '/tmp'", "PRAGMA wal_checkpoint",
    "PRAGMA incremental_vacuum", "PRAGMA optimize", "PRAGMA locking_mode = EXCLUSIVE",
    "SELECT load_extension('x')",
]  # fmt: skip


@pytest.fixture
def filled(bench: Bench, ledger: Ledger) -> Ledger:
    """A ledger with an entry that has a sealed value, and a checkpoint."""
    value = seal("prompt", "x")
    draft = bench.output("rain", sealed={"prompt": value.commitment})
    ledger.append([Draft(draft.leaf, (value,))], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    return ledger


@pytest.mark.parametrize("sql", CHANGES)
def test_the_writer_runs_nothing_but_reading_and_appending(filled: Ledger, sql: str) -> None:
    with pytest.raises(sqlite3.DatabaseError, match=REFUSED):
        filled._connection.execute(sql)


@pytest.mark.parametrize("sql", [*CHANGES, "DELETE FROM sealed", "INSERT INTO sealed VALUES (1, 'f', x'00', '')"])
def test_a_reader_runs_nothing_but_reading(bench: Bench, filled: Ledger, sql: str) -> None:
    with Ledger.open_reader(bench.path) as reader, pytest.raises(sqlite3.DatabaseError, match=REFUSED):
        reader._connection.execute(sql)


def test_sealed_values_can_be_erased_beside_an_entry(bench: Bench, filled: Ledger) -> None:
    def erase(store: Any, indexes: tuple[int, ...]) -> None:
        store.connection.execute("DELETE FROM sealed WHERE idx = 4")

    filled.append([bench.note("erased")], now=NOW, also=erase)
    assert filled.unseal(4) == {}


def test_a_refused_statement_ends_the_transaction_that_it_stood_in(bench: Bench, filled: Ledger) -> None:
    def harm(store: Any, indexes: tuple[int, ...]) -> None:
        store.connection.execute("DELETE FROM entry WHERE idx = 4")

    size = filled.size
    with pytest.raises(Exception, match="not authorized"):
        filled.append([bench.note("x")], now=NOW, also=harm)
    assert filled.size == size


def test_readers_can_ask_all_that_the_package_asks(bench: Bench, filled: Ledger) -> None:
    filled.close()
    for view in VIEWS:
        rows(bench.path, view)
    for level in ("tree", "index", "full"):
        assert check(bench.path, level=level, trust=bench.trust()).ok  # type: ignore[arg-type]
    with Ledger.open_reader(bench.path) as reader:
        run = reader._connection.execute
        assert run("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert run("PRAGMA foreign_key_check").fetchall() == []
        assert run("PRAGMA table_info(entry)").fetchall()
        assert run("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT sum(i) FROM n")
        copy = sqlite3.connect(bench.path.with_name("copy.sqlite"))
        reader._connection.backup(copy)
        copy.close()
    assert check(bench.path.with_name("copy.sqlite")).ok


def test_sqlites_defensive_mode_is_on_where_python_can_set_it(bench: Bench, ledger: Ledger) -> None:
    ask: Any = getattr(ledger._connection, "getconfig", None)
    if ask is None:
        pytest.skip("Python before 3.12 cannot set it")
    assert ask(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)  # type: ignore[attr-defined,unused-ignore]


WRONG = {
    "busy_timeout": "1", "trusted_schema": "ON", "cell_size_check": "OFF", "foreign_keys": "OFF", "mmap_size": "65536",
    "temp_store": "FILE", "journal_mode": "DELETE", "synchronous": "FULL", "fullfsync": "OFF", "secure_delete": "FAST",
    "recursive_triggers": "OFF", "query_only": "OFF",
}  # fmt: skip


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes SQLite take another value than asked for one PRAGMA."""
    real = sqlite3.connect

    def on(name: str) -> None:
        class Deaf(sqlite3.Connection):
            def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
                if sql.startswith(f"PRAGMA {name} ="):
                    sql = f"PRAGMA {name} = {WRONG[name]}"
                return super().execute(sql, *more)

        monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: real(*args, factory=Deaf, **more))

    yield on
    monkeypatch.undo()


def test_the_list_of_wrong_settings_is_complete() -> None:
    names = {name for name, _, _ in (*database._BOTH, *database._WRITER, *database._READER)}
    assert names == set(WRONG)


@pytest.mark.parametrize("name", sorted(set(WRONG) - {"query_only"}))
def test_a_writer_with_a_wrong_setting_is_refused(bench: Bench, deaf: Any, name: str) -> None:
    bench.create().close()
    before = bench.path.read_bytes()
    deaf(name)
    refuse(connect_writer, bench.path, name)
    with pytest.raises(LedgerStorage):
        Ledger.open_writer(bench.path)
    assert bench.path.read_bytes() == before


@pytest.mark.parametrize("name", sorted({setting[0] for setting in (*database._BOTH, *database._READER)}))
def test_a_reader_with_a_wrong_setting_is_refused(bench: Bench, deaf: Any, name: str) -> None:
    bench.create().close()
    deaf(name)
    refuse(connect_reader, bench.path, name)


def refuse(connect: Any, path: Path, name: str) -> None:
    with pytest.raises(LedgerStorage, match=f"PRAGMA {name}") as refused:
        connect(path)
    assert refused.value.code == "ledger.sqlite-setting"
