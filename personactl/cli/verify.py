"""`personactl verify`: a verdict on delivered files, for people without the project."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli import exits
from personactl.cli.project import now
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.errors import PersonactlError, UsageProblem, worst_exit
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from personactl.model import Verdict
    from personactl.render.watching import Watch
    from personactl.verify import Results, Target, Workers

PATH = click.Path(path_type=Path)
STANDARD_INPUT = "-"


@click.command(cls=SessionCommand)
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option(
    "--trust", "trust_files", multiple=True, type=PATH, metavar="FILE", help="Accept this trust file (repeatable)."
)
@click.option("--receipts", type=PATH, metavar="DIR", help="Where the receipts lie, if not beside the files.")
@click.option("--receipt", type=PATH, metavar="FILE", help="The receipt of standard input (`-`).")
@click.option("--ledger", type=PATH, metavar="FILE", help="Compare with this ledger.")
@click.option("--pixels", is_flag=True, help="Decode the pictures and ask for the baseline policy's marks.")
@click.option(
    "--policy", "policies", multiple=True, metavar="ID", help="Ask for the marks that this policy demands (repeatable)."
)
@click.option("--require-exact", is_flag=True, help="Ask for a receipt or ledger entry of the exact bytes.")
@click.option("--require-approval", is_flag=True, help="Ask for the approvals that trust file or ledger names.")
@click.option(
    "--report", "reports", multiple=True, metavar="FMT=FILE", help="Also write json, md or junit (repeatable)."
)
@click.option("--events", type=PATH, metavar="FILE", help="Append what happens as NDJSON.")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N", help="Processes that read files; all cores without.")
@click.option(
    "--timeout", type=click.FloatRange(1, 86400), default=30.0, show_default=True, metavar="SECONDS",
    help="Give up on a file after this long, and 0.5 s more per MiB.",
)  # fmt: skip
@pass_terminal
def verify(
    terminal: Terminal,
    *,
    paths: tuple[str, ...],
    trust_files: tuple[Path, ...],
    receipts: Path | None,
    receipt: Path | None,
    ledger: Path | None,
    pixels: bool,
    policies: tuple[str, ...],
    require_exact: bool,
    require_approval: bool,
    reports: tuple[str, ...],
    events: Path | None,
    jobs: int | None,
    timeout: float,
) -> int:
    """Give a verdict on delivered files.

    PATHS are files, folders or release bundles; `-` is standard input. Trust comes only from --trust, else from
    PERSONACTL_TRUST, else from your own configuration (`personactl trust add`); never from the folder under test. A
    receipt beside a file (NAME.EXT.receipt) tells whether it is the exact one.
    """
    from personactl.render.reports import parse_request
    from personactl.render.watching import Watch
    from personactl.verify import Results, head, verify_paths

    requests = [parse_request(text) for text in reports]
    with ExitStack() as stack:
        workers, given = _prepare(stack, paths, receipt, jobs, timeout)
        from personactl import policy  # while the first worker loads its libraries
        from personactl.keys import trust_store
        from personactl.render import verdicts as lines

        trust = trust_store.load_all(trust_files, os.environ)
        asked = policy.load_all(policies) if policies or pixels else ()
        watch = stack.enter_context(Watch(terminal, given, events, now))
        found = verify_paths(
            given, trust, receipts=receipts, ledger=ledger, pixels=pixels, policies=asked,
            require_exact=require_exact, require_approval=require_approval, workers=workers,
        )  # fmt: skip
        verdicts = stack.enter_context(Results(keep=bool(requests) or terminal.json))
        _judge(terminal, found, verdicts, watch, requests)
        lines.show_summary(terminal, verdicts.counts)
        result = {**head(verdicts.counts, trust, now()), "files": verdicts.documents}
        codes = [verdicts.exit_code, *_report(terminal, requests, verdicts, result)]
        terminal.result(result)
    return worst_exit(codes)


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
    elif count and sys.stdin.isatty():
        problem, hint = "standard input (`-`) is a terminal", "personactl verify - < FILE"
    elif receipt is not None and not count:
        problem, hint = (
            "--receipt is for standard input (`-`)",
            "name the folder: --receipts DIR",
        )
    if problem:
        raise UsageProblem(problem, hint=hint, code="cli.standard-input")


def _judge(
    terminal: Terminal,
    found: Iterator[Verdict],
    verdicts: Results,
    watch: Watch,
    requests: list[tuple[str, Path]],
) -> None:
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
    terminal: Terminal, requests: list[tuple[str, Path]], verdicts: Results, result: dict[str, Any]
) -> list[int]:
    """Write every report and return the exit codes of those that could not be written."""
    from personactl.render import reports

    codes = []
    for request in requests:
        try:
            reports.write(request, verdicts, result)
        except PersonactlError as error:
            codes.append(exits.report_beside(error, terminal))
    return codes
