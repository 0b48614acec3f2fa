"""A writer of a ledger is killed, or told EIO or ENOSPC, at each system call that changes a file; then another goes on.

After each: what was acknowledged is there, a batch is there whole or not at all, a survivor says exit 8, and nothing
half made is left. `bench/faults.py` tries every point; here the calls made most are sampled.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_work import BATCH, BEFORE, bench_in
from tracer import FAULTS, STRACE, Tracer, counted, spread, started

from ledger_bench import NOW  # isort: skip  (its folder is on the path through ledger_work)
from personactl_ledger import Ledger, check

pytestmark = [
    pytest.mark.debian,
    pytest.mark.slow,
    pytest.mark.skipif(STRACE is None, reason="needs the Debian package strace"),
]
CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "linkat", "link", "openat")
LINKS = ["link", "linkat"]
POINTS = {"pwrite64": 10, "fdatasync": 8, "openat": 8}
"""Calls whose points are sampled here → how many of them."""
SUFFIXES = ("", "-journal", ".lock", ".creating", ".creating-journal")


@pytest.fixture(scope="module")
def tracer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracer]:
    with started("ledger_work", tmp_path_factory.mktemp("strace")) as tracer:
        yield tracer


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger whose first tile the next batch fills."""
    bench = bench_in(tmp_path_factory.mktemp("grown"))
    with bench.create() as ledger:
        ledger.append([bench.note(f"n{number}") for number in range(BEFORE - ledger.size)], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    return bench.path.parent


def fresh(folder: Path, grown: Path | None) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    if grown is None:
        folder.mkdir()
    else:
        shutil.copytree(grown, folder)
    return folder


def watched(folder: Path) -> tuple[str, ...]:
    """Only calls about the ledger's own files and their folder."""
    paths = [folder, *(folder / f"ledger.sqlite{suffix}" for suffix in SUFFIXES)]
    return tuple(word for path in paths for word in ("-P", str(path)))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("task", ["found", "append"])
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(
    tracer: Tracer, grown: Path, tmp_path: Path, task: str, fault: str
) -> None:
    base = None if task == "found" else grown
    folder = tmp_path / "work"
    calls = counted(tracer, fresh(folder, base), CALLS, watched(folder))
    for names in (["pwrite64"], ["fdatasync"], ["unlink"], ["openat"], LINKS if task == "found" else ["ftruncate"]):
        assert sum(calls[name] for name in names), f"the work makes no {names[0]}"
    assert not calls["write"], "acknowledgements are counted as writes of the ledger"
    for call, total in calls.items():
        for point in spread(total, POINTS.get(call, total)):
            fresh(folder, base)
            inject = f"inject={call}:{FAULTS[fault]}:when={point}"
            code = tracer.run(folder, "-e", inject, *watched(folder))
            judge(folder, code, f"{task}: {fault} at {call} {point} of {total}", tracer.errors.read_text())


def judge(folder: Path, code: int, fault: str, errors: str) -> None:
    record = folder / "acknowledged"
    said = record.read_text().split() if record.exists() else []
    if "SIGKILL" in fault:
        assert code == -signal.SIGKILL, fault
    else:
        assert code in (0, 8), f"{fault}: exit {code}: {errors[-500:]}"
        assert code == 8 or said[-1:] in (["closed"], ["founded"]), f"{fault}: said nothing and did not finish"
        assert code == 0 or errors.splitlines()[-1].startswith("ledger.storage "), f"{fault}: {errors[-500:]}"
    bench = bench_in(folder)
    if bench.path.exists():
        found = [finding.code for finding in check(bench.path, level="tree").findings if finding.severity == "error"]
        assert found in ([], ["ledger.journal"]), f"{fault}: {found}"
    else:
        assert "founded" not in said, f"{fault}: an acknowledged ledger is gone"
        bench.create().close()
    go_on(folder, said, fault)


def go_on(folder: Path, said: list[str], fault: str) -> None:
    """Another process opens it, adds an entry, signs; everything is whole."""
    bench = bench_in(folder)
    with Ledger.open_writer(bench.path) as ledger:
        bench.origin = ledger.origin
        sizes = (
            {3} if fault.startswith("found") else {BEFORE + BATCH} if "appended" in said else {BEFORE, BEFORE + BATCH}
        )
        assert ledger.size in sizes, f"{fault}: {ledger.size} entries after {said}"
        signed = ledger.latest_checkpoint()
        assert "signed" not in said or (signed is not None and signed.size == BEFORE + BATCH), fault
        ledger.append([bench.note("goes on")], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    report = check(bench.path, level="index", trust=bench.trust())
    assert report.ok, f"{fault}: {report.findings}"
    left = {path.name for path in folder.iterdir()} - {"acknowledged"}
    assert left - {"ledger.sqlite.creating"} == {"ledger.sqlite", "ledger.sqlite.lock"}, f"{fault}: {left}"
