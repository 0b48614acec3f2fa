"""One receipt beside each picture: out/<run>/<name>.receipt, made from the ledger when a start is over.

One that does not verify is made again. Also beside pictures of an earlier run that this plan took over: that run may
have died before it wrote them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from personactl_ledger import Ledger, LedgerError, LedgerTrust, verify_receipt
from personactl_ledger.receipt import MAX_BYTES

from personactl.keys import KeySet
from personactl.run.folders import Folder
from personactl.run.staging import OUT, RECEIPT_SUFFIX, Staging, read_bounded
from personactl.run.summary import ShotOutcome

Wanted = Mapping[str, Mapping[str, int]]
"""Run → file name → index of the entry that the receipt proves."""


def missing(project: Path, outcomes: Iterable[ShotOutcome], ledger: Ledger, keyset: KeySet) -> Wanted:
    """The visible pictures without a receipt beside them that proves their entry."""
    visible: dict[str, dict[str, int]] = defaultdict(dict)
    for outcome in outcomes:
        if outcome.where and outcome.entry_index is not None:
            _, run, name = outcome.where.split("/")
            visible[run][name] = outcome.entry_index
    trust = replace(ledger.trust(), root_keys=keyset.root_public_keys)  # receipts by earlier log keys are as good
    found: dict[str, Mapping[str, int]] = {}
    for run, files in visible.items():
        with Folder.open(project, OUT, run) as out:
            found[run] = {name: index for name, index in files.items() if not _proves(out, name, index, ledger, trust)}
    return {run: files for run, files in found.items() if files}


def _proves(out: Folder, name: str, index: int, ledger: Ledger, trust: LedgerTrust) -> bool:
    """Whether the receipt beside `name` is there and verifies for entry `index`; an older checkpoint is as good."""
    data = read_bounded(out, name + RECEIPT_SUFFIX, MAX_BYTES)
    if data is None:
        return False
    entry = ledger.entry(index).entry
    try:
        report = verify_receipt(data, trust, subject_sha256=entry.subject_sha256)
    except LedgerError:
        return False
    return report.index == index and report.entry.leaf == entry.leaf


def write(project: Path, wanted: Wanted, ledger: Ledger, staging: Staging) -> None:
    """Write the receipts against the latest checkpoint, each whole or not at all, and make them durable."""
    for run, files in wanted.items():
        with Folder.open(project, OUT, run) as out:
            for name, index in files.items():
                staging.replace(ledger.prove(index), out, name + RECEIPT_SUFFIX)
            out.sync()
