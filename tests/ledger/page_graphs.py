"""Files whose b-trees are graphs: many pointers to one page, level over level (sqlite.org/fileformat2.html).

They are small, SQLite reads them without a complaint, and FAN ** LEVELS rows come out: here so many that a test notices
and still ends; ten levels would take years.
"""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from sqlite_pages import INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE, PAGE

LEVELS, FAN = 3, 200
MASTER = "sqlite_master"
_FIRST = 10**6
"""Row numbers and rows that no ledger of the tests comes to."""


def make_endless(path: Path, name: str, levels: int = LEVELS, fan: int = FAN, *, held: int = 0) -> None:
    """Let the table or index `name` end in a graph, after the rows that it has. `held` are bytes of text in each row of
    checkpoints."""
    with closing(sqlite3.connect(path)) as connection:
        root = 1 if name == MASTER else _root(connection, name)
        rowid = name != MASTER and _has_rows(connection, name)
        last = _row(connection, name, held)
    data = bytearray(path.read_bytes())
    base, at = (root - 1) * PAGE + (100 if root == 1 else 0), len(data) // PAGE + 1
    table = data[base] in (INNER_TABLE, LEAF_TABLE)
    assert table == (rowid or name == MASTER)
    old = bytes(data[base : base + PAGE]) if root > 1 else b""
    inner, leaf = (INNER_TABLE, LEAF_TABLE) if table else (INNER_INDEX, LEAF_INDEX)
    cell = (lambda number: _varint(_FIRST + number)) if table else (lambda _: _varint(len(last)) + last)
    row = _varint(len(last)) + (_varint(2 * _FIRST) if table else b"") + last
    pages: list[bytes] = []
    if root == 1:  # its schema takes several pages already; the graph comes after the last one
        right = struct.unpack_from(">I", data, base + 8)[0]
        pages.append(_page(inner, [struct.pack(">I", right) + cell(0)], at + 1))
        struct.pack_into(">I", data, base + 8, at)
    else:
        data[base : base + PAGE] = _page(inner, [struct.pack(">I", at) + cell(0)], at + 1)
        pages.append(old if any(old[3:5]) else _page(leaf, [row]))
    for _ in range(levels):  # level over level, each with all its pointers to the next
        child = at + len(pages) + 1
        pages.append(_page(inner, [struct.pack(">I", child) + cell(number + 1) for number in range(fan)], child))
    pages.append(_page(leaf, [row]))
    data += b"".join(pages)
    struct.pack_into(">I", data, 28, len(data) // PAGE)
    path.write_bytes(data)


def _root(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])


def _has_rows(connection: sqlite3.Connection, name: str) -> bool:
    """Whether it is a table by row number."""
    sql = connection.execute("SELECT type || sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    return sql.startswith("table") and "WITHOUT ROWID" not in sql


def _row(connection: sqlite3.Connection, name: str, held: int) -> bytes:
    """A record that comes after all of the tests, of the same columns: SQLite compares no further than it must."""
    if name == MASTER:
        row = connection.execute("SELECT * FROM sqlite_master WHERE sql IS NULL").fetchone()
        texts = [text.encode() for text in row[:3]]
        return _record([*(13 + 2 * len(text) for text in texts), 1, 0], b"".join(texts) + bytes([row[3]]))
    high = b"\x7f" * 4
    return {
        "tile": _record([4, 4, 12, 12], high * 2),
        "sealed": _record([4, 15, 12, 13], high + b"z"),
        "cosignature": _record([4, 15, 12, 13, 13], high + b"z"),
        "checkpoint": _record([0, 13, 13 + 2 * held, 13], b"x" * held),
        "timestamp": _record([0, 4, 13, 13, 12, 0, 0, 13], high),
        "entry": _record([0] * 14, b""),
        "entry_kind": _record([15, 4], b"z" + high),
    }[name]


def _record(types: list[int], body: bytes) -> bytes:
    header = b"".join(map(_varint, types))
    return bytes([len(header) + 1]) + header + body


def _varint(value: int) -> bytes:
    out, value = [value & 127], value >> 7
    while value:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(reversed(out))


def _page(kind: int, cells: list[bytes], right: int | None = None) -> bytes:
    page, end, first = bytearray(PAGE), PAGE, 8 if right is None else 12
    page[0] = kind
    for place, cell in enumerate(cells):
        end -= len(cell)
        page[end : end + len(cell)] = cell
        struct.pack_into(">H", page, first + 2 * place, end)
    struct.pack_into(">HH", page, 3, len(cells), end)
    if right is not None:
        struct.pack_into(">I", page, 8, right)
    return bytes(page)
