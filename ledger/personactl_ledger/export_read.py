"""Reading exports that somebody else made: strict, and never more at once than one line or one bundle (SPEC 16)."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from personactl_ledger.canonical import parse_document
from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.encoding import from_base64
from personactl_ledger.envelope import MAX_LEAF_BYTES
from personactl_ledger.errors import FormatError, LedgerError
from personactl_ledger.export_folder import SUMS
from personactl_ledger.export_jsonl import CHECKPOINT, EXCERPT, SCHEMA
from personactl_ledger.export_tiles import ENTRIES, tile_path
from personactl_ledger.export_tree import Ranges, parse_ranges
from personactl_ledger.note import MAX_NOTE_BYTES
from personactl_ledger.schema import MAGIC
from personactl_ledger.store import TILE_WIDTH

MAX_EXCERPT_BYTES = 64 << 20
MAX_SUMS_BYTES = 256 << 20
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)")


def read_whole(path: Path, most: int, code: str) -> bytes:
    """A plain file of at most `most` bytes. Raises FormatError with `code`."""
    if not _plain(path):
        raise FormatError(f"{path.name} is missing, or is not a plain file", code=code)
    with path.open("rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise FormatError(f"{path.name} is longer than {most} bytes", code=code)
    return data


def is_ledger(path: Path) -> bool:
    """Whether this is a database instead of an export, by its first bytes."""
    if not _plain(path):
        return False
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def read_head(path: Path) -> tuple[Checkpoint, bytes]:
    """The checkpoint of an export over at least one entry, and its bytes (SPEC 16.2). Raises FormatError."""
    data = read_whole(path, MAX_NOTE_BYTES, "export.files")
    head = parse_checkpoint(data)
    if head.size == 0:
        raise FormatError("the checkpoint is over no entry", code="export.size")
    return head, data


def jsonl_lines(path: Path) -> Iterator[bytes]:
    """The lines without their newline (SPEC 16.2). Raises FormatError (code export.line)."""
    if not _plain(path):
        raise FormatError(f"{path.name} is not a plain file", code="export.files")
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LEAF_BYTES + 2):
            leaf = line[:-1]
            if not line.endswith(b"\n") or b"\r" in leaf or not leaf:
                raise FormatError(
                    f"line {number + 1} is empty, too long, not ended by one newline, or holds a carriage return",
                    code="export.line",
                )
            yield leaf
            number += 1


class LineAt:
    """Gives any line that went by once more, by its place in the file: 8 bytes a line."""

    def __init__(self, path: Path):
        self._path = path
        self._starts = array("Q", [0])

    def remembered(self) -> Iterator[bytes]:
        """The lines as `jsonl_lines` reads them."""
        for leaf in jsonl_lines(self._path):
            self._starts.append(self._starts[-1] + len(leaf) + 1)
            yield leaf

    def __call__(self, index: int) -> bytes:
        if not 0 <= index < len(self._starts) - 1:
            raise FormatError(f"line {index + 1} was not read", code="export.line")
        with self._path.open("rb") as stream:
            stream.seek(self._starts[index])
            return stream.read(self._starts[index + 1] - self._starts[index] - 1)


def read_excerpt(path: Path, size: int) -> tuple[Ranges, list[bytes]]:
    """The ranges of an excerpt of a tree of `size`, and the hashes of what it leaves out (SPEC 16.3)."""
    data = read_whole(path.with_name(path.name + EXCERPT), MAX_EXCERPT_BYTES, "export.excerpt")
    try:
        said: Any = parse_document(data)
        if not isinstance(said, dict) or set(said) != {"schema", "ranges", "hashes"} or said["schema"] != SCHEMA:
            raise FormatError("it has not exactly the three keys")
        hashes = [from_base64(item) for item in said["hashes"]] if isinstance(said["hashes"], list) else [b""]
        if any(len(item) != 32 for item in hashes):
            raise FormatError("a hash is not 32 bytes")
    except LedgerError as error:
        raise FormatError(f"the excerpt has a wrong form: {error.message}", code="export.excerpt") from None
    return parse_ranges(said["ranges"], size), hashes


def head_path(jsonl: Path) -> Path:
    """Where the checkpoint of a JSONL file lies."""
    return jsonl.with_name(jsonl.name + CHECKPOINT)


def read_tile(folder: Path, level: int, index: int, width: int) -> bytes:
    """The hashes of a tile (SPEC 16.4). Raises FormatError (code export.tile) for a wrong length."""
    name = tile_path(level, index, width)
    data = read_whole(folder / name, 32 * width, "export.tile")
    if len(data) != 32 * width:
        raise FormatError(f"{name} does not hold {width} hashes", code="export.tile")
    return data


def read_bundle(folder: Path, index: int, width: int) -> list[bytes]:
    """The leaves of an entry bundle (SPEC 16.4). Raises FormatError (code export.bundle)."""
    name = tile_path(ENTRIES, index, width)
    data = read_whole(folder / name, width * (MAX_LEAF_BYTES + 2), "export.bundle")
    found: list[bytes] = []
    place = 0
    while place + 2 <= len(data) and len(found) < width:
        length = int.from_bytes(data[place : place + 2], "big")
        found.append(data[place + 2 : place + 2 + length])
        place += 2 + length
    if place != len(data) or len(found) != width:
        raise FormatError(f"{name} does not hold exactly {width} entries", code="export.bundle")
    return found


def bundled_leaf(folder: Path, index: int, size: int) -> bytes:
    """One leaf of the tiles of a tree of `size`. Raises FormatError (code export.bundle)."""
    bundle, place = divmod(index, TILE_WIDTH)
    return read_bundle(folder, bundle, min(TILE_WIDTH, size - bundle * TILE_WIDTH))[place]


def files_below(folder: Path) -> set[str]:
    """The relative names of all files. Raises FormatError (code export.files) for links, pipes and devices."""
    found = set()
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place) / name
            mode = path.lstat().st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise FormatError("the export holds a link, a pipe or a device", code="export.files")
            if stat.S_ISREG(mode):
                found.add(path.relative_to(folder).as_posix())
    return found


def require_files(found: set[str], wanted: set[str]) -> None:
    """Raises FormatError (code export.files) unless both are the same."""
    if found != wanted:
        missing, more = sorted(wanted - found), sorted(found - wanted)
        name = (missing or more)[0]
        said = f"{len(missing)} files are missing and {len(more)} are too many, such as {name[:80]!r}"
        raise FormatError(said, code="export.files")


def check_sums(folder: Path) -> set[str]:
    """SPEC 16.6: SHA256SUMS names every other file once, and each has its digest. Returns their names.

    Raises FormatError (codes export.sums, export.files).
    """
    sums: dict[str, str] = {}
    text = read_whole(folder / SUMS, MAX_SUMS_BYTES, "export.sums").decode("ascii", "replace")
    if text and not text.endswith("\n"):
        raise FormatError("the last line of SHA256SUMS is not ended", code="export.sums")
    for line in text.split("\n")[:-1]:
        match = _SUM.fullmatch(line)
        if match is None or match[2] in sums or {".", ".."} & set(match[2].split("/")):
            raise FormatError(f"SHA256SUMS has a wrong line: {line[:80]!r}", code="export.sums")
        sums[match[2]] = match[1]
    require_files(files_below(folder) - {SUMS}, set(sums))
    for name, digest in sums.items():
        with (folder / name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                raise FormatError(f"{name} has not the digest that SHA256SUMS says", code="export.sums")
    return set(sums)


def _plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
