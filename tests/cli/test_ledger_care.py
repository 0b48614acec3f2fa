"""`ledger erase|backup|restore|compare|merge` as a person runs them, on a project with finished pictures."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from personactl_ledger import Draft, Ledger, sign_entry, statement
from PIL import Image
from transcripts import Machine

from personactl import keys
from personactl.keys import KeySet, create_development, load

NOW = "2026-11-22T08:00:00Z"
MachineIn = Callable[[Path], Machine]


@pytest.fixture
def machine(finished: Path, machine_in: MachineIn) -> Machine:
    return machine_in(finished)


def document(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.stdout)
    return found


def note(path: Path, keyset: KeySet, *texts: str) -> None:
    """Somebody works on: notes and a checkpoint."""
    with Ledger.open_writer(path) as book:
        for text in texts:
            said = {"origin": book.origin, "text": text, "notedAt": NOW}
            payload = statement("note", subject=("note", "00" * 32), predicate=said)
            book.append([Draft(sign_entry(payload, keyset.operator))], now=NOW)
        book.checkpoint(keyset.log, now=NOW)


def damage(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP VIEW v_note")
    connection.commit()
    connection.close()


def outputs(machine: Machine) -> list[int]:
    with Ledger.open_reader(machine.folder / "ledger.sqlite") as book:
        return [item.index for item in book.entries(kind="output")]


def test_erase_takes_a_prompt_out_of_the_file_and_says_what_it_cannot_reach(machine: Machine) -> None:
    index, other = outputs(machine)
    with Ledger.open_reader(machine.folder / "ledger.sqlite") as book:
        salts = {field: salt for field, salt, _ in book.store.sealed(index)}
    machine.step(f"exec personactl ledger show {index} --json")
    assert document(machine)["sealed"]["prompt"] == "present"
    machine.step(f"exec personactl ledger erase {index} --field prompt --basis 'request of 3 May'")
    machine.step("stdout 'gone from the file' 'copies may still be in' 'backups' 'receipts never hold'")
    assert salts["prompt"] not in (machine.folder / "ledger.sqlite").read_bytes()
    machine.step(f"exec personactl ledger show {index} --json")
    assert document(machine)["sealed"]["prompt"] == "erased"
    machine.step(f"exit 10 personactl ledger erase {index} --field prompt --basis again")
    machine.step("stderr 'ledger\\.erased-already'")
    machine.step("exit 2 personactl ledger erase 0 --basis x")
    machine.step("stderr 'ledger\\.not-sealed'")
    machine.step("exit 2 personactl ledger erase --basis x")
    machine.step("exec personactl ledger erase --all-of-persona lira --basis 'consent withdrawn' --json")
    machine.step("schema personactl.ledger-erase/1")
    erased = {item["index"] for item in document(machine)["erased"]}
    assert other in erased
    machine.step("exit 2 personactl ledger erase --all-of-persona nobody --basis x")
    machine.step("exec personactl ledger check")
    machine.step("exec personactl verify out --trust trust.json")


def test_backup_and_restore(machine: Machine) -> None:
    machine.step("exec personactl ledger backup copy.sqlite")
    machine.step("stdout 'sha256 [0-9a-f]{64}' 'checkpoint over' 'an erasure does not reach it'")
    machine.step("exit 10 personactl ledger backup copy.sqlite")
    machine.step("exit 2 personactl ledger backup ledger.sqlite")
    machine.step("exec personactl ledger backup bare.sqlite --without-sealed --json")
    machine.step("schema personactl.ledger-backup/1")
    assert document(machine)["sealedValues"] == 0
    machine.step("exec personactl ledger check --ledger bare.sqlite")
    keyset = load(machine.folder / "keys")
    note(machine.folder / "ledger.sqlite", keyset, "lost with the disk")
    machine.step("exit 10 personactl ledger restore copy.sqlite --reason 'the disk failed'")
    machine.step("stderr 'ledger\\.restore-needless'")
    machine.step("exit 2 personactl ledger restore copy.sqlite --reason ' '")
    machine.step("exit 2 personactl ledger restore ledger.sqlite --reason x")
    damage(machine.folder / "ledger.sqlite")
    machine.step("exec personactl ledger restore copy.sqlite --reason 'the disk failed'")
    machine.step("stdout 'a new ledger begins' 'read-only' 'before-restore' 'lira@1 is frozen again'")
    machine.step("stdout 'no anchor was given' 'memory of' 'checkpoints in ledger.sqlite' 'may stand again in'")
    machine.step("stdout 'ended-.*--without-sealed --ledger ledger.ended-'")
    machine.step("exec personactl ledger log --kind restore")
    machine.step("stdout 'restore +checkpoint'")
    machine.step("exec personactl ledger check")
    assert len(list(machine.folder.glob("ledger.ended-*.sqlite"))) == 1
    assert len(list(machine.folder.glob("ledger.before-restore-*.sqlite"))) == 1
    machine.step("exit 4 personactl ledger restore trust.json --reason x")


def test_restore_goes_on_with_the_missing_leaves(machine: Machine) -> None:
    machine.step("exec personactl ledger backup copy.sqlite")
    ledger = machine.folder / "ledger.sqlite"
    note(ledger, load(machine.folder / "keys"), "one", "two")
    with Ledger.open_reader(ledger) as book:
        lines = [item.entry.leaf + b"\n" for item in book.entries()]
        head = book.latest_checkpoint()
    assert head is not None
    (machine.folder / "head.txt").write_text(head.note)
    (machine.folder / "part.jsonl").write_bytes(b"".join(lines[:-1]))
    (machine.folder / "all.jsonl").write_bytes(b"".join(lines))
    ledger.unlink()
    common = "personactl ledger restore copy.sqlite --anchor head.txt --reason x"
    machine.step(f"exit 10 {common} --replay part.jsonl")
    machine.step("stderr 'ledger\\.replay-short'")
    machine.step("! exists ledger.sqlite")
    machine.step(f"exec {common} --replay all.jsonl --json")
    machine.step("schema personactl.ledger-restore/1")
    said = document(machine)
    assert (said["ended"], said["replayed"], said["mayHoldErasedValues"]) == (None, 2, [])
    assert said["known"] == {"anchors": [said["size"]], "remembered": said["size"] - 2, "files": []}
    machine.step("exec personactl ledger check --anchor head.txt --trust trust.json")


def test_restore_knows_the_ledger_key_that_was_rotated_after_the_backup(machine: Machine) -> None:
    machine.step("exec personactl ledger backup copy.sqlite")
    machine.step("exec personactl keys rotate ledger")
    machine.step("exec personactl ledger export --jsonl all.jsonl")
    machine.step("exec personactl ledger checkpoint -o head")
    (machine.folder / "ledger.sqlite").unlink()
    machine.step("exec personactl ledger restore copy.sqlite --reason lost --replay all.jsonl --json")
    said = document(machine)
    assert (said["ended"], said["checkpoint"]) == (None, said["size"])
    assert said["known"]["anchors"] == [said["size"]]  # all.jsonl.checkpoint
    machine.step(f"exec personactl ledger prove {said['size'] - 1} -o last.receipt")
    machine.step("exec personactl ledger check --anchor head --trust trust.json")


def test_an_anchor_by_that_key_ends_the_ledger_that_cannot_reach_it(machine: Machine) -> None:
    machine.step("exec personactl ledger backup copy.sqlite")
    machine.step("exec personactl keys rotate ledger")
    machine.step("exec personactl keys rotate operator")
    machine.step("exec personactl ledger checkpoint -o head")
    (machine.folder / "ledger.sqlite").unlink()
    shutil.rmtree(machine.folder / ".personactl")
    machine.step("exec personactl ledger restore copy.sqlite --reason lost --anchor head")
    machine.step("stdout 'a new ledger begins' 'are known to have been signed' 'the new trust file: .*trust\\.json$'")
    machine.step("stdout 'the old one: .*trust\\.ended-[0-9a-f]{16}\\.json$'")
    machine.step("exec personactl keys export -o trust.json")
    machine.step("exec personactl keys rotate ledger")
    machine.step("stdout 'trust.json is up to date'")
    machine.step("exec personactl ledger check --trust trust.json")


def test_two_ledgers_are_told_as_two_with_the_paths_that_were_typed(machine: Machine, finished: Path) -> None:
    machine.step("exec personactl init other/brand")
    other = "other/brand/ledger.sqlite"
    machine.step(f"exit 10 personactl ledger compare ledger.sqlite {other}")
    with Ledger.open_reader(machine.folder / other) as book:
        origin = book.origin
    first, *rest = machine.stdout.splitlines()
    assert first == "two ledgers, not two states of one:"
    assert f"  {other}: 3 entries of {origin}" in rest
    machine.step("stdout '^  ledger\\.sqlite: \\d+ entries of ' 'bring two files of one ledger'")
    machine.step("! stdout 'cannot tell' longer")
    machine.step(f"exit 10 personactl ledger compare ledger.sqlite {other} --json")
    said = document(machine)
    assert (said["verdict"], said["origins"][1]) == ("unknown", origin)
    machine.step(f"exit 5 personactl ledger compare ledger.sqlite {other} --trust trust.json --json")
    assert document(machine)["untrusted"] == [other]


def test_compare_tells_one_history_from_two_and_writes_the_proof(machine: Machine) -> None:
    keyset = load(machine.folder / "keys")
    shutil.copy(machine.folder / "ledger.sqlite", machine.folder / "theirs.sqlite")
    shutil.copy(machine.folder / "ledger.sqlite", machine.folder / "early.sqlite")
    note(machine.folder / "ledger.sqlite", keyset, "told to us")
    note(machine.folder / "theirs.sqlite", keyset, "told to them", "and more")
    machine.step("exec personactl ledger compare early.sqlite ledger.sqlite --trust trust.json")
    machine.step("stdout 'one history' 'the second is longer'")
    machine.step("exit 4 personactl ledger compare ledger.sqlite theirs.sqlite --trust trust.json -o proof.json --json")
    machine.step("schema personactl.ledger-compare/1")
    assert document(machine)["proof"] == "proof.json"
    machine.step("exec personactl ledger compare --proof proof.json --trust trust.json")
    machine.step("stdout 'the proof holds'")
    machine.step("exit 5 personactl ledger compare --proof proof.json")
    machine.step("exit 4 personactl ledger compare --proof trust.json --trust trust.json")
    receipt = next((machine.folder / "out").glob("*/*.receipt"))
    machine.step(f"exec personactl ledger compare '{receipt}' ledger.sqlite")
    machine.step("exit 4 personactl ledger compare trust.json ledger.sqlite")
    machine.step("exit 2 personactl ledger compare ledger.sqlite")
    for name in ("ledger", "early"):
        with Ledger.open_reader(machine.folder / f"{name}.sqlite") as book:
            head = book.latest_checkpoint()
        assert head is not None
        (machine.folder / f"{name}.txt").write_text(head.note)
    machine.step("exit 10 personactl ledger compare ledger.txt early.txt --trust trust.json")
    machine.step("stdout 'cannot tell' 'bring the ledger'")


def test_a_stranger_is_not_trusted(machine: Machine, tmp_path: Path) -> None:
    create_development(tmp_path / "keys", organisation="Other", domain="other.example", now=NOW)
    strangers = load(tmp_path / "keys")
    with Ledger.open_reader(machine.folder / "ledger.sqlite") as book:
        origin = book.origin
    trust = keys.export_trust(strangers, name="Other", origin=origin, detector="", now=NOW)
    (machine.folder / "other.json").write_bytes(trust)
    machine.step("exit 5 personactl ledger compare ledger.sqlite ledger.sqlite --trust other.json")
    machine.step("exit 5 personactl ledger merge ledger.sqlite --trust other.json")


def test_merge_takes_in_another_machine_once(machine: Machine, tmp_path: Path) -> None:
    create_development(tmp_path / "elsewhere", organisation="Studio", domain="example.org", now=NOW)
    elsewhere = load(tmp_path / "elsewhere")
    other = machine.folder / "other.sqlite"
    with Ledger.create(
        other, domain="example.org", development=True, root=elsewhere.root,
        operator_public=elsewhere.operator.public_key, log=elsewhere.log, now=NOW,
    ) as book:  # fmt: skip
        origin = book.origin
    note(other, elsewhere, "made there")
    picture = machine.folder / "made-there.png"
    Image.new("RGB", (32, 32), "red").save(picture)
    with Ledger.open_writer(other) as book:
        said = {"origin": origin, "entryId": "ab" * 16, "generator": {"name": "x", "statement": "x"}, "adoptedAt": NOW}
        subject = (picture.name, hashlib.sha256(picture.read_bytes()).hexdigest())
        leaf = sign_entry(statement("adoption", subject=subject, predicate=said), elsewhere.operator)
        index = book.append([Draft(leaf)], now=NOW)[0]
        book.checkpoint(elsewhere.log, now=NOW)
    trust = keys.export_trust(elsewhere, name="Elsewhere", origin=origin, detector="", now=NOW)
    (machine.folder / "other.json").write_bytes(trust)
    machine.step("exec personactl ledger merge other.sqlite --trust other.json")
    machine.step("stdout '5 entries taken in'")
    machine.step("exec personactl ledger merge other.sqlite --trust other.json --json")
    machine.step("schema personactl.ledger-merge/1")
    assert (document(machine)["count"], document(machine)["entry"]) == (0, None)
    machine.step("exec personactl ledger log --kind merged")
    machine.step("stdout 'merged +note'")
    machine.step("exec personactl ledger check")
    machine.step("exec personactl verify out --trust trust.json")
    machine.step("exit 2 personactl ledger merge other.sqlite")
    machine.step("exit 6 personactl verify made-there.png --trust trust.json --ledger ledger.sqlite")
    machine.step(f"stdout 'entry {index} of {origin} is about them, bring its receipt'")


def test_a_long_backup_and_a_long_merge_tell_how_far_they_are(machine: Machine, tmp_path: Path) -> None:
    machine.step("exec personactl ledger backup small.sqlite")
    machine.step("! stderr")
    create_development(tmp_path / "elsewhere", organisation="Studio", domain="example.org", now=NOW)
    elsewhere = load(tmp_path / "elsewhere")
    other = machine.folder / "other.sqlite"
    with Ledger.create(
        other, domain="example.org", development=True, root=elsewhere.root,
        operator_public=elsewhere.operator.public_key, log=elsewhere.log, now=NOW,
    ) as book:  # fmt: skip
        said = [{"origin": book.origin, "text": f"note {number}", "notedAt": NOW} for number in range(2100)]
        notes = [statement("note", subject=("note", "00" * 32), predicate=item) for item in said]
        book.append([Draft(sign_entry(payload, elsewhere.operator)) for payload in notes], now=NOW)
        book.checkpoint(elsewhere.log, now=NOW)
        trust = keys.export_trust(elsewhere, name="Elsewhere", origin=book.origin, detector="", now=NOW)
    (machine.folder / "other.json").write_bytes(trust)
    machine.step("exec personactl ledger backup large.sqlite --ledger other.sqlite")
    machine.step(r"stderr '^100 %  2103 of 2103$'")
    machine.step("exec personactl ledger merge other.sqlite --trust other.json --json")
    machine.step(r"stderr '^100 %  2103 of 2103$' '^ 23 %  500 of 2103'")
    machine.step("exec personactl -q ledger backup quiet.sqlite --ledger other.sqlite")
    machine.step("! stderr")
