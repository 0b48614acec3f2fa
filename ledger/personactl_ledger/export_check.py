"""Checking an export without the ledger that it was taken of (SPEC 16.9).

A JSONL file, a tiles directory or a whole export folder. First the bytes are led to the checkpoint; only then is
asked what the entries say, and by whom.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from personactl_ledger.check import anchor_notes, check
from personactl_ledger.check_entries import EntryPass
from personactl_ledger.check_signed import (
    StoredCheckpoint,
    check_anchor,
    check_checkpoints,
    check_trust,
    parse_anchor,
)
from personactl_ledger.check_stamp_files import NOT_COMPARED, check_stamp_files
from personactl_ledger.check_witness import check_quorum
from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import FormatError, LedgerError, LedgerMissing
from personactl_ledger.export_folder import COPY, JSONL, STAMPS, SUMS, TILES
from personactl_ledger.export_jsonl import CHECKPOINT, EXCERPT
from personactl_ledger.export_read import (
    LineAt,
    bundled_leaf,
    check_sums,
    files_below,
    head_path,
    is_ledger,
    jsonl_lines,
    read_bundle,
    read_excerpt,
    read_head,
    read_tile,
    require_files,
)
from personactl_ledger.export_tiles import CHECKPOINT as TILES_CHECKPOINT
from personactl_ledger.export_tiles import ENTRIES, expected_tiles, tile_path
from personactl_ledger.export_tree import count, covered_root
from personactl_ledger.findings import TRUST_CODES, Findings, LedgerFinding
from personactl_ledger.merkle import leaf_hash, perfect_root
from personactl_ledger.revocation import believed, ends_of
from personactl_ledger.store import TILE_WIDTH
from personactl_ledger.tables import VIEWS
from personactl_ledger.trust import LedgerTrust

Kind = Literal["jsonl", "excerpt", "tiles", "folder"]
UNANCHORED = "an excerpt does not show the tree of an anchor: none was compared"
LeafAt = Callable[[int], bytes]
"""A leaf below the one that is being judged, once more. Raises FormatError where it is not there any more."""
EXCERPT_NOTE = "an excerpt shows that its lines stand in the signed tree; who may sign was not judged"
DERIVED_NOTE = "the CSV files were compared with SHA256SUMS alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """What was found. `size` and `root_hex` are those of the checkpoint, `lines` the entries that are there."""

    kind: Kind
    origin: str
    size: int
    root_hex: str
    lines: int
    anchored: bool
    findings: tuple[LedgerFinding, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 good, 4 altered or broken, 5 whole but not by signers that the trust file names."""
        errors = {item.code for item in self.findings if item.severity == "error"}
        return 0 if not errors else 5 if errors <= TRUST_CODES else 4


def check_export(path: Path | str, *, anchors: Sequence[bytes] = (), trust: LedgerTrust | None = None) -> ExportCheck:
    """Check an export, reading only (SPEC 16.9).

    Raises LedgerMissing when there is nothing (code ledger.missing), a ledger file (code export.ledger) or CSV (code
    export.csv), and LedgerStorage when it cannot be read; everything else is a finding.
    """
    path = Path(path)
    if not path.exists():
        raise LedgerMissing("there is no export here", where=str(path), hint="personactl ledger export")
    audit = _Audit(anchors, trust)
    with storage_errors(path):
        if is_ledger(path):
            hint = "personactl ledger check --ledger FILE"
            raise LedgerMissing("this is a ledger, not an export", where=str(path), hint=hint, code="export.ledger")
        _require_whole_log(path)
        if not path.is_dir():
            kind = audit.guarded("jsonl", lambda: audit.jsonl(path))
        elif (path / SUMS).exists():
            kind = audit.guarded("folder", lambda: audit.folder(path))
        else:
            kind = audit.guarded("tiles", lambda: audit.tiles(path))
    return audit.report(kind)


def _require_whole_log(path: Path) -> None:
    """Refuse CSV by its name: views hold no leaf, so nothing in them leads to the signed tree."""
    views = path.is_dir() and not (path / SUMS).exists() and any((path / f"{view}.csv").is_file() for view in VIEWS)
    if views or (path.suffix == ".csv" and not path.is_dir() and not head_path(path).exists()):
        raise LedgerMissing(
            "CSV files are views of a ledger, not an export that can be checked by itself", where=str(path),
            hint="check the export folder that they came in (-o DIR), or an export in JSON lines", code="export.csv",
        )  # fmt: skip


