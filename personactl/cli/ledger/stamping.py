"""`personactl ledger timestamp`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli.ledger.group import (
    PATH,
    ledger,
    ledger_option,
    ledger_path,
    ledger_trust,
    ledger_writer,
    told_of,
)
from personactl.cli.project import here, now, pasted
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import UsageProblem
from personactl.render.counts import counted
from personactl.render.terminal import Terminal

if TYPE_CHECKING:
    from personactl_ledger import Signer
    from personactl_ledger.stamping import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What was asked for. Exactly one of the three ways is given."""

    tsa: str | None
    write_request: Path | None
    take_response: Path | None
    request: Path | None
    renew: bool
    tsa_name: str | None
    tsa_roots: tuple[Path, ...]
    trust_file: Path | None
    evidence: tuple[Path, ...]
    qualified: bool
    timeout: float


@ledger.command()
@ledger_option
@click.option("--tsa", metavar="URL", help="Ask this RFC 3161 service; no address, no network.")
@click.option("--write-request", type=OUTPUT, metavar="FILE.tsq", help="Write the request, to be carried to a service.")
@click.option("--take-response", type=PATH, metavar="FILE.tsr", help="Take in the answer that was carried back.")
@click.option("--request", type=PATH, metavar="FILE.tsq", help="The request that --take-response answers.")
@click.option("--renew", is_flag=True, help="Stamp the newest time stamp, before its certificate grows old.")
@click.option("--tsa-name", metavar="NAME", help="How people call the service; its certificate's name by default.")
@click.option("--tsa-roots", type=PATH, multiple=True, metavar="PEM", help="Keep the answer only under these roots.")
@click.option("--trust", "trust_file", type=PATH, metavar="FILE", help="Take the roots from this trust file.")
@click.option("--evidence", type=PATH, multiple=True, metavar="FILE", help="Certificates and CRLs to keep with it.")
@click.option("--qualified", is_flag=True, help="You say that the service is qualified; kept as your claim.")
@click.option("--timeout", type=click.FloatRange(0.1, 600), default=30, show_default=True, help="Seconds to wait.")
@pass_terminal
def timestamp(terminal: Terminal, /, *, path: Path | None, **given: Any) -> None:
    """Time-stamp the latest checkpoint.

    The token shows that the checkpoint, and with it every entry below, existed before the time that the service states.
    """
    options = _Options(**given)
    ways = [options.tsa is not None, options.write_request is not None, options.take_response is not None]
    if sum(ways) != 1:
        raise UsageProblem(
            "name one of --tsa, --write-request and --take-response", code="cli.timestamp-way",
            hint="--tsa URL, or without a network --write-request FILE.tsq and later --take-response FILE.tsr",
        )  # fmt: skip
    target = ledger_path(path)
    if options.write_request is not None:
        _write_request(terminal, target, options.write_request, renew=options.renew)
    elif options.take_response is not None:
        _take(terminal, target, options.take_response, options)
    elif options.tsa is not None:
        _ask(terminal, target, options.tsa, options)


def _write_request(terminal: Terminal, path: Path, output: Path, *, renew: bool) -> None:
    from personactl_ledger import Ledger
    from personactl_ledger.stamping import next_target
    from personactl_ledger.timestamping import build_request

    from personactl.render.outfile import require_new, write_new

    require_new(output)
    with Ledger.open_reader(path) as book:
        target = next_target(book, renew=renew)
    write_new(output, build_request(target.covered).der)
    document = {
        "schema": "personactl.ledger-timestamp-request/1", "size": target.size, "renews": renew, "path": str(output),
    }  # fmt: skip
    answer = f"personactl ledger timestamp --take-response FILE.tsr --request {pasted(output)}"
    terminal.result(
        document,
        [f"request over the checkpoint of {counted(target.size, 'entry')}: {output}", f"  with the answer: {answer}"],
    )


