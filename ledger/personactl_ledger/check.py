"""Checking a whole ledger file without trusting anything in it but the leaves' bytes (SPEC 12).

Levels: `tree` recomputes leaf hashes, tiles and checkpoints and follows the key entries; `index` also parses every
leaf, derives its columns again, applies the rules and has SQLite compare its indexes; `full` also verifies every
signature.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from personactl_ledger.check_bounds import Unending, bounded, require_room
from personactl_ledger.check_entries import EntryPass, Progress
from personactl_ledger.check_file import check_database, check_header, check_journals, check_schema
from personactl_ledger.check_resume import finish, resume
from personactl_ledger.check_signed import (
    StoredCheckpoint,
    check_anchor,
    check_checkpoints,
    check_covered,
    check_trust,
    parse_anchor,
    read_checkpoints,
)
from personactl_ledger.check_since import KeptTree, NotKept
from personactl_ledger.check_stamps import check_timestamps
from personactl_ledger.check_witness import check_witnesses
from personactl_ledger.check_workers import Work, spans
from personactl_ledger.database import connect_reader, require_file, storage_errors
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import CheckReport, Findings, LedgerFinding, Level
from personactl_ledger.lock import has_journal, writer_active
from personactl_ledger.revocation import ends_of
from personactl_ledger.store import SIZE, TILE_WIDTH
from personactl_ledger.trust import LedgerTrust

__all__ = ["CheckReport", "LedgerFinding", "Level", "check"]

NO_ANCHOR = "no outside anchor was given: that the file was cut back to an earlier state is not excluded"
KEPT = (
    "the {} entries of the kept checkpoint were not read again, nor their columns, tiles and sealed values, nor was the"
    " database checked by SQLite: check without a kept checkpoint now and then"
)
NOT_KEPT = "the kept checkpoint does not fix the older entries of this file, or is not enough: all entries were read"
DATABASE_LEFT_OUT = "a writer is at work, so SQLite's own check was given up after some seconds: check the file at rest"
NO_GOOD_ANCHOR = "no anchor was given that can be believed: that the file was cut back is not excluded"
UNEXPLAINED = "{} sealed values that entries commit to are not in the file, and no erasure entry names them"


def check(
    path: Path | str,
    *,
    level: Level = "full",
    anchors: Sequence[bytes] = (),
    trust: LedgerTrust | None = None,
    since: bytes | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check a ledger file, read-only, also while a writer is active (SPEC 12).

    `anchors` are the bytes of receipts, tlog-proofs or checkpoints that were handed out before. `since` is one of those
    that this verifier kept from an earlier check: it is an anchor, and entries below it are not read again (SPEC 12.9).
    `workers` is the number of processes that read entries, None for as many as help; the report is the same.

    Raises LedgerMissing when there is no file, LedgerStorage when it cannot be read or (code ledger.check-worker) when
    a worker dies; everything else is a finding.
    """
    path = Path(path)
    require_file(path)
    audit = _Audit(path, level, anchors, trust, since, workers)
    try:
        with storage_errors(path):
            audit.run(progress)
    except LedgerError as error:
        if error.code == "ledger.locked" and has_journal(path) and not writer_active(path):
            check_journals(path, audit.findings)  # the writer died after the check had begun
        elif error.exit_code == 4:
            audit.findings.add("ledger.database" if error.code == "ledger.corrupt" else error.code, error.message)
        else:
            raise
    return audit.report()


