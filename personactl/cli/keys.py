"""`personactl keys`: make, check and export keys."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.key_changes import approvers, enrol, revoke, rotate, witnesses
from personactl.cli.project import here, now, shown
from personactl.cli.session import SessionGroup, pass_terminal
from personactl.cli.unavailable import add_refusing
from personactl.cli.values import OUTPUT
from personactl.errors import EXIT_KEYS, EXIT_OK, NotAvailable
from personactl.render.terminal import Styled, Terminal


@click.group(cls=SessionGroup)
def keys() -> None:
    """Make, check and export keys."""


@keys.command()
@click.option("--dev", is_flag=True, help="Development keys, unencrypted: for trying out, not for release.")
@pass_terminal
def init(terminal: Terminal, *, dev: bool) -> None:
    """Make every key but the persons' own."""
    if not dev:
        raise NotAvailable("keys init without --dev")
    from personactl.keys import create_development

    config = here()
    create_development(config.keys_path, organisation=config.organisation_name, domain=config.domain, now=now())
    folder = shown(config.keys_path)
    terminal.result(
        {"schema": "personactl.keys-init/1", "folder": folder, "development": True},
        [["development keys are in ", Styled(folder, "bold"), " (not for release)"]],
    )


@keys.command()
@pass_terminal
def check(terminal: Terminal) -> int:
    """Name every rule that keys or certificates break."""
    from personactl.keys import check as check_folder
    from personactl.render import findings

    config = here()
    found = check_folder(config.keys_path, ledger=config.ledger_path)
    sound = not any(finding.severity == "error" for finding in found)
    document = {"schema": "personactl.keys-check/1", "ok": sound, "findings": findings.document(found)}
    findings.show(terminal, found)
    verdict = Styled("keys are in order", "good") if sound else Styled("keys are not in order", "bad")
    terminal.result(document, [verdict])
    return EXIT_OK if sound else EXIT_KEYS


@keys.command()
@click.option("-o", "--output", type=OUTPUT, help="Write to this file instead of stdout.")
@click.option("--name", help="How others will call it; the domain by default.")
@click.option(
    "--tsa-root", "tsa_roots", type=click.Path(path_type=Path), multiple=True, metavar="PEM",
    help="Roots of time-stamp services that verifiers may rely on.",
)  # fmt: skip
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A witness of the ledger, by its key.")
@click.option("--witness-quorum", "quorum", type=click.IntRange(min=0), help="How many witnesses must have cosigned.")
@click.option(
    "--report-key", "report_keys", type=click.Path(path_type=Path), multiple=True, metavar="PUBLIC",
    help="Public key that signs your reports of verify.",
)  # fmt: skip
@pass_terminal
def export(
    terminal: Terminal, *, output: Path | None, name: str | None, tsa_roots: tuple[Path, ...],
    witnesses: tuple[str, ...], quorum: int | None, report_keys: tuple[Path, ...],
) -> None:  # fmt: skip
    """Write the trust file for those who verify.

    The project's own trust.json is renewed: what it says of witnesses, of time-stamp services, of report keys, of
    earlier ends of keys and its name stay, unless options name others.
    """
    from personactl_ledger import Ledger

    from personactl.keys import export_trust, load, read_public_key
    from personactl.keys.project_trust import Asked, is_own, renewed
    from personactl.render.outfile import require_new, write_new, write_whole

    config = here()
    roots = _roots(tsa_roots)
    reporters = tuple(read_public_key(path) for path in report_keys)
    asked = Asked(
        name=name, detector=config.detector or None, tsa_roots=roots, witnesses=witnesses, quorum=quorum,
        report_keys=reporters,
    )  # fmt: skip
    with Ledger.open_reader(config.ledger_path) as ledger:
        origin = ledger.origin
        own = output is not None and is_own(output, config.trust_path, origin)
        if output is not None and not own:
            require_new(output)
        if output is not None and own:
            data = renewed(output, load(config.keys_path), ledger, asked, now=now())
        else:
            data = export_trust(
                load(config.keys_path), name=name or config.domain, origin=origin, detector=config.detector, now=now(),
                tsa_roots=roots, ledger=ledger.trust(), witnesses=(quorum or 0, witnesses), report_keys=reporters,
            )  # fmt: skip
    if output is not None:
        (write_whole if own else write_new)(output, data)
    _show_trust(terminal, data, output, origin)


def _show_trust(terminal: Terminal, data: bytes, output: Path | None, origin: str) -> None:
    """The trust file itself where it was written to no file, else where it is."""
    import json

    if output is None:
        terminal.result(json.loads(data), data.decode().splitlines())
        return
    terminal.result(
        {"schema": "personactl.keys-export/1", "path": str(output), "origin": origin},
        [["trust file: ", Styled(str(output), "bold"), "; send it to those who verify, by a way they trust"]],
    )


def _roots(places: tuple[Path, ...]) -> list[str]:
    """The certificate authorities in these files."""
    from personactl.document import read_plain_file
    from personactl.keys.trust import certificate_authorities

    return [
        pem
        for place in places
        for pem in certificate_authorities(read_plain_file(place, 1 << 20, "root certificate"), str(place))
    ]


add_refusing(
    keys,
    {
        "csr": "Write a certificate request for an authority.",
        "import": "Take in a certificate chain.",
        "new": "Make one key by role and address.",
    },
)
for command in (rotate, revoke, enrol, approvers, witnesses):
    keys.add_command(command)
