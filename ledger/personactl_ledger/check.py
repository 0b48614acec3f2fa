"""Checking a whole ledger file without trusting anything in it but the leaves' bytes (SPEC 12).

Levels: `tree` recomputes leaf hashes, tiles and checkpoints and follows the key entries; `index` also parses every
leaf, derives its columns again and applies the rules; `full` also verifies every signature.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from personactl_ledger.check_entries import EntryPass, Progress
from personactl_ledger.check_file import check_database, check_header, check_journals, check_schema
from personactl_ledger.check_signed import (
    check_anchor,
    check_checkpoints,
    check_covered,
    check_trust,
    parse_anchor,
    read_checkpoints,
)
from personactl_ledger.check_stamps import check_timestamps
from personactl_ledger.check_witness import check_witnesses
from personactl_ledger.database import connect_reader, require_file, storage_errors
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import CheckReport, Findings, LedgerFinding, Level
from personactl_ledger.lock import has_journal, writer_active
from personactl_ledger.store import SIZE
from personactl_ledger.trust import LedgerTrust, earliest

__all__ = ["CheckReport", "LedgerFinding", "Level", "check"]

NO_ANCHOR = "no outside anchor was given: that the file was cut back to an earlier state is not excluded"
UNEXPLAINED = "{} sealed values that entries commit to are not in the file, and no erasure entry names them"


def check(
    path: Path | str,
    *,
    level: Level = "full",
    anchors: Sequence[bytes] = (),
    trust: LedgerTrust | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check a ledger file, read-only, also while a writer is active (SPEC 12).

    `anchors` are the bytes of receipts, tlog-proofs or checkpoints that were handed out before. Raises LedgerMissing
    when there is no file, LedgerStorage when it cannot be read; everything else is a finding.
    """
    path = Path(path)
    require_file(path)
    audit = _Audit(level, anchors, trust)
    try:
        with storage_errors(path):
            audit.run(path, progress)
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

    def __init__(self, level: Level, anchors: Sequence[bytes], trust: LedgerTrust | None):
        self.level, self.anchors, self.trust = level, anchors, trust
        self.findings = Findings()
        self.entries: EntryPass | None = None
        self.size = self.signed_size = self.checkpoints = 0
        self.distrusted: tuple[int, ...] = ()
        self.shown: list[str] = []
        self.unstamped: list[str] = []
        self.anchored = False
        self.witnessed: list[str] = []

    def run(self, path: Path, progress: Progress | None) -> None:
        if not (check_header(path, self.findings) and check_journals(path, self.findings)):
            return
        connection = connect_reader(path)
        try:
            if check_schema(connection, self.findings):
                check_database(connection, self.level, self.findings)
                self._contents(connection, progress)
        finally:
            connection.close()

    def _contents(self, connection: sqlite3.Connection, progress: Progress | None) -> None:
        # Checkpoints first: a writer that is at work can only add entries between the two statements.
        stored = read_checkpoints(connection, self.findings)
        self.size = int(connection.execute(f"SELECT {SIZE} FROM entry NOT INDEXED").fetchone()[0])  # noqa: S608
        self.checkpoints = len(stored)
        self.signed_size = stored[-1].checkpoint.size if stored else 0
        wanted = {row.checkpoint.size for row in stored} | _anchor_sizes(self.anchors) | {self.size}
        entries = self.entries = EntryPass(connection, self.level, self.findings, wanted)
        entries.run(self.size, progress)
        origin, keyring, roots = entries.rules.origin, entries.rules.keyring, entries.roots
        revoked = self.trust.revoked_from() if self.trust is not None else {}
        ends = earliest(keyring.revoked_from(), revoked)
        check_checkpoints(stored, roots, origin, keyring, ends, self.findings)
        if not stored:
            self.findings.add("ledger.no-checkpoint", "no checkpoint was signed yet", severity="warning")
        self.witnessed = check_witnesses(connection, [row.checkpoint for row in stored], self.trust, self.findings)
        self.shown, self.unstamped = check_timestamps(connection, stored, keyring, self.trust, self.findings)
        if self.trust is not None:
            latest = stored[-1].checkpoint if stored else None
            check_trust(self.trust, latest, origin, entries.genesis_signers, self.findings)
        held = [check_anchor(data, roots, origin, keyring, self.trust, ends, self.findings) for data in self.anchors]
        self.anchored = bool(held) and all(held)
        if self.trust is not None:
            shown = [parse_anchor(data).size for data, holds in zip(self.anchors, held, strict=True) if holds]
            self.anchored &= check_covered(max(shown, default=0), self.signed_size, self.findings)
        self.distrusted = entries.distrusted(self.size, revoked)
        for index in self.distrusted:
            self.findings.add("ledger.distrusted", "signed by a key that was revoked from before it", index, "warning")

    def report(self) -> CheckReport:
        notes = [] if self.anchored else [NO_ANCHOR]
        notes += self.witnessed
        notes += self.unstamped
        if self.signed_size < self.size:
            notes.append(f"{self.size - self.signed_size} entries after the latest checkpoint are not signed by it yet")
        if self.level != "full":
            notes.append(f"level {self.level}: the signatures of entries were not all checked")
        missing = sum(map(len, self.entries.unexplained.values())) if self.entries is not None else 0
        if missing:
            notes.append(UNEXPLAINED.format(missing))
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
        )


def _anchor_sizes(anchors: Sequence[bytes]) -> set[int]:
    """Tree sizes to keep the heads of; anchors that cannot be read become findings later."""
    sizes = set()
    for data in anchors:
        try:
            sizes.add(parse_anchor(data).size)
        except LedgerError:
            continue
    return sizes
