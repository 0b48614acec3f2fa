"""Operator and witness as two processes: over HTTP, by files, after a crash, and against an operator who went back."""

from __future__ import annotations

import http.client
import signal
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_bench import NOW, forge
from personactl_ledger import Draft, Ledger, ReceiptError, check, sign_entry, statement, verify_receipt
from personactl_ledger.checkpoint import mldsa_available
from personactl_ledger.cosignature import WitnessSigner, group_witnesses
from personactl_ledger.errors import LedgerError
from personactl_ledger.note import NoteSignature, parse_note, write_note
from personactl_ledger.witness import MAX_REQUEST_BYTES
from personactl_ledger.witness_server import checkpoint_path
from personactl_ledger.witnessing import make_request, take_in
from witness_bench import Operator, by, pair, serving, vkeys, witness

from personactl.errors import KeyProblem
from personactl.keys import trust_store, witness_folder


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator.found(tmp_path / "studio")


@pytest.fixture
def state(tmp_path: Path, operator: Operator) -> Path:
    """The folder of a witness that follows the operator's ledger: it was given a trust file and nothing else."""
    folder = tmp_path / "auditor"
    witness("new", "--name", "auditor.example/w1", "--state", folder)
    witness("log", "add", operator.trust, "--state", folder)
    return folder


def post(url: str, body: bytes) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/add-checkpoint", body=body)
    response = connection.getresponse()
    answer = response.status, response.headers["Content-Type"], response.read()
    connection.close()
    return answer


def request_of(operator: Operator, old_size: int) -> bytes:
    with Ledger.open_reader(operator.path) as ledger:
        return make_request(ledger, old_size=old_size).to_bytes()


def test_a_new_witness_has_keys_that_only_its_owner_reads(state: Path) -> None:
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {0o600}
    assert len(vkeys(state)) == (2 if mldsa_available() else 1)
    witness("new", "--name", "other.example", "--state", state, exit_code=10)
    (state / "witness.pem").chmod(0o644)
    with pytest.raises(KeyProblem) as caught:
        witness_folder.load(state)
    assert caught.value.code == "keys.permissions-open"


def test_over_http_from_the_first_checkpoint_to_a_receipt_with_a_quorum(operator: Operator, state: Path) -> None:
    operator.export(1, vkeys(state))
    with serving(state) as (url, _):
        operator.grow("one")
        first = witness("ask", url, "--ledger", operator.path, *by(state))
        size = operator.grow("two", "three")
        before = trust_store.read(operator.trust).ledger
        with Ledger.open_reader(operator.path) as ledger:
            early = ledger.prove(4)
        second = witness("ask", url, "--ledger", operator.path, *by(state))
        again = witness("ask", url, "--ledger", operator.path, *by(state))
    assert {item["size"] for item in first["cosignatures"]} == {4}
    assert {(item["size"], item["name"], item["new"]) for item in second["cosignatures"]} == {
        (size, "auditor.example/w1", True)
    }
    assert {item["new"] for item in again["cosignatures"]} == {False}
    with pytest.raises(ReceiptError) as caught:
        verify_receipt(early, before, subject_sha256=None)
    assert (caught.value.code, caught.value.exit_code) == ("receipt.witness-quorum", 5)
    with Ledger.open_reader(operator.path) as ledger:
        late = ledger.prove(4)
    report = verify_receipt(late, before, subject_sha256=None)
    assert [item.name for item in report.witnesses] == ["auditor.example/w1"]
    assert abs(report.witnesses[0].seconds - int((state / "witness.sqlite").stat().st_mtime)) < 60
    found = check(operator.path, trust=before)
    assert found.ok, found.findings
    assert f"1 of the 1 witnesses in the trust file cosigned the tree over {size} entries" in found.notes


