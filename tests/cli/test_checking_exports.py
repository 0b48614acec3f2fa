"""`ledger check --export`: an export is judged by itself, by the rules and the exit codes of a ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from transcripts import Machine

MachineIn = Callable[[Path], Machine]
FORMS = {"jsonl": ("--jsonl", "log.jsonl"), "tiles": ("--tiles", "tiles"), "folder": ("-o", "export")}
BROKEN = {"jsonl": "log.jsonl", "tiles": "tiles/tile/entries/000.p/9", "folder": "export/entries.jsonl"}


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    return machine_in(finished)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_good_until_a_byte_changes(machine: Machine, form: str) -> None:
    option, name = FORMS[form]
    machine.step(f"exec personactl ledger export {option} {name}")
    machine.step(f"exec personactl ledger check --export {name} --trust trust.json --json")
    document = json.loads(machine.stdout)
    assert (document["schema"], document["ok"], document["form"]) == ("personactl.ledger-check-export/1", True, form)
    assert document["lines"] == document["size"] > 0
    machine.step("exec personactl ledger check --json")
    assert json.loads(machine.stdout)["root"] == document["root"]

    (path,) = machine.folder.glob(BROKEN[form].replace("000.p/9", "000.p/*"))
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    machine.step(f"exit 4 personactl ledger check --export {name} --trust trust.json")
    machine.step(r"stdout '^error\[(ledger|export)\.' '^broken: '")


def test_the_trust_file_of_somebody_else_exits_5(machine: Machine, undisclosed: Path) -> None:
    machine.step("exec personactl ledger export --jsonl log.jsonl")
    machine.step(f"exit 5 personactl ledger check --export log.jsonl --trust {undisclosed / 'trust.json'}")
    machine.step(r"stdout '^error\[ledger\.trust-origin\]' '^not trusted: '")


def test_an_anchor_that_is_newer_than_the_export_shows_a_rollback(machine: Machine) -> None:
    machine.step("exec personactl ledger export --jsonl log.jsonl")
    machine.step("exec personactl ledger checkpoint -o before.checkpoint")
    machine.step("exec personactl ledger check --export log.jsonl --anchor before.checkpoint --require-anchor")
    machine.step("exec personactl persona new nova")
    machine.step("exec personactl persona freeze nova@1")
    machine.step("exec personactl ledger checkpoint -o later.checkpoint")
    machine.step("exit 4 personactl ledger check --export log.jsonl --anchor later.checkpoint")
    machine.step(r"stdout '^error\[ledger\.rollback\]'")


def test_an_excerpt_says_that_it_compared_no_anchor(machine: Machine) -> None:
    machine.step("exec personactl ledger export --jsonl few.jsonl --from 2 --to 3")
    machine.step("exec personactl ledger checkpoint -o head.checkpoint")
    machine.step("exec personactl ledger check --export few.jsonl --trust trust.json")
    machine.step(r"stdout '^good: 2 of \d+ entries ' 'who may sign was not judged'")
    machine.step("! stdout 'none was compared'")
    machine.step("exit 11 personactl ledger check --export few.jsonl --anchor head.checkpoint --require-anchor")
    machine.step("stdout 'does not show the tree of an anchor: none was compared'")
