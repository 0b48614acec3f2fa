"""One receipt beside each file of a run: out/<run>/<name>.receipt, made from the ledger when a start is over."""

from __future__ import annotations

from personactl_ledger import Ledger

from personactl.model import Plan
from personactl.run.folders import Folder
from personactl.run.staging import RECEIPT_SUFFIX, Staging


def missing(plan: Plan, ledger: Ledger, out: Folder) -> dict[str, int]:
    """File name → entry index of every visible file of this run that has no receipt beside it."""
    names = set(out.names())
    found: dict[str, int] = {}
    for shot in plan.shots:
        if shot.file_name in names and shot.file_name + RECEIPT_SUFFIX not in names:
            stored = ledger.by_job_key(shot.job_key)
            if stored is not None and stored.entry.predicate["run"] == plan.run_id:
                found[shot.file_name] = stored.index
    return found


def write(wanted: dict[str, int], ledger: Ledger, staging: Staging, out: Folder) -> None:
    """Write the receipts against the latest checkpoint, each whole or not at all, and make them durable."""
    for name, index in wanted.items():
        staging.replace(ledger.prove(index), out, name + RECEIPT_SUFFIX)
    if wanted:
        out.sync()