def test_a_restored_backup_is_seen_by_the_witness(
    operator: Operator, state: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.grow("one")
    backup = operator.backup()
    with serving(state) as (url, _):
        operator.grow("two", "three")
        witness("ask", url, "--ledger", operator.path, *by(state))
        operator.restore(backup)
        ahead = witness("ask", url, "--ledger", operator.path, *by(state), exit_code=4)
        assert ahead["code"] == "witness.ahead"
        operator.grow("other two", "other three")
        fork = witness("ask", url, "--ledger", operator.path, *by(state), exit_code=4)
        assert fork["code"] == "witness.inconsistent"
        assert post(url, request_of(operator, 4))[::2] == (409, b"6\n")
        assert post(url, request_of(operator, 6))[0] == 422
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        connection.request("GET", checkpoint_path(operator.origin))
        anchor = connection.getresponse().read()
        connection.close()
    assert check(operator.path).ok
    assert [f.code for f in check(operator.path, anchors=[anchor]).findings] == ["ledger.fork"]
    operator.path.with_name("anchor").write_bytes(anchor)
    arguments = ["ledger", str(operator.path), "--anchor", str(operator.path.with_name("anchor"))]
    assert verifier.main(arguments) == 4
    assert "ledger.fork" in capsys.readouterr().out
    assert [(log["size"], log["refused"]) for log in witness("log", "list", "--state", state)["logs"]] == [(6, 1)]


def test_a_witness_that_dies_before_it_answers_forgets_nothing(operator: Operator, state: Path) -> None:
    dying = (
        "import os, signal; from personactl_ledger import witness_server as s; answer = s._Handler._answer",
        "s._Handler._answer = lambda self, status, *a: os.kill(os.getpid(), signal.SIGKILL) if status == 200"
        " else answer(self, status, *a)",
    )
    size = operator.grow("one")
    with serving(state, *dying) as (url, process):
        lost = witness("ask", url, "--ledger", operator.path, *by(state), exit_code=9)
        assert lost["code"] == "witness.unreachable"
        assert process.wait(20) == -9
    assert [log["size"] for log in witness("log", "list", "--state", state)["logs"]] == [size]
    with serving(state) as (url, _):
        kept = witness("ask", url, "--ledger", operator.path, *by(state))
    assert {(item["size"], item["new"]) for item in kept["cosignatures"]} == {(size, True)}


def test_many_requests_at_once_to_two_processes_with_one_memory(operator: Operator, state: Path) -> None:
    bodies = []
    for number in range(8):
        operator.grow(f"entry {number}")
        bodies.append(request_of(operator, 0))
    with serving(state) as (one, _), serving(state) as (two, _), ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(post, url, body) for body in bodies for url in (one, two)]
        answers = [item.result() for item in asked]
    good = [answer for answer in answers if answer[0] == 200]
    held = {answer[2] for answer in answers if answer[0] != 200}
    assert len(good) == 1
    assert {answer[:2] for answer in answers if answer[0] != 200} == {(409, "text/x.tlog.size")}
    (log,) = witness("log", "list", "--state", state)["logs"]
    assert held == {f"{log['size']}\n".encode()}


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_witness_is_stopped_by_a_signal(shared: tuple[Operator, Path], how: signal.Signals, code: int) -> None:
    with serving(shared[1]) as (url, process):
        idle = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=20)
        process.send_signal(how)
        assert process.wait(20) == code
        idle.close()


def test_an_answer_does_not_depend_on_somebody_reading_the_log(operator: Operator, state: Path) -> None:
    operator.grow("one")
    with serving(state) as (url, process):
        assert process.stderr is not None
        process.stderr.close()
        for _ in range(2):
            assert post(url, request_of(operator, 0))[0] in (200, 409)


def test_by_files_across_an_air_gap(operator: Operator, state: Path, tmp_path: Path) -> None:
    request, answer = tmp_path / "request", tmp_path / "answer"
    size = operator.grow("one")
    made = witness("request", "--ledger", operator.path, *by(state), "-o", request)
    assert (made["oldSize"], made["origin"]) == (0, operator.origin)
    told = witness("cosign", request, "--state", state, "-o", answer)
    assert (told["size"], told["origin"]) == (size, operator.origin)
    operator.grow("two")  # a checkpoint later than the answer does not matter
    kept = witness("add", answer, "--ledger", operator.path, *by(state))
    assert {item["size"] for item in kept["cosignatures"]} == {size}
    assert check(operator.path, anchors=[answer.read_bytes()]).anchored
    request, answer = tmp_path / "request.2", tmp_path / "answer.2"
    assert witness("request", "--ledger", operator.path, *by(state), "-o", request)["oldSize"] == size
    again = witness("cosign", request, "--state", state, "-o", answer)
    assert again["size"] == size + 1


def test_an_answer_that_was_lost_on_the_way_is_asked_for_again(operator: Operator, state: Path, tmp_path: Path) -> None:
    request, answer = tmp_path / "request", tmp_path / "answer"
    size = operator.grow("one")
    witness("request", "--ledger", operator.path, "-o", request)
    witness("cosign", request, "--state", state, "-o", answer)
    answer.unlink()
    conflict = witness("cosign", request, "--state", state, "-o", answer, exit_code=10)
    assert (conflict["code"], f"--old-size {size}" in conflict["hint"]) == ("witness.conflict", True)
    assert not answer.exists()
    request.unlink()
    witness("request", "--ledger", operator.path, "--old-size", size, "-o", request)
    witness("cosign", request, "--state", state, "-o", answer)
    witness("add", answer, "--ledger", operator.path, *by(state))


def test_the_newest_trust_entry_says_whose_cosignatures_are_taken_in(operator: Operator, state: Path) -> None:
    asked = {"quorum": 1, "vkeys": list(vkeys(state))}
    said = {"origin": operator.origin, "version": 1, "approvers": None, "witnesses": asked, "setAt": NOW}
    leaf = sign_entry(statement("trust", subject=("trust", "0" * 64), predicate=said), operator.keyset.root)
    with serving(state) as (url, _):
        operator.grow("one")
        assert witness("ask", url, "--ledger", operator.path, exit_code=2)["code"] == "witness.key-unknown"
        with Ledger.open_writer(operator.path) as ledger:
            ledger.append([Draft(leaf)], now=NOW)
        operator.grow("two")
        assert witness("ask", url, "--ledger", operator.path)["cosignatures"][0]["new"]


