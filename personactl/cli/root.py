"""The root command: one line for every command of the product. No command's module is imported here."""

from __future__ import annotations

import click

from personactl import __version__
from personactl.cli.exits import TABLE
from personactl.cli.session import LazyGroup

_HERE = "personactl.cli"
_LATER = f"{_HERE}.unavailable"

COMMANDS: dict[str, tuple[str, str]] = {
    "init": (f"{_HERE}.init:init", "Scaffold a project: config, persona, manifest, keys, ledger."),
    "doctor": (f"{_HERE}.doctor:doctor", "Check environment, extras, keys, weights and disk."),
    "keys": (f"{_HERE}.keys:keys", "Make, check and export keys."),
    "trust": (f"{_HERE}.trust:trust", "Keep trust files of others in your configuration."),
    "persona": (f"{_HERE}.persona:persona", "Write, show and freeze persona records."),
    "plan": (f"{_HERE}.plan:plan", "Show everything that will be done; write nothing."),
    "run": (f"{_HERE}.run:run", "Generate, score, gate, disclose and record; resumes."),
    "status": (f"{_HERE}.status:status", "Show what is done, left, failed and rejected."),
    "review": (f"{_LATER}:review", "Write one review page for offline decisions (not yet)."),
    "approve": (f"{_LATER}:approve", "Sign review decisions into the ledger (not yet)."),
    "release": (f"{_LATER}:release", "Write a release bundle if policy is met (not yet)."),
    "verify": (f"{_HERE}.verify:verify", "Give a verdict on delivered files."),
    "adopt": (f"{_LATER}:adopt", "Bring in files of another generator (not yet)."),
    "replay": (f"{_LATER}:replay", "Generate again from a ledger entry (not yet)."),
    "ledger": (f"{_HERE}.ledger:ledger", "Read, check, prove and look after the ledger."),
    "audit": (f"{_LATER}:audit", "Write reports and evidence for auditors (not yet)."),
    "policy": (f"{_HERE}.policy:policy", "Show the regimes as data, with sources."),
    "explain": (f"{_HERE}.explain:explain", "Explain a finding or error code."),
}

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in TABLE.items())


@click.group(cls=LazyGroup, lazy=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version=__version__, prog_name="personactl", message="%(prog)s %(version)s")
def root() -> None:
    """Pictures of a synthetic persona, each with an identity score, a disclosure and a signed ledger entry."""
