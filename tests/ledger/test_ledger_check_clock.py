"""The clock of the writer is compared as time, whatever its decimals, by both readers (SPEC 12.4)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import ROOM, forge
from personactl_ledger import check, check_workers

TICKS = [
    (["05Z", "05.5Z"], []), (["05.9Z", "05Z"], [5]), (["05.5Z", "05.50Z", "05.5Z"], []), (["05Z", "05.0Z", "05Z"], []),
    (["05.10Z", "05.9Z"], []), (["05.9Z", "05.10Z"], [5]), (["05.000001Z", "05Z", "05.0000Z"], [5]),
    (["04.999999Z", "05Z", "04.999999Z"], [6]),
]  # fmt: skip


@pytest.mark.parametrize(("ticks", "back"), TICKS)
@pytest.mark.parametrize("width", [256, 2])
def test_clocks_are_compared_as_times(
    ticks: list[str], back: list[int], width: int, tmp_path: Path, verifier: ModuleType,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    book = forge.Forge()
    book.note("first", at="2026-01-02T03:04:05Z")
    for place, tick in enumerate(ticks):
        book.note(f"n{place}", at=f"2026-01-02T03:05:{tick}")
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(book.dump())
    connection.close()
    monkeypatch.setattr(check_workers, "SPAN", width)
    found = [(item.index, item.severity) for item in check(path).findings if item.code == "ledger.clock"]
    assert found == [(index, "warning") for index in back]
    assert verifier.main(["ledger", str(path)]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if "ledger.clock" in line]
    assert [int(line.split()[4]) for line in said] == back


@pytest.mark.parametrize("at", ["abcd-ef-ghTij:kl:mn Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z"])
@pytest.mark.parametrize(
    ("vector", "column"),
    [
        ("ledger-good", "entry.appended_at"), ("ledger-good", "checkpoint.created_at"),
        ("witness-ledger-quorum", "cosignature.received_at"), ("ledger-stamp", "timestamp.received_at"),
    ],
)  # fmt: skip
def test_every_column_of_the_writers_clock_is_a_time(
    vector: str, column: str, at: str, tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = forge.load(ROOM / "vectors" / vector, tmp_path / "ledger.sqlite")
    table, _, name = column.partition(".")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(forge.tamper(f"UPDATE {table} SET {name} = '{at}';"))  # noqa: S608
    connection.close()
    assert {item.code for item in check(path).findings if item.severity == "error"} == {"ledger.writer-clock"}
    assert verifier.main(["ledger", str(path)]) == 4
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert failed and all(line.endswith("[ledger.writer-clock]") for line in failed)
