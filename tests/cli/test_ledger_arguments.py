"""What `ledger` and `keys` say to arguments that cannot be meant: exit 2, and the argument is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from transcripts import Machine

MachineIn = Callable[[Path], Machine]
HUGE = "99999999999999999999"


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    return machine_in(finished)


def test_any_number_of_entries_may_be_listed(machine: Machine) -> None:
    machine.step("exec personactl ledger log")
    said = machine.stdout
    for options in ("", "--kind genesis "):
        machine.step(f"exec personactl ledger log {options}--limit {HUGE}")
        machine.step("stdout '^0 .* genesis '")
    machine.step(f"exec personactl ledger log --limit {2**63}")
    assert machine.stdout == said
    machine.step("exec personactl ledger log --limit 1")
    machine.step("! stdout genesis")


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (f"ledger erase {HUGE} --basis x", "INDEX"),
        (f"ledger erase 0 --basis {'b' * 70_000}", "--basis"),
        (f"keys rotate operator --reason x --compromised-since {HUGE}", "--compromised-since"),
        (f"keys rotate operator --reason {'r' * 70_000}", "--reason"),
        ("keys approvers --threshold 1 SHA256:foo", "SHA256:foo"),
        ("ledger witness request -o request --vkey garbage", "--vkey"),
        (f"ledger witness request -o request --old-size {HUGE}", "--old-size"),
        ("ledger witness request -o request --old-size 999", "--old-size"),
        ("ledger witness ask http://127.0.0.1:9 --vkey garbage", "--vkey"),
        ("keys export -o theirs.json --witness-quorum 3", "--witness-quorum"),
        ("keys export -o theirs.json --witness junk", "--witness"),
        ("keys export -o theirs.json --name a/b", "--name"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_named(machine: Machine, command: str, named: str) -> None:
    before = (machine.folder / "ledger.sqlite").read_bytes()
    machine.step(f"exit 2 personactl {command}")
    assert named in machine.stderr
    assert "sender" not in machine.stderr
    assert not (machine.folder / "request").exists()
    assert not (machine.folder / "theirs.json").exists()
    assert (machine.folder / "ledger.sqlite").read_bytes() == before


def test_a_witness_that_the_ledger_itself_could_be_is_named(machine: Machine) -> None:
    with (machine.folder / "trust.json").open(encoding="utf-8") as file:
        own = next(line.strip(' ",\n') for line in file if "/personactl/" in line and "+" in line)
    machine.run(["personactl", "keys", "export", "--witness", own], 2)
    machine.step("stderr '--witness'")


def test_a_short_basis_of_long_characters_is_fine(machine: Machine) -> None:
    machine.step("exec personactl ledger erase --all-of-persona lira --basis 'Ersuchen vom 3. Mai, Nr. 7 — ß'")
