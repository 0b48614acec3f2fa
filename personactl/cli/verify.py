"""`personactl verify`: a verdict on delivered files, for people without the project."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personactl.cli import verify_reports
from personactl.cli.judging import Request, judge
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.cli.values import FiniteRange
from personactl.cli.verify_outputs import check_outputs
from personactl.errors import UsageProblem
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl.verify import Target, Workers

PATH = click.Path(path_type=Path)
STANDARD_INPUT = "-"


@click.command(cls=SessionCommand)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--trust", "trust_files", multiple=True, type=PATH, metavar="FILE", help="Accept this trust file (repeatable)."
)
@click.option(
    "--trust-list", "trust_lists", multiple=True, type=PATH, metavar="FILE",
    help="A public list of authorities (PEM): name its signers as listed (repeatable).",
)  # fmt: skip
@click.option(
    "--tsa-list", "tsa_lists", multiple=True, type=PATH, metavar="FILE",
    help="A public list of time-stamp authorities (PEM), for certificates that ended (repeatable).",
)  # fmt: skip
@click.option("--receipts", type=PATH, metavar="DIR", help="Where the receipts lie, if not beside the files.")
@click.option("--receipt", type=PATH, metavar="FILE", help="The receipt of standard input (`-`).")
@click.option("--ledger", type=PATH, metavar="FILE", help="Compare with this ledger.")
@click.option("--pixels", is_flag=True, help="Decode the pictures and ask for the baseline policy's marks.")
@click.option(
    "--policy", "policies", multiple=True, metavar="ID", help="Ask for the marks that this policy demands (repeatable)."
)
@click.option(
    "--require-layers", type=click.IntRange(1, 2), default=None, metavar="N",
    help="Ask for 1 layer (signed metadata), or 2 (a watermark too).",
)  # fmt: skip
@click.option("--require-exact", is_flag=True, help="Ask for a receipt or ledger entry of the exact bytes.")
@click.option("--require-approval", is_flag=True, help="Ask for the approvals that trust file or ledger names.")
@click.option(
    "--report", "reports", multiple=True, metavar="FMT=FILE",
    help="Also write json, md, junit or signed (repeatable).",
)  # fmt: skip
@click.option("--report-key", type=PATH, metavar="FILE", help="Sign with this key; to check, accept this public key.")
@click.option("--check-report", type=PATH, metavar="FILE", help="Check a signed report, and PATHS against it.")
@click.option("--events", type=PATH, metavar="FILE", help="Append what happens as NDJSON.")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N", help="Processes that read files; all cores without.")
@click.option(
    "--timeout", type=FiniteRange(1, 86400), default=30.0, show_default=True, metavar="SECONDS",
    help="Give up on a file after this long, and 0.5 s more per MiB.",
)  # fmt: skip
@pass_terminal
def verify(
    terminal: Terminal, *, paths: tuple[str, ...], trust_files: tuple[Path, ...], trust_lists: tuple[Path, ...],
    tsa_lists: tuple[Path, ...], receipts: Path | None, receipt: Path | None, ledger: Path | None, pixels: bool,
    policies: tuple[str, ...], require_layers: int | None, require_exact: bool, require_approval: bool,
    reports: tuple[str, ...], report_key: Path | None, check_report: Path | None, events: Path | None,
    jobs: int | None, timeout: float,
) -> int:  # fmt: skip
    """Give a verdict on delivered files.

    PATHS are files, folders, release bundles or patterns (`'in/**/*.png'`); `-` is standard input. Trust comes only
    from --trust, else from PERSONACTL_TRUST, else from your own configuration (`personactl trust add`); never from the
    folder under test. A receipt beside a file (NAME.EXT.receipt) tells whether it is the exact one.
    """
    if check_report is not None:
        for_verdicts = (receipts, receipt, ledger, pixels, policies, require_layers, require_exact, require_approval)
        if any((*for_verdicts, trust_lists, tsa_lists, reports, events, jobs)):
            raise click.UsageError("--check-report takes PATHS, --trust and --report-key; it gives no verdicts itself.")
        if STANDARD_INPUT in paths or "" in paths:
            raise click.UsageError("--check-report compares files that have a path; standard input has none.")
        files = tuple(map(Path, paths))
        return verify_reports.check(terminal, check_report, files, trust_files=trust_files, key=report_key)
    from personactl.render.reports import parse_request

    if not paths:
        raise click.UsageError("Missing argument 'PATHS...'.")
    if "" in paths:  # a variable that was not set: the working folder was hardly meant
        raise click.UsageError("A path is empty; name the working folder as `.`.")
    request = Request(
        trust_files=trust_files, trust_lists=trust_lists, tsa_lists=tsa_lists, receipts=receipts, ledger=ledger,
        pixels=pixels, policies=policies, layers=require_layers or 0, exact=require_exact, approval=require_approval,
        reports=[parse_request(text) for text in reports], report_key=report_key, events=events,
    )  # fmt: skip
    check_outputs(request, paths, receipt)
    with ExitStack() as stack:
        workers, given = _prepare(stack, paths, receipt, jobs, timeout)
        return judge(terminal, request, workers, given)


def _prepare(
    stack: ExitStack, paths: tuple[str, ...], receipt: Path | None, jobs: int | None, timeout: float
) -> tuple[Workers, list[Path | Target]]:
    """The workers, the first of them started, and what they are to judge, with standard input read to its end."""
    from personactl.verify import Limits, Workers, standard_input

    _check_standard_input(paths, receipt)
    limits = Limits(seconds=timeout)
    if STANDARD_INPUT not in paths:
        return stack.enter_context(Workers(jobs, limits)), [Path(path) for path in paths]
    place = stack.enter_context(standard_input.place())
    workers = stack.enter_context(Workers(jobs, limits, keep=(place.descriptor,)))
    copied = place.target(sys.stdin.buffer, receipt)
    return workers, [copied if path == STANDARD_INPUT else Path(path) for path in paths]


def _check_standard_input(paths: tuple[str, ...], receipt: Path | None) -> None:
    count = paths.count(STANDARD_INPUT)
    problem, hint = "", "a file with the name - is ./-"
    if count > 1:
        problem = "standard input (`-`) is named twice, and can be read once"
    elif count and sys.stdin is None:
        problem, hint = "standard input (`-`) is closed", "personactl verify - < FILE"
    elif count and sys.stdin.isatty():
        problem, hint = "standard input (`-`) is a terminal", "personactl verify - < FILE"
    elif receipt is not None and not count:
        problem, hint = "--receipt is for standard input (`-`)", "name the folder: --receipts DIR"
    elif receipt is not None and not os.path.lexists(receipt):
        problem, hint = f"there is no receipt {receipt}", "check --receipt"
    if problem:
        raise UsageProblem(problem, hint=hint, code="cli.standard-input")
