"""What a command is to write and is there already stays: it may be somebody's only anchor, or a request under way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from transcripts import Machine

from personactl.cli.values import OUTPUT

MachineIn = Callable[[Path], Machine]
COMMANDS = [
    "ledger checkpoint -o F",
    "ledger prove 3 -o F",
    "ledger compare ledger.sqlite ledger.sqlite -o F",
    "ledger witness request -o F",
    "ledger witness cosign request --state auditor -o F",
    "ledger timestamp --write-request F",
    "keys export -o F",
    "ledger check --save F",
]


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    """With a witness in auditor/ that has not seen the request yet."""
    machine = machine_in(finished)
    for line in (
        "ledger witness new --name auditor.example --state auditor",
        "ledger witness log add trust.json --state auditor",
        "ledger witness request -o request",
    ):
        machine.step(f"exec personactl {line}")
    return machine


def test_a_file_a_link_and_a_folder_are_not_written_over(machine: Machine) -> None:
    there = machine.folder / "F"
    before = (machine.folder / "ledger.sqlite").read_bytes()
    memory = (machine.folder / "auditor" / "witness.sqlite").read_bytes()
    for command in COMMANDS:
        there.write_bytes(b"the only anchor\n")
        there.chmod(0o600)
        machine.step(f"exit 10 personactl {command}")
        assert "error[cli.output-exists]" in machine.stderr
        assert "F: error" in machine.stderr
        assert (there.read_bytes(), there.stat().st_mode & 0o777) == (b"the only anchor\n", 0o600)
        there.unlink()
        there.symlink_to("elsewhere")
        machine.step(f"exit 10 personactl {command}")
        assert there.readlink() == Path("elsewhere")
        assert not (machine.folder / "elsewhere").exists()
        there.unlink()
    there.mkdir()
    machine.step("exit 8 personactl ledger checkpoint -o F")
    assert (machine.folder / "ledger.sqlite").read_bytes() == before
    assert (machine.folder / "auditor" / "witness.sqlite").read_bytes() == memory, "the witness must not run ahead"
    assert not list(machine.folder.glob(".F.*"))


def test_nothing_is_signed_where_the_file_cannot_be_written(machine: Machine) -> None:
    machine.step("exec personactl ledger erase --all-of-persona lira --basis withdrawn")
    before = (machine.folder / "ledger.sqlite").read_bytes()
    machine.step("exit 8 personactl ledger checkpoint -o none/F")
    machine.step("stderr '^none/F: error'")
    assert (machine.folder / "ledger.sqlite").read_bytes() == before


def test_a_device_takes_what_is_written(machine: Machine) -> None:
    machine.step("exec personactl ledger prove 3 -o /dev/stdout")
    machine.step('stdout \'"schema": *"personactl.receipt/1"\'')


def test_a_dash_is_no_file(machine: Machine) -> None:
    for command in (*COMMANDS, "ledger export --jsonl F", "ledger export -o F", "ledger backup F", "plan m.toml -o F"):
        machine.step(f"exit 2 personactl {command.removesuffix('F')}-")
        machine.step("stderr /dev/stdout")
        assert not (machine.folder / "-").exists()
    assert OUTPUT.convert("./-x", None, None) == Path("-x")


def test_the_project_renews_its_own_trust_file_and_keeps_its_mode(machine: Machine) -> None:
    trust = machine.folder / "trust.json"
    trust.chmod(0o600)
    machine.step("exec personactl keys export -o trust.json --name Renewed")
    assert '"name": "Renewed"' in trust.read_text()
    assert trust.stat().st_mode & 0o777 == 0o600
    machine.step(f"exec personactl keys export -o {trust} --name Again")
    (machine.folder / "sub").mkdir()
    machine.step("exec personactl keys export -o sub/../trust.json --name Thrice")
    assert '"name": "Thrice"' in trust.read_text()


def test_renewing_keeps_what_the_command_line_does_not_name(machine: Machine) -> None:
    trust = machine.folder / "trust.json"
    said = json.loads(trust.read_text())
    roots, revoked = said["c2paAnchors"], [{"kid": f"SHA256:{'A' * 43}=", "fromIndex": 0}]
    trust.write_text(json.dumps(said | {"name": "By Hand", "tsaRoots": roots, "revoked": revoked}))
    machine.step("exec personactl keys export -o trust.json")
    after = json.loads(trust.read_text())
    assert (after["name"], after["tsaRoots"], after["revoked"]) == ("By Hand", roots, revoked)
    machine.step("exec personactl keys export --json")
    assert json.loads(machine.stdout)["tsaRoots"] == []


def test_a_trust_file_of_another_ledger_or_a_link_is_not_renewed(machine: Machine) -> None:
    trust = machine.folder / "trust.json"
    own = trust.read_text()
    start = own.index("/personactl/") + len("/personactl/")
    for other in (own.replace(own[start : start + 16], "0" * 16), "{}"):
        trust.write_text(other)
        machine.step("exit 10 personactl keys export -o trust.json")
        assert trust.read_text() == other
    (machine.folder / "kept.json").write_text(own)
    trust.unlink()
    trust.symlink_to("kept.json")
    machine.step("exit 10 personactl keys export -o trust.json --name Renewed")
    assert (trust.is_symlink(), (machine.folder / "kept.json").read_text()) == (True, own)


def test_a_kept_checkpoint_is_renewed_by_a_later_one_alone(machine: Machine) -> None:
    kept, backup = machine.folder / "kept", machine.folder / "older.sqlite"
    machine.step("exec personactl ledger backup older.sqlite")
    machine.step("exec personactl ledger check --save kept")
    first = kept.read_text()
    kept.chmod(0o600)
    machine.step("exec personactl ledger erase --all-of-persona lira --basis withdrawn")
    machine.step("exec personactl ledger check --save kept --require-anchor")
    larger = kept.read_text()
    assert int(larger.splitlines()[1]) == int(first.splitlines()[1]) + 1
    assert kept.stat().st_mode & 0o777 == 0o600
    backup.replace(machine.folder / "ledger.sqlite")
    machine.step("exit 4 personactl ledger check --save kept")
    machine.step("stdout 'ledger\\.rollback'")
    assert kept.read_text() == larger
    kept.unlink()
    kept.symlink_to("elsewhere")
    machine.step("exit 10 personactl ledger check --save kept")
    assert kept.is_symlink()


def test_a_receipt_is_not_a_kept_checkpoint(machine: Machine) -> None:
    machine.step("exec personactl ledger prove 3 -o r")
    receipt = (machine.folder / "r").read_bytes()
    machine.step("exit 10 personactl ledger check --since r --save r")
    assert (machine.folder / "r").read_bytes() == receipt


def test_a_receipt_is_written_again_while_the_ledger_holds_what_it_was_signed_over(machine: Machine) -> None:
    receipt, backup = machine.folder / "r", machine.folder / "older.sqlite"
    machine.step("exec personactl ledger backup older.sqlite")
    machine.step("exec personactl ledger prove 3 -o r")
    before = receipt.read_bytes()
    receipt.chmod(0o600)
    machine.step("exec personactl ledger erase --all-of-persona lira --basis withdrawn")
    machine.step("exec personactl ledger prove 3 -o r")
    newer = receipt.read_bytes()
    assert newer != before
    assert receipt.stat().st_mode & 0o777 == 0o600
    machine.step("exit 10 personactl ledger prove 2 -o r")
    backup.replace(machine.folder / "ledger.sqlite")
    machine.step("exit 10 personactl ledger prove 3 -o r")
    assert receipt.read_bytes() == newer, "the only anchor that shows the cut"
