"""Delivered pictures under a trust file that asks for a witness: not trusted before it cosigned, trusted after."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from transcripts import Machine

WITNESS = ["personactl", "ledger", "witness"]


def test_a_recipient_waits_for_the_witness(finished: Path, machine_in: Callable[[Path], Machine]) -> None:
    machine = machine_in(finished)
    machine.run([*WITNESS, "new", "--name", "auditor.example/w1", "--state", "auditor", "--json"], 0)
    vkeys = json.loads(machine.stdout)["vkeys"]
    machine.run([*WITNESS, "log", "add", "trust.json", "--state", "auditor"], 0)
    named = [part for line in vkeys for part in ("--witness", line)]
    machine.run(["personactl", "keys", "export", "-o", "asking.json", *named, "--witness-quorum", "1"], 0)
    (out,) = (machine.folder / "out").iterdir()
    verify = ["personactl", "verify", str(out), "--json", "--trust"]
    machine.run([*verify, "trust.json"], 0)
    machine.run([*verify, "asking.json"], 5)
    assert {item["axes"]["ledger"] for item in json.loads(machine.stdout)["files"]} == {"not-checked"}
    assert "0 of the 1 that are asked for cosigned its checkpoint" in machine.stdout

    machine.run([*WITNESS, "request", "-o", "request"], 0)
    machine.run([*WITNESS, "cosign", "request", "--state", "auditor", "-o", "cosigned"], 0)
    machine.run([*WITNESS, "add", "cosigned", *(part for line in vkeys for part in ("--vkey", line))], 0)
    machine.run(["personactl", "ledger", "log", "--kind", "output", "--json"], 0)
    for entry in json.loads(machine.stdout)["entries"]:
        receipt = out / f"{entry['subject']['name']}.receipt"
        machine.run(["personactl", "ledger", "prove", str(entry["index"]), "-o", str(receipt)], 0)
    machine.run([*verify, "asking.json"], 0)
    assert {item["axes"]["integrity"] for item in json.loads(machine.stdout)["files"]} == {"exact"}
    asked = ["personactl", "ledger", "check", "--trust", "asking.json", "--anchor", "cosigned", "--require-anchor"]
    machine.run(asked, 0)
    assert "1 of the 1 witnesses in the trust file cosigned the tree" in machine.stdout
