"""A project with a ledger, for rotations: made once, copied for each test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
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
    found.trust_path.write_bytes(keys.export_trust(keyset, name="Example Studio", origin=origin, detector="", now=NOW))
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


def killed_at(step: str, project: Config, role: str) -> bool:
    """Rotate in another process, keeping the old files, until it kills itself at a step; whether it did."""
    command = [sys.executable, __file__, step, str(project.project), role]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def _rotate_and_die(step: str, project: str, role: str) -> None:
    def passed(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    request = keys.Request(role=role, keep_old=True)
    keys.rotate(config.find(Path(project)), request, now=LATER, passed=passed)


if __name__ == "__main__":
    _rotate_and_die(*sys.argv[1:])
