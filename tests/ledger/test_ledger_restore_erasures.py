"""What was erased stays erased when a backup from before takes the place of the ledger (SPEC 10.3, 17.4)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Draft, Ledger, LedgerStorage, check, removal, seal
from personactl_ledger.backup import backup
from personactl_ledger.erasure import erase, sealed_fields
from personactl_ledger.lost_erasures import lost_erasures
from personactl_ledger.remains import Remain
from personactl_ledger.restore import Restored, RestoreKeys, Seen, restore

LATER = "2026-02-03T04:05:06Z"
NAME = b"the name that is gone"


def again(bench: Bench, copy: Path, **more: object) -> Restored:
    keys = RestoreKeys(root=lambda: bench.root, operator=bench.operator, log=bench.log)
    return restore(copy, bench.path, reason="the disk failed", keys=keys, now=LATER, **more)  # type: ignore[arg-type]


def leaves(path: Path) -> list[bytes]:
    with Ledger.open_reader(path) as book:
        return [item.entry.leaf for item in book.entries()]


def tampered(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(forge.tamper(sql))
    connection.close()


def brought_back(path: Path, backup: Path) -> None:
    """Somebody writes the erased name of entry 4 back."""
    connection, old = sqlite3.connect(path), sqlite3.connect(backup)
    row = old.execute("SELECT idx, field, salt, value FROM sealed WHERE idx = 4").fetchone()
    connection.execute("INSERT INTO sealed (idx, field, salt, value) VALUES (?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    old.close()


@pytest.fixture
def copy(bench: Bench, ledger: Ledger, tmp_path: Path) -> Path:
    """A backup with a sealed name (entry 4) and prompt (entry 5); then the ledger erased the name (entry 6)."""
    name, prompt = seal("name", NAME.decode()), seal("prompt", "the prompt that stays")
    said = {"persona": {"id": "lira", "version": 1}, "sealed": {"name": name.commitment}, "frozenAt": NOW}
    freeze = bench.draft("persona-freeze", bench.operator, ("persona.json", forge.hex64("record")), **said)
    output = bench.output("rain", sealed={"prompt": prompt.commitment})
    ledger.append([Draft(freeze.leaf, (name,)), Draft(output.leaf, (prompt,))], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    backup(bench.path, tmp_path / "backup.sqlite")
    erase(ledger, [4], [], basis="request 7", operator=bench.operator, now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    return tmp_path / "backup.sqlite"


def test_replayed_erasures_are_applied_to_the_backup(bench: Bench, copy: Path, verifier: ModuleType) -> None:
    assert NAME in copy.read_bytes()
    brought = leaves(bench.path)
    bench.path.unlink()
    done = again(bench, copy, replay=brought)
    assert (done.ended, done.erased, done.doubtful) == (None, {4: ("name",)}, ())
    assert NAME not in bench.path.read_bytes()
    with Ledger.open_reader(bench.path) as book:
        assert (sealed_fields(book, 4), sealed_fields(book, 5)) == ({"name": "erased"}, {"prompt": "present"})
    assert leaves(bench.path) == brought
    assert check(bench.path).ok
    assert verifier.main(["ledger", str(bench.path)]) == 0


def test_bytes_that_remain_after_a_replayed_erasure_end_the_restore(
    bench: Bench, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "find_remains", lambda path, *_: [Remain(path, 99)])
    brought, before = leaves(bench.path), bench.path.read_bytes()
    with pytest.raises(LedgerStorage) as caught:
        again(bench, copy, replay=brought)
    assert caught.value.code == "ledger.erase-remains"
    assert bench.path.read_bytes() == before


def test_a_ledger_that_ends_says_where_erased_values_may_stand_again(bench: Bench, copy: Path) -> None:
    with Ledger.open_reader(bench.path) as book:
        receipt = book.prove(5)
    bench.path.unlink()
    done = again(bench, copy, anchors=[receipt])
    assert done.kept is not None
    assert (done.ended, done.erased, done.doubtful) == (bench.origin, {}, (done.kept, bench.path))
    assert NAME in done.kept.read_bytes()
    assert done.known.anchors == (7,)


def test_a_ledger_that_goes_on_says_so_too_unless_somebody_remembers_its_end(bench: Bench, copy: Path) -> None:
    bench.path.unlink()
    assert again(bench, copy).doubtful == (bench.path,)
    with Ledger.open_reader(copy) as book:
        seen = Seen(size=book.size, last_leaf=book.entry(book.size - 1).entry.leaf_hash.hex())
    bench.path.unlink()
    assert again(bench, copy, seen=seen).doubtful == ()


def test_a_ledger_that_ends_loses_what_the_lost_file_says_was_erased(bench: Bench, copy: Path) -> None:
    tampered(bench.path, "UPDATE entry SET subject_name = 'y' WHERE idx = 1;")
    done = again(bench, copy)
    assert done.kept is not None
    assert (done.ended, done.erased, done.doubtful) == (bench.origin, {4: ("name",)}, (done.kept,))
    assert not any(NAME in path.read_bytes() for path in (done.kept, bench.path))
    with Ledger.open_reader(bench.path) as book:
        assert book.unseal(done.personas[0].index) == {}
    assert check(bench.path).ok
    assert check(done.kept).ok


def test_an_erasure_that_no_checkpoint_covers_is_said_again(bench: Bench, copy: Path) -> None:
    """The ledger goes on from the backup, and the erasure must not be lost with the file."""
    tampered(bench.path, "DELETE FROM checkpoint WHERE size = 7;")
    connection = sqlite3.connect(bench.path)
    connection.execute("VACUUM")
    connection.close()
    bench.path.rename(bench.path.with_name("ledger.before-restore-20250101T000000Z.sqlite"))
    done = again(bench, copy)
    assert (done.ended, done.size, done.erased) == (None, 7, {4: ("name",)})
    with Ledger.open_reader(bench.path) as book:
        said = book.entry(6).entry
        assert (said.kind, said.predicate["basis"], said.predicate["erasedAt"]) == ("erasure", "request 7", LATER)
        assert sealed_fields(book, 4) == {"name": "erased"}
    assert NAME not in bench.path.read_bytes()
    assert check(bench.path).ok


def test_an_erasure_about_another_entry_of_that_index_erases_nothing(bench: Bench, copy: Path) -> None:
    with Ledger.open_reader(copy) as book:
        assert [item.fields for item in lost_erasures(book, [bench.path], [])] == [{4: ("name",)}]
    tampered(bench.path, "UPDATE entry SET leaf = CAST('{}' AS BLOB) WHERE idx = 4;")
    with Ledger.open_reader(copy) as book:
        files = [bench.path, bench.path.with_name("missing.sqlite"), bench.path.parent]
        assert lost_erasures(book, files, []) == []


@pytest.mark.parametrize("level", ["index", "full"])
def test_a_value_that_came_back_is_reported_and_can_be_erased_again(
    level: Literal["index", "full"], bench: Bench, copy: Path, verifier: ModuleType
) -> None:
    brought_back(bench.path, copy)
    connection = sqlite3.connect(bench.path)
    shown = connection.execute("SELECT state, value, erased_by FROM v_sealed WHERE idx = 4").fetchall()
    connection.close()
    assert shown == [("present although erased", None, 6)]
    report = check(bench.path, level=level)
    assert [(f.code, f.index, f.severity) for f in report.findings] == [("ledger.erased-present", 6, "error")]
    assert verifier.main(["ledger", str(bench.path)]) == 4
    with Ledger.open_writer(bench.path) as book:
        assert sealed_fields(book, 4) == {"name": "present although erased"}
        erase(book, [4], [], basis="request 7", operator=bench.operator, now=LATER)
        assert sealed_fields(book, 4) == {"name": "erased"}
    assert check(bench.path, level=level).ok


def test_a_backup_in_which_a_value_came_back_is_restored_without_it(bench: Bench, copy: Path) -> None:
    brought_back(bench.path, copy)
    bench.path.replace(copy)
    assert again(bench, copy).erased == {4: ("name",)}
    assert check(bench.path).ok
