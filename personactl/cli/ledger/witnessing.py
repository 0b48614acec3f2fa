"""`personactl ledger witness …`: both sides, the operator whose checkpoints are cosigned and whoever cosigns them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli.ledger.group import PATH, ledger, ledger_option, ledger_path, ledger_writer, told_of
from personactl.cli.project import now
from personactl.cli.session import SessionGroup, pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import UsageProblem
from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger.cosignature import Witness, WitnessSigner
    from personactl_ledger.view import LedgerView
    from personactl_ledger.witnessing import TakenIn

state_option = click.option("--state", type=PATH, required=True, metavar="DIR", help="The folder of the witness.")
vkey_option = click.option("--vkey", "vkeys", multiple=True, metavar="VKEY", help="A verifier key of the witness.")


@ledger.group(cls=SessionGroup)
def witness() -> None:
    """Cosign checkpoints, or have them cosigned."""


# --- who cosigns ------------------------------------------------------------------------------------------------------


@witness.command()
@click.option("--name", required=True, help="Stands in each cosignature; a URL without its scheme is usual.")
@state_option
@pass_terminal
def new(terminal: Terminal, *, name: str, state: Path) -> None:
    """Make a witness, and print its verifier keys."""
    from personactl.keys import witness_folder

    signer = witness_folder.create(state, name=name, now=now())
    terminal.note("send these verifier keys to whoever shall rely on this witness:")
    document = {"schema": "personactl.ledger-witness-new/1", **_signer(signer), "state": str(state)}
    terminal.result(document, _vkeys(signer))


@witness.group(cls=SessionGroup)
def log() -> None:
    """Say which ledgers a witness follows."""


@log.command("add")
@click.argument("file", type=PATH)
@state_option
@click.option("--replace", is_flag=True, help="Follow a known ledger by other keys or revocations from now on.")
@pass_terminal
def log_add(terminal: Terminal, *, file: Path, state: Path, replace: bool) -> None:
    """Follow the ledger of a trust file."""
    from personactl_ledger.witness import FollowedLog

    from personactl.keys import trust_store, witness_folder

    trust = trust_store.read(file).ledger
    _, memory = witness_folder.load(state)
    added = memory.follow(FollowedLog.of_trust(trust), now=now(), replace=replace)
    document = {"schema": "personactl.ledger-witness-log/1", "origin": trust.origin, "added": added}
    terminal.result(document, [["follows " if added else "followed already: ", Styled(trust.origin, "bold")]])


@log.command("list")
@state_option
@pass_terminal
def log_list(terminal: Terminal, *, state: Path) -> None:
    """List the ledgers that a witness follows."""
    from personactl.keys import witness_folder
    from personactl.render.columns import columns

    _, memory = witness_folder.load(state)
    logs = memory.followed()
    rows = [(str(item.size), _when(item.cosigned_at), str(item.refused), item.origin) for item in logs]
    told = [
        {"origin": item.origin, "size": item.size, "cosignedAt": _when(item.cosigned_at) or None,
         "refused": item.refused, "vkeys": list(item.vkeys)}
        for item in logs
    ]  # fmt: skip
    lines = columns(("SIZE", "COSIGNED", "REFUSED", "ORIGIN"), rows, terminal.width(terminal.out))
    document = {"schema": "personactl.ledger-witness-logs/1", "logs": told}
    terminal.result(document, lines or ["this witness follows no ledger; `log add TRUST_FILE` names one"])


@witness.command()
@click.argument("request", type=PATH)
@state_option
@click.option("-o", "--output", type=OUTPUT, required=True, metavar="FILE", help="Write the cosigned checkpoint here.")
@pass_terminal
def cosign(terminal: Terminal, *, request: Path, state: Path, output: Path) -> None:
    """Cosign the checkpoint in a request file."""
    from personactl_ledger.witness import MAX_REQUEST_BYTES, parse_request

    from personactl.document import read_plain_file
    from personactl.keys import witness_folder
    from personactl.render.outfile import require_new, write_new

    require_new(output)  # before the witness remembers that it cosigned
    with told_of(request):
        asked = parse_request(read_plain_file(request, MAX_REQUEST_BYTES, "request"))
    signer, memory = witness_folder.load(state)
    lines = memory.cosign(asked, signer, seconds=int(time.time()))
    write_new(output, (asked.note + lines).encode())
    size = next(item.size for item in memory.followed() if item.origin == asked.origin)
    document = {"schema": "personactl.ledger-witness-cosign/1", "origin": asked.origin, "size": size,
                "path": str(output)}  # fmt: skip
    told = f"cosigned the tree of {counted(size, 'entry')} in {asked.origin}: "
    terminal.result(document, [[told, Styled(str(output), "bold")]])


@witness.command()
@state_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=7380, show_default=True, help="0 takes a free one.")
@pass_terminal
def serve(terminal: Terminal, *, state: Path, host: str, port: int) -> None:
    """Cosign over HTTP until stopped."""
    from personactl_ledger.witness_server import WitnessServer

    from personactl.keys import witness_folder

    signer, memory = witness_folder.load(state)
    logs = [item.origin for item in memory.followed()]
    try:
        server = WitnessServer((host, port), memory, signer, lambda: int(time.time()), terminal.note)
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageProblem(
            f"cannot listen there: {getattr(error, 'strerror', None) or 'no such address'}",
            where=f"{host} port {port}", hint="choose another --host or --port", code="witness.listen",
        ) from None  # fmt: skip
    with server:
        document = {"schema": "personactl.ledger-witness-serve/1", "url": server.url, **_signer(signer), "logs": logs}
        terminal.result(document, [["listening at ", Styled(server.url, "bold")], *_vkeys(signer)])
        terminal.flush()
        server.serve_forever()


# --- whose checkpoints are cosigned -----------------------------------------------------------------------------------


@witness.command()
@ledger_option
@vkey_option
@click.option("--old-size", type=click.IntRange(min=0), help="The size that the witness holds, when it told another.")
@click.option("-o", "--output", type=OUTPUT, required=True, metavar="FILE", help="Write the request here.")
@pass_terminal
def request(
    terminal: Terminal, *, path: Path | None, vkeys: tuple[str, ...], old_size: int | None, output: Path
) -> None:
    """Write a request to cosign the latest checkpoint."""
    from personactl_ledger import Ledger
    from personactl_ledger.witnessing import known_size, make_request

    from personactl.render.outfile import require_new, write_new

    require_new(output)
    with Ledger.open_reader(ledger_path(path)) as book:
        known = known_size(book, _witnesses(book, vkeys, needed=False)) if old_size is None else old_size
        latest = book.latest_checkpoint()
        if old_size is not None and latest is not None and old_size > latest.size:
            raise click.BadParameter(
                f"the latest checkpoint here covers {latest.size} entries. If a witness named {old_size}, then this "
                "file is an earlier state of the ledger: find the newer one.",
                param_hint="'--old-size'",
            )
        asked = make_request(book, old_size=known)
    write_new(output, asked.to_bytes())
    document = {"schema": "personactl.ledger-witness-request/1", "origin": asked.origin, "oldSize": known,
                "path": str(output)}  # fmt: skip
    terminal.result(document, [[f"request from size {known}: ", Styled(str(output), "bold")]])


@witness.command()
@click.argument("url")
@ledger_option
@vkey_option
@pass_terminal
def ask(terminal: Terminal, *, url: str, path: Path | None, vkeys: tuple[str, ...]) -> None:
    """Have the latest checkpoint cosigned over HTTP."""
    from personactl_ledger import Ledger
    from personactl_ledger.witness_client import WitnessAddress, post_checkpoint
    from personactl_ledger.witnessing import ask as ask_witness

    address, target = WitnessAddress.parse(url), ledger_path(path)
    with Ledger.open_reader(target) as book:
        witnesses = _witnesses(book, vkeys, needed=True)
        note = ask_witness(book, witnesses, lambda body: post_checkpoint(address, body))
    _take_in(terminal, target, note, lambda book: witnesses)


@witness.command()
@click.argument("file", type=PATH)
@ledger_option
@vkey_option
@pass_terminal
def add(terminal: Terminal, *, file: Path, path: Path | None, vkeys: tuple[str, ...]) -> None:
    """Take in a checkpoint that a witness cosigned."""
    from personactl_ledger.witnessing import MAX_ANSWER_FILE

    from personactl.document import read_plain_file

    note = read_plain_file(file, MAX_ANSWER_FILE, "cosigned checkpoint")
    with told_of(file):
        _take_in(terminal, ledger_path(path), note, lambda book: _witnesses(book, vkeys, needed=True))


def _take_in(
    terminal: Terminal, target: Path, note: bytes | str, witnesses: Callable[[LedgerView], tuple[Witness, ...]]
) -> None:
    from personactl_ledger.witnessing import take_in

    with ledger_writer(target) as book:
        kept = take_in(book, note, witnesses(book), now=now())
    document = {"schema": "personactl.ledger-witness-add/1", "cosignatures": [_taken(item) for item in kept]}
    terminal.result(document, [_taken_line(item) for item in kept])


def _witnesses(book: LedgerView, vkeys: tuple[str, ...], *, needed: bool) -> tuple[Witness, ...]:
    """The witnesses that the command line names, else those of the newest trust entry."""
    from personactl_ledger.cosignature import group_witnesses
    from personactl_ledger.errors import FormatError
    from personactl_ledger.witnessing import trusted_witnesses

    try:
        found = group_witnesses(vkeys) or trusted_witnesses(book)
    except FormatError as error:  # of the first: what an entry names that cannot be read is left out
        raise click.BadParameter(f"{error.message}.", param_hint="'--vkey'") from None
    if needed and not found:
        raise UsageProblem(
            "no verifier key of a witness is known here", hint="--vkey VKEY, as its owner printed it",
            code="witness.key-unknown",
        )  # fmt: skip
    return found


def _signer(signer: WitnessSigner) -> dict[str, Any]:
    return {"name": signer.name, "vkeys": [str(key) for key in signer.verifier_keys]}


def _vkeys(signer: WitnessSigner) -> list[Line]:
    return [str(key) for key in signer.verifier_keys]


def _taken(item: TakenIn) -> dict[str, Any]:
    return {"size": item.size, "name": item.name, "keyHash": item.key_hash.hex(), "claimedAt": _when(item.seconds),
            "new": item.new}  # fmt: skip


def _taken_line(item: TakenIn) -> Line:
    word = "cosigned" if item.new else "known already"
    size = counted(item.size, "entry")
    return [Styled(word, "good"), f": {size}, by ", item.name, f", at {_when(item.seconds)} as it claims"]


def _when(seconds: int | None) -> str:
    """RFC 3339 of POSIX seconds; the bare number when no calendar has it."""
    if seconds is None:
        return ""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return str(seconds)
