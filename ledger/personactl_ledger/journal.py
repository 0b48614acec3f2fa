"""The rollback journal that a dead writer left, or that somebody laid there (SPEC 11.4, 12.2; docs/adr/0117).

SQLite applies any well-formed journal that it finds beside a file, without asking where it comes from: an old one takes
the ledger back to an old state. So each is read here first, and one that this file cannot have made is not applied.

Format (sqlite.org/fileformat2.html, section 3): segments, each from a multiple of the sector size on, with magic,
number of records, nonce, number of pages before the transaction, sector size, page size; then page number, page and
checksum of each.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from personactl_ledger.errors import LedgerCorrupt
from personactl_ledger.header import HEADER_BYTES, change_counter, header_problem, number
from personactl_ledger.lock import has_journal
from personactl_ledger.schema import PAGE_SIZE

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_SEGMENT = struct.Struct(">8s5I")
_RECORD_BYTES = PAGE_SIZE + 8


class _ForeignJournal(Exception):
    """Why a journal was not left by a writer of this ledger."""


@dataclass(frozen=True, slots=True)
class _Journal:
    """What a journal says: the number of pages before its transaction, and the first page then, if that was kept."""

    pages: int
    first_page: bytes | None


def foreign_journal(path: Path) -> str | None:
    """Why the `-journal` beside the ledger was not left by a writer of this file; None if it may be. Reads only."""
    try:
        with _opened(path) as stream:
            found = _parse(stream)
        if found is not None:
            _require_match(path, found)
    except _ForeignJournal as reason:
        return str(reason)
    return None


def require_no_journal(path: Path) -> None:
    """For a writer between two transactions. Raises LedgerCorrupt (code ledger.journal-foreign): no other process may
    write now, so a journal or log with content is somebody else's, and SQLite would apply it at the next statement."""
    for suffix in ("-journal", "-wal"):
        if has_journal(path, suffix):
            raise _foreign(path, f"{path.name}{suffix} appeared while the ledger was open", suffix)


def recover(path: Path) -> None:
    """Roll back what a dead writer left. The caller holds the writer's lock, and no connection is open.

    It is done on a copy first, which has to come out as a whole ledger. Raises LedgerCorrupt (code
    ledger.journal-foreign) and changes nothing when the journal cannot be this file's; LedgerStorage.
    """
    try:
        with _opened(path) as stream:
            found = _parse(stream)
        if found is None:  # never synced, so no page of the ledger had been written: SQLite does not apply it either
            os.truncate(_beside(path), 0)
            return
        _require_match(path, found)
        _require_good_outcome(path)
    except _ForeignJournal as reason:
        raise _foreign(path, str(reason)) from None


def _beside(path: Path, suffix: str = "-journal") -> Path:
    return path.with_name(path.name + suffix)


