"""Commands of the product that this version refuses instead of pretending: each says so and exits 2."""

from __future__ import annotations

import click

from personactl.cli.session import SessionCommand, SessionGroup
from personactl.errors import NotAvailable

ANY_ARGUMENTS = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": True}


def refusing(path: str, help_text: str) -> click.Command:
    """A command that takes any arguments and raises NotAvailable; `path` is its full name, such as `keys csr`."""

    def refuse() -> None:
        raise NotAvailable(f"personactl {path}")

    return SessionCommand(
        path.split()[-1], callback=refuse, help=f"{help_text.rstrip('.')} (not yet).", context_settings=ANY_ARGUMENTS
    )


def add_refusing(group: click.Group, texts: dict[str, str]) -> None:
    """Add one refusing command to `group` for each name and help text."""
    for name, text in texts.items():
        group.add_command(refusing(f"{group.name} {name}", text))


review = refusing("review", "Write one review page for offline decisions.")
approve = refusing("approve", "Sign review decisions into the ledger.")
release = refusing("release", "Write a release bundle if policy is met.")
adopt = refusing("adopt", "Bring in files of another generator.")
replay = refusing("replay", "Generate again from a ledger entry.")

audit = SessionGroup("audit", help="Write reports and evidence for auditors (not yet).")
add_refusing(
    audit,
    {
        "report": "Write the audit report.",
        "export": "Write the evidence bundle.",
        "query": "Run a prepared query.",
        "datasette": "Write files for Datasette.",
    },
)
