"""Whatever stands under the ledger's name: each reader and each command says what it is, soon, and none falls over."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, Bench
from odd_files import INSIDE, SAID_TO_BE, Odd, with_a_value_of
from personactl_ledger import Draft, Ledger, LedgerError, check, seal

from personactl import explain
from personactl.cli import execute as command_line

LONGEST = 1.0
"""Seconds of processor time for each reader of a small file."""


@pytest.fixture
def ledger_file(bench: Bench) -> Path:
    """A good one with a run, a sealed value and a checkpoint."""
    with bench.create() as ledger:
        ledger.append([bench.run_open()], now=NOW)
        value = seal("prompt", "a red coat", bytes(32))
        ledger.append([Draft(bench.output("rain", sealed={"prompt": value.commitment}).leaf, (value,))], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    return bench.path


def soon(call: Callable[[], object]) -> object:
    started = time.process_time()
    try:
        return call()
    finally:
        assert time.process_time() - started < LONGEST


def first_code(path: Path) -> tuple[str, int]:
    """What a check says, as a finding or as an error."""
    try:
        report = check(path)
    except LedgerError as error:
        return error.code, error.exit_code
    return report.findings[0].code, report.exit_code


def opening(path: Path, open_it: Callable[[Path], Ledger]) -> str:
    try:
        with open_it(path) as ledger:
            for entry in ledger.entries():
                ledger.unseal(entry.index)
            ledger.latest_checkpoint()
    except LedgerError as error:
        assert error.message
        assert error.where == str(path) or error.where.startswith(str(path))
        return error.code
    return "opens"


@pytest.mark.parametrize("name", SAID_TO_BE)
def test_every_reader_says_what_stands_there(
    ledger_file: Path, name: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = SAID_TO_BE[name]
    odd.change(ledger_file)
    assert soon(lambda: first_code(ledger_file)) == (odd.code, odd.exit_code)
    for open_it in (Ledger.open_reader, Ledger.open_writer):
        assert soon(lambda open_it=open_it: opening(ledger_file, open_it)) == odd.code  # type: ignore[misc]
    assert verifier.main(["ledger", str(ledger_file)]) == odd.exit_code
    assert f"[{odd.code}]" in capsys.readouterr().out
    assert odd.code in explain.codes()


@pytest.mark.parametrize("name", INSIDE)
def test_every_reader_gets_through_what_is_inside(
    ledger_file: Path, name: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = INSIDE[name]
    odd.change(ledger_file)
    assert soon(lambda: first_code(ledger_file)) == (odd.code, odd.exit_code)
    said = soon(lambda: opening(ledger_file, Ledger.open_reader))
    assert said == (odd.opening or odd.code) or (odd.opening == "opens" and str(said).startswith("ledger."))
    assert soon(lambda: verifier.main(["ledger", str(ledger_file)])) == 4
    assert "[ledger." in capsys.readouterr().out
    assert odd.code in explain.codes()


@pytest.mark.parametrize("name", [*SAID_TO_BE, *INSIDE])
def test_no_command_falls_over(ledger_file: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd: Odd = (SAID_TO_BE | INSIDE)[name]
    odd.change(ledger_file)
    at = ["--ledger", str(ledger_file)]
    for command in (["log", *at], ["show", "4", *at], ["prove", "4", *at], ["prove", "4", *at, "--json"]):
        code = soon(lambda command=command: command_line(["ledger", *command]))  # type: ignore[misc]
        assert code in (0, 2, 4), command
        assert code == odd.exit_code or odd.opening
    assert soon(lambda: command_line(["ledger", "check", *at])) == odd.exit_code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert odd.code in said.out + said.err


def test_memory_stays_bounded_whatever_is_in_a_row(
    ledger_file: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with_a_value_of("leaf", 64)(ledger_file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first_code(ledger_file)
    opening(ledger_file, Ledger.open_reader)
    verifier.main(["ledger", str(ledger_file)])
    capsys.readouterr()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 32 << 10, "kilobytes; the value has 65,536"


@pytest.fixture
def as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_file_that_may_not_be_read_is_an_environment_problem(
    bench: Bench, verifier: ModuleType, as_nobody: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        path.touch(mode=0)
        for call in (Ledger.open_reader, Ledger.open_writer, check):
            with pytest.raises(LedgerError, match="Permission denied") as caught:
                call(path)
            assert (caught.value.code, caught.value.exit_code) == ("ledger.storage", 8)
        assert command_line(["ledger", "check", "--ledger", str(path)]) == 8
        Path(folder).chmod(0)
        with pytest.raises(LedgerError, match="Permission denied"):
            check(path)
        assert verifier.main(["ledger", str(path)]) == 2
        Path(folder).chmod(0o700)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x" * 300, "a/b", "nul\0byte"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    for call in (Ledger.open_reader, Ledger.open_writer, check):
        with pytest.raises(LedgerError):
            call(tmp_path / name)


def test_a_clock_that_went_back_is_a_warning_and_one_from_the_future_is_kept(bench: Bench) -> None:
    with bench.create() as ledger:
        ledger.append([bench.note("a")], now="2999-01-01T00:00:00Z")
        ledger.append([bench.note("b")], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    report = check(bench.path)
    assert (report.exit_code, [(f.code, f.index, f.severity) for f in report.findings]) == (
        0,
        [("ledger.clock", 4, "warning")],
    )
