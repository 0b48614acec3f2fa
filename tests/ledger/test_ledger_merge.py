"""Taking in another writer's ledger: found by the digest of a file, provable there, said here once."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger, LedgerConflict, LedgerCorrupt, LedgerError, check, verify_receipt
from personactl_ledger import merge as merging
from personactl_ledger.merge import Merged, merge


@pytest.fixture
def other(tmp_path: Path) -> Bench:
    """A ledger of another machine of the organisation: 6 entries, all under a checkpoint."""
    (tmp_path / "other").mkdir()
    names = ("root", "operator elsewhere", "run elsewhere")
    bench = Bench(tmp_path / "other" / "o.sqlite", *map(forge.signer, names), forge.log_signer("log elsewhere"))
    with bench.create() as book:
        book.append([bench.run_open("r-9")], now=NOW)
        book.append([bench.output("rain", "r-9"), bench.output("snow", "r-9")], now=NOW)
        book.checkpoint(bench.log, now=NOW)
    return bench


def take_in(ledger: Ledger, bench: Bench, other: Bench, path: Path | None = None) -> Merged:
    return merge(
        ledger, path or other.path, trust=other.trust(), operator=bench.operator, reason="the second machine", now=NOW
    )


def test_every_entry_is_found_here_and_provable_there(
    bench: Bench, ledger: Ledger, other: Bench, verifier: ModuleType
) -> None:
    done = take_in(ledger, bench, other)
    assert (done.origin, done.size, done.first, done.count, done.index) == (other.origin, 6, 4, 6, 10)
    (found,) = ledger.by_subject(forge.hex64("file rain"))
    assert found.entry.kind == "merged"
    source = found.entry.predicate["source"]
    with Ledger.open_reader(other.path) as book:
        receipt = book.prove(source["index"])
        report = verify_receipt(receipt, other.trust(), subject_sha256=forge.hex64("file rain"))
    assert report.entry.leaf_hash.hex() == source["leafHash"]
    assert (source["origin"], source["kind"]) == (report.origin, report.entry.kind)
    said = ledger.entry(10).entry.predicate["merges"]
    assert said == {"origin": other.origin, "size": 6, "root": check(other.path).root_hex}
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    assert check(bench.path).ok
    assert verifier.main(["ledger", str(bench.path)]) == 0


def test_only_what_is_new_is_taken_in(bench: Bench, ledger: Ledger, other: Bench) -> None:
    take_in(ledger, bench, other)
    again = take_in(ledger, bench, other)
    assert (again.count, again.index, ledger.size) == (0, None, 11)
    with Ledger.open_writer(other.path) as book:
        book.append([other.note("signed"), other.note("signed too")], now=NOW)
        book.checkpoint(other.log, now=NOW)
        book.append([other.note("not signed yet")], now=NOW)
    ledger.append([bench.note("in between")], now=NOW)
    more = take_in(ledger, bench, other)
    assert (more.size, more.first, more.count, more.index) == (8, 12, 2, 14)
    assert check(bench.path).ok


def test_two_other_ledgers_do_not_disturb_each_other(bench: Bench, ledger: Ledger, other: Bench) -> None:
    third = Bench(other.path.with_name("third.sqlite"), other.root, other.operator, other.run, other.log)
    with third.create() as book:
        book.checkpoint(third.log, now=NOW)
    take_in(ledger, bench, other)
    done = take_in(ledger, bench, third)
    assert (done.size, done.count) == (3, 3)
    assert check(bench.path).ok


def test_a_merge_that_was_killed_goes_on_and_is_no_merge_before(bench: Bench, ledger: Ledger, other: Bench) -> None:
    ledger.close()
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[3])\n"
        "from ledger_bench import *; from personactl_ledger import merge as m\n"
        "m.BATCH = 2\n"
        "trust = LedgerTrust(sys.argv[4], forge.log_signer('log elsewhere').vkeys(sys.argv[4]),"
        " (forge.signer('root').public_key,))\n"
        "with Ledger.open_writer(sys.argv[1]) as ledger:\n"
        "    m.merge(ledger, sys.argv[2], trust=trust, operator=forge.signer('operator'), reason='x', now=NOW,"
        " progress=lambda done, of: os._exit(9) if done == 4 else None)\n"
    )
    arguments = [str(bench.path), str(other.path), str(Path(__file__).parent), other.origin]
    done = subprocess.run([sys.executable, "-c", script, *arguments], check=False)
    assert done.returncode == 9
    with Ledger.open_writer(bench.path) as book:
        assert [item.entry.kind for item in book.entries(4)] == ["merged"] * 4
        book.append([bench.note("work went on")], now=NOW)
        found = take_in(book, bench, other)
        assert (found.resumed, found.first, found.count, found.index) == (True, 4, 6, 11)
        assert take_in(book, bench, other).index is None
    assert check(bench.path).ok


def test_a_failed_batch_leaves_the_writer_able_to_go_on(
    bench: Bench, ledger: Ledger, other: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "BATCH", 4)
    broken = other.path.with_name("broken.sqlite")
    shutil.copy(other.path, broken)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(ledger, broken, trust=other.trust(), operator=bench.operator, reason="x", now=NOW, progress=stop)
    assert ledger.size == 8
    assert take_in(ledger, bench, other).resumed


def test_an_untrusted_or_broken_ledger_is_not_taken_in(bench: Bench, ledger: Ledger, other: Bench) -> None:
    with pytest.raises(LedgerError) as caught:
        merge(ledger, other.path, trust=bench.trust(), operator=bench.operator, reason="x", now=NOW)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.merge-untrusted", 5)
    connection = sqlite3.connect(other.path)
    connection.executescript(forge.tamper("UPDATE entry SET subject_sha256 = lower(hex(zeroblob(32))) WHERE idx = 4;"))
    connection.close()
    with pytest.raises(LedgerCorrupt) as broken:
        take_in(ledger, bench, other)
    assert broken.value.code == "ledger.merge-broken"
    assert ledger.size == 4


def test_a_ledger_that_changed_since_the_last_merge_is_refused(bench: Bench, ledger: Ledger, other: Bench) -> None:
    early = other.path.with_name("early.sqlite")
    shutil.copy(other.path, early)
    with Ledger.open_writer(other.path) as book:
        book.append([other.note("seven")], now=NOW)
        book.checkpoint(other.log, now=NOW)
    take_in(ledger, bench, other)
    with pytest.raises(LedgerCorrupt) as shorter:
        take_in(ledger, bench, other, early)
    with Ledger.open_writer(early) as book:
        book.append([other.note("another seven"), other.note("eight")], now=NOW)
        book.checkpoint(other.log, now=NOW)
    with pytest.raises(LedgerCorrupt) as forked:
        take_in(ledger, bench, other, early)
    assert {shorter.value.code, forked.value.code} == {"ledger.merge-moved"}


def test_copies_circles_and_development_keys_are_refused(bench: Bench, ledger: Ledger, other: Bench) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    twin = other.path.with_name("twin.sqlite")
    shutil.copy(bench.path, twin)
    with pytest.raises(LedgerConflict, match="same ledger"):
        merge(ledger, twin, trust=bench.trust(), operator=bench.operator, reason="x", now=NOW)
    take_in(ledger, bench, other)
    ledger.checkpoint(bench.log, now=NOW)
    with Ledger.open_writer(other.path) as book, pytest.raises(LedgerConflict, match="one way"):
        merge(book, bench.path, trust=bench.trust(), operator=other.operator, reason="x", now=NOW)
    real = Ledger.create(
        other.path.with_name("real.sqlite"), domain="example.org", development=False, root=bench.root,
        operator_public=bench.operator.public_key, log=bench.log, now=NOW,
    )  # fmt: skip
    with real, pytest.raises(LedgerConflict, match="development"):
        take_in(real, bench, other)


def test_both_halves_tell_how_far_they_are(bench: Bench, ledger: Ledger, other: Bench) -> None:
    with Ledger.open_writer(other.path) as book:
        book.append([other.note(f"note {number}") for number in range(2100)], now=NOW)
        size = book.checkpoint(other.log, now=NOW).size
    told: list[tuple[str, int, int]] = []
    merge(
        ledger, other.path, trust=other.trust(), operator=bench.operator, reason="x", now=NOW,
        checking=lambda done, total: told.append(("checking", done, total)),
        progress=lambda done, total: told.append(("taking", done, total)),
    )  # fmt: skip
    checked = [item for item in told if item[0] == "checking"]
    assert len(checked) > 1
    assert checked[-1] == ("checking", size, size)
    assert told[len(checked) :] == [("taking", done, size) for done in range(500, size, 500)]
