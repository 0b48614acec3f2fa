"""The static layout of C2SP tlog-tiles v1, for any web server and any client of tiled logs (SPEC 16.4).

    checkpoint                       the signed note
    tile/<L>/<N>[.p/<W>]             up to 256 hashes of level L
    tile/entries/<N>[.p/<W>]         up to 256 leaves, each after its length as big-endian uint16

Hashes are computed from the leaves again; the tiles that the ledger stores are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from personactl_ledger.export_jsonl import require_root
from personactl_ledger.export_state import ExportState, leaves
from personactl_ledger.growth import Growth
from personactl_ledger.merkle import Frontier, leaf_hash
from personactl_ledger.store import TILE_WIDTH
from personactl_ledger.view import LedgerView

ENTRIES, CHECKPOINT = "entries", "checkpoint"


def tile_path(level: int | str, index: int, width: int = TILE_WIDTH) -> str:
    """Index 1234067 of level 0 is `tile/0/x001/x234/067`; a width below 256 adds `.p/<width>`."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    name = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{name}" + ("" if width == TILE_WIDTH else f".p/{width}")


def expected_tiles(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of each tile of a tree of `size` leaves, level by level (tlog-tiles, "Partial Tiles")."""
    level = 0
    while size:
        full, rest = divmod(size, TILE_WIDTH)
        yield from ((level, index, TILE_WIDTH) for index in range(full))
        if rest:
            yield level, full, rest
        level, size = level + 1, full


def write_tiles(view: LedgerView, state: ExportState, folder: Path) -> None:
    """Write the layout into the empty `folder`. Raises LedgerMissing without a checkpoint, LedgerCorrupt."""
    head, note = state.signed()
    writer = _TileFolder(folder)
    growth = Growth(Frontier(), [[] for _ in range(8)])
    bundle: list[bytes] = []
    for leaf in leaves(view, ((0, head.size),)):
        bundle.append(len(leaf).to_bytes(2, "big") + leaf)
        growth.append(leaf_hash(leaf), writer)
        if len(bundle) == TILE_WIDTH:
            writer.write(ENTRIES, growth.frontier.size // TILE_WIDTH - 1, bundle)
            bundle.clear()
    require_root(growth.frontier.size == head.size and growth.frontier.root() == head.root, view, head.size)
    if bundle:
        writer.write(ENTRIES, head.size // TILE_WIDTH, bundle)
    for level, hashes in enumerate(growth.edge()):
        if hashes:
            writer.write(level, (head.size >> 8 * level) // TILE_WIDTH, hashes)
    (folder / CHECKPOINT).write_text(note, encoding="utf-8", newline="")


class _TileFolder:
    """Takes full tiles from the growing tree."""

    def __init__(self, folder: Path):
        self._folder = folder

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        self._put(tile_path(level, index), hashes)

    def write(self, level: int | str, index: int, items: list[bytes]) -> None:
        self._put(tile_path(level, index, len(items)), b"".join(items))

    def _put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
