"""Bytes and trust → axes, findings, verdict: what a stranger may conclude about a file.

    targets → open once → read the claim, the XMP, the pixels → receipt, ledger → the rules → the table → Verdict
    walking   opening     reading, pixels                       records, ledger_source  axes   table      document

All but the first step can be done by worker processes under limits (`Workers`), which the command line always does.
Nothing here opens a connection, needs torch, or believes anything that lies in the folder under test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from personactl.errors import UsageProblem
from personactl.keys.trust import TrustFile
from personactl.keys.trust_list import TrustList
from personactl.policy import Policy
from personactl.verdict import Verdict
from personactl.verify.document import document, exit_code, head, summary_line, verdict_word
from personactl.verify.limits import Limits
from personactl.verify.results import Results
from personactl.verify.walking import Target, count, targets
from personactl.verify.workers import Failure, Workers

__all__ = [
    "Limits",
    "Results",
    "Target",
    "Workers",
    "count",
    "document",
    "exit_code",
    "head",
    "summary_line",
    "verdict_word",
    "verify_file",
    "verify_paths",
]


def verify_file(
    path: Path | Target,
    trust: Sequence[TrustFile],
    *,
    receipts: Path | None = None,
    ledger: Path | None = None,
    pixels: bool = False,
    policies: Sequence[Policy] = (),
    lists: Sequence[TrustList] = (),
    require_layers: int = 0,
    require_exact: bool = False,
    require_approval: bool = False,
) -> Verdict:
    """The verdict on one path; for a folder that of its first file, so use `verify_paths` there. Raises LedgerError."""
    return next(
        verify_paths(
            [path],
            trust,
            receipts=receipts,
            ledger=ledger,
            pixels=pixels,
            policies=policies,
            lists=lists,
            require_layers=require_layers,
            require_exact=require_exact,
            require_approval=require_approval,
        )
    )


def verify_paths(
    paths: Sequence[Path | Target],
    trust: Sequence[TrustFile],
    *,
    receipts: Path | None = None,
    ledger: Path | None = None,
    pixels: bool = False,
    policies: Sequence[Policy] = (),
    lists: Sequence[TrustList] = (),
    require_layers: int = 0,
    require_exact: bool = False,
    require_approval: bool = False,
    workers: Workers | None = None,
) -> Iterator[Verdict]:
    """A verdict for every file under `paths`, one at a time, in a stable order.

    `receipts`: a folder of NAME.EXT.receipt files, looked at before the place beside each file. `ledger`: a ledger
    file, checked once before the first verdict. `pixels`: decode every picture for its watermark; a picture without a
    credential is always decoded. `policies`: ask for the marks that their rules, and those of the baseline, demand of a
    file (`policy.load_all`), and decode every picture; without any, no mark is demanded. `lists`: public lists of
    authorities; a signer whom no trust file accepts and a list does is `listed`. `require_layers`: 1 asks for the
    signed metadata, 2 for the watermark too, and decodes. `workers`: read the files there, under their limits; without,
    in this process and under none, for files that are known or callers who have put themselves under limits. Raises
    UsageProblem when `receipts` is no folder, LedgerError when the ledger cannot be opened, EnvironmentProblem
    (verify.no-worker); whatever the files hold ends in a verdict.
    """
    from personactl.verify.judgement import Demands

    _require_folder(receipts)
    demands = Demands(policies=tuple(policies), count=require_layers, exact=require_exact, approval=require_approval)
    options: dict[str, Any] = {"trust": tuple(trust), "lists": tuple(lists), "demands": demands, "pixels": pixels}
    with ExitStack() as stack:
        if ledger is not None:
            from personactl.verify.ledger_source import LedgerSource

            options["ledger"] = stack.enter_context(LedgerSource(ledger, trust))
        found = targets(paths, receipts=receipts)
        yield from _judged_here(options, found) if workers is None else _judged_apart(workers, options, found)


def _require_folder(receipts: Path | None) -> None:
    if receipts is not None and not os.path.isdir(receipts):  # noqa: PTH112, Path.is_dir raises for a name that is too long
        raise UsageProblem(
            "this is not a folder of receipts", where=str(receipts), hint="check --receipts", code="usage.no-receipts"
        )


def _judged_here(options: dict[str, Any], found: Iterator[Target]) -> Iterator[Verdict]:
    from personactl.verify.inspection import Inspection

    inspection = Inspection(**options)
    return map(inspection.judge, found)


def _judged_apart(workers: Workers, options: dict[str, Any], found: Iterator[Target]) -> Iterator[Verdict]:
    from personactl.verify.judgement import is_conceivable, unread

    for target, outcome in workers.judge(options, found):
        if isinstance(outcome, Failure):
            yield unread(str(target.path), outcome.code, outcome.message, options["demands"])
        elif not is_conceivable(outcome):
            message = "the process that read it answered what no verdict says"
            yield unread(str(target.path), "verify.worker-crashed", message, options["demands"])
        else:
            yield outcome
