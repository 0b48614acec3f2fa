"""`personactl ledger erase`."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.ledger.group import ledger, ledger_option, ledger_writer
from personactl.cli.project import here, now
from personactl.cli.session import pass_terminal
from personactl.cli.values import INDEX, TEXT
from personactl.errors import UsageProblem
from personactl.render.terminal import Terminal


@ledger.command()
@click.argument("indexes", metavar="[INDEX]...", nargs=-1, type=INDEX)
@click.option("--field", "fields", multiple=True, metavar="F", help="Only this sealed field. May be repeated.")
@click.option("--all-of-persona", "persona_ids", multiple=True, metavar="ID", help="All entries about this persona.")
@click.option("--basis", type=TEXT, required=True, metavar="TEXT", help="The ground for erasing; it stays on record.")
@ledger_option
@pass_terminal
def erase(
    terminal: Terminal, *, indexes: tuple[int, ...], fields: tuple[str, ...], persona_ids: tuple[str, ...], basis: str,
    path: Path | None,
) -> None:  # fmt: skip
    """Erase sealed personal data, and look for what remains.

    The entry stays; its prompt or name goes. An erasure entry says which fields went and on what ground, never what
    they said. Afterwards every byte of the file is looked through.
    """
    from personactl_ledger.erasure import erase as erase_values
    from personactl_ledger.erasure import sealed_of_personas

    from personactl import keys
    from personactl.render import care

    if not (indexes or persona_ids) or not basis.strip():
        raise UsageProblem(
            "say what to erase, an INDEX or --all-of-persona ID, and --basis with a text",
            hint="personactl ledger show INDEX lists the sealed fields of an entry",
        )
    keyset = keys.load(here().keys_path)
    with ledger_writer(path, signers=keyset.signing) as book:
        wanted = [*indexes, *sealed_of_personas(book, persona_ids)]
        done = erase_values(book, wanted, fields, basis=basis, operator=keyset.operator, now=now())
        book.checkpoint(keyset.log, now=now())
    care.show_erasure(terminal, done)
