"""A writer that dies: what it acknowledged is there, nothing is half there, the next writer goes on at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import Ledger, LedgerCorrupt, LedgerLocked, check

WRITER = """
import sys
from collections.abc import Callable
from pathlib import Path
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger
keys = [forge.signer(name) for name in ("root", "operator", "run")]
bench = Bench(Path(sys.argv[1]), *keys, forge.log_signer())
with Ledger.open_writer(bench.path) as ledger:
    bench.origin = ledger.origin
    while True:
        start = ledger.size
        made = ledger.append([bench.note(f"entry {start + n} " + "x" * 500) for n in range(1 + start % 40)], now=NOW)
        print(made[-1], flush=True)
        if start % 5 == 0:
            ledger.checkpoint(bench.log, now=NOW)
"""


def writer(path: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOM), str(ROOM / "vectors"), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", WRITER, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_killed_writers_lose_nothing_that_they_acknowledged(bench: Bench) -> None:
    bench.create().close()
    chance = random.Random(1)  # noqa: S311
    for _ in range(4):
        process = writer(bench.path)
        assert process.stdout is not None
        acknowledged = -1
        for _ in range(chance.randrange(3, 12)):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        acknowledged = max([acknowledged, *map(int, rest.split())])
        with Ledger.open_writer(bench.path) as ledger:
            assert ledger.size > acknowledged
            ledger.checkpoint(bench.log, now=NOW)
        report = check(bench.path, level="index", trust=bench.trust())
        assert report.ok, report.findings
        assert report.size > 3


@pytest.mark.parametrize("opening", [Ledger.open_writer, Ledger.open_reader])
def test_what_a_dead_writer_left_is_a_finding_until_the_ledger_is_opened_again(
    bench: Bench, tmp_path: Path, opening: Callable[[Path], Ledger]
) -> None:
    bench.create().close()
    ledger = Ledger.open_writer(bench.path)
    size = ledger.size
    connection = ledger._connection
    connection.execute("PRAGMA cache_size = 1")  # spills into the file before the commit, as a large batch would
    connection.execute("BEGIN IMMEDIATE")
    for number in range(300):
        connection.execute("INSERT INTO sealed VALUES (0, ?, zeroblob(32), ?)", (f"f{number}", "x" * 900))
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("ledger.sqlite", "ledger.sqlite-journal"):
        (copy / name).write_bytes((bench.path.parent / name).read_bytes())
    connection.execute("ROLLBACK")
    ledger.close()
    report = check(copy / "ledger.sqlite")
    assert [finding.code for finding in report.findings] == ["ledger.journal"]
    with opening(copy / "ledger.sqlite") as healed:
        assert healed.size == size
    assert check(copy / "ledger.sqlite").ok
    assert [path.name for path in copy.iterdir() if path.name.endswith("journal")] == []


def test_two_writers_in_two_processes(bench: Bench) -> None:
    bench.create().close()
    process = writer(bench.path)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LedgerLocked):
            Ledger.open_writer(bench.path)
        with Ledger.open_reader(bench.path) as reader:
            assert reader.size > 3
    finally:
        process.kill()
        process.communicate()
    Ledger.open_writer(bench.path).close()


def test_a_torn_copy_is_corrupt(bench: Bench, tmp_path: Path) -> None:
    bench.create().close()
    torn = tmp_path / "torn.sqlite"
    torn.write_bytes(bench.path.read_bytes()[: 4096 * 10])
    with pytest.raises(LedgerCorrupt):
        Ledger.open_reader(torn)
    report = check(torn)
    assert not report.ok
    assert report.exit_code == 4


class Histories(RuleBasedStateMachine):
    """Appends, aborted appends, checkpoints and reopenings in any order, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        keys = [forge.signer(name) for name in ("root", "operator", "run")]
        self.bench = Bench(Path(self.folder.name) / "ledger.sqlite", *keys, forge.log_signer())
        self.leaves: list[bytes] = []
        self.count = 0

    @initialize()
    def found(self) -> None:
        self.ledger = self.bench.create()
        self.leaves = [stored.entry.leaf for stored in self.ledger.entries()]

    @rule(number=st.integers(1, 90))
    def append(self, number: int) -> None:
        drafts = []
        for _ in range(number):
            self.count += 1
            drafts.append(self.bench.note(f"n{self.count}"))
        first = len(self.leaves)
        assert self.ledger.append(drafts, now=NOW) == tuple(range(first, first + number))
        self.leaves += [draft.leaf for draft in drafts]

    @rule(number=st.integers(0, 5))
    def append_with_a_wrong_one(self, number: int) -> None:
        drafts = [self.bench.note(f"never {self.count} {n}") for n in range(number)]
        drafts.append(self.bench.draft("note", forge.signer("stranger")))
        with pytest.raises(Exception, match="not enrolled"):
            self.ledger.append(drafts, now=NOW)

    @rule()
    def checkpoint(self) -> None:
        assert self.ledger.checkpoint(self.bench.log, now=NOW).size == len(self.leaves)

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open_writer(self.bench.path)

    @invariant()
    def the_file_says_what_was_acknowledged(self) -> None:
        assert self.ledger.size == len(self.leaves)
        assert self.ledger.entry(len(self.leaves) - 1).entry.leaf == self.leaves[-1]

    def teardown(self) -> None:
        self.ledger.close()
        report = check(self.bench.path, level="index")
        assert report.ok, report.findings
        with Ledger.open_reader(self.bench.path) as reader:
            assert [stored.entry.leaf for stored in reader.entries()] == self.leaves
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