def test_what_is_not_right_is_not_taken_in(operator: Operator, state: Path, tmp_path: Path) -> None:
    request, answer = tmp_path / "request", tmp_path / "answer"
    operator.grow("one")
    witness("request", "--ledger", operator.path, "-o", request)
    witness("cosign", request, "--state", state, "-o", answer)
    note = parse_note(answer.read_bytes())
    flipped = tmp_path / "flipped"
    last = note.signatures[-1]
    wrong = NoteSignature(last.name, last.key_hash, last.signature[:-1] + bytes([last.signature[-1] ^ 1]))
    flipped.write_text(write_note(note.text, [*note.signatures[:-1], wrong]))
    other = Operator.found(tmp_path / "other")
    other.grow("one")
    stranger = tmp_path / "stranger"
    witness("new", "--name", "stranger.example", "--state", stranger)
    cases = [
        (flipped, operator, state, "witness.answer", 9),
        (answer, operator, stranger, "witness.answer", 9),
        (answer, other, state, "witness.other-checkpoint", 10),
        (operator.trust, operator, state, "ledger.note", 4),
    ]
    for file, target, who, code, exit_code in cases:
        refused = witness("add", file, "--ledger", target.path, *by(who), exit_code=exit_code)
        assert refused["code"] == code
        with Ledger.open_reader(target.path) as ledger:
            assert ledger.store.cosignature_lines(4) == []


def test_no_more_lines_are_kept_than_a_receipt_can_carry(operator: Operator, tmp_path: Path) -> None:
    operator.grow("one")
    with Ledger.open_writer(operator.path) as ledger:
        head = ledger.latest_checkpoint()
        assert head is not None
        refused = None
        for number in range(64):
            key = Ed25519PrivateKey.from_private_bytes(forge.secret(f"witness {number}"))
            signer = WitnessSigner(f"w{number}.example", key)
            note = head.note + "".join(map(str, signer.cosign(head, 5)))
            try:
                take_in(ledger, note, group_witnesses([str(signer.verifier_keys[0])]), now=NOW)
            except LedgerError as error:
                refused = error
                break
        assert refused is not None and refused.code == "witness.too-many"
        assert len(ledger.store.cosignature_lines(head.size)) == number
        proof = ledger.prove(3)
        assert verify_receipt(proof, trust_store.read(operator.trust).ledger, subject_sha256=None).index == 3
        assert len(parse_note(head.note).signatures) + number == 64


# --- the server against strangers -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, Path]:
    """Read only."""
    return pair(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def served(shared: tuple[Operator, Path]) -> Iterator[str]:
    with serving(shared[1]) as (url, _):
        yield url


def talk(url: str, data: bytes) -> bytes:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /witness.pem HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /../witness.pem HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /add-checkpoint HTTP/1.1\r\n\r\n", b"404"),
        (b"PUT /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"501"),
        (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_REQUEST_BYTES + 1), b"413"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 3\r\n\r\nold", b"400"),
        (b"POST /elsewhere HTTP/1.1\r\nContent-Length: 3\r\n\r\nold", b"404"),
        (b"rubbish\r\n\r\n", b"400"),
    ],
)
def test_nothing_else_is_answered(served: str, data: bytes, status: bytes) -> None:
    answer = talk(served, data)
    assert status in answer.split(b"\r\n")[0] + answer[:400]
    assert b"PRIVATE KEY" not in answer


def test_a_body_that_nobody_asked_for_is_not_the_next_request(served: str) -> None:
    inner = b"GET / HTTP/1.1\r\n\r\n"
    answer = talk(served, b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(inner), inner))
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_connection_is_kept_for_the_next_request(served: str, shared: tuple[Operator, Path]) -> None:
    connection = http.client.HTTPConnection(served.removeprefix("http://"), timeout=20)
    for _ in range(2):
        connection.request("GET", checkpoint_path(shared[0].origin))
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (404, True)
        assert not response.will_close
    connection.close()


def test_connections_that_say_nothing_do_not_keep_others_out_for_long(state: Path, operator: Operator) -> None:
    brief = "from personactl_ledger import witness_server as s; s.CONNECTION_SECONDS = 0.5; s.MAX_CONNECTIONS = 3"
    operator.grow("one")
    with serving(state, brief) as (url, _):
        host, _, port = url.removeprefix("http://").rpartition(":")
        idle = [socket.create_connection((host, int(port)), timeout=20) for _ in range(3)]
        assert [connection.recv(1) for connection in idle] == [b""] * 3  # cut by the server
        assert post(url, request_of(operator, 0))[0] == 200
        for connection in idle:
            connection.close()
