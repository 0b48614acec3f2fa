"""The course of one `verify`: trust, demands, verdicts as they come, then the document and the reports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.cli import exits, verify_reports
from personactl.cli.project import now
from personactl.errors import PersonactlError, worst_exit
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl.render.reports import Signing
    from personactl.render.watching import Watch
    from personactl.verdict import Verdict
    from personactl.verify import Results, Target, Workers

Requests = Sequence[tuple[str, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one `verify` was asked: whom to trust, what to compare with, what to demand, where to write it."""

    trust_files: tuple[Path, ...]
    trust_lists: tuple[Path, ...]
    tsa_lists: tuple[Path, ...]
    receipts: Path | None
    ledger: Path | None
    pixels: bool
    policies: tuple[str, ...]
    layers: int
    exact: bool
    approval: bool
    reports: Requests
    report_key: Path | None
    events: Path | None


def judge(terminal: Terminal, request: Request, workers: Workers, given: Sequence[Path | Target]) -> int:
    """Judge `given` and tell the result everywhere it was asked for. Returns the exit code."""
    from personactl import policy  # while the first worker loads its libraries
    from personactl.keys import trust_list, trust_store
    from personactl.render import verdicts as lines
    from personactl.render.watching import Watch
    from personactl.verify import Results, head, verify_paths
    from personactl.verify.signed_report import Asked

    trust = trust_store.load_all(request.trust_files, os.environ)
    lists = trust_list.load_all(request.trust_lists, request.tsa_lists)
    policies = policy.load_all(request.policies) if request.policies or request.pixels else ()
    asked = Asked(
        exact=request.exact, approval=request.approval, layers=request.layers, pixels=request.pixels, policies=policies,
        lists=lists,
    )  # fmt: skip
    signing = verify_reports.prepare(request.reports, request.report_key, trust, asked)
    found = verify_paths(
        given, trust, receipts=request.receipts, ledger=request.ledger, pixels=request.pixels, policies=policies,
        lists=lists, require_layers=request.layers, require_exact=request.exact, require_approval=request.approval,
        workers=workers,
    )  # fmt: skip
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(terminal, given, request.events, now))
        verdicts = stack.enter_context(Results(keep=bool(request.reports) or terminal.json))
        _judge(terminal, found, verdicts, watch, request.reports)
        lines.show_summary(terminal, verdicts.counts)
        result = {**head(verdicts.counts, trust, now()), "files": verdicts.documents}
        codes = [verdicts.exit_code, *_report(terminal, request.reports, verdicts, result, signing)]
        terminal.result(result)
    return worst_exit(codes)


def _judge(terminal: Terminal, found: Iterator[Verdict], verdicts: Results, watch: Watch, requests: Requests) -> None:
    """Show each verdict as it comes. A check that ends early writes no report, which would pass for a whole one."""
    from personactl.render import verdicts as lines

    try:
        for verdict in found:
            verdicts.add(verdict)
            lines.show(terminal, verdict)
            watch.on_verdict(verdict)
        watch.on_end(verdicts.counts)
    except BaseException:
        if requests:
            judged = f"the command ended after {len(verdicts)} verdicts" if len(verdicts) else "nothing was judged"
            terminal.alert(f"no report is written: {judged}")
        raise


def _report(
    terminal: Terminal, requests: Requests, verdicts: Results, result: dict[str, Any], signing: Signing | None
) -> list[int]:
    """Write every report and return the exit codes of those that could not be written."""
    from personactl.render import reports

    codes = []
    for request in requests:
        try:
            reports.write(request, verdicts, result, signing)
        except PersonactlError as error:
            codes.append(exits.report_beside(error, terminal))
    return codes