class _Audit:
    """One check of one file, in the order of SPEC 12."""

    def __init__(
        self,
        path: Path,
        level: Level,
        anchors: Sequence[bytes],
        trust: LedgerTrust | None,
        since: bytes | None,
        workers: int | None,
    ):
        self.path, self.level, self.trust, self.since, self.workers = path, level, trust, since, workers
        self.anchors = anchors if since is None else (since, *anchors)
        self.findings = Findings()
        self.entries: EntryPass | None = None
        self.kept: KeptTree | None = None
        self.size = self.signed_size = self.checkpoints = 0
        self.latest = ""
        self.distrusted: tuple[int, ...] = ()
        self.shown: list[str] = []
        self.unstamped: list[str] = []
        self.witnessed: list[str] = []
        self.anchored = False
        self.database_checked = True

    def run(self, progress: Progress | None) -> None:
        if not (check_header(self.path, self.findings) and check_journals(self.path, self.findings)):
            return
        connection = connect_reader(self.path)
        try:
            if check_schema(connection, self.findings):
                self._all_or_new(connection, progress)
        finally:
            connection.close()

    def _all_or_new(self, connection: sqlite3.Connection, progress: Progress | None) -> None:
        """Only the new entries where the kept checkpoint fixes the old ones; else everything, which shows why not."""
        if self.since is not None:
            before = self.findings.copy()
            try:
                with bounded(connection):
                    self.kept = KeptTree(connection, self.since, _size(connection))
                    require_room(connection, self.kept.size)
                    self._contents(connection, progress)
            except (NotKept, Unending):
                self.kept, self.findings = None, before
            else:
                return
        found = check_database(connection, self.level, self.findings, self.path)
        self.database_checked = found != "unknown"
        if found == "sound":
            self._contents(connection, progress)
        elif found == "unknown":
            with bounded(connection):
                require_room(connection, 0)
                self._contents(connection, progress)

    def _contents(self, connection: sqlite3.Connection, progress: Progress | None) -> None:
        # Checkpoints first: a writer that is at work can only add entries between the two statements.
        stored = read_checkpoints(connection, self.findings)
        self.size = _size(connection)
        self.signed_size = stored[-1].checkpoint.size if stored else 0
        since = min(self.kept.size if self.kept else 0, self.signed_size)
        compared = [row for row in stored if row.size >= since]
        self.checkpoints = len(compared)
        wanted = {row.checkpoint.size for row in compared} | _anchor_sizes(self.anchors) | {self.size}
        entries = self.entries = self._entries(connection, wanted, progress)
        origin, keyring = entries.rules.origin, entries.rules.keyring
        ends = ends_of(keyring, self._revoked())
        self.latest = check_checkpoints(compared, entries.roots, origin, keyring, ends, self.findings)
        if self.since is not None and self.signed_size < max(_anchor_sizes([self.since]), default=0):
            self.latest = ""  # a smaller one must not take the place of the one that was kept
        if not stored:
            self.findings.add("ledger.no-checkpoint", "no checkpoint was signed yet", severity="warning")
        self.witnessed = check_witnesses(connection, [row.checkpoint for row in stored], self.trust, self.findings)
        self.shown, self.unstamped = check_timestamps(connection, stored, keyring, ends, self.trust, self.findings)
        self._outside(stored, entries, ends)
        self.distrusted = entries.distrusted(ends)
        for index in self.distrusted:
            self.findings.add("ledger.distrusted", "signed by a key that was revoked from before it", index, "warning")

    def _entries(self, connection: sqlite3.Connection, wanted: set[int], progress: Progress | None) -> EntryPass:
        """SPEC 12.4, over all entries or those after the kept checkpoint."""
        if self.kept is None:
            entries = EntryPass(connection, self.findings, wanted)
        else:
            entries = resume(connection, self.kept, self.findings, wanted)
        loose = {size // TILE_WIDTH for size in wanted if size % TILE_WIDTH}
        work = Work(self.path, self.level, entries.start, self.size, loose)
        with closing(spans(work, connection, self.workers)) as found:
            entries.run(found, self.size, progress)
        if self.kept is not None:
            finish(self.kept, entries, self._revoked())
        return entries

    def _revoked(self) -> Mapping[str, int]:
        """What the trust file revokes."""
        return self.trust.revoked_from() if self.trust is not None else {}

    def _outside(self, stored: list[StoredCheckpoint], entries: EntryPass, ends: Mapping[str, int]) -> None:
        """SPEC 12.6 and 12.7: the trust file and the anchors."""
        roots, origin, keyring = entries.roots, entries.rules.origin, entries.rules.keyring
        if self.trust is not None:
            latest = stored[-1].checkpoint if stored else None
            check_trust(self.trust, latest, origin, entries.genesis_signers, ends, self.findings)
        held = [check_anchor(data, roots, origin, keyring, self.trust, ends, self.findings) for data in self.anchors]
        self.anchored = bool(held) and all(held)
        if self.trust is not None:
            shown = [parse_anchor(data).size for data, holds in zip(self.anchors, held, strict=True) if holds]
            self.anchored &= check_covered(max(shown, default=0), self.signed_size, self.findings)

    def report(self) -> CheckReport:
        notes = anchor_notes(self.anchors, self.anchored, self.findings)
        notes += self.witnessed
        notes += self.unstamped
        if self.signed_size < self.size:
            notes.append(f"{self.size - self.signed_size} entries after the latest checkpoint are not signed by it yet")
        if self.level != "full":
            notes.append(f"level {self.level}: the signatures of entries were not all checked")
        missing = sum(map(len, self.entries.unexplained.values())) if self.entries is not None else 0
        if missing:
            notes.append(UNEXPLAINED.format(missing))
        if not self.database_checked:
            notes.append(DATABASE_LEFT_OUT)
        if self.kept is not None:
            notes.append(KEPT.format(self.kept.size))
        elif self.since is not None:
            notes.append(NOT_KEPT)
        if self.findings.left_out:
            notes.append(f"{self.findings.left_out} more findings are not listed")
        root = self.entries.roots.get(self.size, b"") if self.entries is not None else b""
        return CheckReport(
            ok=not self.findings.broken,
            size=self.size,
            root_hex=root.hex(),
            origin=self.entries.rules.origin if self.entries is not None else "",
            findings=tuple(self.findings.items),
            anchored=self.anchored and not self.findings.broken,
            level=self.level,
            checkpoints=self.checkpoints,
            signed_size=self.signed_size,
            development=self.entries is not None and self.entries.rules.development,
            distrusted=self.distrusted,
            notes=tuple(notes),
            shown=tuple(self.shown),
            since=self.kept.size if self.kept is not None else None,
            latest="" if self.findings.broken else self.latest,
        )


def anchor_notes(anchors: Sequence[bytes], anchored: bool, findings: Findings) -> list[str]:
    """SPEC 12.7: what must be said where no anchor holds. One that contradicts the file is a finding, and enough."""
    if not anchors:
        return [NO_ANCHOR]
    return [] if anchored or findings.broken else [NO_GOOD_ANCHOR]


def _size(connection: sqlite3.Connection) -> int:
    return int(connection.execute(f"SELECT {SIZE} FROM entry NOT INDEXED").fetchone()[0])  # noqa: S608  (a constant)


def _anchor_sizes(anchors: Sequence[bytes]) -> set[int]:
    """Tree sizes to keep the heads of; anchors that cannot be read become findings later."""
    sizes = set()
    for data in anchors:
        try:
            sizes.add(parse_anchor(data).size)
        except LedgerError:
            continue
    return sizes
