"""What lies beside the file: journals, logs, lock files that somebody else put there. Nothing of it takes effect."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger, LedgerCorrupt, LedgerError, LedgerStorage, check
from personactl_ledger.tables import rows

MAGIC = bytes.fromhex("d9d505f920a163d7")
OPENINGS = [Ledger.open_writer, Ledger.open_reader]


def beside(path: Path, suffix: str = "-journal") -> Path:
    return path.with_name(path.name + suffix)


def interrupted(path: Path, text: str, folder: Path) -> bytes:
    """The journal of an append to a copy of the ledger that was not committed."""
    folder.mkdir()
    shutil.copy(path, folder / "copy")
    connection = sqlite3.connect(folder / "copy", isolation_level=None)
    connection.executescript("PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; BEGIN IMMEDIATE;")
    for number in range(40):
        connection.execute("INSERT INTO sealed VALUES (0, ?, zeroblob(32), ?)", (f"f{number}", text * 900))
    journal = beside(folder / "copy").read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    assert journal.startswith(MAGIC)
    return journal


def grown(bench: Bench, *texts: str) -> None:
    with Ledger.open_writer(bench.path) as ledger:
        for text in texts:
            ledger.append([bench.note(text)], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)


def state(folder: Path) -> dict[str, object]:
    return {
        item.name: item.read_bytes() if item.is_file() else item.lstat().st_mode
        for item in folder.iterdir()
        if not item.name.endswith(".lock")
    }


def refused(path: Path, call: Callable[[Path], object]) -> LedgerError:
    """The error of an opening that changes nothing."""
    before = state(path.parent)
    with pytest.raises(LedgerError) as caught:
        call(path)
    assert state(path.parent) == before
    return caught.value


@pytest.fixture
def old_journal(bench: Bench, tmp_path: Path) -> bytes:
    """A well-formed journal of this very ledger, from before the entries that the file now has."""
    bench.create().close()
    grown(bench, "a")
    journal = interrupted(bench.path, "x", tmp_path / "old")
    shutil.rmtree(tmp_path / "old")
    grown(bench, "b", "c")
    return journal


def test_sqlite_by_itself_applies_an_old_journal(bench: Bench, old_journal: bytes) -> None:
    """Or there would be nothing to guard against."""
    before = bench.path.read_bytes()
    beside(bench.path).write_bytes(old_journal)
    with closing(sqlite3.connect(bench.path)) as connection, suppress(sqlite3.DatabaseError):
        connection.execute("SELECT count(*) FROM entry").fetchone()
    assert bench.path.read_bytes() != before


@pytest.mark.parametrize("call", OPENINGS)
def test_a_journal_from_an_older_state_takes_nothing_back(
    bench: Bench, old_journal: bytes, call: Callable[[Path], Ledger], verifier: ModuleType
) -> None:
    beside(bench.path).write_bytes(old_journal)
    error = refused(bench.path, call)
    assert (error.code, error.exit_code) == ("ledger.journal-foreign", 4)
    assert "older state" in error.message or "another size" in error.message
    assert [finding.code for finding in check(bench.path).findings] == ["ledger.journal-foreign"]
    assert verifier.main(["ledger", str(bench.path)]) == 4
    beside(bench.path).unlink()
    with Ledger.open_reader(bench.path) as ledger:
        assert ledger.size == 6


def test_a_journal_that_would_take_back_several_transactions_says_how_many(bench: Bench, old_journal: bytes) -> None:
    beside(bench.path).write_bytes(with_counter(old_journal, bench.path, behind=5))
    assert "take back 5 finished transactions" in refused(bench.path, Ledger.open_writer).message


def with_counter(journal: bytes, path: Path, *, behind: int) -> bytes:
    """The journal with a page 1 whose change counter is that many below the one of the file."""
    data = bytearray(journal)
    _, _, nonce, pages, sector, _ = struct.unpack(">8s5I", data[:28])
    now = struct.unpack(">I", path.read_bytes()[24:28])[0]
    page = bytearray(path.read_bytes()[:4096])
    page[24:28] = page[92:96] = struct.pack(">I", now - behind)
    page[28:32] = struct.pack(">I", pages)
    digest = nonce + sum(page[index] for index in range(4096 - 200, 0, -200))
    first = struct.pack(">I", 1) + bytes(page) + struct.pack(">I", digest & 0xFFFFFFFF)
    return bytes(data[:8]) + struct.pack(">5I", 1, nonce, pages, sector, 4096) + bytes(sector - 28) + first


def page_journal(source: bytes, pages: list[int], path: Path) -> bytes:
    """A well-formed journal that puts these pages of `source` into the file at `path`."""
    nonce, total = 7, len(source) // 4096
    records = b""
    for page in pages:
        data = bytearray(source[4096 * (page - 1) : 4096 * page])
        if page == 1:
            data[24:28] = data[92:96] = path.read_bytes()[24:28]
        digest = nonce + sum(data[index] for index in range(4096 - 200, 0, -200))
        records += struct.pack(">I", page) + bytes(data) + struct.pack(">I", digest & 0xFFFFFFFF)
    return MAGIC + struct.pack(">5I", len(pages), nonce, total, 512, 4096) + bytes(512 - 28) + records


@pytest.fixture
def other_file(bench: Bench, tmp_path: Path) -> bytes:
    """Another ledger as large as the one of the bench, after as many transactions."""
    (tmp_path / "elsewhere").mkdir()
    other = Bench(tmp_path / "elsewhere" / "ledger.sqlite", bench.root, bench.operator, bench.run, bench.log)
    for each in (bench, other):
        each.create().close()
        grown(each, "a")
    data = other.path.read_bytes()
    shutil.rmtree(tmp_path / "elsewhere")
    assert len(data) == bench.path.stat().st_size
    return data


@pytest.mark.parametrize("call", OPENINGS)
@pytest.mark.parametrize("whole", [True, False])
def test_a_journal_of_another_ledger_with_the_same_counters_is_not_applied(
    bench: Bench, other_file: bytes, whole: bool, call: Callable[[Path], Ledger]
) -> None:
    differ = [
        page + 1
        for page in range(len(other_file) // 4096)
        if bench.path.read_bytes()[4096 * page : 4096 * page + 4096] != other_file[4096 * page : 4096 * page + 4096]
    ]
    pages = [1, *(page for page in differ if page != 1)] if whole else [1, *differ[1:-3]]
    beside(bench.path).write_bytes(page_journal(other_file, pages, bench.path))
    error = refused(bench.path, call)
    assert error.code == "ledger.journal-foreign"
    assert ("another ledger" if whole else "no whole ledger") in error.message


def cut(data: bytes) -> bytes:
    return data[:-5000]


def flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[512 + 4 + 4096 - 200] ^= 1  # one of the bytes that the checksum samples
    return bytes(changed)


def with_super_journal(data: bytes) -> bytes:
    name = b"/tmp/some-other-file"
    return data + struct.pack(">I", 0) + name + struct.pack(">II", len(name), sum(name)) + MAGIC


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "garbage": (lambda data: b"garbage!" * 1000, "not a journal of SQLite"),
    "cut short": (cut, "cut short"),
    "cut in its header": (lambda data: data[:20], "not a journal of SQLite"),
    "flipped": (flipped, "checksum"),
    "super-journal": (with_super_journal, "several databases"),
    "other page size": (lambda data: data[:24] + struct.pack(">I", 1024) + data[28:], "page size"),
    "too many records": (lambda data: data[:8] + b"\xff\xff\xff\xff" + data[12:], "more pages"),
    "endless": (lambda data: data[:28] + data[28:] + b"x" * (40 << 20), "larger than any"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_journal_that_sqlite_did_not_finish_writing_like_this_is_refused(
    bench: Bench, tmp_path: Path, damage: str
) -> None:
    bench.create().close()
    change, words = DAMAGES[damage]
    journal = change(interrupted(bench.path, "x", tmp_path / "copy"))
    shutil.rmtree(tmp_path / "copy")
    beside(bench.path).write_bytes(journal)
    for call in OPENINGS:
        error = refused(bench.path, call)
        assert error.code == "ledger.journal-foreign"
        assert words in error.message
    assert [finding.code for finding in check(bench.path).findings] == ["ledger.journal-foreign"]


def test_a_huge_sparse_journal_is_refused_at_once(bench: Bench, tmp_path: Path) -> None:
    bench.create().close()
    beside(bench.path).write_bytes(interrupted(bench.path, "x", tmp_path / "copy"))
    shutil.rmtree(tmp_path / "copy")
    os.truncate(beside(bench.path), 1 << 40)
    with pytest.raises(LedgerCorrupt, match="larger than any"):
        Ledger.open_writer(bench.path)


def place(path: Path, kind: str, target: Path) -> None:
    if kind == "link":
        path.symlink_to(target)
    elif kind == "dangling link":
        path.symlink_to(target.with_name("nowhere"))
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        os.link(target, path)


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe", "second name"])
@pytest.mark.parametrize("suffix", ["-journal", "-wal"])
def test_what_is_no_plain_file_in_a_journals_place_is_refused_and_nobody_waits(
    bench: Bench, tmp_path: Path, suffix: str, kind: str, verifier: ModuleType
) -> None:
    bench.create().close()
    target = tmp_path / "target"
    target.write_bytes(b"precious" * 2000)
    place(beside(bench.path, suffix), kind, target)
    for call in [*OPENINGS, lambda path: rows(path, "v_keys")]:
        if call in OPENINGS or suffix == "-wal":
            error = refused(bench.path, call)
            assert error.code == ("ledger.journal" if suffix == "-wal" else "ledger.journal-foreign")
    assert check(bench.path).exit_code == 4
    assert verifier.main(["ledger", str(bench.path)]) == 4
    assert target.read_bytes() == b"precious" * 2000


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to give a file away")
def test_a_journal_of_another_user_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.create().close()
    beside(bench.path).write_bytes(interrupted(bench.path, "x", tmp_path / "copy"))
    os.chown(beside(bench.path), 12345, 12345)
    for call in OPENINGS:
        with pytest.raises(LedgerCorrupt, match="another user") as caught:
            call(bench.path)
        assert caught.value.code == "ledger.journal-foreign"


def test_a_journal_whose_header_was_never_written_is_nothing(bench: Bench) -> None:
    bench.create().close()
    beside(bench.path).write_bytes(bytes(512) + b"x" * 4104)
    with Ledger.open_writer(bench.path) as ledger:
        assert ledger.append([bench.note("goes on")], now=NOW) == (3,)
    assert not beside(bench.path).exists()
    assert check(bench.path).ok


@pytest.mark.parametrize("suffix", ["-journal", "-wal"])
def test_a_journal_that_appears_while_a_writer_is_open_stops_it(bench: Bench, old_journal: bytes, suffix: str) -> None:
    with Ledger.open_writer(bench.path) as ledger:
        beside(bench.path, suffix).write_bytes(old_journal)
        for write in (
            lambda: ledger.append([bench.note("d")], now=NOW),
            lambda: ledger.checkpoint(bench.log, now=NOW),
        ):
            with pytest.raises(LedgerCorrupt) as caught:
                write()
            assert caught.value.code == "ledger.journal-foreign"
        beside(bench.path, suffix).unlink()
        assert ledger.append([bench.note("d")], now=NOW) == (6,)


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_a_lock_that_is_no_plain_file_stops_writers_and_nobody_waits(bench: Bench, tmp_path: Path, kind: str) -> None:
    bench.create().close()
    beside(bench.path, ".lock").unlink()
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    place(beside(bench.path, ".lock"), kind, target)
    with pytest.raises(LedgerStorage) as caught:
        Ledger.open_writer(bench.path)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.lock-file", 8)
    with Ledger.open_reader(bench.path) as ledger:
        assert ledger.size == 3
    assert check(bench.path).ok
    assert target.read_bytes() == b"precious"


def test_an_interrupted_recovery_leaves_nothing_in_the_way(bench: Bench, tmp_path: Path) -> None:
    bench.create().close()
    journal = interrupted(bench.path, "x", tmp_path / "copy")
    leftover = beside(bench.path, ".recovering")
    leftover.mkdir()
    (leftover / bench.path.name).write_bytes(b"half a copy")
    beside(bench.path).write_bytes(journal)
    with Ledger.open_reader(bench.path) as ledger:
        assert ledger.size == 3
    assert not leftover.exists()
    assert forge.NOW and check(bench.path).ok
