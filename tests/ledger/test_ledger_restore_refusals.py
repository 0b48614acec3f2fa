"""What a restore refuses: to take a whole ledger back, and to take in one that is not the project's own (SPEC 17.4)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger, LedgerConflict, check
from personactl_ledger.backup import backup
from personactl_ledger.restore import Restored, RestoreKeys, restore

LATER = "2026-02-03T04:05:06Z"
CRASH = """
import os, sys
from personactl_ledger import Ledger
run = Ledger.open_writer(sys.argv[1])._connection.execute
run("PRAGMA cache_size = 1")
run("BEGIN IMMEDIATE")
for number in range(400):
    run("INSERT INTO tile VALUES (0, ?, zeroblob(8192), zeroblob(32))", (number,))
os._exit(0)
"""


def again(bench: Bench, copy: Path, **more: object) -> Restored:
    keys = RestoreKeys(root=lambda: bench.root, operator=bench.operator, log=bench.log)
    return restore(copy, bench.path, reason="x", keys=keys, now=LATER, **more)  # type: ignore[arg-type]


def leaves(path: Path) -> list[bytes]:
    with Ledger.open_reader(path) as book:
        return [item.entry.leaf for item in book.entries()]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def copy(bench: Bench, ledger: Ledger, tmp_path: Path) -> Path:
    """A backup after four entries with a checkpoint; the ledger itself went on to six with another, and is closed."""
    ledger.checkpoint(bench.log, now=NOW)
    backup(bench.path, tmp_path / "backup.sqlite")
    ledger.append([bench.output("rain"), bench.note("more")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    return tmp_path / "backup.sqlite"


def test_a_whole_and_longer_ledger_is_not_taken_back(bench: Bench, copy: Path, tmp_path: Path) -> None:
    before = bench.path.read_bytes()
    with pytest.raises(LedgerConflict, match="has 6 entries, and this would leave 4") as caught:
        again(bench, copy)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.restore-needless", 10)
    assert bench.path.read_bytes() == before
    assert names(tmp_path) == ["backup.sqlite", "ledger.sqlite", "ledger.sqlite.lock"]
    lost = leaves(bench.path)
    assert again(bench, copy, replay=lost).ended is None  # nothing is lost by that
    assert leaves(bench.path) == lost


def test_what_a_crash_left_half_done_does_not_make_a_ledger_lost(bench: Bench, copy: Path) -> None:
    subprocess.run([sys.executable, "-c", CRASH, str(bench.path)], check=True)
    assert bench.path.with_name("ledger.sqlite-journal").stat().st_size
    with pytest.raises(LedgerConflict) as caught:
        again(bench, copy)
    assert caught.value.code == "ledger.restore-needless"
    assert check(bench.path).ok


def test_files_of_earlier_restores_show_what_was_signed(bench: Bench, copy: Path) -> None:
    aside = bench.path.with_name("ledger.before-restore-20250101T000000Z.sqlite")
    bench.path.rename(aside)
    done = again(bench, copy)
    assert (done.ended, done.newest, done.known.files) == (bench.origin, 6, (aside,))
    assert (done.known.anchors, done.known.remembered) == ((), None)


def test_what_is_left_of_a_ledger_that_ended_shows_it_too(bench: Bench, copy: Path) -> None:
    bench.path.rename(bench.path.with_name("ledger.ended-0123456789abcdef-6.sqlite"))
    assert again(bench, copy).newest == 6


def test_a_link_beside_it_is_not_followed(bench: Bench, copy: Path, tmp_path: Path) -> None:
    bench.path.rename(tmp_path / "elsewhere.sqlite")
    bench.path.with_name("ledger.ended-0123456789abcdef-6.sqlite").symlink_to(tmp_path / "elsewhere.sqlite")
    done = again(bench, copy)
    assert (done.ended, done.known.files) == (None, ())


def test_a_backup_that_the_keys_do_not_belong_to_is_refused(bench: Bench, copy: Path, tmp_path: Path) -> None:
    strangers = RestoreKeys(
        root=lambda: forge.signer("root-2"), operator=forge.signer("operator-2"), log=forge.log_signer("log-2")
    )
    bench.path.rename(bench.path.with_name("ledger.before-restore-1.sqlite"))  # it would end
    for _ in range(2):
        before = names(tmp_path)
        with pytest.raises(LedgerConflict) as caught:
            restore(copy, bench.path, reason="x", keys=strangers, now=LATER)
        assert (caught.value.code, caught.value.exit_code) == ("conflict.other-ledger", 10)
        assert set(names(tmp_path)) - set(before) <= {"ledger.sqlite.lock"}
        bench.path.with_name("ledger.before-restore-1.sqlite").unlink(missing_ok=True)  # it would go on
