"""`personactl keys rotate|revoke|enrol|approvers|witnesses`: what happens to keys over the years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from personactl.cli.project import here, now, shown
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.cli.values import INDEX, TEXT
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger import Signer

    from personactl.keys import Revoked, Rotated
    from personactl.keys.rotation_folder import Begun

PATH = click.Path(path_type=Path)
root_key_option = click.option(
    "--root-key", "root_keys", type=PATH, multiple=True, metavar="FILE", help="A root key kept elsewhere; signs along."
)

since_option = click.option(
    "--compromised-since", type=INDEX, metavar="INDEX",
    help="The old key was stolen: believe nothing that it signed from this entry on.",
)  # fmt: skip
reason_option = click.option(
    "--reason", type=TEXT, default="", metavar="TEXT", help="Why the old key ends; the ledger keeps it."
)


@click.command(cls=SessionCommand)
@click.argument("role", type=click.Choice(["operator", "ledger", "root", "c2pa"]))
@click.option("--keep-old", is_flag=True, help="Keep the old key files in keys/old; they are destroyed otherwise.")
@since_option
@reason_option
@click.option("--unlist-old", is_flag=True, help="c2pa: the trust file no longer lists the old certificate.")
@click.option("--abandon", is_flag=True, help="Drop a rotation that was begun and has not changed the ledger.")
@root_key_option
@pass_terminal
def rotate(
    terminal: Terminal, *, role: str, keep_old: bool, compromised_since: int | None, reason: str, unlist_old: bool,
    abandon: bool, root_keys: tuple[Path, ...],
) -> None:  # fmt: skip
    """Retire a key and certify its successor.

    Cut off at any moment, the same command goes on from there.
    """
    from personactl import keys

    request = keys.Request(
        role=role, keep_old=keep_old, compromised_since=compromised_since, reason=reason, unlist_old=unlist_old
    )
    if abandon:
        if request != keys.Request(role=role) or root_keys:
            raise click.UsageError("--abandon goes with the role alone.")
        _show_abandoned(terminal, role, keys.abandon(here(), role))
        return
    done = keys.rotate(here(), request, now=now, more_roots=_signers(root_keys))
    document = {
        "schema": "personactl.keys-rotate/1", "role": done.request.role, "old": done.old, "new": done.new,
        "addedBy": done.added, "endedBy": done.ended, "checkpoint": done.checkpoint,
        "compromisedSince": done.request.compromised_since, "distrusted": list(done.distrusted),
        "distrustedCheckpoints": list(done.distrusted_checkpoints), "fallenKeys": _fallen(done),
        "kept": done.kept and shown(done.kept),
        "trustFile": done.published, "resumed": done.resumed,
    }  # fmt: skip
    terminal.result(document, _lines(done))


def _show_abandoned(terminal: Terminal, role: str, begun: Begun) -> None:
    document = {
        "schema": "personactl.keys-rotate-abandon/1", "role": role, "old": begun.old, "dropped": begun.new,
    }  # fmt: skip
    what = "leaf" if role == "c2pa" else "key"
    lines: list[Line] = [["the rotation was dropped: the ", role, f" {what} is still ", Styled(begun.old, "bold")]]
    terminal.result(document, lines)


def _lines(done: Rotated) -> list[Line]:
    role = done.request.role
    went_on = " (an unfinished rotation was gone on from)" if done.resumed else ""
    what = "leaf" if role == "c2pa" else "key"
    lines: list[Line] = [[f"the {role} {what} is now ", Styled(done.new, "bold"), went_on]]
    if done.ended is not None:
        how = "retired" if done.request.compromised_since is None else "revoked"
        lines.append(f"entry #{done.added} enrols it, entry #{done.ended} says that {done.old} is {how}")
    if done.request.compromised_since is not None:
        lines += _taken_back(done)
    lines += _fallen_lines(done)
    lines.append(f"the old files are in {shown(done.kept)}" if done.kept else "the old key is destroyed")
    return [*lines, _published(done)]


def _taken_back(done: Rotated | Revoked) -> list[Line]:
    lines: list[Line] = [f"{len(done.distrusted)} entries are distrusted now{_listed(done.distrusted)}"]
    if done.distrusted_checkpoints:
        sizes = _listed(done.distrusted_checkpoints)
        lines.append(f"{len(done.distrusted_checkpoints)} checkpoints are distrusted now, by size{sizes}")
    return lines


def _fallen_lines(done: Rotated | Revoked) -> list[Line]:
    """What is to be done about the project's own keys that fell."""
    from personactl.continuity import successor

    lines: list[Line] = []
    for role, kid in done.fallen:
        lines.append([Styled(f"the {role} key of this project is distrusted", "bad"), f": {kid}"])
        lines.append(f"  nothing is signed with it any more; let another follow: {successor(role)}")
    return lines


def _fallen(done: Rotated | Revoked) -> list[dict[str, str]]:
    return [{"role": role, "kid": kid} for role, kid in done.fallen]


def _published(done: Rotated | Revoked) -> Line:
    known = "trust.json is up to date" if done.published else "no trust.json of this ledger was found"
    return f"{known}; send those who verify a new one: personactl keys export"


def _listed(numbers: tuple[int, ...], most: int = 20) -> str:
    if not numbers:
        return ""
    return ": " + ", ".join(f"#{number}" for number in numbers[:most]) + (", …" if len(numbers) > most else "")


