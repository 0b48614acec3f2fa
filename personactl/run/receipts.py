"""One receipt beside each picture: out/<run>/<name>.receipt, made from the ledger when a start is over.

Also beside pictures of an earlier run that this plan took over: that run may have died before it wrote them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from personactl_ledger import Ledger

from personactl.run.folders import Folder
from personactl.run.staging import OUT, RECEIPT_SUFFIX, Staging
from personactl.run.summary import ShotOutcome

Wanted = Mapping[str, Mapping[str, int]]
"""Run → file name → index of the entry that the receipt proves."""


def missing(project: Path, outcomes: Iterable[ShotOutcome]) -> Wanted:
    """The visible pictures without a receipt beside them."""
    visible: dict[str, dict[str, int]] = defaultdict(dict)
    for outcome in outcomes:
        if outcome.where and outcome.entry_index is not None:
            _, run, name = outcome.where.split("/")
            visible[run][name] = outcome.entry_index
    found: dict[str, Mapping[str, int]] = {}
    for run, files in visible.items():
        with Folder.open(project, OUT, run) as out:
            names = set(out.names())
        found[run] = {name: index for name, index in files.items() if name + RECEIPT_SUFFIX not in names}
    return {run: files for run, files in found.items() if files}


def write(project: Path, wanted: Wanted, ledger: Ledger, staging: Staging) -> None:
    """Write the receipts against the latest checkpoint, each whole or not at all, and make them durable."""
    for run, files in wanted.items():
        with Folder.open(project, OUT, run) as out:
            for name, index in files.items():
                staging.replace(ledger.prove(index), out, name + RECEIPT_SUFFIX)
            out.sync()