def _foreign(path: Path, reason: str, suffix: str = "-journal") -> LedgerCorrupt:
    return LedgerCorrupt(
        reason,
        where=str(_beside(path, suffix)),
        hint="nothing was changed; keep both files, find out who put it there, and move it away",
        code="ledger.journal-foreign",
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The journal, if it is a plain file of the ledger's owner. Never waits."""
    name = _beside(path).name
    try:
        descriptor = os.open(_beside(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _ForeignJournal(f"{name} cannot be opened as a plain file: {error.strerror}") from None
    about = os.fstat(descriptor)
    reason = None
    if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
        reason = "is not a plain file of one name"
    elif about.st_uid not in (0, path.stat().st_uid):
        reason = "belongs to another user than the ledger"
    if reason is not None:
        os.close(descriptor)
        raise _ForeignJournal(f"{name} {reason}")
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def _parse(stream: BinaryIO) -> _Journal | None:
    """Every segment, strictly; None for a journal whose header was never written."""
    size = os.fstat(stream.fileno()).st_size
    first = stream.read(_SEGMENT.size)
    if first[:8] == bytes(len(first[:8])):
        return None
    offset, pages, page_one, seen = 0, -1, None, set[int]()
    while offset < size:
        stream.seek(offset)
        head = stream.read(_SEGMENT.size)
        if offset and head[:8] == bytes(len(head[:8])):
            break  # begun, and not synced before the writer died: not applied
        records, nonce, before, sector = _segment(head)
        if pages not in (-1, before):
            raise _malformed("its parts disagree about the size of the ledger")
        if size > 2 * (before + 2) * (_RECORD_BYTES + sector):
            raise _malformed("it is larger than any journal of this ledger")
        pages = before
        stream.seek(offset + sector)
        for _ in range(records):
            page, data = _record(stream.read(_RECORD_BYTES), nonce)
            if not 0 < page <= pages or page in seen:
                raise _malformed(f"it holds page {page} twice, or the ledger has no such page")
            seen.add(page)
            page_one = data if page == 1 else page_one
        offset += sector + records * _RECORD_BYTES
        offset += -offset % sector
    stream.seek(max(0, size - 8))
    if stream.read(8) == _MAGIC:
        raise _malformed("it names a journal of several databases, which a ledger never has")
    return _Journal(pages, page_one)


def _segment(head: bytes) -> tuple[int, int, int, int]:
    """(records, nonce, pages, sector size)."""
    if len(head) < _SEGMENT.size or head[:8] != _MAGIC:
        raise _malformed("it is not a journal of SQLite")
    _, records, nonce, pages, sector, page_size = _SEGMENT.unpack(head)
    if page_size != PAGE_SIZE or sector < 32 or sector > 1 << 16 or sector & (sector - 1):
        raise _malformed("its page size or sector size is not that of a ledger")
    if records > pages:
        raise _malformed("it says that it holds more pages than the ledger had")
    return records, nonce, pages, sector


def _record(data: bytes, nonce: int) -> tuple[int, bytes]:
    """(page number, page). The checksum samples every 200th byte from the end."""
    page = data[4 : 4 + PAGE_SIZE]
    if len(data) < _RECORD_BYTES:
        raise _malformed("it was cut short")
    if (nonce + sum(page[PAGE_SIZE - 200 : 0 : -200])) & 0xFFFFFFFF != number(data, 4 + PAGE_SIZE):
        raise _malformed("a checksum in it is wrong")
    return number(data, 0), page


def _malformed(reason: str) -> _ForeignJournal:
    return _ForeignJournal(f"the journal was not left by a writer of this ledger: {reason}")


def _require_match(path: Path, found: _Journal) -> None:
    """Whether the transaction in the journal is the one after the state that the ledger is in.

    A transaction keeps page 1 before it writes its own, whose counter is one higher. So a journal of an earlier
    transaction gives itself away, and with it the old state that it would bring back.
    """
    with path.open("rb") as stream:
        now = stream.read(HEADER_BYTES)
    before = now if found.first_page is None else found.first_page[:HEADER_BYTES]
    problem = header_problem(before)
    if problem is not None:
        raise _ForeignJournal(f"the journal is not this ledger's: {problem.message}")
    behind = (change_counter(now) - change_counter(before)) % (1 << 32)
    if behind > 1:
        raise _ForeignJournal(f"the journal is of an older state: it would take back {behind} finished transactions")
    if number(before, 28) != found.pages:
        raise _ForeignJournal("the journal was made when the ledger had another size")


def _require_good_outcome(path: Path) -> None:
    """Roll back a copy: what comes out must be a whole ledger, and this one."""
    from personactl_ledger.check import check
    from personactl_ledger.database import connect_writer, storage_errors

    folder = path.with_name(path.name + ".recovering")
    copy = folder / path.name
    with storage_errors(path):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700)
            for source in (path, _beside(path)):
                shutil.copyfile(source, folder / source.name)
            connection = connect_writer(copy)  # SQLite rolls back at the first statement
            sound = connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            connection.close()
            report = check(copy, level="tree")
            same = _genesis(path) in (None, _genesis(copy))
        except LedgerCorrupt as error:
            raise _ForeignJournal(f"with the journal the file would be no whole ledger: {error.message}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    broken = [finding.message for finding in report.findings if finding.severity == "error"]
    if broken or not sound:
        what = broken[0] if broken else "its indexes do not fit its entries"
        raise _ForeignJournal(f"with the journal the file would be no whole ledger: {what}")
    if not same:
        raise _ForeignJournal("with the journal the file would be another ledger")


def _genesis(path: Path) -> bytes | None:
    """The leaf of entry 0 as the file has it without its journal; None where a torn write hides it."""
    from personactl_ledger.database import finite_schema

    try:
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        try:
            with finite_schema(connection, path):
                row = connection.execute("SELECT leaf FROM entry NOT INDEXED WHERE idx = 0").fetchone()
        finally:
            connection.close()
    except (sqlite3.Error, LedgerCorrupt):
        return None
    return None if row is None or not isinstance(row[0], bytes) else row[0]
