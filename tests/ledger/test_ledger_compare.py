"""Two parties lay what they hold of one log side by side."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import FormatError, Ledger, LedgerError, LedgerTrust
from personactl_ledger.compare import Comparison, compare, read_side
from personactl_ledger.merkle import consistency_path, consistent, perfect_root, range_root
from personactl_ledger.misbehaviour import verify_misbehaviour


class Room:
    """A ledger of 8 entries that was copied at 6 (both signed), and whose copy then went its own way to 11."""

    def __init__(self, bench: Bench, folder: Path):
        self.folder, self.trust = folder, bench.trust()
        self.ours, self.theirs, self.early = folder / "ledger.sqlite", folder / "theirs.sqlite", folder / "early.sqlite"
        with Ledger.open_writer(self.ours) as book:
            book.append([bench.output("rain"), bench.note("six")], now=NOW)
            self.save("at6.txt", book.checkpoint(bench.log, now=NOW).note)
        shutil.copy(self.ours, self.theirs)
        shutil.copy(self.ours, self.early)
        with Ledger.open_writer(self.ours) as book:
            book.append([bench.note("ours"), bench.note("eight")], now=NOW)
            self.save("ours8.txt", book.checkpoint(bench.log, now=NOW).note)
            self.save("ours.receipt", book.prove(4).decode())
        with Ledger.open_writer(self.theirs) as book:
            book.append([bench.note(f"theirs {n}") for n in range(2)], now=NOW)
            self.save("theirs8.txt", book.checkpoint(bench.log, now=NOW).note)
            book.append([bench.note(f"theirs again {n}") for n in range(3)], now=NOW)
            self.save("theirs11.txt", book.checkpoint(bench.log, now=NOW).note)
            self.save("theirs.receipt", book.prove(4).decode())
            self.save("theirs.proof", json.loads(book.prove(4))["proof"])

    def save(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def compare(self, a: str, b: str, trust: LedgerTrust | None = None) -> Comparison:
        return compare(read_side(self.folder / a), read_side(self.folder / b), trust=trust or self.trust)


@pytest.fixture
def room(bench: Bench, ledger: Ledger, tmp_path: Path) -> Room:
    ledger.close()
    return Room(bench, tmp_path)


@pytest.mark.parametrize(
    ("a", "b", "sizes"),
    [
        ("ledger.sqlite", "ledger.sqlite", (8, 8)), ("ledger.sqlite", "early.sqlite", (8, 6)),
        ("early.sqlite", "theirs.sqlite", (6, 11)), ("ledger.sqlite", "at6.txt", (8, 6)),
        ("ours.receipt", "ledger.sqlite", (8, 8)), ("ours.receipt", "ours8.txt", (8, 8)),
        ("theirs.proof", "theirs.sqlite", (11, 11)), ("theirs8.txt", "theirs.sqlite", (8, 11)),
    ],
)  # fmt: skip
def test_one_history(a: str, b: str, sizes: tuple[int, int], room: Room) -> None:
    found = room.compare(a, b)
    assert (found.verdict, found.exit_code, found.sizes, found.proof) == ("same", 0, sizes, None)


@pytest.mark.parametrize(
    ("a", "b"), [("at6.txt", "ours8.txt"), ("early.sqlite", "ours.receipt"), ("theirs11.txt", "ledger.sqlite")]
)
def test_what_cannot_be_told_is_said_with_what_would_help(a: str, b: str, room: Room) -> None:
    found = room.compare(a, b)
    assert (found.verdict, found.exit_code, found.proof) == ("unknown", 10, None)
    assert any("bring" in note for note in found.notes)


def test_another_ledger_is_not_compared(room: Room, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(forge.Forge().checkpoint(), encoding="utf-8")
    found = compare(read_side(room.ours), read_side(tmp_path / "other.txt"))
    assert (found.verdict, found.exit_code) == ("unknown", 10)


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        ("ledger.sqlite", "theirs.sqlite", 6), ("theirs.sqlite", "ledger.sqlite", 6),
        ("ours8.txt", "theirs.sqlite", None), ("theirs.sqlite", "ours.receipt", None),
        ("ours8.txt", "theirs8.txt", None), ("theirs8.txt", "ledger.sqlite", None),
        ("ours.receipt", "theirs8.txt", None),
    ],
)  # fmt: skip
def test_two_histories_give_a_portable_proof(a: str, b: str, difference: int | None, room: Room) -> None:
    found = room.compare(a, b)
    assert (found.verdict, found.exit_code, found.first_difference) == ("inconsistent", 4, difference)
    assert found.proof is not None
    assert verify_misbehaviour(found.proof.to_bytes(), room.trust).holds


def test_a_difference_that_nobody_signed_is_no_proof(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    shutil.copy(bench.path, tmp_path / "twin.sqlite")
    for path, text in ((bench.path, "one"), (tmp_path / "twin.sqlite", "two")):
        with Ledger.open_writer(path) as book:
            book.append([bench.note(text)], now=NOW)
    found = compare(read_side(bench.path), read_side(tmp_path / "twin.sqlite"), trust=bench.trust())
    assert (found.verdict, found.first_difference, found.proof) == ("inconsistent", 4, None)
    assert any("no portable proof" in note for note in found.notes)


def test_a_ledger_that_nobody_signed_is_not_trusted(bench: Bench, ledger: Ledger) -> None:
    ledger.close()
    found = compare(read_side(bench.path), read_side(bench.path), trust=bench.trust())
    assert (found.verdict, found.exit_code) == ("same", 5)
    assert compare(read_side(bench.path), read_side(bench.path)).exit_code == 0


def test_a_forged_checkpoint_is_no_misbehaviour_of_the_log(room: Room, bench: Bench) -> None:
    from personactl_ledger.checkpoint import sign_checkpoint

    forged = sign_checkpoint(bench.origin, 8, bytes(32), forge.log_signer("stranger"), now=NOW)
    room.save("forged.txt", forged.note)
    found = room.compare("forged.txt", "ledger.sqlite")
    assert (found.exit_code, found.untrusted, found.proof) == (5, (str(room.folder / "forged.txt"),), None)
    unknown = compare(read_side(room.folder / "forged.txt"), read_side(room.ours))
    assert (unknown.exit_code, unknown.proof) == (4, None)


def test_tiles_and_columns_of_a_file_are_not_believed(room: Room) -> None:
    connection = sqlite3.connect(room.ours)
    connection.executescript(forge.tamper("UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 2;"))
    connection.close()
    assert room.compare("ledger.sqlite", "ours8.txt").verdict == "same"


@pytest.mark.parametrize("data", [b"", b"{}", b"rubbish\n", b"SQLite format 3\x00" + bytes(200), b"{" * 2_000_000])
def test_hostile_inputs_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(LedgerError) as caught:
        read_side(tmp_path / "x")
    assert caught.value.exit_code == 4


def test_a_proof_needs_a_trust_file(room: Room) -> None:
    found = room.compare("ours8.txt", "theirs.sqlite")
    assert found.proof is not None
    with pytest.raises(LedgerError) as caught:
        verify_misbehaviour(found.proof.to_bytes(), None)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.misbehaviour-untrusted", 5)
    with pytest.raises(FormatError):
        verify_misbehaviour(found.proof.to_bytes() * 2, room.trust)


def test_both_readers_of_consistency_paths_agree_on_right_and_wrong_ones(verifier: ModuleType) -> None:
    hashes = [bytes([number]) * 32 for number in range(20)]
    buffer = b"".join(hashes)

    def subtree(level: int, index: int) -> bytes:
        return perfect_root(buffer[(index << level) * 32 : ((index + 1) << level) * 32])

    for new in range(1, 21):
        for old in range(1, new + 1):
            first, second = (range_root(0, size, subtree) for size in (old, new))
            path = list(consistency_path(old, new, subtree))
            wrong = [path[:-1], [*path, hashes[0]], path[::-1], [hashes[3], *path[1:]]]
            for candidate in [path, *(item for item in wrong if item != path)]:
                held = consistent(old, new, first, second, candidate)
                assert held == (candidate == path), (old, new)
                assert (verifier.unfold(old, new, first, candidate) == (first, second)) == held, (old, new)


def test_a_proof_of_misbehaviour_is_no_side_but_has_its_own_way(room: Room) -> None:
    found = room.compare("ledger.sqlite", "theirs.sqlite")
    assert found.proof is not None
    (room.folder / "proof.json").write_bytes(found.proof.to_bytes())
    with pytest.raises(LedgerError) as caught:
        room.compare("proof.json", "ledger.sqlite")
    assert (caught.value.code, caught.value.exit_code) == ("ledger.compare-input", 2)
    assert "--proof" in (caught.value.hint or "")
