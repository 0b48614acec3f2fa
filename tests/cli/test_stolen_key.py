"""docs/keys.md, "When a key was stolen", as it stands there: find, revoke, tell, make again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
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


def test_after_the_theft_of_a_root_key_the_keys_that_it_enrolled_sign_nothing(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path, environment=environment(tmp_path))
    machine.step("exec personactl init brand")
    machine.step("cd brand")
    second = Ed25519PrivateKey.generate()
    pem = second.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "root2.pem").write_bytes(pem)
    (tmp_path / "root2.pem").chmod(0o600)
    (tmp_path / "second.pem").write_bytes(
        second.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    machine.step("exec personactl keys enrol ../second.pem --role root --json")
    since = json.loads(machine.stdout)["index"] + 1
    machine.step("exec personactl persona freeze lira@1")
    for role in ("operator", "ledger"):
        machine.step(f"exec personactl keys rotate {role}")
    theft = f"personactl keys rotate root --compromised-since {since + 1} --reason stolen --root-key ../root2.pem"
    machine.step(f"exec {theft}")
    machine.step(
        "stdout 'the operator key of this project is distrusted' 'keys rotate operator$' 'keys rotate ledger$'"
    )
    machine.step("exit 9 personactl keys check")
    machine.step("stdout 'keys\\.distrusted'")
    machine.step("exit 9 personactl doctor")
    for command in (
        "run manifests/first.toml", "ledger checkpoint", "persona freeze lira@1", "ledger erase 5 --basis request",
        "ledger timestamp --tsa http://127.0.0.1:9",
    ):  # fmt: skip
        machine.step(f"exit 9 personactl {command}")
        machine.step("stderr 'keys\\.distrusted' 'personactl keys rotate (operator|ledger)'")
    machine.step("exec personactl keys rotate operator --json")
    assert [item["role"] for item in json.loads(machine.stdout)["fallenKeys"]] == ["ledger"]
    machine.step("exec personactl keys rotate ledger --json")
    assert json.loads(machine.stdout)["fallenKeys"] == []
    machine.step("exec personactl keys check")
    machine.step("exec personactl run manifests/first.toml")
    machine.step("exec personactl run manifests/first.toml --json")
    assert json.loads(machine.stdout)["done"] == 0
    machine.step("exec personactl verify out --trust trust.json")
