"""`ledger checkpoint` and `ledger timestamp` in a real project, against `openssl ts` on the loopback interface."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from transcripts import Machine

OPENSSL = shutil.which("openssl")
missing = pytest.mark.skipif(OPENSSL is None, reason="needs the Debian package openssl")


def with_openssl(test: Callable[..., None]) -> Callable[..., None]:
    found: Callable[..., None] = pytest.mark.debian(missing(test))
    return found


@pytest.fixture
def machine(finished: Path, machine_in: Callable[[Path], Machine]) -> Machine:
    return machine_in(finished)


@pytest.fixture
def authority(bench: Any, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = bench.Authority.make(tmp_path_factory.mktemp("tsa"))
    (machine.folder / "root.pem").write_text(made.root)
    return made


@pytest.fixture
def url(bench: Any, authority: Any) -> Iterator[str]:
    with bench.serving(lambda query: (200, {}, authority.reply(query))) as address:
        yield address


def document(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.stdout)
    return found


def rows(machine: Machine) -> int:
    from personactl_ledger import Ledger

    with Ledger.open_reader(machine.folder / "ledger.sqlite") as ledger:
        return int(ledger.store.connection.execute("SELECT count(*) FROM timestamp").fetchone()[0])


def test_a_checkpoint_is_signed_once_and_kept_outside(machine: Machine) -> None:
    machine.step("exec personactl ledger checkpoint --json")
    first = document(machine)
    assert (first["schema"], first["path"]) == ("personactl.ledger-checkpoint/1", None)
    machine.step("exec personactl ledger checkpoint -o kept.txt")
    machine.step("stdout 'nothing was added since the latest checkpoint' 'kept in kept.txt'")
    assert (machine.folder / "kept.txt").read_text().splitlines()[1] == str(first["size"])
    machine.step("exec personactl ledger check --anchor kept.txt --require-anchor")
    machine.step("exit 2 personactl ledger checkpoint -o ledger.sqlite")
    machine.step("stderr 'cli\\.project-file'")


def test_a_checkpoint_covers_what_was_added(machine: Machine) -> None:
    from personactl_ledger import Draft, Ledger, sign_entry, statement

    from personactl import keys

    machine.step("exec personactl ledger checkpoint --json")
    before = document(machine)
    with Ledger.open_writer(machine.folder / "ledger.sqlite") as ledger:
        said = {"origin": ledger.origin, "text": "x"}
        payload = statement("note", subject=("note", "0" * 64), predicate=said)
        operator = keys.load(machine.folder / "keys").operator
        ledger.append([Draft(sign_entry(payload, operator))], now="2026-01-02T03:04:05Z")
    machine.step("exec personactl ledger checkpoint --json")
    after = document(machine)
    assert (after["signed"], after["added"], after["size"]) == (True, 1, before["size"] + 1)
    assert after["root"] != before["root"]
    machine.step("exec personactl ledger checkpoint")
    machine.step("stdout '^nothing was added since the latest checkpoint'")


@with_openssl
def test_a_service_stamps_the_checkpoint_and_a_receipt_shows_it(machine: Machine, url: str) -> None:
    machine.step(f"exec personactl ledger timestamp --tsa {url} --tsa-roots root.pem --json")
    said = document(machine)
    assert (said["schema"], said["certificateName"]) == ("personactl.ledger-timestamp/1", "CN=Time,O=TEST-ONLY")
    assert said["verifiedBy"] == ["personactl", "rfc3161-client"]
    assert (said["nonceCompared"], said["renewal"], said["qualifiedByOperator"]) == (True, False, False)
    machine.step(f"exec personactl ledger timestamp --tsa {url} --tsa-roots root.pem --renew --qualified --tsa-name Us")
    machine.step("stdout '^kept: the checkpoint over \\d+ entries existed before ' 'it renews' 'so the operator says'")
    machine.step("exec personactl keys export --tsa-root root.pem -o theirs.json")
    machine.step("exec personactl ledger check --trust theirs.json")
    machine.step(f"stdout '^  the checkpoint over {said['size']} entries existed before '")
    machine.step("exec personactl ledger prove 0 --json")
    assert [item["covers"] for item in document(machine)["timestamps"]] == [None, 0]
    machine.step("exec personactl ledger log --kind timestamp --json")
    entries = document(machine)["entries"]
    assert [item["index"] for item in entries] == [said["index"], said["index"] + 1]
    machine.step(f"exec personactl ledger show {said['index'] + 1}")
    machine.step('stdout \'"qualified": true\' \'"tsa": "Us"\'')


@with_openssl
def test_verify_names_the_time_of_a_stamped_receipt(machine: Machine, url: str) -> None:
    machine.step("exec personactl keys export --tsa-root root.pem -o theirs.json")
    machine.step(f"exec personactl ledger timestamp --tsa {url} --tsa-roots root.pem --json")
    (picture,) = sorted((machine.folder / "out").glob("*/*-0.png"))
    machine.step("exec personactl ledger log --kind output --json")
    index = document(machine)["entries"][0]["index"]
    machine.step(f"exec personactl ledger prove {index} -o {picture}.receipt")
    machine.step(f"exec personactl verify {picture} --trust theirs.json --json")
    (item,) = [found for found in document(machine)["files"][0]["findings"] if found["code"] == "verify.time-stamp"]
    assert item["severity"] == "info"
    assert "existed before" in item["message"]


@with_openssl
def test_without_roots_the_output_says_so(machine: Machine, url: str) -> None:
    machine.step(f"exec personactl ledger timestamp --tsa {url}")
    machine.step("stdout 'whose time stamp it is was not checked'")
    machine.step(f"exit 2 personactl ledger timestamp --tsa {url} --trust trust.json")
    machine.step("stderr 'cli\\.timestamp-roots'")


@with_openssl
def test_a_request_is_carried_to_a_service_and_its_answer_back(machine: Machine, authority: Any) -> None:
    machine.step("exec personactl ledger timestamp --write-request q.tsq --json")
    assert document(machine)["schema"] == "personactl.ledger-timestamp-request/1"
    (machine.folder / "a.tsr").write_bytes(authority.reply((machine.folder / "q.tsq").read_bytes()))
    machine.step("exec personactl ledger timestamp --write-request other.tsq")
    machine.step("exit 9 personactl ledger timestamp --take-response a.tsr --request other.tsq --tsa-roots root.pem")
    machine.step("stderr 'ledger\\.tsa-mismatch'")
    assert rows(machine) == 0
    machine.step("exec personactl ledger timestamp --take-response a.tsr --request q.tsq --evidence root.pem")
    machine.step("exit 10 personactl ledger timestamp --take-response a.tsr")
    machine.step("stderr 'ledger\\.tsa-again'")
    assert rows(machine) == 1
    machine.step("exec personactl ledger prove 0 --json")
    assert [len(item["evidence"]) for item in document(machine)["timestamps"]] == [1]


@with_openssl
def test_what_a_service_gets_wrong_exits_9_and_stores_nothing(machine: Machine, bench: Any, authority: Any) -> None:
    (authority.folder / "stranger").mkdir()
    stranger = bench.Authority.make(authority.folder / "stranger")
    answers = {
        "ledger.tsa-untrusted": lambda query: (200, {}, stranger.reply(query)),
        "ledger.tsa-rejected": lambda _: (200, {}, authority.reply(b"\x30\x00")),
        "ledger.tsa-unreachable": lambda _: (503, {}, b""),
        "ledger.tsa-response": lambda _: (200, {}, b"<html>"),
    }
    before = (machine.folder / "ledger.sqlite").read_bytes()
    for code, answer in answers.items():
        with bench.serving(answer) as address:
            machine.step(f"exit 9 personactl ledger timestamp --tsa {address} --tsa-roots root.pem --json")
        found = document(machine)
        assert (found["schema"], found["code"]) == ("personactl.error/1", code)
    assert (machine.folder / "ledger.sqlite").read_bytes() == before


def test_exactly_one_way_is_asked_for(machine: Machine) -> None:
    machine.step("exit 2 personactl ledger timestamp")
    machine.step("stderr 'cli\\.timestamp-way'")
    machine.step("exit 2 personactl ledger timestamp --tsa http://127.0.0.1:1/ --write-request q.tsq")
    machine.step("! exists q.tsq")
    machine.step("exit 2 personactl ledger timestamp --tsa ftp://127.0.0.1/")
    machine.step("stderr 'ledger\\.tsa-address'")
    machine.step("exit 9 personactl ledger timestamp --tsa http://127.0.0.1:1/")
    machine.step("stderr 'ledger\\.tsa-unreachable'")
    machine.step("exit 2 personactl ledger timestamp --write-request q.tsq --renew")
    machine.step("stderr 'ledger\\.no-timestamp'")


def test_a_file_without_an_authority_is_no_root(machine: Machine) -> None:
    (machine.folder / "not.pem").write_text("x")
    machine.step("exit 5 personactl keys export --tsa-root not.pem")
    machine.step("stderr 'trust\\.tsa-root'")
