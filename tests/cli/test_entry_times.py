"""The time of an entry is read when nothing has to be waited for any more: times follow the order of entries."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from personactl_ledger import Ledger, key_id
from personactl_ledger.lock import writer_active
from transcripts import Machine

from personactl import cli, persona

MachineIn = Callable[[Path], Machine]
COMMANDS = [
    ("key_changes", "keys enrol ann.pem --name Ann"),
    ("key_changes", "keys enrol ann.pem --replaces {ben}"),
    ("key_changes", "keys approvers --threshold 1 {ben}"),
    ("key_changes", "keys witnesses --quorum 1 remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"),
    ("key_changes", "keys rotate operator"),
    ("key_changes", "keys rotate c2pa"),
    ("persona", "persona freeze lira@2"),
    ("ledger.erasing", "ledger erase --all-of-persona lira --basis withdrawn"),
    ("ledger.signing", "ledger checkpoint"),
]


@pytest.fixture
def project(finished: Path, machine_in: MachineIn) -> tuple[Path, dict[str, str]]:
    """A project with Ben enrolled, Ann's key in ann.pem, and a draft of lira@2."""
    machine = machine_in(finished)
    people = {name: Ed25519PrivateKey.generate().public_key() for name in ("ann", "ben")}
    for name, key in people.items():
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (machine.folder / f"{name}.pem").write_bytes(pem)
    machine.step("exec personactl keys enrol ben.pem")
    persona.create(machine.folder, "lira", from_version=1)
    return machine.folder, {name: key_id(key.public_bytes_raw()) for name, key in people.items()}


@pytest.mark.parametrize(("module", "command"), COMMANDS)
def test_the_clock_is_read_by_whoever_holds_the_writers_lock(
    project: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, module: str, command: str
) -> None:
    folder, people = project
    asked = []

    def clock() -> str:
        asked.append(writer_active(folder / "ledger.sqlite"))
        return "2030-01-01T00:00:00Z"

    monkeypatch.setattr(importlib.import_module(f"personactl.cli.{module}"), "now", clock)
    monkeypatch.chdir(folder)
    with Ledger.open_reader("ledger.sqlite") as book:
        before = book.size
    assert cli.execute(command.format(**people).split()) == 0
    assert asked
    assert all(asked)
    with Ledger.open_reader("ledger.sqlite") as book:
        assert {item.appended_at for item in book.entries(before)} <= {"2030-01-01T00:00:00Z"}