class _Audit:
    """One check of one export."""

    def __init__(self, anchors: Sequence[bytes], trust: LedgerTrust | None):
        self.anchors, self.trust = anchors, trust
        self.findings = Findings()
        self.notes: list[str] = []
        self.head: Checkpoint | None = None
        self.lines = 0
        self.judged = False
        self.anchored = False

    def guarded(self, kind: Kind, call: Callable[[], Kind]) -> Kind:
        """What a form raises is a finding, and ends that form only."""
        try:
            return call()
        except LedgerError as error:
            if error.exit_code not in (2, 4):
                raise
            self.findings.add(error.code, error.message)
            return kind

    def jsonl(self, path: Path) -> Kind:
        """SPEC 16.2 and 16.3."""
        head, _ = read_head(head_path(path))
        self.head = head
        excerpt = path.with_name(path.name + EXCERPT)
        whole = not (excerpt.exists() or excerpt.is_symlink())
        ranges, hashes = (((0, head.size),), []) if whole else read_excerpt(path, head.size)
        given, lines = iter(hashes), map(leaf_hash, jsonl_lines(path))

        def gap(start: int, stop: int) -> bytes:
            found = next(given, None)
            if found is None:
                raise FormatError("the excerpt gives too few hashes", code="export.excerpt")
            return found

        root = covered_root(head.size, ranges, lines, gap)
        if next(lines, None) is not None:
            raise FormatError("there are more lines than the checkpoint covers", code="export.size")
        if next(given, None) is not None:
            raise FormatError("the excerpt gives too many hashes", code="export.excerpt")
        _require_root(root, head)
        self.lines = count(ranges)
        if whole:
            line = LineAt(path)
            self._entries(line.remembered(), head, line)
            return "jsonl"
        for index, leaf in enumerate(jsonl_lines(path)):
            self._parses(index, leaf)
        self._excerpt_signer(head)
        return "excerpt"

    def tiles(self, folder: Path) -> Kind:
        """SPEC 16.4; also what the entries say, unless another form of the same tree was judged."""
        head, _ = read_head(folder / TILES_CHECKPOINT)
        self.head = self.head or head
        found = files_below(folder)
        if head.size > len(found) * TILE_WIDTH:
            raise FormatError(f"{len(found)} files cannot hold {head.size} entries", code="export.files")
        tiles = list(expected_tiles(head.size))
        wanted = {tile_path(*tile) for tile in tiles}
        wanted |= {tile_path(ENTRIES, index, width) for level, index, width in tiles if level == 0}
        require_files(found, wanted | {TILES_CHECKPOINT})
        roots: dict[int, list[bytes]] = {}
        for level, index, width in tiles:
            hashes = read_tile(folder, level, index, width)
            if level == 0:
                below = [leaf_hash(leaf) for leaf in read_bundle(folder, index, width)]
            else:
                below = roots[level - 1][index * TILE_WIDTH : index * TILE_WIDTH + width]
            if b"".join(below) != hashes:
                name = tile_path(level, index, width)
                raise FormatError(f"{name} does not hold the hashes of what lies below it", code="export.tile")
            if width == TILE_WIDTH:
                roots.setdefault(level, []).append(perfect_root(hashes))
        leaves = (leaf for level, n, width in tiles if level == 0 for leaf in read_bundle(folder, n, width))
        _require_root(covered_root(head.size, ((0, head.size),), map(leaf_hash, leaves), lambda *_: b""), head)
        self.lines = head.size
        if not self.judged:
            leaves = (leaf for level, n, width in tiles if level == 0 for leaf in read_bundle(folder, n, width))
            self._entries(leaves, head, lambda index: bundled_leaf(folder, index, head.size))
        return "tiles"

    def folder(self, folder: Path) -> Kind:
        """SPEC 16.6: the sums, then each form, then whether they are forms of one tree."""
        names = check_sums(folder)
        heads = set()
        if JSONL in names:
            self.guarded("jsonl", lambda: self.jsonl(folder / JSONL))
            heads |= {(folder / (JSONL + CHECKPOINT)).read_bytes()} if JSONL + CHECKPOINT in names else set()
        if f"{TILES}/{TILES_CHECKPOINT}" in names:
            self.guarded("tiles", lambda: self.tiles(folder / TILES))
            heads |= {(folder / TILES / TILES_CHECKPOINT).read_bytes()}
        good = COPY in names and self._copy(folder / COPY)
        if good:
            self.guarded("folder", lambda: self._stamps(folder, names))
        elif any(name.startswith(f"{STAMPS}/") for name in names):
            self.notes.append(NOT_COMPARED)
        if len(heads) > 1:
            self.findings.add("export.forms", "the JSON lines and the tiles have different checkpoints")
        if not heads:
            self.findings.add("export.files", "the folder holds neither JSON lines nor tiles")
        if any(name.endswith(".csv") for name in names):
            self.notes.append(DERIVED_NOTE)
        return "folder"

    def _stamps(self, folder: Path, names: set[str]) -> Kind:
        check_stamp_files(folder, names, folder / COPY)
        return "folder"

    def _copy(self, path: Path) -> bool:
        """SPEC 16.8: the copy is a ledger that holds, over the same tree. Whether it holds."""
        report = check(path, trust=self.trust, anchors=self.anchors)
        for item in report.findings:
            if item.severity == "error":
                self.findings.add(item.code, f"{COPY}: {item.message}", item.index)
        if self.head is not None and (report.size, report.root_hex) != (self.head.size, self.head.root.hex()):
            self.findings.add("export.forms", f"{COPY} is not over the tree of the checkpoint")
        return report.exit_code in (0, 5)

    def _entries(self, leaves: Iterator[bytes], head: Checkpoint, leaf_at: LeafAt) -> None:
        """What the entries of a whole export say, against the checkpoint, trust and anchors (SPEC 6, 12.5 to 12.8)."""
        self.judged = True
        sizes = {parsed.size for parsed in map(_anchor, self.anchors) if parsed is not None}
        entries = _LeafPass(self.findings, sizes | {head.size}, leaf_at)
        for index, leaf in enumerate(leaves):
            entries.take(index, leaf)
        origin, keyring, roots = entries.rules.origin, entries.rules.keyring, entries.roots
        ends = ends_of(keyring, self.trust.revoked_from() if self.trust is not None else {})
        stored = [StoredCheckpoint(head.size, head.root.hex(), head)]
        check_checkpoints(stored, roots, origin, keyring, ends, self.findings)
        if self.trust is not None:
            check_trust(self.trust, head, origin, entries.genesis_signers, ends, self.findings)
            self._quorum(head, self.trust)
        held = [check_anchor(data, roots, origin, keyring, self.trust, ends, self.findings) for data in self.anchors]
        self.anchored = bool(held) and all(held)
        for index in entries.distrusted(ends):
            self.findings.add("ledger.distrusted", "signed by a key that was revoked from before it", index, "warning")

    def _quorum(self, head: Checkpoint, trust: LedgerTrust) -> None:
        """SPEC 12.6 of the one checkpoint."""
        if trust.witnesses[0] > 0:
            self.notes.append(check_quorum([head], trust, self.findings))

    def _parses(self, index: int, leaf: bytes) -> None:
        try:
            parse_entry(leaf, later=True)
        except LedgerError as error:
            self.findings.add(error.code, f"line {index + 1}: {error.message}")

    def _excerpt_signer(self, head: Checkpoint) -> None:
        """Without the entries about keys only a trust file says whose checkpoint this is."""
        self.notes += [EXCERPT_NOTE, *([UNANCHORED] if self.anchors else ())]
        if self.trust is None:
            self.notes.append("no trust file was given: whether the ledger's key signed the checkpoint was not checked")
            return
        if head.origin != self.trust.origin:
            self.findings.add("ledger.trust-origin", f"the checkpoint is from {head.origin}")
            return
        found = accept_checkpoint(head, self.trust.ledger_keys())
        if not found.accepted or not believed(head, found.by, self.trust.revoked_from()):
            self.findings.add("ledger.trust-log-key", "the checkpoint is not signed by the log keys of the trust file")
        self._quorum(head, self.trust)

    def report(self, kind: Kind) -> ExportCheck:
        """The result."""
        head = self.head
        notes = anchor_notes(self.anchors, self.anchored, self.findings)
        if self.findings.left_out:
            notes.append(f"{self.findings.left_out} more findings are not listed")
        return ExportCheck(
            kind=kind,
            origin="" if head is None else head.origin,
            size=0 if head is None else head.size,
            root_hex="" if head is None else head.root.hex(),
            lines=self.lines,
            anchored=self.anchored and not self.findings.broken,
            findings=tuple(self.findings.items),
            notes=(*notes, *self.notes),
        )


