"""A project with a ledger, for rotations: made once, copied for each test."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from personactl_ledger import Draft, Ledger, sign_entry, statement

from personactl import config, keys
from personactl.config import Config

NOW = "2026-11-21T08:00:00Z"
LATER = "2026-11-22T08:00:00Z"
TOML = b"""schema = 1
[organisation]
name = "Example Studio"
domain = "example.org"
"""


def make(project: Path) -> Config:
    """A project of development keys, whose ledger has a checkpoint over its first four entries."""
    project.mkdir()
    (project / config.FILE_NAME).write_bytes(TOML)
    found = config.find(project)
    keys.create_development(found.keys_path, organisation="Example Studio", domain="example.org", now=NOW)
    keyset = keys.load(found.keys_path)
    with Ledger.create(
        found.ledger_path, domain="example.org", development=True, root=keyset.root,
        operator_public=keyset.operator.public_key, log=keyset.log, now=NOW,
    ) as ledger:  # fmt: skip
        origin = ledger.origin
        say(found, ledger, "the first")
        ledger.checkpoint(keyset.log, now=NOW)
    found.trust_path.write_bytes(
        keys.export_trust(keyset, name="Example Studio", origin=origin, detector="", now=NOW)
    )
    return found


def copied(made: Config, target: Path) -> Config:
    shutil.copytree(made.project, target)
    return config.find(target)


def say(project: Config, ledger: Ledger, text: str) -> int:
    """Append a note by the operator key of the folder."""
    said = {"origin": ledger.origin, "text": text, "notedAt": NOW}
    leaf = sign_entry(
        statement("note", subject=("note", "ab" * 32), predicate=said), keys.load(project.keys_path).operator
    )
    return ledger.append([Draft(leaf)], now=NOW)[0]


def killed_at(step: str, act: Callable[[Callable[[str], None]], object]) -> bool:
    """Run `act` in a child process that is killed when the step is reported; whether it lived to that."""

    def passed(done: str) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            act(passed)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
