"""The right edge of the tree in memory: the frontier, and the hashes of tiles that are not full yet (SPEC 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from personactl_ledger.merkle import Frontier, perfect_root
from personactl_ledger.store import TILE_WIDTH, Store

_LEVELS = 8


class TileSink(Protocol):
    """What takes a tile when it is full: the store writes it, a check compares it."""

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None: ...


class Growth:
    """Where the next leaf goes. Constant work per append; `copy` lets a transaction fail without a trace."""

    __slots__ = ("_pending", "frontier")

    def __init__(self, frontier: Frontier, pending: list[list[bytes]]):
        self.frontier = frontier
        self._pending = pending

    @classmethod
    def of_edges(cls, edges: Sequence[Sequence[bytes]]) -> Growth:
        """From the hashes of the tile that is not full yet on each level, lowest first."""
        frontier = Frontier()
        for level in range(len(edges) - 1, -1, -1):
            for digest in edges[level]:
                frontier.extend(8 * level, digest)
        return cls(frontier, [list(edge) for edge in edges])

    @classmethod
    def load(cls, store: Store) -> Growth:
        """From a file: reads at most 255 hashes on each level, and the tiles that the frontier crosses."""
        size = store.size()
        pending = []
        count = size
        for level in range(_LEVELS):
            first = count - count % TILE_WIDTH
            pending.append(store.nodes(level, first, count))
            count //= TILE_WIDTH
        return cls(Frontier.at(size, store.subtree), pending)

    def edge(self) -> list[list[bytes]]:
        """The hashes of each level's tile that is not full, lowest level first."""
        return [level.copy() for level in self._pending]

    def copy(self) -> Growth:
        return Growth(self.frontier.copy(), [level.copy() for level in self._pending])

    def append(self, digest: bytes, tiles: TileSink) -> None:
        """Add a leaf hash; hands over each tile that it fills."""
        index = self.frontier.size
        self.frontier.append(digest)
        self._fill(0, index, digest, tiles)

    def append_tile(self, root: bytes, tiles: TileSink) -> None:
        """Add a whole tile of leaf hashes by its root, where one begins; hands over tiles of higher levels only."""
        index = self.frontier.size >> 8
        self.frontier.extend(8, root)
        self._fill(1, index, root, tiles)

    def _fill(self, lowest: int, index: int, digest: bytes, tiles: TileSink) -> None:
        for level, pending in enumerate(self._pending[lowest:], start=lowest):
            pending.append(digest)
            if len(pending) < TILE_WIDTH:
                return
            index >>= 8
            hashes = b"".join(pending)
            digest = perfect_root(hashes)
            tiles.insert_tile(level, index, hashes, digest)
            pending.clear()