class _LeafPass(EntryPass):
    """The rules over leaves alone, without the columns and tiles of a file. `leaf_at` reads one of them again."""

    def __init__(self, findings: Findings, wanted: set[int], leaf_at: LeafAt):
        super().__init__(sqlite3.connect(":memory:"), findings, wanted)
        self._leaf_at = leaf_at

    def take(self, index: int, leaf: bytes) -> None:
        """Judge one leaf at its place."""
        try:
            self._judge(index, parse_entry(leaf, later=True), None)
        except LedgerError as error:
            self._findings.add(error.code, error.message, index)
        self._growth.append(leaf_hash(leaf), self)
        self._keep_root()
        self._tell()

    def _entry_at(self, index: int) -> Entry | None:
        try:
            return parse_entry(self._leaf_at(index), later=True) if index <= self._index else None
        except LedgerError:
            return None

    def _clocks(self, start: int, stop: int) -> list[str]:
        """An export says nothing of the writer's clock."""
        return []

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        """There is no table to compare with."""


def _require_root(root: bytes, head: Checkpoint) -> None:
    if root != head.root:
        raise FormatError(
            f"the entries do not lead to the checkpoint over {head.size} entries", code="ledger.checkpoint-root"
        )


def _anchor(data: bytes) -> Checkpoint | None:
    """An anchor that cannot be read becomes a finding later."""
    try:
        return parse_anchor(data)
    except LedgerError:
        return None
