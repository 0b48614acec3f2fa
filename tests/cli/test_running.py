"""`plan` and `run` with a real, random model pack: what they print, their exit codes, stale plans, interruption."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from transcripts import Machine

MachineIn = Callable[[Path], Machine]


@pytest.fixture
def machine(founded: Path, machine_in: MachineIn) -> Machine:
    return machine_in(founded)


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_plan_shows_everything_and_writes_nothing(machine: Machine) -> None:
    before = tree(machine.folder)
    machine.step("exec personactl plan manifests/spring.toml")
    machine.step("stdout '^spring-[0-9a-f]{8}  2 pictures of lira@1' '^rain +2 +128×128 +2 +derived '")
    machine.step("stdout 'to do +2 of 2 pictures, at most 2 generations'")
    machine.step("exit 20 personactl plan manifests/spring.toml --detailed-exitcode")
    assert tree(machine.folder) == before


def test_plan_works_from_inside_a_folder_of_the_project(machine: Machine) -> None:
    machine.step("cd manifests")
    machine.step("exec personactl plan spring.toml --json")
    document = json.loads(machine.stdout)
    assert (document["schema"], document["manifestPath"]) == ("personactl.plan/1", "manifests/spring.toml")
    assert machine.stderr == ""


def test_a_saved_plan_that_its_manifest_no_longer_gives_is_stale(machine: Machine) -> None:
    machine.step("exec personactl plan manifests/spring.toml -o plan.json")
    manifest = machine.folder / "manifests" / "spring.toml"
    manifest.write_text(manifest.read_text().replace("count = 2", "count = 3"))
    machine.step("exit 10 personactl run plan.json")
    machine.step("stderr 'error\\[plan\\.stale\\].*manifest'")
    machine.step("! exists out")
    machine.step("exit 10 personactl run plan.json --json")
    machine.step("schema personactl.error/1")


def test_a_start_that_is_refused_leaves_the_event_file_as_it_is(machine: Machine) -> None:
    from personactl_ledger import Ledger

    from personactl.config import find

    events = machine.folder / "events.ndjson"
    events.write_text("of an earlier start\n")
    with Ledger.open_writer(find(machine.folder).ledger_path):
        machine.step("exit 75 personactl run manifests/spring.toml --events events.ndjson")
    machine.step("exit 2 personactl run manifests/spring.toml --events ledger.sqlite")
    machine.step("exit 2 personactl plan manifests/spring.toml -o manifests/spring.toml")
    assert events.read_text() == "of an earlier start\n"
    machine.step("exec personactl ledger check")


def test_an_edited_plan_is_no_plan(machine: Machine) -> None:
    machine.step("exec personactl plan manifests/spring.toml -o plan.json")
    plan = machine.folder / "plan.json"
    plan.write_text(plan.read_text().replace('"attempts": 1', '"attempts": 9'))
    machine.step("exit 2 personactl run plan.json")
    machine.step("stderr 'error\\[plan\\.altered\\]'")


def test_a_plan_that_a_policy_refuses_is_shown_and_exits_2(machine: Machine) -> None:
    manifest = machine.folder / "manifests" / "spring.toml"
    manifest.write_text(manifest.read_text() + "[output]\nwatermark = false\n")
    machine.step("exit 2 personactl plan manifests/spring.toml -o plan.json")
    machine.step("stdout '^spring-' 'error\\[policy\\.'")
    machine.step("stderr 'refused: '")
    machine.step("! exists plan.json")
    machine.step("exit 2 personactl run manifests/spring.toml")
    machine.step("! exists out")


@pytest.mark.slow
def test_a_run_whose_pictures_show_no_face_is_rejected_with_3_and_stays_so(machine: Machine) -> None:
    machine.step("exit 3 personactl run manifests/spring.toml --events events.ndjson")
    machine.step("stdout '^2 planned = 0 done \\+ 0 failed \\+ 2 rejected \\+ 0 skipped$' 'rain-1\\.png  rejected'")
    machine.step("stderr '^100 %  2 of 2'")
    events = [json.loads(line) for line in (machine.folder / "events.ndjson").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", *["attempt", "reject"] * 2, "finish"]
    machine.step("exit 3 personactl run manifests/spring.toml --json")
    document = json.loads(machine.stdout)
    assert (document["schema"], document["rejected"], document["exit"]) == ("personactl.run/1", 2, 3)
    machine.step("exec personactl plan manifests/spring.toml --detailed-exitcode")
    machine.step("exec personactl status --why rain-1")
    machine.step("stdout 'rejected after 1 attempts'")
    machine.step("exit 2 personactl status --why sun")
    machine.step("stderr 'error\\[cli\\.shot-unknown\\].*' 'rain'")
    machine.step("exec personactl ledger check")


@pytest.mark.slow
def test_an_interrupted_run_prints_the_command_that_goes_on(machine: Machine) -> None:
    manifest = machine.folder / "manifests" / "spring.toml"
    manifest.write_text(manifest.read_text().replace("steps = 2", "steps = 100").replace("count = 2", "count = 20"))
    command = [sys.executable, "-m", "personactl", "run", "manifests/spring.toml"]
    with subprocess.Popen(
        command, cwd=machine.folder, env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        seen = next(line for line in process.stderr if " of 20" in line)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert "0 of 20" in seen or "1 of 20" in seen or "2 of 20" in seen
    assert re.search(r"^20 planned = 0 done \+ 0 failed \+ \d+ rejected \+ \d+ skipped$", out, re.MULTILINE)
    assert err.rstrip().endswith("Resume with: personactl run manifests/spring.toml")
    machine.step("exec personactl ledger check")
