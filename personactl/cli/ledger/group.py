"""The group that every family adds its commands to, and the options that they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personactl.cli.project import here
from personactl.cli.session import SessionGroup
from personactl.errors import ConfigError

if TYPE_CHECKING:
    from personactl_ledger import Ledger, LedgerTrust

PATH = click.Path(path_type=Path)
LARGEST_ANCHOR = 1 << 20
"""Bytes of a receipt, a checkpoint or a proof that is read whole."""
ledger_option = click.option(
    "--ledger", "path", type=PATH, metavar="FILE", help="This ledger instead of the project's."
)


@click.group(cls=SessionGroup)
def ledger() -> None:
    """Read, check, prove and look after the ledger."""


@contextmanager
def told_of(source: Path | str) -> Iterator[None]:
    """What the block finds wrong with bytes is told of the file, or the address, that they came from."""
    from personactl_ledger.errors import LedgerError

    try:
        yield
    except LedgerError as error:
        error.where = error.where or str(source)
        raise


def ledger_path(given: Path | None) -> Path:
    """The ledger that `--ledger` names, else that of the project of the working folder.

    Raises ConfigError that names the option where there is neither.
    """
    try:
        return given or here().ledger_path
    except ConfigError as error:
        if error.code == "config.missing":
            error.hint = f"--ledger FILE names a ledger without a project; {error.hint}"
        raise


@contextmanager
def ledger_writer(given: Path | None, *, signers: Iterable[tuple[str, str]] = ()) -> Iterator[Ledger]:
    """The ledger of `ledger_path`, open for writing. A project remembers how far it goes, and refuses an older copy.
    `signers` are (role, key id) of the keys that are about to sign."""
    from personactl import continuity
    from personactl.errors import ConfigError

    try:
        config = here()
    except ConfigError as error:
        if given is None or error.code != "config.missing":
            raise
        config = None
    with continuity.open_writer(config, given, signers=signers) as book:
        yield book


def remembered_against(given: Path | None) -> tuple[str, ...]:
    """What the project remembers of its ledger that the file at hand contradicts; nothing outside of a project."""
    from personactl import continuity

    try:
        config = here()
    except ConfigError:
        return ()
    return continuity.doubts(config, given or config.ledger_path)


def ledger_trust(path: Path | None) -> LedgerTrust | None:
    """The ledger's part of a trust file."""
    if path is None:
        return None
    from personactl.keys import trust_store

    return trust_store.read(path).ledger
