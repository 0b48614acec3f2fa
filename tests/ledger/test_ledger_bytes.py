"""Each byte of a ledger that is in use matters: a check finds it when it changes, or it is named here with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from flips import TOLERATED, Sweep, in_use, kinds_of, opened, small_ledger, sweep
from ledger_bench import Bench
from personactl_ledger import check
from sqlite_pages import UNUSED

STRIDE = 11
"""Every eleventh byte here; `bench/faults.py bytes` takes all of them."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = small_ledger(tmp_path_factory.mktemp("bytes") / "ledger.sqlite")
    assert check(bench.path, trust=bench.trust()).exit_code == 0
    yield bench


@pytest.fixture(scope="module")
def kinds(small: Bench) -> list[str]:
    return kinds_of(small.path)


def judge(result: Sweep, kinds: list[str]) -> None:
    missed = {kinds[offset] for offset in result.missed}
    assert missed <= set(TOLERATED), sorted(missed - set(TOLERATED))
    assert not result.raised, result.raised
    assert not result.slow, result.slow


def test_the_map_knows_every_kind_of_byte(kinds: list[str]) -> None:
    assert {"gap", "free block", "overflow tail", "trunk", "trunk tail", *TOLERATED} <= set(kinds)
    assert 20_000 < len(in_use(kinds)) < len(kinds)


def test_a_changed_byte_is_found(small: Bench, kinds: list[str]) -> None:
    header, rest = list(range(100)), [offset for offset in in_use(kinds) if offset >= 100]
    judge(sweep(small.path, header + rest[::STRIDE], 0x01, small.trust()), kinds)


def test_bytes_that_nobody_reads_change_nothing(small: Bench, kinds: list[str]) -> None:
    """So the map is right about them, and no more is claimed than is checked."""
    for kind in UNUSED & set(kinds):
        offsets = [offset for offset, found in enumerate(kinds) if found == kind][::97][:40]
        result = sweep(small.path, offsets, 0xFF, small.trust())
        assert sorted(result.missed) == offsets, kind


def test_the_stand_alone_verifier_finds_changed_bytes(
    small: Bench, kinds: list[str], tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small.path.read_bytes()
    copy = tmp_path / "copy.sqlite"
    rest = [offset for offset in in_use(kinds) if offset >= 100]
    missed = set()
    for offset in [*range(100), *rest[::131]]:
        copy.write_bytes(data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :])
        if verifier.main(["ledger", str(copy)]) == 0:
            missed.add(kinds[offset])
    capsys.readouterr()
    assert missed <= set(TOLERATED)


def test_opening_a_changed_file_gives_what_it_says_or_an_error_of_the_ledger(
    small: Bench, kinds: list[str], tmp_path: Path
) -> None:
    data = small.path.read_bytes()
    copy = tmp_path / "copy.sqlite"
    for offset in in_use(kinds)[::127]:
        copy.write_bytes(data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1 :])
        assert opened(copy) == "ok" or opened(copy).startswith("ledger."), offset


def test_a_file_cut_or_lengthened_anywhere_is_found(small: Bench, tmp_path: Path) -> None:
    data = small.path.read_bytes()
    copy = tmp_path / "copy.sqlite"
    lengths = [*range(4096, len(data), 4096), len(data) - 1, 4096 * 3 + 100]
    for changed in [*(data[:length] for length in lengths), data + b"x", data + bytes(4096)]:
        copy.write_bytes(changed)
        assert [finding.code for finding in check(copy).findings] == ["ledger.file-length"]
        assert opened(copy) == "ledger.file-length"
