"""An error names the path that was typed, and its hint is one that helps where it happened."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from transcripts import Machine

MachineIn = Callable[[Path], Machine]


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    return machine_in(finished)


def error(machine: Machine, command: str, code: str, exit_code: int) -> tuple[str, str]:
    """(where, hint) of the error that a command ends with."""
    machine.step(f"exit {exit_code} personactl {command} --json")
    said = json.loads(machine.stdout)
    assert said["code"] == code, said
    return said["where"], said["hint"]


def test_a_folder_that_is_not_there_is_told_of_the_path_that_was_typed(machine: Machine) -> None:
    for command in ("ledger backup none/x", "ledger export --jsonl y --copy none/x", "ledger export -o none/x"):
        where, hint = error(machine, command, "ledger.storage", 8)
        assert where == "none/x"
        assert "folder" in hint or "path" in hint
    assert not (machine.folder / "y").exists()


def test_one_path_for_two_forms_is_a_mistake_of_the_command(machine: Machine) -> None:
    for command in ("--jsonl x --csv x", "--jsonl x --copy ./x", "--jsonl x --tiles x.checkpoint"):
        where, hint = error(machine, f"ledger export {command}", "export.selection", 2)
        assert where.startswith("x")
        assert "a path of its own" in hint
    assert not list(machine.folder.glob("x*"))


def test_a_full_disk_is_told_of_the_copy_and_not_of_the_ledger(machine: Machine) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "personactl", "ledger", "backup", "copy.sqlite", "--json"],
        cwd=machine.folder, env=machine.environment, capture_output=True, check=False, preexec_fn=_no_room,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert (said["code"], said["where"], said["exit"]) == ("ledger.storage", "copy.sqlite", 8)
    assert not [path.name for path in machine.folder.iterdir() if "copy.sqlite" in path.name]


def _no_room() -> None:
    """Files end at 16 KiB, as on a disk that is full by then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))


def test_a_ledger_that_is_not_there_is_restored_or_mistyped(machine: Machine) -> None:
    where, hint = error(machine, "ledger log --ledger ledgr.sqlite", "ledger.missing", 2)
    assert (where, hint) == ("ledgr.sqlite", "check the path")
    where, hint = error(machine, "ledger restore gone.sqlite --reason lost", "ledger.missing", 2)
    assert (where, hint) == ("gone.sqlite", "check the path")
    (machine.folder / "ledger.sqlite").unlink()
    for command in ("ledger log", "keys export", "keys rotate operator", "ledger check"):
        where, hint = error(machine, command, "ledger.missing", 2)
        assert where == str(machine.folder / "ledger.sqlite")
        assert "personactl ledger restore BACKUP" in hint
        assert "init" not in hint


def test_without_a_project_the_ledger_can_be_named(machine: Machine, tmp_path: Path) -> None:
    machine.folder = tmp_path / "elsewhere"
    machine.folder.mkdir()
    for command in ("ledger log", "ledger check", "ledger export -o x", "ledger backup x"):
        _, hint = error(machine, command, "config.missing", 2)
        assert "--ledger FILE" in hint
    _, hint = error(machine, "ledger checkpoint", "config.missing", 2)
    assert "--ledger" not in hint, "it needs the keys of a project"


def test_a_root_key_that_is_not_there_is_no_reason_to_make_keys(machine: Machine) -> None:
    where, hint = error(machine, "keys rotate operator --root-key gone/root.pem", "keys.file-missing", 9)
    assert where == "gone/root.pem"
    assert "--root-key" in hint
    assert "init" not in hint


def test_bytes_that_are_not_what_was_asked_for_are_told_with_their_file(machine: Machine) -> None:
    (machine.folder / "junk").write_bytes(b"<html>")
    machine.step("exec personactl ledger witness new --name auditor.example --state auditor")
    vkey = machine.stdout.split()[0]
    for command in (
        "ledger timestamp --take-response junk --request junk",
        "ledger timestamp --take-response junk --evidence junk",
        "ledger witness cosign junk --state auditor -o answer",
        f"ledger witness add junk --vkey {vkey}",
        "ledger compare --proof junk --trust trust.json",
    ):
        machine.step(f"exit {2 if '--evidence' in command else 4} personactl {command}")
        machine.step("stderr '^junk: error'")


def test_an_answer_that_is_no_token_is_told_with_its_file(machine: Machine) -> None:
    (machine.folder / "answer.tsr").write_bytes(b"<html>")
    where, hint = error(machine, "ledger timestamp --take-response answer.tsr", "ledger.tsa-response", 9)
    assert where == "answer.tsr"
    assert "openssl ts -reply" in hint


def test_a_receipt_without_witnesses_needs_a_new_receipt(machine: Machine) -> None:
    machine.step("exec personactl ledger witness new --name auditor.example --state auditor")
    vkeys = machine.stdout.split()
    named = " ".join(f"--witness {vkey}" for vkey in vkeys)
    machine.step(f"exec personactl keys export -o asking.json {named} --witness-quorum 1")
    (picture,) = sorted((machine.folder / "out").glob("*/*-0.png"))
    for options, code in (("", "receipt"), ("--ledger ledger.sqlite", "ledger")):
        machine.step(f"exit 5 personactl verify {picture} --trust asking.json {options} --json")
        findings = json.loads(machine.stdout)["files"][0]["findings"]
        (hint,) = {item["hint"] for item in findings if item["code"] == f"verify.{code}-untrusted"}
        assert "witnesses" in hint
        assert "trust.json" not in hint
