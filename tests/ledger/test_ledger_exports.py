"""Exports: every form leads to the checkpoint, nothing half written stays, nothing personal leaves unasked."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
import story
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import Ledger, LedgerConflict, LedgerCorrupt, LedgerError, LedgerMissing, check, export_place
from personactl_ledger.check_stamp_files import NOT_COMPARED
from personactl_ledger.export_check import check_export
from personactl_ledger.export_csv import GUARD, guard
from personactl_ledger.export_folder import write_sums
from personactl_ledger.export_ledger import ExportTargets, export
from personactl_ledger.export_state import Selection
from personactl_ledger.export_tiles import expected_tiles, tile_path
from personactl_ledger.export_tree import covered_root, ranges_of
from personactl_ledger.merkle import root_of
from personactl_ledger.shipped import DOCUMENTS, shipped
from personactl_ledger.tables import VIEWS


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return story.write(tmp_path / "ledger.sqlite")


def stored(path: Path) -> list[bytes]:
    connection = sqlite3.connect(path)
    found = [bytes(row[0]) for row in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
    connection.close()
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- JSON lines and excerpts -----------------------------------------------------------------------------------------


def test_each_line_is_a_leaf_and_the_checkpoint_lies_beside(told: Path, tmp_path: Path) -> None:
    report = export(told, ExportTargets(jsonl=tmp_path / "log.jsonl"))
    leaves = stored(told)
    assert (report.size, report.left_out, report.sealed) == (len(leaves) - 1, 1, 0)
    assert (tmp_path / "log.jsonl").read_bytes() == b"".join(leaf + b"\n" for leaf in leaves[:-1])
    note = (tmp_path / "log.jsonl.checkpoint").read_text(encoding="utf-8")
    assert note.split("\n")[1] == str(report.size)
    assert names(tmp_path) == {"ledger.sqlite", "log.jsonl", "log.jsonl.checkpoint"}
    assert check_export(tmp_path / "log.jsonl").exit_code == 0


def test_the_checkpoint_carries_the_cosignatures(tmp_path: Path) -> None:
    book = story.tell()
    (size,) = book.connection.execute("SELECT max(size) FROM checkpoint").fetchone()
    line = book.connection.execute("SELECT line FROM cosignature").fetchone()[0].replace("witness", "other-witness")
    sql = "INSERT INTO cosignature VALUES (?, 'other-witness.example', X'00000000', ?, ?)"
    book.connection.execute(sql, (size, line, NOW))
    path = tmp_path / "ledger.sqlite"
    sqlite3.connect(path, isolation_level=None).executescript(book.dump()).close()
    export(path, ExportTargets(jsonl=tmp_path / "j", tiles=tmp_path / "t"))
    for name in ("j.checkpoint", "t/checkpoint"):
        assert (tmp_path / name).read_text(encoding="utf-8").endswith(line)
    assert check_export(tmp_path / "j").exit_code == 0


def test_an_excerpt_of_a_run_proves_its_lines(told: Path, tmp_path: Path, verifier: ModuleType) -> None:
    report = export(told, ExportTargets(jsonl=tmp_path / "e"), selection=Selection(run=story.SPRING))
    assert report.lines == len((tmp_path / "e").read_bytes().splitlines()) < report.size
    found = check_export(tmp_path / "e")
    assert (found.kind, found.lines, found.exit_code) == ("excerpt", 8, 0)
    assert json.loads((tmp_path / "e.excerpt").read_bytes())["ranges"] == [[9, 17]]
    assert verifier.main(["export", str(tmp_path / "e")]) == 0
    (tmp_path / "e").write_bytes((tmp_path / "e").read_bytes().replace(b"eyJ", b"eyK", 1))
    assert check_export(tmp_path / "e").exit_code == 4
    assert verifier.main(["export", str(tmp_path / "e")]) == 4


@given(st.integers(1, 70), st.randoms(use_true_random=False))
def test_any_lines_and_the_hashes_of_the_rest_give_the_root(size: int, chance: random.Random) -> None:
    hashes = [hashlib.sha256(bytes([number])).digest() for number in range(size)]
    chosen = ranges_of(number for number in range(size) if chance.random() < 0.4)
    lines = iter([hashes[number] for start, stop in chosen for number in range(start, stop)])
    gaps: list[tuple[int, int]] = []

    def gap(start: int, stop: int) -> bytes:
        gaps.append((start, stop))
        return root_of(hashes[start:stop])

    assert covered_root(size, chosen, lines, gap) == root_of(hashes)
    assert next(lines, None) is None
    held = {number for start, stop in chosen for number in range(start, stop)}
    assert {number for start, stop in gaps for number in range(start, stop)} == set(range(size)) - held


def test_a_view_without_runs_is_not_exported_as_one_run(told: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        export(told, ExportTargets(csv=tmp_path / "t.csv", view="v_trust"), selection=Selection(run=story.SPRING))
    assert (refused.value.code, refused.value.exit_code) == ("export.selection", 2)
    assert "v_output" in (refused.value.hint or "")
    assert names(tmp_path) == {"ledger.sqlite"}


def test_a_view_is_named_for_a_csv_file_alone(told: Path, tmp_path: Path) -> None:
    for targets in (ExportTargets(csv=tmp_path / "d", view="v_run"), ExportTargets(jsonl=tmp_path / "j", view="v_run")):
        with pytest.raises(LedgerError, match="a folder gets all views") as refused:
            export(told, targets)
        assert (refused.value.code, refused.value.exit_code) == ("export.selection", 2)
    assert names(tmp_path) == {"ledger.sqlite"}


def test_csv_of_a_run_tells_how_many_entries_the_run_has(told: Path, tmp_path: Path) -> None:
    report = export(told, ExportTargets(csv=tmp_path / "one.csv"), selection=Selection(run=story.SUMMER))
    with Ledger.open_reader(told) as book:
        entries = list(book.entries(0, report.size, run=story.SUMMER))
    assert report.lines == len(entries) < report.size
    assert export(told, ExportTargets(csv=tmp_path / "all.csv")).lines is None


def test_csv_of_a_run_that_is_not_there_is_refused(told: Path, tmp_path: Path) -> None:
    for name in ("folder", "one.csv"):
        with pytest.raises(LedgerMissing) as refused:
            export(told, ExportTargets(csv=tmp_path / name), selection=Selection(run="nothing"))
        assert refused.value.code == "export.nothing"
    assert names(tmp_path) == {"ledger.sqlite"}


@pytest.mark.parametrize("selection", [Selection(run="nothing"), Selection(first=32), Selection(first=5, stop=5)])
def test_an_excerpt_of_nothing_is_refused(told: Path, tmp_path: Path, selection: Selection) -> None:
    with pytest.raises(LedgerMissing) as refused:
        export(told, ExportTargets(jsonl=tmp_path / "e"), selection=selection)
    assert refused.value.code == "export.nothing"
    assert names(tmp_path) == {"ledger.sqlite"}


def test_forms_of_the_whole_log_take_no_selection(told: Path, tmp_path: Path) -> None:
    for name in ("tiles", "copy", "folder"):
        with pytest.raises(LedgerError) as refused:
            export(told, ExportTargets(**{name: tmp_path / "x"}), selection=Selection(first=3))
        assert (refused.value.code, refused.value.exit_code) == ("export.selection", 2)
    with pytest.raises(LedgerError) as refused:
        export(told, ExportTargets(csv=tmp_path / "x"), selection=Selection(stop=3))
    assert refused.value.code == "export.selection"


# --- tiles, from the text of C2SP tlog-tiles -------------------------------------------------------------------------


def test_paths_and_widths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 5, 7) == "tile/entries/005.p/7"
    tiles = list(expected_tiles(70_000))
    assert [(level, width) for level, _, width in tiles if width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert [sum(1 for lv, _, width in tiles if (lv, width) == (level, 256)) for level in (0, 1, 2)] == [273, 1, 0]
    assert list(expected_tiles(256)) == [(0, 0, 256), (1, 0, 1)]


def head(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it stands there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + head(leaves[:k]) + head(leaves[k:])).digest()


@pytest.mark.parametrize("size", [4, 255, 256, 257, 600])
def test_tiles_hold_what_the_specification_says(bench: Bench, ledger: Ledger, tmp_path: Path, size: int) -> None:
    ledger.append([bench.note(f"n {number}") for number in range(size - 4)], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    out = tmp_path / "tiles"
    export(bench.path, ExportTargets(tiles=out))
    leaves, seen = stored(bench.path), 0
    for level in (0, 1):
        nodes = size // 256**level
        for n in range(-(-nodes // 256)):
            width = min(256, nodes - 256 * n)
            name = f"tile/{level}/{n:03}" + (f".p/{width}" if width < 256 else "")
            span = 256**level
            starts = range(256 * n * span, (256 * n + width) * span, span)
            assert (out / name).read_bytes() == b"".join(head(leaves[i : i + span]) for i in starts)
            seen += 1
            if level == 0:
                bundle = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves[256 * n : 256 * n + width])
                assert (out / name.replace("tile/0", "tile/entries")).read_bytes() == bundle
                seen += 1
    assert sum(1 for path in out.rglob("*") if path.is_file()) == seen + 1
    note = (out / "checkpoint").read_text(encoding="utf-8").split("\n")
    assert note[1] == str(size)
    assert check_export(out, trust=bench.trust()).exit_code == 0


# --- copy and personal data ------------------------------------------------------------------------------------------


def test_the_copy_is_a_ledger_up_to_the_checkpoint_with_its_triggers(tmp_path: Path) -> None:
    told = story.write(tmp_path / "second.sqlite", story.second())
    copy = tmp_path / "copy.sqlite"
    report = export(told, ExportTargets(copy=copy))
    found = check(copy)
    assert (found.exit_code, found.size, found.root_hex) == (0, report.size, report.root_hex)
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA application_id").fetchone() == (0x504C4731,)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM timestamp").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM cosignature").fetchone() == (1,)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM entry")
    connection.close()
    assert copy.stat().st_mode & 0o077 == 0


def test_sealed_values_leave_only_when_asked(told: Path, tmp_path: Path) -> None:
    secret = [b"Ada Example", b"Lira", b"rain, studio", bytes([1]) * 32]
    assert all(item in told.read_bytes() for item in secret)
    everything = ExportTargets(
        jsonl=tmp_path / "j", csv=tmp_path / "c", tiles=tmp_path / "t", copy=tmp_path / "s", folder=tmp_path / "f"
    )
    assert export(told, everything).sealed == 0
    told.rename(tmp_path.parent / "elsewhere.sqlite")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not [item for item in secret if item in path.read_bytes()], path
    connection = sqlite3.connect(tmp_path / "s")
    assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    connection.close()


def test_sealed_values_that_were_asked_for_are_there(told: Path, tmp_path: Path) -> None:
    report = export(told, ExportTargets(folder=tmp_path / "f"), with_sealed=True)
    assert report.sealed == 5
    assert b"Ada Example" in (tmp_path / "f/ledger.sqlite").read_bytes()
    assert "Ada Example" in (tmp_path / "f/views/v_keys.csv").read_text(encoding="utf-8")
    assert b"Ada Example" not in (tmp_path / "f/entries.jsonl").read_bytes()
    assert "5 of the values" in (tmp_path / "f/README.md").read_text(encoding="utf-8")


# --- CSV -------------------------------------------------------------------------------------------------------------


@given(st.text())
def test_guarding_a_cell_can_be_undone(text: str) -> None:
    assert guard(text).removeprefix(GUARD) == text


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=x", "＝1", "＋1", "－1", "＠x", "'=1", " =1", "\u3000＝1"],
)
def test_what_a_spreadsheet_could_run_is_guarded(cell: str) -> None:
    assert guard(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "0.81", "rain.png", "a=b", "2026-01-02T03:04:05Z", "SHA256:+x"])
def test_other_cells_stay(cell: str) -> None:
    assert guard(cell) == cell


def test_csv_files_are_the_views(told: Path, tmp_path: Path) -> None:
    export(told, ExportTargets(csv=tmp_path / "views"))
    assert names(tmp_path / "views") == {f"{view}.csv" for view in VIEWS}
    raw = (tmp_path / "views/v_note.csv").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") == 2
    with (tmp_path / "views/v_note.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream, strict=True)
    assert row["text"] == "'=the client called"
    with (tmp_path / "views/v_output.csv").open(encoding="utf-8", newline="") as stream:
        assert [(row["file"], row["voided_by"]) for row in csv.DictReader(stream, strict=True)] == [
            ("rain.png", ""), ("snow.png", ""), ("beach.png", "19")
        ]  # fmt: skip


def test_csv_of_one_view_and_of_one_run(told: Path, tmp_path: Path) -> None:
    export(told, ExportTargets(csv=tmp_path / "one.csv", view="v_output"), selection=Selection(run=story.SUMMER))
    assert len((tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()) == 2
    export(told, ExportTargets(csv=tmp_path / "run"), selection=Selection(run=story.SUMMER))
    assert "v_genesis.csv" not in names(tmp_path / "run")
    assert "spring" not in (tmp_path / "run/v_timeline.csv").read_text(encoding="utf-8")
    with pytest.raises(LedgerMissing) as refused:
        export(told, ExportTargets(csv=tmp_path / "two.csv", view="sealed"))
    assert refused.value.code == "ledger.view-unknown"


# --- the folder ------------------------------------------------------------------------------------------------------


def test_a_folder_checks_itself_with_what_is_in_it(tmp_path: Path) -> None:
    told = story.write(tmp_path / "second.sqlite", story.second())
    out = tmp_path / "out"
    with pytest.raises(LedgerError) as refused:
        export(told, ExportTargets(folder=out), trust=forge.dumps({"origin": "another"}).encode())
    assert (refused.value.code, refused.value.exit_code) == ("ledger.trust-origin", 5)
    export(told, ExportTargets(folder=out), trust=forge.dumps(story.second().trust()).encode())
    assert names(out) == {
        "README.md", "SHA256SUMS", "entries.jsonl", "entries.jsonl.checkpoint", "ledger.sqlite", "tiles", "timestamps",
        "trust.json", "views", *DOCUMENTS,
    }  # fmt: skip
    assert names(out / "timestamps") == {"1.tsr", "1.data"}
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=out, check=True, capture_output=True)
    trusted = ["--trust", str(out / "trust.json")]
    command = [sys.executable, "-I", str(out / "verify_ledger.py"), "export", str(out), *trusted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "SPEC 16.8: the copy is over the tree" in done.stdout
    assert check_export(out).exit_code == 0


def test_a_copy_of_another_tree_in_a_folder_is_found(told: Path, tmp_path: Path, verifier: ModuleType) -> None:
    out = tmp_path / "out"
    export(told, ExportTargets(folder=out))
    shutil.copy(told, out / "ledger.sqlite")
    (out / "SHA256SUMS").unlink()
    write_sums(out)
    assert [item.code for item in check_export(out).findings if item.severity == "error"] == ["export.forms"]
    assert verifier.main(["export", str(out)]) == 4


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("1.tsr", b"no token at all"), ("1.data", b"another checkpoint"), ("1.data", None), ("1.tsr", None),
        ("2.tsr", b"one more"), ("1.evidence", b"\x05\x00"),
    ],
)  # fmt: skip
def test_a_time_stamp_in_a_folder_is_that_of_the_copy(
    name: str, data: bytes | None, tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    export(story.write(tmp_path / "second.sqlite", story.second()), ExportTargets(folder=out))
    changed = out / "timestamps" / name
    changed.unlink() if data is None else changed.write_bytes(data)
    (out / "SHA256SUMS").unlink()
    write_sums(out)
    assert [item.code for item in check_export(out).findings if item.severity == "error"] == ["export.timestamps"]
    assert verifier.main(["export", str(out)]) == 4
    assert "1 checks failed" in (said := capsys.readouterr().out) and "[export.timestamps]" in said
    (out / "ledger.sqlite").unlink()
    (out / "SHA256SUMS").unlink()
    write_sums(out)
    found = check_export(out)
    assert (found.exit_code, NOT_COMPARED in found.notes) == (0, True)
    assert verifier.main(["export", str(out)]) == 0
    assert "timestamps/ was compared with SHA256SUMS alone" in capsys.readouterr().out


def test_what_travels_along_is_what_the_repository_has() -> None:
    for name in DOCUMENTS:
        assert shipped(name) == (ROOM / name).read_bytes()


# --- one state, whole or not at all ----------------------------------------------------------------------------------


def test_an_export_is_one_state_while_a_run_goes_on(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.append([bench.note(f"n {number}") for number in range(600)], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    going, appended = threading.Event(), []
    going.set()

    def work() -> None:
        while going.is_set():
            appended.extend(ledger.append([bench.note(f"m {len(appended)}")], now=NOW))
            ledger.checkpoint(bench.log, now=NOW)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        while not appended:
            pass
        report = export(bench.path, ExportTargets(folder=tmp_path / "out"))
    finally:
        going.clear()
        writer.join()
    assert 604 <= report.size <= ledger.size
    assert check_export(tmp_path / "out", trust=bench.trust()).exit_code == 0
    assert check(bench.path).ok


def test_nothing_is_overwritten(told: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine", encoding="utf-8")
    (tmp_path / "j.checkpoint").write_text("mine", encoding="utf-8")
    before = names(tmp_path)
    there = tmp_path / "there"
    for targets in (ExportTargets(jsonl=there), ExportTargets(tiles=there), ExportTargets(copy=there),
                    ExportTargets(csv=there), ExportTargets(folder=there), ExportTargets(jsonl=tmp_path / "j"),
                    ExportTargets(jsonl=tmp_path / "k", tiles=there)):  # fmt: skip
        with pytest.raises(LedgerConflict) as refused:
            export(told, targets)
        assert refused.value.code == "export.exists"
    assert names(tmp_path) == before
    assert there.read_text(encoding="utf-8") == "mine"


def test_a_full_disk_leaves_nothing(told: Path, tmp_path: Path) -> None:
    """No file may grow beyond a few kilobytes: what a full disk says, it says in the middle of a file."""
    out = tmp_path / "out"
    out.mkdir()
    script = (
        "import sys, resource\nfrom pathlib import Path\n"
        "from personactl_ledger import LedgerStorage, LedgerCorrupt\n"
        "from personactl_ledger.export_ledger import ExportTargets, export\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))\n"
        "name, ledger, target = sys.argv[1:]\n"
        "try:\n    export(ledger, ExportTargets(**{name: Path(target)}))\n"
        "except LedgerStorage as error:\n    print(error.code, error.exit_code, error.where)\n"
    )
    for name in ("jsonl", "csv", "tiles", "copy", "folder"):
        command = [sys.executable, "-c", script, name, str(told), str(out / "x")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == f"ledger.storage 8 {out / 'x'}\n", (name, done.stdout, done.stderr)
        assert names(out) == set(), name
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_everything_is_on_the_disk_before_it_has_its_name(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(export_place, "_sync_file", lambda path: synced.append(path.name))
    monkeypatch.setattr(export_place, "_name", lambda draft, target: synced.append(f"named {target.name}"))
    export(told, ExportTargets(tiles=tmp_path / "t"))
    assert synced[-1] == "named t"
    assert "checkpoint" in synced


def test_a_ledger_without_a_checkpoint_has_no_export_but_a_copy(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    for name in ("jsonl", "tiles", "folder"):
        with pytest.raises(LedgerMissing) as refused:
            export(bench.path, ExportTargets(**{name: tmp_path / "x"}))
        assert refused.value.code == "ledger.no-checkpoint"
    report = export(bench.path, ExportTargets(copy=tmp_path / "x", csv=tmp_path / "c"))
    assert (report.size, report.root_hex) == (ledger.size, None)
    assert check(tmp_path / "x").ok


# --- files of somebody else ------------------------------------------------------------------------------------------

PLANTED = [
    "CREATE TRIGGER planted AFTER INSERT ON entry BEGIN SELECT load_extension('x'); END;",
    "DROP VIEW v_note; CREATE VIEW v_note AS SELECT writefile('planted', 'x') AS text;",
    "CREATE VIEW v_planted AS SELECT 1;",
    "DROP TABLE sealed; CREATE VIEW sealed AS SELECT 0 AS idx, 'name' AS field, x'00' AS salt, 'x' AS value;",
    "DROP TABLE timestamp; CREATE TABLE timestamp (id, size GENERATED ALWAYS AS (abs(-9223372036854775808)));",
    "CREATE TEMP TABLE t (a); CREATE INDEX planted ON entry (hex(leaf));",
]


@pytest.mark.parametrize("sql", PLANTED)
@pytest.mark.parametrize("name", ["jsonl", "csv", "tiles", "copy", "folder"])
def test_a_file_with_another_schema_is_not_exported(told: Path, tmp_path: Path, sql: str, name: str) -> None:
    connection = sqlite3.connect(told, isolation_level=None)
    connection.executescript(sql)
    connection.close()
    with pytest.raises(LedgerCorrupt) as refused:
        export(told, ExportTargets(**{name: tmp_path / "x"}))
    assert refused.value.code == "ledger.schema"
    assert names(tmp_path) == {"ledger.sqlite"}


@pytest.mark.parametrize("name", ["jsonl", "tiles", "copy", "folder"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET leaf = CAST(replace(CAST(leaf AS TEXT), 'eyJ', 'eyK') AS BLOB) WHERE idx = 6;\n",
        "UPDATE entry SET leaf = CAST(CAST(leaf AS TEXT) || char(10) || '{}' AS BLOB) WHERE idx = 6;\n",
        "DELETE FROM entry WHERE idx = 7;\n",
    ],
)
def test_what_does_not_lead_to_its_checkpoint_is_not_exported(
    told: Path, tmp_path: Path, name: str, change: str
) -> None:
    connection = sqlite3.connect(told, isolation_level=None)
    connection.executescript("PRAGMA foreign_keys = OFF;\n" + forge.tamper(change))
    connection.close()
    with pytest.raises(LedgerError) as refused:
        export(told, ExportTargets(**{name: tmp_path / "x"}))
    assert refused.value.exit_code == 4
    assert names(tmp_path) == {"ledger.sqlite"}


@pytest.mark.parametrize("leaf", ["NULL", "100000000000", "zeroblob(200000)", "'text'"])
def test_leaves_of_other_types_are_not_exported(told: Path, tmp_path: Path, leaf: str) -> None:
    """STRICT keeps honest programs from it; the schema of the file is put back word for word."""
    connection = sqlite3.connect(told, isolation_level=None)
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'entry'").fetchone()
    loose = re.sub(r"leaf BLOB NOT NULL CHECK .*\n", "leaf\n", sql).replace(") STRICT", ")")
    change = "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = ? WHERE name = 'entry'"
    trigger = "SELECT sql FROM sqlite_master WHERE name = 'entry_no_update'"
    (kept,) = connection.execute(trigger).fetchone()
    connection.execute("DROP TRIGGER entry_no_update")
    connection.execute(change.split("; ")[0])
    connection.execute(change.split("; ")[1], (loose,))
    connection.close()
    connection = sqlite3.connect(told, isolation_level=None)
    connection.execute(f"UPDATE entry SET leaf = {leaf} WHERE idx = 6")  # noqa: S608
    connection.execute(kept)
    connection.execute(change.split("; ")[0])
    connection.execute(change.split("; ")[1], (sql,))
    connection.close()
    for name in ("jsonl", "tiles", "copy", "folder"):
        with pytest.raises(LedgerError):
            export(told, ExportTargets(**{name: tmp_path / "x"}))
    assert names(tmp_path) == {"ledger.sqlite"}


def test_a_cosignature_that_is_no_line_is_not_exported(tmp_path: Path) -> None:
    book = story.tell()
    (size,) = book.connection.execute("SELECT max(size) FROM checkpoint").fetchone()
    book.connection.execute("INSERT INTO cosignature VALUES (?, 'x', X'00000000', ?, ?)", (size, "\n\nanything\n", NOW))
    path = tmp_path / "ledger.sqlite"
    sqlite3.connect(path, isolation_level=None).executescript(book.dump()).close()
    with pytest.raises(LedgerError) as refused:
        export(path, ExportTargets(jsonl=tmp_path / "j"))
    assert refused.value.exit_code == 4
    assert names(tmp_path) == {"ledger.sqlite"}


def test_where_there_are_no_hard_links_files_are_renamed(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(export_place.os, "link", link)
    export(told, ExportTargets(jsonl=tmp_path / "j"))
    assert names(tmp_path) == {"ledger.sqlite", "j", "j.checkpoint"}


@pytest.mark.parametrize("made", ["link", "folder link", "pipe", "long line", "long checkpoint", "excerpt link"])
def test_odd_exports_are_findings_and_end(told: Path, tmp_path: Path, made: str, verifier: ModuleType) -> None:
    path = tmp_path / "j"
    export(told, ExportTargets(jsonl=path, tiles=tmp_path / "t"))
    if made == "link":
        path.rename(tmp_path / "k")
        path.symlink_to(tmp_path / "k")
    elif made == "folder link":
        path = tmp_path / "t"
        (path / "tile/more").symlink_to(tmp_path)
    elif made == "pipe":
        path = tmp_path / "t"
        os.mkfifo(path / "tile/more")
    elif made == "long line":
        path.write_bytes(b"x" * 200_000)
    elif made == "long checkpoint":
        (tmp_path / "j.checkpoint").write_bytes(b"x" * (1 << 19))
    else:
        (tmp_path / "j.excerpt").symlink_to("/dev/zero")
    assert check_export(path).exit_code == 4
    assert verifier.main(["export", str(path)]) == 4
