"""Commands on a project with finished pictures: every verdict with its exit code, status, sheet, receipts, the lock."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from transcripts import Machine

from personactl.config import find
from personactl.keys import create_development, export_trust, load

MachineIn = Callable[[Path], Machine]


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    return machine_in(finished)


def pictures(machine: Machine) -> list[Path]:
    found = sorted((machine.folder / "out").glob("*/*.png"))
    assert len(found) == 2
    return found


def test_finished_pictures_pass_with_their_receipts_and_the_trust_file(machine: Machine) -> None:
    machine.step("exec personactl verify out --trust trust.json --report junit=v.xml")
    rows = machine.stdout.splitlines()
    assert [row.count("PASS (development keys: not for release)") for row in rows] == [1, 1, 0]
    assert "exact bytes" in rows[0]
    assert "lira@1" in rows[0]
    assert rows[2] == "2 files: 2 pass, 0 fail, 0 unproven, 0 error"
    machine.step('grep \'tests="2" failures="0" errors="0"\' v.xml')


def test_the_json_document_is_complete_and_alone_on_stdout(machine: Machine) -> None:
    machine.step("exec personactl verify out --trust trust.json --pixels --policy eu-ai-act-art50 --json")
    document = json.loads(machine.stdout)
    assert document["schema"] == "personactl.verify/1"
    assert document["summary"] == {"files": 2, "pass": 2, "fail": 0, "unproven": 0, "error": 0}
    assert {item["axes"]["watermark"] for item in document["files"]} == {"present"}
    assert {item["layers"]["required"] for item in document["files"]} == {2}
    assert machine.stderr == ""
    machine.step("exec personactl verify out --trust trust.json --json")
    assert {item["layers"]["required"] for item in json.loads(machine.stdout)["files"]} == {0}


def test_trust_comes_only_from_the_verifier(machine: Machine) -> None:
    machine.step("exit 5 personactl verify out")
    machine.step("stdout 'UNPROVEN' '2 unproven'")
    machine.step("exec personactl trust add trust.json")
    machine.step("exec personactl verify out")
    machine.step(f"env PERSONACTL_TRUST={machine.folder / 'other.json'}")
    machine.step("exit 5 personactl verify out")


def test_a_stranger_is_not_trusted(machine: Machine, tmp_path: Path) -> None:
    create_development(tmp_path / "keys", organisation="Other", domain="other.example", now="2026-01-01T00:00:00Z")
    strangers = load(tmp_path / "keys")
    trust = export_trust(
        strangers, name="Other", origin="other.example/personactl/" + "0" * 16, detector="", now="2026-01-01T00:00:00Z"
    )
    (machine.folder / "other.json").write_bytes(trust)
    machine.step("exit 5 personactl verify out --trust other.json")
    machine.step("stdout 'FAIL'")


def test_altered_bytes_fail_and_the_altered_file_is_named(machine: Machine) -> None:
    first, _ = pictures(machine)
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.chmod(0o644)
    first.write_bytes(data)
    machine.step("exit 4 personactl verify out --trust trust.json --report md=v.md")
    rows = machine.stdout.splitlines()
    assert rows[0].startswith(f"{first.relative_to(machine.folder)}  FAIL")
    assert "1 pass, 1 fail" in rows[-1]
    machine.step("stdout 'personactl explain verify\\.'")
    machine.step("exists v.md")


def test_a_stripped_picture_is_unproven_not_false(machine: Machine, tmp_path: Path) -> None:
    Image.open(pictures(machine)[0]).convert("RGB").save(machine.folder / "stripped.png")
    machine.step("exit 6 personactl verify stripped.png --trust trust.json")
    machine.step("stdout 'UNPROVEN'")


def test_a_trusted_signer_who_leaves_the_disclosure_out_fails_with_7(undisclosed: Path, machine_in: MachineIn) -> None:
    machine = machine_in(undisclosed)
    machine.step("exit 7 personactl verify said.png --trust trust.json")
    machine.step("stdout '^said\\.png  FAIL' 'personactl explain verify\\.ai-disclosure-missing'")


def test_the_worst_of_several_files_wins(machine: Machine) -> None:
    first, second = pictures(machine)
    Image.open(first).convert("RGB").save(machine.folder / "stripped.png")
    (machine.folder / "note.png").write_text("no picture")
    good = second.relative_to(machine.folder)
    machine.step(f"exit 6 personactl verify {good} stripped.png --trust trust.json")
    machine.step(f"exit 4 personactl verify {good} stripped.png note.png --trust trust.json")


def test_status_counts_and_draws_the_contact_sheet(machine: Machine) -> None:
    machine.step("exec personactl status --sheet sheet.png")
    machine.step("stdout '^rain-0\\.png +done +1 +pass ' '^2 planned = 2 done \\+ 0 failed \\+ 0 rejected \\+ 0 left$'")
    with Image.open(machine.folder / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 400
    machine.step("exec personactl status --json")
    document = json.loads(machine.stdout)
    assert document["schema"] == "personactl.status/1"
    assert [picture["fileName"] for picture in document["pictures"]] == ["rain-0.png", "rain-1.png"]
    machine.step("exit 2 personactl status nothing-00000000")
    machine.step("stderr 'error\\[run\\.unknown\\]'")
    machine.step("exit 8 personactl status --sheet none/sheet.png")
    machine.step("exit 2 personactl status --why rain --sheet why.png")
    machine.step("! exists why.png")
    machine.step("exit 2 personactl status --sheet ledger.sqlite")
    machine.step("stderr 'error\\[cli\\.project-file\\]'")
    machine.step("! exists none")


def test_status_says_what_became_of_the_files(machine: Machine) -> None:
    first, second = pictures(machine)
    first.unlink()
    second.chmod(0o644)
    second.write_bytes(b"mine")
    machine.step("exec personactl status")
    machine.step("stdout '^rain-0\\.png +done, missing ' '^rain-1\\.png +done, altered '")


def test_the_ledger_proves_an_output_to_a_stranger(machine: Machine) -> None:
    machine.step("exec personactl ledger log --kind output --json")
    index = json.loads(machine.stdout)["entries"][0]["index"]
    machine.step(f"exec personactl ledger show {index}")
    machine.step('stdout \'"kind": "output"\'')
    machine.step(f"exec personactl ledger prove {index} -o one.receipt")
    machine.step("exec personactl ledger check --anchor one.receipt --require-anchor --trust trust.json")
    for level in ("tree", "index", "full"):
        machine.step(f"exec personactl ledger check --level {level}")


def test_a_daily_check_goes_on_from_what_the_last_one_kept(machine: Machine) -> None:
    machine.step("exec personactl ledger check --save kept")
    machine.step("stdout 'kept for --since: kept'")
    machine.step("exec personactl ledger check --since kept --save kept --require-anchor --workers 2 --json")
    document = json.loads(machine.stdout)
    assert (document["exit"], document["anchored"], document["saved"]) == (0, True, "kept")
    assert document["since"] == document["signedSize"] > 0
    assert machine.stderr == ""
    machine.step("exit 2 personactl ledger check --save ledger.sqlite")
    machine.step("exit 2 personactl ledger check --workers 0")
    kept = (machine.folder / "kept").read_text(encoding="utf-8")
    (machine.folder / "kept").write_text(kept.replace("example", "elsewhere"), encoding="utf-8")
    machine.step("exit 4 personactl ledger check --since kept --save new --json")
    document = json.loads(machine.stdout)
    assert (document["since"], document["saved"], document["findings"][0]["code"]) == (None, None, "ledger.anchor")
    assert not (machine.folder / "new").exists()
    machine.step("exit 4 personactl ledger check --anchor kept")
    machine.step("stdout '^contradicts an anchor: ' 'explain ledger\\.anchor'")
    assert "not excluded" not in machine.stdout


def test_a_damaged_ledger_is_said_to_be_broken(machine: Machine) -> None:
    path = machine.folder / "ledger.sqlite"
    data = path.read_bytes()
    at = data.index(b'"payload":') + 200
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    machine.step("exit 4 personactl ledger check")
    machine.step("exit 4 personactl ledger check --json")
    assert json.loads(machine.stdout)["schema"] in ("personactl.ledger-check/1", "personactl.error/1")


def test_a_second_writer_is_told_to_come_back(machine: Machine) -> None:
    from personactl_ledger import Ledger

    machine.step("exec personactl persona new lira --from lira@1")
    with Ledger.open_writer(find(machine.folder).ledger_path):
        machine.step("exit 75 personactl persona freeze lira@2")
        machine.step("stderr 'error\\[ledger\\.locked\\]'")
        machine.step("exec personactl status")
        machine.step("stdout 'a command is writing to this ledger now'")
    machine.step("exec personactl persona freeze lira@2")


def test_missing_keys_exit_9(machine: Machine) -> None:
    machine.step("exec personactl persona new lira --from lira@1")
    machine.step("rm keys/operator.pem")
    machine.step("exit 9 personactl keys check")
    machine.step("stdout 'keys are not in order'")
    machine.step("exit 9 personactl persona freeze lira@2")
    machine.step("exit 9 personactl doctor")
