"""What each byte of an SQLite file is for: a map to compare with what a check notices (sqlite.org/fileformat2.html).

Written for files that `check` finds good: 4,096-byte pages, nothing reserved, no auto-vacuum. Sizes are in bytes, pages
count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PAGE = 4096
LEAF_INDEX, LEAF_TABLE, INNER_INDEX, INNER_TABLE = 10, 13, 2, 5
UNUSED = frozenset({"gap", "free block", "fragment", "overflow tail", "free page", "trunk tail"})
"""Kinds of bytes that SQLite never reads."""


@dataclass(frozen=True)
class Tree:
    """One b-tree: the name in sqlite_master, and for a table its columns in order."""

    name: str
    root: int
    columns: tuple[str, ...] = ()


class PageMap:
    """`kinds[offset]` names what the byte is for. `trees` are all of sqlite_master with a root page."""

    def __init__(self, data: bytes, trees: list[Tree]) -> None:
        self.data = data
        self.kinds = [""] * len(data)
        self._mark(0, 100, "header")
        for tree in [Tree("sqlite_master", 1), *trees]:
            self._page(tree, tree.root)
        self._free_pages()
        missing = self.kinds.count("")
        assert missing == 0, f"{missing} bytes belong to nothing, the first in page {self.kinds.index('') // PAGE + 1}"

    def _mark(self, start: int, length: int, kind: str) -> None:
        for offset in range(start, start + length):
            assert self.kinds[offset] == "", f"byte {offset} is {self.kinds[offset]} and {kind}"
            self.kinds[offset] = kind

    def _int(self, offset: int, length: int) -> int:
        return int.from_bytes(self.data[offset : offset + length], "big")

    def _varint(self, offset: int) -> tuple[int, int]:
        """(value, offset after it)."""
        value = 0
        for place in range(8):
            byte = self.data[offset + place]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, offset + place + 1
        return value << 8 | self.data[offset + 8], offset + 9

    def _page(self, tree: Tree, page: int) -> None:
        base = (page - 1) * PAGE
        at = base + (100 if page == 1 else 0)
        kind, cells = self.data[at], self._int(at + 3, 2)
        inner = kind in (INNER_INDEX, INNER_TABLE)
        pointers = at + (12 if inner else 8)
        self._mark(at, pointers - at + 2 * cells, f"{tree.name}: page header")
        content = self._int(at + 5, 2) or 65536
        self._mark(pointers + 2 * cells, base + content - pointers - 2 * cells, "gap")
        self._free_blocks(base, self._int(at + 1, 2))
        children = [self._int(at + 8, 4)] if inner else []
        for number in range(cells):
            children += self._cell(tree, kind, base + self._int(pointers + 2 * number, 2))
        for offset in range(base + content, base + PAGE):
            if self.kinds[offset] == "":
                self.kinds[offset] = "fragment"
        for child in children:
            self._page(tree, child)

    def _free_blocks(self, base: int, first: int) -> None:
        while first:
            following, size = self._int(base + first, 2), self._int(base + first + 2, 2)
            self._mark(base + first, 4, "free block header")
            self._mark(base + first + 4, size - 4, "free block")
            first = following

    def _cell(self, tree: Tree, kind: int, start: int) -> list[int]:
        """Marks one cell and its overflow pages; the child page that it names."""
        at = start + (4 if kind in (INNER_INDEX, INNER_TABLE) else 0)
        child = [self._int(start, 4)] if at > start else []
        if kind == INNER_TABLE:
            _, end = self._varint(at)
            self._mark(start, end - start, f"{tree.name}: cell")
            return child
        length, at = self._varint(at)
        self._mark(start, at - start, f"{tree.name}: cell")
        if kind == LEAF_TABLE:
            number, (_, at) = at, self._varint(at)
            self._mark(number, at - number, f"{tree.name}: row number")
        local = self._local(length, kind)
        overflow = local < length
        places = list(range(at, at + local))
        if overflow:
            self._mark(at + local, 4, f"{tree.name}: cell")
            places += self._overflow(tree, self._int(at + local, 4), length - local)
        for place, name in zip(places, self._columns(tree, kind, places), strict=True):
            self._mark(place, 1, name)
        return child

    def _local(self, length: int, kind: int) -> int:
        """How many bytes of a payload stand in the cell."""
        most = PAGE - 35 if kind == LEAF_TABLE else (PAGE - 12) * 64 // 255 - 23
        if length <= most:
            return length
        least = (PAGE - 12) * 32 // 255 - 23
        fitting = least + (length - least) % (PAGE - 4)
        return fitting if fitting <= most else least

    def _overflow(self, tree: Tree, page: int, left: int) -> Iterator[int]:
        while left:
            base = (page - 1) * PAGE
            here = min(left, PAGE - 4)
            self._mark(base, 4, f"{tree.name}: overflow pointer")
            yield from range(base + 4, base + 4 + here)
            self._mark(base + 4 + here, PAGE - 4 - here, "overflow tail")
            left -= here
            page = self._int(base, 4)
        assert page == 0

    def _columns(self, tree: Tree, kind: int, places: list[int]) -> list[str]:
        """A name for each byte of a record: `table.column` in a table, `name: record` elsewhere."""
        if kind != LEAF_TABLE or not tree.columns:
            return [f"{tree.name}: record"] * len(places)
        record = bytes(self.data[place] for place in places)
        size, at = varint(record, 0)
        names = [f"{tree.name}: record header"] * size
        for column in tree.columns:
            kind_of, at = varint(record, at)
            names += [f"{tree.name}.{column}"] * serial_length(kind_of)
        assert len(names) == len(places)
        return names

    def _free_pages(self) -> None:
        trunk, count = self._int(32, 4), self._int(36, 4)
        while trunk:
            base = (trunk - 1) * PAGE
            leaves = self._int(base + 4, 4)
            self._mark(base, 8 + 4 * leaves, "trunk")
            self._mark(base + 8 + 4 * leaves, PAGE - 8 - 4 * leaves, "trunk tail")
            for number in range(leaves):
                self._mark((self._int(base + 8 + 4 * number, 4) - 1) * PAGE, PAGE, "free page")
            count -= leaves + 1
            trunk = self._int(base, 4)
        assert count == 0


def varint(data: bytes, offset: int) -> tuple[int, int]:
    """(value, offset after it), for values below 2^56."""
    value = 0
    while True:
        byte = data[offset]
        offset += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset


def serial_length(serial: int) -> int:
    """Bytes of a value of this serial type."""
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[serial] if serial < 12 else (serial - 12) // 2