@click.command(cls=SessionCommand)
@click.argument("kid", metavar="KID")
@click.option("--reason", type=TEXT, required=True, metavar="TEXT", help="Why it ends; the ledger keeps it.")
@click.option(
    "--compromised-since", type=INDEX, metavar="INDEX",
    help="Believe nothing that it signed from this entry on; else all that it signed so far stands.",
)  # fmt: skip
@root_key_option
@pass_terminal
def revoke(
    terminal: Terminal, *, kid: str, reason: str, compromised_since: int | None, root_keys: tuple[Path, ...]
) -> None:
    """End a key that none follows.

    KID is the id of a person's key, of a run's key, or of an old one that leaked. A key that signs for this project
    needs a successor: keys rotate.
    """
    from personactl import keys

    done = keys.revoke(
        here(), kid, reason=reason, compromised_since=compromised_since, now=now, more_roots=_signers(root_keys)
    )
    document = {
        "schema": "personactl.keys-revoke/1", "kid": done.kid, "role": done.role, "index": done.index,
        "fromIndex": done.from_index, "already": done.already, "distrusted": list(done.distrusted),
        "distrustedCheckpoints": list(done.distrusted_checkpoints), "fallenKeys": _fallen(done),
        "trustFile": done.published,
        "approvers": done.approvers and {"threshold": done.approvers[0], "canApprove": done.approvers[1]},
    }  # fmt: skip
    state = "was revoked already" if done.already else "is revoked"
    lines: list[Line] = [
        [f"the {done.role} key ", Styled(done.kid, "bold"), f" {state} from entry #{done.from_index} on: ledger entry ",
         f"#{done.index}"],
        *_taken_back(done),
        *_fallen_lines(done),
    ]  # fmt: skip
    if done.approvers is not None:
        threshold, left = done.approvers
        lines.append(f"it is still named as an approver: {left} of those named can approve, {threshold} must;")
        lines.append("  name others: personactl keys approvers --threshold M KID…")
    terminal.result(document, [*lines, _published(done)])


@click.command(cls=SessionCommand)
@click.argument("public", metavar="PUBLIC", type=PATH)
@click.option("--name", default="", metavar="NAME", help="Of the person; sealed, so it can be erased later.")
@click.option("--role", type=click.Choice(["person", "root"]), default="person", show_default=True)
@click.option("--replaces", metavar="KID", help="The person's earlier key, which ends with this.")
@since_option
@reason_option
@root_key_option
@pass_terminal
def enrol(
    terminal: Terminal, *, public: Path, name: str, role: str, replaces: str | None, compromised_since: int | None,
    reason: str, root_keys: tuple[Path, ...],
) -> None:  # fmt: skip
    """Enrol a person's public key, in PEM or base64.

    With --role root, a further root key: kept elsewhere, it helps when the first one is lost or stolen.
    """
    from personactl import keys

    ending = keys.ending(replaces, compromised_since=compromised_since, reason=reason)
    done = keys.enrol(
        here(), keys.read_public_key(public), role=role, name=name, replaces=ending, now=now,
        more_roots=_signers(root_keys),
    )  # fmt: skip
    document = {
        "schema": "personactl.keys-enrol/1", "kid": done.kid, "index": done.index, "role": role, "endedBy": done.ended
    }  # fmt: skip
    lines: list[Line] = [["enrolled ", Styled(done.kid, "bold"), f": ledger entry #{done.index}"]]
    if done.ended is not None:
        lines.append(f"entry #{done.ended} ends {replaces}")
    if role == "person":
        lines.append("who approves is a matter of its own: personactl keys approvers --threshold M KID…")
    terminal.result(document, lines)


@click.command(cls=SessionCommand)
@click.argument("kids", metavar="KID...", nargs=-1, required=True)
@click.option("--threshold", type=click.IntRange(min=1), required=True, metavar="M", help="How many of them approve.")
@root_key_option
@pass_terminal
def approvers(terminal: Terminal, *, kids: tuple[str, ...], threshold: int, root_keys: tuple[Path, ...]) -> None:
    """Say who approves, and how many of them must."""
    from personactl import keys

    done = keys.set_approvers(here(), threshold, kids, now=now, more_roots=_signers(root_keys))
    document = {
        "schema": "personactl.keys-approvers/1", "index": done.index, "version": done.version,
        "threshold": threshold, "keys": list(kids), "already": done.already,
    }  # fmt: skip
    state = "was so already" if done.already else "holds from now on"
    lines: list[Line] = [
        [Styled(f"{threshold} of {len(kids)}", "bold"), f" {state}: version {done.version}, entry #{done.index}"]
    ]
    terminal.result(document, lines)


@click.command(cls=SessionCommand)
@click.argument("vkeys", metavar="[VKEY]...", nargs=-1)
@click.option("--quorum", type=click.IntRange(min=0), required=True, metavar="N", help="How many of them cosign.")
@root_key_option
@pass_terminal
def witnesses(terminal: Terminal, *, vkeys: tuple[str, ...], quorum: int, root_keys: tuple[Path, ...]) -> None:
    """Say in the ledger which witnesses it has.

    VKEY is a verifier key as its owner printed it; without any the ledger names none. Trust files name theirs by
    themselves: keys export --witness.
    """
    from personactl import keys

    done = keys.set_witnesses(here(), quorum, vkeys, now=now, more_roots=_signers(root_keys))
    document = {
        "schema": "personactl.keys-witnesses/1", "index": done.index, "version": done.version, "quorum": quorum,
        "vkeys": list(vkeys), "already": done.already,
    }  # fmt: skip
    state = "was so already" if done.already else "holds from now on"
    what = f"a witness quorum of {quorum}" if vkeys else "no witnesses"
    where = f": version {done.version}, entry #{done.index}" if done.version else ": the ledger has no trust entry"
    terminal.result(document, [[Styled(what, "bold"), f" {state}{where}"]])


def _signers(paths: tuple[Path, ...]) -> tuple[Signer, ...]:
    from personactl import keys

    return tuple(keys.load_root_signer(path) for path in paths)