def _ask(terminal: Terminal, path: Path, url: str, options: _Options) -> None:
    from personactl_ledger import Ledger
    from personactl_ledger.stamping import next_target
    from personactl_ledger.timestamping import build_request
    from personactl_ledger.tsa_client import ask, require_address

    from personactl.continuity import require_believed

    require_address(url)
    ready = _prepare(options)
    with Ledger.open_reader(path) as book:
        target = next_target(book, renew=options.renew)
        require_believed(book, [("operator", ready.operator.key_id)])
    request = build_request(target.covered)
    response = ask(url, request.der, seconds=options.timeout)
    _keep(terminal, path, target, response, request.nonce, ready, source=url)


def _take(terminal: Terminal, path: Path, response_file: Path, options: _Options) -> None:
    from personactl_ledger import Ledger
    from personactl_ledger.stamping import find_target
    from personactl_ledger.tsp import MAX_RESPONSE_BYTES, request_nonce

    from personactl.document import read_plain_file

    ready = _prepare(options)
    response = read_plain_file(response_file, MAX_RESPONSE_BYTES, "time-stamp response")
    nonce = None
    if options.request is not None:
        with told_of(options.request):
            nonce = request_nonce(read_plain_file(options.request, MAX_RESPONSE_BYTES, "time-stamp request"))
    with Ledger.open_reader(path) as book, told_of(response_file):
        target = find_target(book, response)
    _keep(terminal, path, target, response, nonce, ready, source=response_file)


def _keep(
    terminal: Terminal,
    path: Path,
    target: Target,
    response: bytes,
    nonce: int | None,
    ready: _Ready,
    *,
    source: Path | str,
) -> None:
    """Judge the answer, store it, say what it shows."""
    from personactl_ledger.stamping import judge_response, keep_stamp, name_of

    from personactl.render import stamps

    options = ready.options
    with told_of(source):
        report = judge_response(target, response, roots=ready.roots, evidence=ready.evidence, nonce=nonce)
    tsa = name_of(report, options.tsa_name)
    with ledger_writer(path, signers=[("operator", ready.operator.key_id)]) as book:
        index = keep_stamp(
            book, ready.operator, target, response, report, tsa=tsa, evidence=ready.evidence,
            qualified=options.qualified, now=now(),
        )  # fmt: skip
    stamps.show_kept(
        terminal, report, index=index, size=target.size, tsa=tsa, renewed=target.renews is not None,
        nonce=nonce is not None, rooted=bool(ready.roots), qualified=options.qualified,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What is read before a service is asked, so that nothing but its answer can fail afterwards."""

    operator: Signer
    roots: list[str]
    evidence: list[bytes]
    options: _Options


def _prepare(options: _Options) -> _Ready:
    from personactl.keys import load

    operator = load(here().keys_path).operator
    return _Ready(operator=operator, roots=_roots(options), evidence=_evidence(options), options=options)


def _roots(options: _Options) -> list[str]:
    """PEM of the roots that the answer has to lead to: those of --tsa-roots, else those of --trust."""
    from personactl.document import read_plain_file
    from personactl.keys.trust import certificate_authorities

    trust = ledger_trust(options.trust_file)
    if options.tsa_roots:
        return [
            pem
            for place in options.tsa_roots
            for pem in certificate_authorities(read_plain_file(place, 1 << 20, "root certificate"), str(place))
        ]
    if trust is not None and not trust.tsa_roots:
        raise UsageProblem(
            "this trust file names no roots of time-stamp services", where=str(options.trust_file),
            code="cli.timestamp-roots", hint="--tsa-roots PEM, or personactl keys export --tsa-root PEM",
        )  # fmt: skip
    return [] if trust is None else list(trust.tsa_roots)


def _evidence(options: _Options) -> list[bytes]:
    from personactl_ledger.evidence import MAX_FILE_BYTES, read_evidence

    from personactl.document import read_plain_file

    found: list[bytes] = []
    for place in options.evidence:
        with told_of(place):
            found += read_evidence(read_plain_file(place, MAX_FILE_BYTES, "evidence"))
    return found
