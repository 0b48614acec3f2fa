"""The group that every family adds its commands to, and the options that they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personactl.cli.project import here
from personactl.cli.session import SessionGroup

if TYPE_CHECKING:
    from personactl_ledger import Ledger, LedgerTrust

PATH = click.Path(path_type=Path)
ledger_option = click.option(
    "--ledger", "path", type=PATH, metavar="FILE", help="This ledger instead of the project's."
)


@click.group(cls=SessionGroup)
def ledger() -> None:
    """Read, check, prove and look after the ledger."""


def ledger_path(given: Path | None) -> Path:
    """The ledger that `--ledger` names, else that of the project of the working folder."""
    return given or here().ledger_path


@contextmanager
def ledger_writer(given: Path | None) -> Iterator[Ledger]:
    """The ledger of `ledger_path`, open for writing. A project remembers how far it goes, and refuses an older copy."""
    from personactl import continuity
    from personactl.errors import ConfigError

    try:
        config = here()
    except ConfigError as error:
        if given is None or error.code != "config.missing":
            raise
        config = None
    with continuity.open_writer(config, given) as book:
        yield book


def ledger_trust(path: Path | None) -> LedgerTrust | None:
    """The ledger's part of a trust file."""
    if path is None:
        return None
    from personactl.keys import trust_store

    return trust_store.read(path).ledger
