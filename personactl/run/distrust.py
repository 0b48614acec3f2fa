"""Outputs that stand in the ledger and are not to be believed: a key was revoked from before them (ledger SPEC 12.8).

They do not count as finished. A start of their own run voids them and makes them again; another run does not take them
over. Rejected attempts that are distrusted do not count as spent.
"""

from __future__ import annotations

from pathlib import Path

from personactl_ledger import Ledger, StoredEntry
from personactl_ledger.aftermath import distrusted_entries

from personactl.model import Finding
from personactl.run.folders import Folder
from personactl.run.staging import OUT, RECEIPT_SUFFIX, Staging, is_taken
from personactl.run.state import RunState

CODE = "run.distrusted"
VOID_REASON = "signed by a key that was revoked from before it"


def distrusted(ledger: Ledger) -> frozenset[int]:
    """Indexes of all distrusted entries. Reads the ledger from the first that a revocation reaches."""
    return frozenset(distrusted_entries(ledger))


def stands_elsewhere(stored: StoredEntry, state: RunState | None) -> str:
    """Why a distrusted output of another run is not taken over, and what makes it again."""
    run = stored.entry.predicate["run"]
    known = state.run(run) if state is not None else None
    command = f": personactl run {known[0]}" if known is not None and known[0] else ""
    return f"it stands in run {run} (entry {stored.index}), {VOID_REASON}; that run has to make it again first{command}"


def set_aside(project: Path, stored: StoredEntry, staging: Staging) -> Finding:
    """Move the file of a distrusted output, and its receipt, out of the way of the one that takes its place."""
    name, run = stored.entry.subject_name, stored.entry.predicate["run"]
    moved = []
    with Folder.open(project, OUT, run) as out:
        for item in (name, name + RECEIPT_SUFFIX):
            if is_taken(out, item):
                moved.append(staging.quarantine(out, item))
    where = f"; the file is now {moved[0]}" if moved else ""
    return Finding(
        code=CODE,
        severity="warning",
        message=f"{OUT}/{run}/{name} (entry {stored.index}) was {VOID_REASON}: it is voided and made again{where}",
        hint="tell those who have the old file; its receipt cannot show this",
    )
