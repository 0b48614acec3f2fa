"""The rules of a witness, one broken at a time, and its memory: durable, one at a time, never smaller."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import NOW, forge
from personactl_ledger import LedgerConflict, LedgerCorrupt, LedgerMissing
from personactl_ledger.checkpoint import parse_checkpoint, sign_checkpoint
from personactl_ledger.cosignature import WitnessSigner, count_witnesses
from personactl_ledger.errors import WitnessRefused
from personactl_ledger.merkle import EMPTY_ROOT, consistency_path
from personactl_ledger.note import NoteSignature
from personactl_ledger.witness import MAX_REQUEST_BYTES, AddCheckpoint, FollowedLog, parse_request
from personactl_ledger.witness_state import FILE, MAX_REFUSED, Memory, empty_state
from witness_bench import environment

SIGNER = WitnessSigner("w.example/1", Ed25519PrivateKey.from_private_bytes(forge.secret("w")))


class Grown:
    """A forged ledger with a note at every index from 3, and requests about any of its sizes."""

    def __init__(self, size: int = 12, word: str = "entry", log: str = "log"):
        self.forge = forge.Forge()
        self.log = forge.log_signer(log)
        self.origin = self.forge.origin
        self.notes = {}
        while self.forge.growth.frontier.size < size:
            self.forge.note(f"{word} {self.forge.growth.frontier.size}")
            at = self.forge.growth.frontier.size
            root = self.forge.growth.frontier.root()
            self.notes[at] = sign_checkpoint(self.origin, at, root, self.log, now=NOW).note

    def request(self, old: int, size: int) -> AddCheckpoint:
        path = consistency_path(old, size, self.forge.store.subtree) if 0 < old <= size else ()
        return AddCheckpoint(old_size=old, proof=path, origin=self.origin, note=self.notes[size])


LEDGER, FORK = Grown(), Grown(word="another")
LOG = FollowedLog(origin=LEDGER.origin, keys=(LEDGER.log.verifier_keys(LEDGER.origin),))


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    (tmp_path / FILE).write_bytes(empty_state())
    memory = Memory(tmp_path)
    assert memory.follow(LOG, now=NOW)
    return memory


def refused(memory: Memory, request: AddCheckpoint) -> tuple[int, str]:
    with pytest.raises(WitnessRefused) as caught:
        memory.cosign(request, SIGNER, seconds=7)
    return caught.value.status, caught.value.code


def changed(request: AddCheckpoint, **what: object) -> AddCheckpoint:
    fields = {name: getattr(request, name) for name in ("old_size", "proof", "origin", "note")}
    return AddCheckpoint(**(fields | what))  # type: ignore[arg-type]


def test_a_ledger_that_grows_is_cosigned_again_and_again(memory: Memory) -> None:
    old = 0
    for size in (4, 5, 5, 8, 9, 12):
        lines = memory.cosign(LEDGER.request(old, size), SIGNER, seconds=100 + size)
        note = memory.latest(LEDGER.origin)
        assert note == LEDGER.notes[size] + lines
        assert [item.seconds for item in count_witnesses(parse_checkpoint(note), [(SIGNER.verifier_keys,)]).by] == [
            100 + size
        ]
        assert [(log.size, log.cosigned_at, log.refused) for log in memory.followed()] == [(size, 100 + size, 0)]
        old = size


def test_what_is_said_no_to_and_how(memory: Memory) -> None:
    memory.cosign(LEDGER.request(0, 6), SIGNER, seconds=1)
    good = LEDGER.request(6, 9)
    size, wrong = 9, (422, "witness.inconsistent")
    unsigned = good.note.partition("\n\n")[0] + "\n\n" + str(NoteSignature("x", b"abcd", bytes(64)))
    of_another = Grown(log="another log")
    cases = {
        "another origin": (changed(good, origin="x", note=good.note), (404, "witness.log-unknown")),
        "no signature": (changed(good, note=unsigned), (403, "witness.log-signature")),
        "a stranger's signature": (of_another.request(6, size), (403, "witness.log-signature")),
        "a flipped signature": (changed(good, note=_flipped(good.note)), (403, "witness.log-signature")),
        "an old size above the size": (changed(good, old_size=10), (400, "witness.request-malformed")),
        "a smaller tree": (LEDGER.request(5, 5), (409, "witness.conflict")),
        "an old size of nothing": (LEDGER.request(0, size), (409, "witness.conflict")),
        "another old size": (LEDGER.request(7, size), (409, "witness.conflict")),
        "a fork": (FORK.request(6, size), wrong),
        "a fork at the same size": (FORK.request(6, 6), wrong),
        "no proof": (changed(good, proof=()), wrong),
        "a hash too many": (changed(good, proof=(*good.proof, bytes(32))), wrong),
        "a hash too few": (changed(good, proof=good.proof[:-1]), wrong),
        "a proof of the same size": (changed(LEDGER.request(6, 6), proof=(bytes(32),)), wrong),
    }
    for name, (request, answer) in cases.items():
        assert refused(memory, request) == answer, name
        assert [log.size for log in memory.followed()] == [6], name
    memory.cosign(good, SIGNER, seconds=2)


def test_from_nothing_there_is_nothing_to_prove(memory: Memory) -> None:
    assert refused(memory, changed(LEDGER.request(0, 5), proof=(bytes(32),))) == (422, "witness.inconsistent")
    assert [log.cosigned_at for log in memory.followed()] == [None]


def test_the_empty_tree_has_one_root(memory: Memory) -> None:
    def empty(root: bytes) -> AddCheckpoint:
        note = sign_checkpoint(LEDGER.origin, 0, root, LEDGER.log, now=NOW).note
        return AddCheckpoint(old_size=0, proof=(), origin=LEDGER.origin, note=note)

    assert refused(memory, empty(bytes(32))) == (422, "witness.inconsistent")
    assert memory.cosign(empty(EMPTY_ROOT), SIGNER, seconds=1)
    assert memory.cosign(LEDGER.request(0, 5), SIGNER, seconds=2)


def test_a_checkpoint_with_an_extension_line_is_not_one_of_a_ledger(memory: Memory) -> None:
    text = "\n".join([LEDGER.origin, "5", b64encode(bytes(32)).decode(), "more", ""])
    key = LOG.keys[0][0]
    note = f"{text}\n{NoteSignature(key.name, key.key_hash, LEDGER.log.sign_ed25519(text.encode()))}"
    assert refused(memory, changed(LEDGER.request(0, 5), note=note)) == (400, "witness.request-malformed")


def test_lines_of_strangers_are_ignored_and_not_kept(memory: Memory) -> None:
    stranger = str(NoteSignature("stranger.example", b"abcd", bytes(72)))
    request = LEDGER.request(0, 5)
    lines = memory.cosign(changed(request, note=request.note + stranger), SIGNER, seconds=1)
    assert memory.latest(LEDGER.origin) == request.note + lines


def test_a_fork_is_kept_as_evidence_and_only_so_much_of_it(memory: Memory) -> None:
    memory.cosign(LEDGER.request(0, 6), SIGNER, seconds=1)
    refused(memory, FORK.request(6, 9))
    refused(memory, FORK.request(5, 6))  # the old size is wrong too, and two roots at one size are a fork
    refused(memory, LEDGER.request(5, 5))  # an earlier state by itself is none
    assert memory.refusals(LEDGER.origin) == [FORK.notes[6], FORK.notes[9]]
    with sqlite3.connect(memory.path) as connection:
        connection.executemany(
            "INSERT INTO refused VALUES (?, ?, x'00', 'x', 'x', 1)",
            [(LEDGER.origin, 1000 + number) for number in range(MAX_REFUSED)],
        )
    connection.close()
    refused(memory, FORK.request(6, 12))
    assert FORK.notes[12] not in memory.refusals(LEDGER.origin)


def test_other_log_keys_are_taken_only_when_told(memory: Memory) -> None:
    other = FollowedLog(origin=LEDGER.origin, keys=(forge.log_signer("another log").verifier_keys(LEDGER.origin),))
    assert memory.follow(LOG, now=NOW) is False
    with pytest.raises(LedgerConflict) as caught:
        memory.follow(other, now=NOW)
    assert caught.value.code == "witness.log-known"
    memory.cosign(LEDGER.request(0, 5), SIGNER, seconds=1)
    assert memory.follow(other, now=NOW, replace=True)
    assert refused(memory, LEDGER.request(5, 6)) == (403, "witness.log-signature")
    assert memory.cosign(Grown(log="another log").request(5, 6), SIGNER, seconds=2)


def test_a_lost_or_foreign_memory_is_not_begun_anew(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing) as caught:
        Memory(tmp_path)
    assert caught.value.code == "witness.state-missing"
    assert list(tmp_path.iterdir()) == []
    sqlite3.connect(tmp_path / FILE).execute("CREATE TABLE t (a)").connection.close()
    with pytest.raises(LedgerCorrupt) as strange:
        Memory(tmp_path)
    assert strange.value.code == "witness.state"
    (tmp_path / FILE).write_bytes(b"not a database, and longer than a header" * 9)
    with pytest.raises(LedgerCorrupt):
        Memory(tmp_path)


def test_the_memory_never_shrinks(memory: Memory) -> None:
    memory.cosign(LEDGER.request(0, 6), SIGNER, seconds=1)
    connection = sqlite3.connect(memory.path)
    for sql in ("UPDATE held SET size = 5", "DELETE FROM held"):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(sql)
    connection.close()


def test_of_two_trees_at_once_only_one_is_cosigned(memory: Memory) -> None:
    """Both extend what is held, neither extends the other: whoever comes second is refused."""
    memory.cosign(LEDGER.request(0, 3 + 1), SIGNER, seconds=1)
    trunk = Grown(4)
    left, right = _branch(trunk, "left"), _branch(trunk, "right")
    outcomes: list[object] = []
    together = threading.Barrier(2)

    def ask(request: AddCheckpoint) -> None:
        together.wait()
        try:
            outcomes.append(Memory(memory.path.parent).cosign(request, SIGNER, seconds=2))
        except WitnessRefused as error:
            outcomes.append(error.status)

    threads = [threading.Thread(target=ask, args=(request,)) for request in (left, right)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 409 in outcomes or 422 in outcomes
    assert sum(isinstance(item, str) for item in outcomes) == 1


DYING = """
import os, signal, sys
from pathlib import Path
from personactl_ledger import witness_state
from test_ledger_witness import LEDGER, SIGNER
class Dying(type(SIGNER)):
    def cosign(self, checkpoint, seconds):
        os.kill(os.getpid(), signal.SIGKILL)
