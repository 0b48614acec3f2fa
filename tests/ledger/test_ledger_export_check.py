"""What a check of an export says beside its findings, and what it does not take for an export."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger, LedgerMissing
from personactl_ledger.export_check import check_export
from personactl_ledger.export_ledger import ExportTargets, export
from personactl_ledger.findings import MAX_FINDINGS

import forge_export  # isort: skip  (its folder is on the path through ledger_bench)


def test_findings_beyond_the_most_are_counted(tmp_path: Path) -> None:
    book = forge.Forge()
    for number in range(MAX_FINDINGS + 5):
        book.note(f"by nobody {number}", by=forge.signer("nobody"))
    book.checkpoint()
    for name, data in forge_export.made(book).items():
        (tmp_path / name).write_bytes(data)
    found = check_export(tmp_path / forge_export.JSONL)
    assert (found.exit_code, len(found.findings)) == (4, MAX_FINDINGS)
    assert "5 more findings are not listed" in found.notes


def test_a_ledger_is_not_taken_for_an_export(bench: Bench, ledger: Ledger) -> None:
    with pytest.raises(LedgerMissing) as caught:
        check_export(bench.path)
    assert (caught.value.code, caught.value.exit_code) == ("export.ledger", 2)


def test_csv_is_not_taken_for_an_export(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    export(bench.path, ExportTargets(csv=tmp_path / "one.csv"))
    export(bench.path, ExportTargets(csv=tmp_path / "views"))
    export(bench.path, ExportTargets(folder=tmp_path / "all"))
    for place in ("one.csv", "views"):
        with pytest.raises(LedgerMissing) as caught:
            check_export(tmp_path / place)
        assert (caught.value.code, caught.value.exit_code) == ("export.csv", 2)
    assert check_export(tmp_path / "all").exit_code == 0


def test_a_bundle_of_zeroes_costs_no_more_than_its_width(
    tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in forge_export.tiled().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "tiles/tile/entries/000").write_bytes(bytes(256 * 65537))
    started = time.process_time()
    assert verifier.main(["export", str(tmp_path / "tiles")]) == 4
    assert "[export.bundle]" in capsys.readouterr().out
    found = check_export(tmp_path / "tiles")
    assert [item.code for item in found.findings] == ["export.bundle"]
    assert time.process_time() - started < 5
