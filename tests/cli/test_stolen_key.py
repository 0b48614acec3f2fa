"""docs/keys.md, "When a key was stolen", as it stands there: find, revoke, tell, make again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transcripts import Machine, environment

pytestmark = [pytest.mark.slow, pytest.mark.pack]


def test_the_steps_after_a_theft_lead_to_pictures_that_verify(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path, environment=environment(tmp_path))
    machine.step("exec personactl init brand")
    machine.step("cd brand")
    machine.step("exec personactl persona freeze lira@1")
    machine.step("exec personactl run manifests/first.toml --json")
    first = json.loads(machine.stdout)
    manifest = machine.folder / "manifests" / "first.toml"
    other = manifest.with_name("other.toml")
    other.write_text(manifest.read_text().replace('id = "first"', 'id = "other"'))
    machine.step("exec personactl run manifests/other.toml --json")
    assert json.loads(machine.stdout)["takenOver"] == first["planned"]
    machine.step(f"exec personactl keys rotate operator --compromised-since {first['firstIndex']} --reason lost")
    machine.step("exec personactl keys export -o new-trust.json")
    machine.step("exit 5 personactl verify out --trust new-trust.json")
    machine.step("exec personactl status")
    machine.step("stdout 'left, distrusted' 'run\\.distrusted' '0 done'")
    machine.step("exit 10 personactl run manifests/other.toml")
    machine.step(f"stdout '{first['run']}.*personactl run manifests/first\\.toml'")
    machine.step("exec personactl run manifests/first.toml --json")
    again = json.loads(machine.stdout)
    assert (again["done"], again["voided"]) == (first["planned"], first["planned"])
    machine.step("exec personactl run manifests/other.toml --json")
    assert json.loads(machine.stdout)["takenOver"] == first["planned"]
    machine.step("exec personactl verify out --trust new-trust.json")
    machine.step("exec personactl ledger check --trust new-trust.json")
    machine.step("stdout 'ledger.distrusted'")
