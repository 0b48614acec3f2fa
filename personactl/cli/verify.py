"""`personactl verify`: a verdict on delivered files, for people without the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli import exits, verify_reports
from personactl.cli.project import now
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.errors import PersonactlError, worst_exit
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from personactl.model import Verdict
    from personactl.render.reports import Signing

PATH = click.Path(path_type=Path)


@click.command(cls=SessionCommand)
@click.argument("paths", nargs=-1, type=PATH)
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
@pass_terminal
def verify(
    terminal: Terminal, *, paths: tuple[Path, ...], trust_files: tuple[Path, ...], trust_lists: tuple[Path, ...],
    tsa_lists: tuple[Path, ...], receipts: Path | None, ledger: Path | None, pixels: bool, policies: tuple[str, ...],
    require_layers: int | None, require_exact: bool, require_approval: bool, reports: tuple[str, ...],
    report_key: Path | None, check_report: Path | None,
) -> int:  # fmt: skip
    """Give a verdict on delivered files.

    PATHS are files, folders or release bundles. Trust comes only from --trust, else from PERSONACTL_TRUST, else from
    your own configuration (`personactl trust add`); never from the folder under test. A receipt beside a file
    (NAME.EXT.receipt) tells whether it is the exact one.
    """
    from personactl import policy
    from personactl.keys import trust_list, trust_store
    from personactl.render.reports import parse_request
    from personactl.verify import document, exit_code, verify_paths
    from personactl.verify.signed_report import Asked

    if check_report is not None:
        if any((receipts, ledger, pixels, policies, require_layers, require_exact, require_approval, reports)):
            raise click.UsageError("--check-report takes PATHS, --trust and --report-key; it gives no verdicts itself.")
        return verify_reports.check(terminal, check_report, paths, trust_files=trust_files, key=report_key)
    if not paths:
        raise click.UsageError("Missing argument 'PATHS...'.")
    requests = [parse_request(text) for text in reports]
    trust = trust_store.load_all(trust_files, os.environ)
    lists = trust_list.load_all(trust_lists, tsa_lists)
    asked = policy.load_all(policies) if policies or pixels else ()
    said = Asked(
        exact=require_exact, approval=require_approval, layers=require_layers or 0, pixels=pixels, policies=asked
    )
    signing = verify_reports.prepare(requests, report_key, trust, said)
    found = verify_paths(
        paths, trust, receipts=receipts, ledger=ledger, pixels=pixels, policies=asked, lists=lists,
        require_layers=require_layers or 0, require_exact=require_exact, require_approval=require_approval,
    )  # fmt: skip
    verdicts = _judge(terminal, found, requests)
    result = document(verdicts, trust, now())
    codes = [exit_code(verdicts), *_report(terminal, requests, verdicts, result, signing)]
    terminal.result(result)
    return worst_exit(codes)


def _judge(terminal: Terminal, found: Iterator[Verdict], requests: list[tuple[str, Path]]) -> list[Verdict]:
    """Show each verdict as it comes, then the count. A check that ends early writes no report: none is half."""
    from personactl.render import verdicts as lines

    verdicts: list[Verdict] = []
    try:
        for verdict in found:
            verdicts.append(verdict)
            lines.show(terminal, verdict)
    except BaseException:
        if requests:
            judged = f"the command ended after {len(verdicts)} verdicts" if verdicts else "nothing was judged"
            terminal.alert(f"no report is written: {judged}")
        raise
    lines.show_summary(terminal, verdicts)
    return verdicts


def _report(
    terminal: Terminal, requests: list[tuple[str, Path]], verdicts: list[Verdict], result: dict[str, Any],
    signing: Signing | None,
) -> list[int]:  # fmt: skip
    """Write every report and return the exit codes of those that could not be written."""
    from personactl.render import reports

    codes = []
    for request in requests:
        try:
            reports.write(request, verdicts, result, signing)
        except PersonactlError as error:
            codes.append(exits.report_beside(error, terminal))
    return codes
