"""Readers and checks beside a writer that works, and beside one that is killed: nobody sees half of anything."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from ledger_bench import NOW, ROOM, Bench
from personactl_ledger import Ledger, check
from test_ledger_crash import writer

READERS = 8
READER = """
import sys
from personactl_ledger import Ledger, LedgerLocked
path, before, opened, late = sys.argv[1], 0, 0, 0
print("ready", flush=True)
while opened < 12:
    try:
        with Ledger.open_reader(path) as ledger:
            size = ledger.size
            assert size >= before, f"{size} entries after {before}"
            assert ledger.entry(size - 1).index == size - 1
            head = ledger.latest_checkpoint()
            if head is not None:
                assert len(ledger.prove(head.size - 1)) > 500
            before, opened = size, opened + 1
    except LedgerLocked:
        late += 1
        assert late < 20
print(before)
"""


ON_COMMAND = """
import sys
from pathlib import Path
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger
bench = Bench(Path(sys.argv[1]), *(forge.signer(name) for name in ("root", "operator", "run")), forge.log_signer())
with Ledger.open_writer(bench.path) as ledger:
    bench.origin = ledger.origin
    for _ in sys.stdin:
        for _ in range(8):
            ledger.append([bench.note(f"entry {ledger.size} {n}") for n in range(6)], now=NOW)
            ledger.checkpoint(bench.log, now=NOW)
        print(ledger.size, flush=True)
"""


def reader(path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOM)}
    command = [sys.executable, "-c", READER, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_readers_never_notice_that_writers_are_killed(bench: Bench) -> None:
    bench.create().close()
    readers = [reader(bench.path) for _ in range(READERS)]
    for each in readers:
        assert each.stdout is not None
        each.stdout.readline()
    chance = random.Random(5)  # noqa: S311
    acknowledged, kills = 2, 0
    while kills < 4 or any(each.poll() is None for each in readers):
        kills += 1
        process = writer(bench.path)
        assert process.stdout is not None
        for _ in range(chance.randrange(2, 9)):
            acknowledged = int(process.stdout.readline() or acknowledged)
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        acknowledged = max([acknowledged, *map(int, rest.split())])
    for each in readers:
        with each:  # not communicate, which passes over what readline has buffered
            assert each.stdout is not None
            assert each.stderr is not None
            out, err = each.stdout.read(), each.stderr.read()
        assert each.returncode == 0, err
        assert int(out) >= 3
    with Ledger.open_reader(bench.path) as ledger:
        assert ledger.size > acknowledged > 2
    assert check(bench.path, trust=bench.trust()).ok


def test_a_check_beside_a_writer_finds_nothing_wrong(bench: Bench) -> None:
    with bench.create() as ledger:
        ledger.checkpoint(bench.log, now=NOW)
    command = [sys.executable, "-c", ON_COMMAND, str(bench.path)]
    paths = os.pathsep.join([str(ROOM), str(ROOM / "vectors"), str(Path(__file__).parent)])
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sizes = []
    for _ in range(15):
        process.stdin.write("go\n")
        process.stdin.flush()
        for _ in range(4):  # the writer appends meanwhile
            report = check(bench.path, trust=bench.trust())
            assert [finding for finding in report.findings if finding.severity == "error"] == []
            sizes.append(report.size)
        assert int(process.stdout.readline()) >= report.size
    process.communicate()
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
