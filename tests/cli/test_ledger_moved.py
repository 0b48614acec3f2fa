"""An older copy of the ledger is put in place by hand: every command that would write says no, and writes nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from personactl_ledger import Ledger
from transcripts import Machine

MachineIn = Callable[[Path], Machine]


def public_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    """A person was enrolled, and proofs handed out; then older.sqlite, from before, took the place of the ledger."""
    machine = machine_in(finished)
    for name in ("ann", "bob"):
        public_key(machine.folder / f"{name}.pem")
    machine.step("exec personactl ledger backup older.sqlite")
    machine.step("exec personactl keys enrol ann.pem --name Ann --json")
    kid = json.loads(machine.stdout)["kid"]
    machine.step("exec personactl ledger checkpoint -o head.txt")
    machine.step("exec personactl persona new mia")
    shutil.copy(machine.folder / "ledger.sqlite", machine.folder / "newest.sqlite")
    shutil.copy(machine.folder / "older.sqlite", machine.folder / "ledger.sqlite")
    (machine.folder / "kid").write_text(kid)
    return machine


def files(folder: Path) -> dict[str, bytes]:
    """Everything but lock files, which hold nothing."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_every_command_that_signs_refuses_it(machine: Machine) -> None:
    with Ledger.open_reader(machine.folder / "ledger.sqlite") as book:
        index = next(item.index for item in book.entries(kind="output"))
    kid = (machine.folder / "kid").read_text()
    before = files(machine.folder)
    for command in (
        "keys enrol bob.pem --name Bob", f"keys approvers --threshold 1 {kid}", "keys rotate operator",
        "keys rotate ledger", f"ledger erase {index} --basis request", "ledger checkpoint",
        "ledger merge newest.sqlite --trust trust.json", "persona freeze lira@1",
        "ledger checkpoint --ledger older.sqlite", f"ledger erase {index} --basis request --ledger older.sqlite",
    ):  # fmt: skip
        machine.step(f"exit 10 personactl {command}")
        machine.step("stderr 'conflict\\.ledger-moved' 'nothing was written'")
        assert files(machine.folder) == before, command
    machine.step("exit 10 personactl doctor")
    shutil.copy(machine.folder / "newest.sqlite", machine.folder / "ledger.sqlite")
    machine.step("exec personactl keys enrol bob.pem --name Bob")


def test_a_restore_of_it_ends_the_ledger_and_says_what_it_knew(machine: Machine) -> None:
    (machine.folder / "ledger.sqlite").unlink()
    machine.step("exec personactl ledger restore older.sqlite --reason 'the disk failed' --json")
    said = json.loads(machine.stdout)
    with Ledger.open_reader(machine.folder / "newest.sqlite") as book:
        assert (said["ended"], said["known"]["remembered"]) == (book.origin, book.size)
    assert (said["known"]["anchors"], said["known"]["files"]) == ([], [])
    machine.step("exit 10 personactl ledger restore older.sqlite --reason 'once more'")
    machine.step("stderr 'conflict\\.other-ledger' 'was done already: entry 3' 'name a backup of the ledger'")


def test_without_any_memory_a_restore_says_so(machine: Machine) -> None:
    (machine.folder / "ledger.sqlite").unlink()
    shutil.rmtree(machine.folder / ".personactl")
    machine.step("exec personactl ledger restore older.sqlite --reason 'the disk failed'")
    machine.step("stdout 'the ledger goes on' 'no anchor was given' 'cannot be told'")


def test_replayed_erasures_hold_in_what_is_restored(machine: Machine) -> None:
    shutil.copy(machine.folder / "newest.sqlite", machine.folder / "ledger.sqlite")
    machine.step("exec personactl ledger erase --all-of-persona lira --basis 'consent withdrawn'")
    machine.step("exec personactl ledger export --jsonl all.jsonl")
    (machine.folder / "ledger.sqlite").unlink()
    machine.step("exec personactl ledger restore older.sqlite --reason 'the disk failed' --replay all.jsonl")
    machine.step("stdout 'the ledger goes on' 'had been erased'")
    connection = sqlite3.connect(machine.folder / "ledger.sqlite")
    assert set(connection.execute("SELECT DISTINCT state FROM v_sealed WHERE kind != 'key-add'")) == {("erased",)}
    connection.close()
    assert b"in the rain" not in (machine.folder / "ledger.sqlite").read_bytes()
    machine.step("exec personactl ledger check")
    machine.step("exec personactl keys enrol bob.pem --name Bob")


def test_a_check_of_the_copy_says_what_the_project_remembers(machine: Machine) -> None:
    machine.step("exec personactl ledger check")
    machine.step("stdout '^good: ' 'note: the ledger is older than what this project has seen'")
    machine.step("exec personactl ledger check --json")
    assert "conflict.ledger-moved" in json.loads(machine.stdout)["notes"][0]
    for other in ("--ledger older.sqlite", "--ledger newest.sqlite"):
        machine.step(f"exec personactl ledger check {other}")
        assert "this project has seen" not in machine.stdout
