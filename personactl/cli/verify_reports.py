"""`verify --report signed=FILE` and `verify --check-report FILE`: who signs a report, and who signed it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from personactl.errors import UsageProblem
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl.keys import TrustFile
    from personactl.render.reports import Signing
    from personactl.verify.signed_report import Asked


def prepare(
    requests: Sequence[tuple[str, Path]], key: Path | None, trust: Sequence[TrustFile], asked: Asked
) -> Signing | None:
    """What the signed reports among `requests` need, None where none is asked for. Nothing is judged for a report that
    could not be written.

    Raises UsageProblem (cli.report-key), KeyProblem, and what `require_new` and `require_place` raise.
    """
    places = [path for name, path in requests if name == "signed"]
    if bool(places) != (key is not None):
        given = "--report-key" if key else "--report signed=FILE"
        raise UsageProblem(
            f"{given} was given without {'--report signed=FILE' if key else '--report-key'}",
            hint="openssl genpkey -algorithm ed25519 -out report.pem makes a key: --report-key report.pem",
            code="cli.report-key",
        )
    if requests:
        from personactl.render.outfile import require_new, require_place

        for name, place in requests:
            (require_new if name == "signed" else require_place)(place)
    if key is None:
        return None
    from personactl.keys import load_signer
    from personactl.render.reports import Signing

    signer = load_signer(key, "report key", "--report-key")
    _refuse_other_keys(key, signer.public_key, trust)
    return Signing(signer=signer, trust=trust, asked=asked)


def _refuse_other_keys(path: Path, public_key: bytes, trust: Sequence[TrustFile]) -> None:
    """A key that a trust file names for something else signs no reports: whoever accepts it there would be misled."""
    from personactl_ledger import Vkey

    for item in trust:
        approvers = item.approvers[1] if item.approvers else ()
        log_keys = [Vkey.parse(text).public_key for text in item.log_keys]
        if public_key in (*item.root_keys, *approvers, *log_keys):
            raise UsageProblem(
                f"{item.name} names this key for the ledger, so that it does not sign reports", where=str(path),
                hint="make a key for reports alone: openssl genpkey -algorithm ed25519 -out report.pem",
                code="cli.report-key",
            )  # fmt: skip


def check(
    terminal: Terminal, report: Path, files: tuple[Path, ...], *, trust_files: tuple[Path, ...], key: Path | None
) -> int:
    """`--check-report`: the signature of a report, and the files at hand. Returns the exit code."""
    from personactl.keys import read_public_key, trust_store
    from personactl.render.report_checks import lines_of
    from personactl.verify.report_check import check_report, document

    public = [] if key is None else [read_public_key(key)]
    trust = () if public else trust_store.load_all(trust_files, os.environ)
    checked = check_report(report, files, trust, public)
    terminal.result(document(checked), lines_of(checked))
    return checked.exit_code