signer = Dying(SIGNER.name, SIGNER._ed25519)
witness_state.Memory(Path(sys.argv[1])).cosign(LEDGER.request(4, 9), signer, seconds=2)
"""


def test_a_witness_that_dies_before_it_remembers_has_given_nothing_away(memory: Memory) -> None:
    memory.cosign(LEDGER.request(0, 4), SIGNER, seconds=1)
    command = [sys.executable, "-c", DYING, str(memory.path.parent)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [log.size for log in memory.followed()] == [4]
    assert memory.cosign(LEDGER.request(4, 9), SIGNER, seconds=3)


def _branch(trunk: Grown, word: str) -> AddCheckpoint:
    branch = Grown(4)
    branch.forge.note(word)
    root = branch.forge.growth.frontier.root()
    branch.notes[5] = sign_checkpoint(branch.origin, 5, root, branch.log, now=NOW).note
    assert trunk.notes[4] == branch.notes[4]
    return branch.request(4, 5)


def _flipped(note: str) -> str:
    head = parse_checkpoint(note)
    key = LOG.keys[0][0]
    return f"{head.body}\n{NoteSignature(key.name, key.key_hash, bytes(64))}"


# --- the request as bytes ---------------------------------------------------------------------------------------------

GOOD = LEDGER.request(5, 12)


def test_a_request_is_written_as_the_protocol_says_and_read_back() -> None:
    data = GOOD.to_bytes()
    lines = data.decode().split("\n")
    assert lines[0] == "old 5"
    assert lines[1 : 1 + len(GOOD.proof)] == [b64encode(digest).decode() for digest in GOOD.proof]
    assert lines[1 + len(GOOD.proof)] == ""
    assert "\n".join(lines[2 + len(GOOD.proof) :]) == GOOD.note
    assert parse_request(data) == GOOD
    assert parse_request(LEDGER.request(0, 4).to_bytes()).proof == ()


HASH = b64encode(bytes(32)).decode()
MALFORMED = {
    "nothing": b"",
    "no empty line": b"old 5\n" + GOOD.note.encode().replace(b"\n\n", b"\n"),
    "no checkpoint": b"old 5\n\n",
    "a leading zero": GOOD.to_bytes().replace(b"old 5", b"old 05", 1),
    "a negative size": GOOD.to_bytes().replace(b"old 5", b"old -5", 1),
    "a plus sign": GOOD.to_bytes().replace(b"old 5", b"old +5", 1),
    "two spaces": GOOD.to_bytes().replace(b"old 5", b"old  5", 1),
    "another digit": GOOD.to_bytes().replace(b"old 5", "old \u0665".encode(), 1),
    "a size of 2^63": GOOD.to_bytes().replace(b"old 5", b"old 9223372036854775808", 1),
    "a size of a thousand digits": GOOD.to_bytes().replace(b"old 5", b"old " + b"9" * 1000, 1),
    "in capitals": GOOD.to_bytes().replace(b"old 5", b"OLD 5", 1),
    "carriage returns": GOOD.to_bytes().replace(b"\n", b"\r\n"),
    "a short hash": b"old 5\nAAAA\n\n" + GOOD.note.encode(),
    "base64 without padding": f"old 5\n{HASH[:-1]}\n\n{GOOD.note}".encode(),
    "base64 with stray bits": f"old 5\n{HASH[:-2]}B=\n\n{GOOD.note}".encode(),
    "64 hashes": ("old 5\n" + f"{HASH}\n" * 64 + "\n" + GOOD.note).encode(),
    "not UTF-8": GOOD.to_bytes() + b"\xff",
    "no final newline": GOOD.to_bytes()[:-1],
    "a byte too many": GOOD.to_bytes() + b" ",
    "too long": GOOD.to_bytes() + b"x" * MAX_REQUEST_BYTES,
    "a NUL": GOOD.to_bytes().replace(b"personactl", b"person\0ctl"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_request_that_is_not_one_is_refused(what: str) -> None:
    with pytest.raises(WitnessRefused) as caught:
        parse_request(MALFORMED[what])
    assert (caught.value.status, caught.value.code) == (400, "witness.request-malformed")


def test_63_hashes_can_be_read() -> None:
    assert len(parse_request(("old 5\n" + f"{HASH}\n" * 63 + "\n" + GOOD.note).encode()).proof) == 63


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert parse_request(data).to_bytes() == data
    except WitnessRefused as error:
        assert error.status == 400


@given(st.data())
def test_a_changed_request_is_read_as_it_is_or_refused(data: st.DataObject) -> None:
    good = GOOD.to_bytes()
    start = data.draw(st.integers(0, len(good)))
    stop = data.draw(st.integers(start, min(len(good), start + 60)))
    words = [b"", b"\n", b"\n\n", b"old 5\n", b"\xe2\x80\x94 a AAAA\n", b" ", b"=", b"\x00", good[-60:]]
    pieces = st.sampled_from(words)
    mutant = good[:start] + data.draw(pieces | st.binary(max_size=8)) + good[stop:]
    try:
        assert parse_request(mutant).to_bytes() == mutant
    except WitnessRefused as error:
        assert error.status == 400
