"""The clock of the writer is compared as time, whatever its decimals, by both readers (SPEC 12.4)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import forge
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
