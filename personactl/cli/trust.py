"""`personactl trust`: the trust files of others that this user accepts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli.session import SessionGroup, pass_terminal
from personactl.render.columns import columns
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl.keys import TrustFile


@click.group(cls=SessionGroup)
def trust() -> None:
    """Keep trust files of others in your configuration."""


@trust.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace an accepted file of the same name.")
@pass_terminal
def add(terminal: Terminal, *, file: Path, replace: bool) -> None:
    """Accept a trust file from now on."""
    from personactl.document import read_plain_file
    from personactl.keys import trust_store
    from personactl.keys.strict_json import MAX_BYTES

    data = read_plain_file(file, MAX_BYTES, "trust file")
    item = trust_store.add(data, path=str(file), env=os.environ, replace=replace)
    terminal.note("compare this with what its owner says by another way:")
    terminal.result({"schema": "personactl.trust-entry/1", **_document(item)}, _lines(item))


@trust.command("list")
@pass_terminal
def list_(terminal: Terminal) -> None:
    """List the accepted trust files."""
    from personactl.keys import trust_store

    items = trust_store.list_all(os.environ)
    rows = [(item.name, _kind(item), item.issued_at, item.origin) for item in items]
    lines = columns(("NAME", "KEYS", "ISSUED", "ORIGIN"), rows, terminal.width(terminal.out))
    document = {"schema": "personactl.trust-list/1", "trust": [_document(item) for item in items]}
    terminal.result(document, lines or ["no trust file is accepted; `personactl trust add FILE` takes one in"])


@trust.command()
@click.argument("name")
@pass_terminal
def show(terminal: Terminal, *, name: str) -> None:
    """Show one accepted trust file."""
    from personactl.keys import trust_store

    item = trust_store.show(name, env=os.environ)
    terminal.result({"schema": "personactl.trust-entry/1", **_document(item)}, _lines(item))


@trust.command()
@click.argument("name")
@pass_terminal
def remove(terminal: Terminal, *, name: str) -> None:
    """Stop accepting a trust file."""
    from personactl.keys import trust_store

    trust_store.remove(name, env=os.environ)
    terminal.result({"schema": "personactl.trust-remove/1", "name": name}, [f"{name} is no longer accepted"])


def _kind(item: TrustFile) -> str:
    return "development" if item.development else "release"


def _document(item: TrustFile) -> dict[str, Any]:
    return {
        "name": item.name,
        "origin": item.origin,
        "development": item.development,
        "issuedAt": item.issued_at,
        "sha256": item.sha256,
        "leafFingerprints": list(item.leaf_fingerprints),
        "logKeys": list(item.log_keys),
        "revoked": [{"kid": kid, "fromIndex": index} for kid, index in item.revoked],
        "detector": item.detector,
    }


def _lines(item: TrustFile) -> list[Line]:
    fields = [
        ("name", item.name),
        ("origin", item.origin),
        ("keys", _kind(item)),
        ("issued", item.issued_at),
        ("sha256", item.sha256),
        *(("signer", fingerprint) for fingerprint in item.leaf_fingerprints),
        *(("log key", "+".join(key.split("+", 2)[:2])) for key in item.log_keys),  # without the key, which may hold a +
        *(("revoked", f"{kid} from entry {index} on") for kid, index in item.revoked),
    ]
    return [[Styled(f"{label:<8}", "dim"), value] for label, value in fields]
