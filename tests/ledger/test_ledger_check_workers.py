"""A check by several processes: the same report, and an error rather than a shorter one when a process ends early."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import CheckReport, Draft, Ledger, LedgerError, LedgerStorage, check, check_workers, seal
from personactl_ledger.check_workers import Work

VECTORS = ROOM / "vectors"
NAMES = sorted(
    path.parent.name
    for path in VECTORS.glob("*/vector.json")
    if json.loads(path.read_text(encoding="utf-8"))["reader"] == "ledger"
)
LEVELS = ("tree", "index", "full")
TAMPERED = {
    "hash": "UPDATE entry SET leaf_hash = randomblob(32) WHERE idx IN (40, 900);",
    "column": "UPDATE entry SET subject_name = 'x' WHERE idx % 400 = 7; UPDATE entry SET run = NULL WHERE idx = 1300;",
    "sealed": "UPDATE sealed SET value = 'x' WHERE idx % 300 = 2; DELETE FROM sealed WHERE idx = 1402;",
    "tile": "UPDATE tile SET root = zeroblob(32) WHERE idx IN (0, 3); DELETE FROM tile WHERE idx = 4;",
    "clock": "UPDATE entry SET appended_at = '2020-01-01T00:00:00Z' WHERE idx IN (257, 256, 1024, 1400);",
    "certifier": "UPDATE entry SET certifies = NULL WHERE idx = 3;",
    "gap": "DELETE FROM sealed WHERE idx = 700; DELETE FROM entry WHERE idx = 700;",
    "text": "UPDATE entry SET run = CAST(X'ff' AS TEXT) WHERE idx = 1100; UPDATE entry SET kind = 'x' WHERE idx = 20;",
    "nothing": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """1,500 entries: outputs, notes with sealed values, rule violations in several places, two checkpoints."""
    keys = [forge.signer(name) for name in ("root", "operator", "run")]
    bench = Bench(tmp_path_factory.mktemp("large") / "ledger.sqlite", *keys, forge.log_signer())
    with bench.create() as ledger:
        ledger.append([bench.run_open(planned=2000)], now=NOW)
        for start in range(4, 1500, 100):
            drafts = [bench.output(f"n{n}") for n in range(start, min(start + 98, 1498))]
            value = seal("text", f"value {start}")
            drafts.append(Draft(bench.draft("note", bench.operator, sealed={"text": value.commitment}).leaf, (value,)))
            drafts.append(bench.void(f"n{start}", start))
            ledger.append(drafts, now=NOW)
            if start == 704:
                ledger.checkpoint(bench.log, now=NOW)
        with ledger.write() as store:  # what no writer would append: a wrong signature, a job done twice, no run
            forged = forge.wrong_signature(
                forge.parse_entry(bench.output("wrong").leaf).payload, bench.run.key_id, bench.operator
            )
            again = bench.output("n50", entryId=forge.hex32("again")).leaf
            for leaf in (forged, again, bench.output("lost", run="r-9").leaf, bench.void("n5", 9).leaf):
                entry = forge.parse_entry(leaf)
                store.insert(store.size(), entry, NOW)
    return bench


def copied(bench: Bench, tmp_path: Path, sql: str) -> Path:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(bench.path.read_bytes())
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(forge.tamper(sql))
    connection.close()
    return path


def report(path: Path, level: str, workers: int, **more: Any) -> CheckReport:
    return check(path, level=level, workers=workers, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", TAMPERED)
def test_the_number_of_processes_does_not_change_the_report(
    large: Bench, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copied(large, tmp_path, TAMPERED[what])
    monkeypatch.setattr(check_workers, "SPAN", 256)
    for level in LEVELS if what in ("column", "nothing") else ("full",):
        alone = report(path, level, 1)
        assert report(path, level, 3) == alone
        assert alone.exit_code == 4 or level == "tree"
        codes = {finding.code for finding in alone.findings}
        if what == "nothing" and level == "full":
            assert codes >= {"ledger.signature", "ledger.job-key-twice", "ledger.run-unknown", "ledger.void-target"}


@pytest.mark.parametrize("name", NAMES)
def test_vectors_give_the_same_report_in_spans_of_any_length(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = forge.load(VECTORS / name, tmp_path / "ledger.sqlite")
    whole = {level: report(path, level, 1) for level in LEVELS}
    for span in (3, 7):
        monkeypatch.setattr(check_workers, "SPAN", span)
        assert {level: report(path, level, 1) for level in LEVELS} == whole
    if whole["full"].size >= 256:
        monkeypatch.setattr(check_workers, "SPAN", 100)
        assert {level: report(path, level, 2) for level in LEVELS} == whole


def test_there_is_a_vector_that_several_processes_share(tmp_path: Path) -> None:
    sizes = [check(forge.load(VECTORS / name, tmp_path / name), level="tree").size for name in ("ledger-tiles",)]
    assert sizes[0] >= 256


def test_little_work_starts_no_process(large: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_workers, "_START", "this is no Python")
    assert check(large.path).size == 1504
    assert report(large.path, "full", 8).size == 1504, "one span needs one process"


BEGIN = "import os, sys; sys.path[:] = {path!r}; from personactl_ledger import check_workers as c\n"
DIE = "os.kill(os.getpid(), 9)"
DYING = {
    "at once": f"{BEGIN}{DIE}",
    "in a frame": f"{BEGIN}sys.stdin.readline(); os.write(1, (99).to_bytes(8, 'big') + b'x'); {DIE}",
    "after a span": f"{BEGIN}send = c._send\ndef once(*given): send(*given); {DIE}\nc._send = once; c.work()",
    "politely": f"{BEGIN}sys.stdin.readline()",
}


@pytest.mark.parametrize("how", DYING)
def test_a_worker_that_dies_is_an_error_and_no_report(large: Bench, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_workers, "SPAN", 256)
    monkeypatch.setattr(check_workers, "_START", DYING[how])
    with pytest.raises(LedgerStorage) as stopped:
        report(large.path, "tree", 2)
    assert (stopped.value.code, stopped.value.exit_code) == ("ledger.check-worker", 8)
    assert children() == []


def test_a_bug_in_a_worker_is_shown_as_one(large: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_workers, "SPAN", 256)
    broken = BEGIN + "c._scan = 7; c.work()"
    monkeypatch.setattr(check_workers, "_START", broken)
    with pytest.raises(RuntimeError, match="'int' object is not callable"):
        report(large.path, "tree", 2)


def test_a_file_that_is_replaced_meanwhile_is_refused(large: Bench) -> None:
    order = {"path": os.fsencode(large.path).hex(), "file": [0, 0], "level": "tree", "loose": [], "spans": [(0, 10)]}
    with pytest.raises(LedgerStorage, match="replaced"):
        list(check_workers._scan(order))


def test_what_a_worker_refuses_is_raised_here(large: Bench, tmp_path: Path) -> None:
    path = copied(large, tmp_path, "")
    shared = check_workers._shared(Work(path, "tree", 0, 1504), 2)
    path.with_name(path.name + "-wal").write_bytes(b"x" * 4096)
    with pytest.raises(LedgerError) as refused:
        list(shared)
    assert refused.value.code == "ledger.journal"


def test_threads_may_check_at_the_same_time(large: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_workers, "SPAN", 512)
    found: list[CheckReport] = []
    threads = [threading.Thread(target=lambda: found.append(report(large.path, "index", 2))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [report(large.path, "index", 1)] * 2


SCRIPT = """
import os, signal, sys
from pathlib import Path
from personactl_ledger import check, check_workers

check_workers.SPAN = 256
open_connection = __import__("sqlite3").connect(sys.argv[1])

def stop(done, total):
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    if sys.argv[2] == "stop":
        os.kill(os.getpid(), signal.SIGINT)

print(check(Path(sys.argv[1]), workers=2, level="tree", progress=stop).size)
"""


def script(path: Path, tmp_path: Path, word: str) -> subprocess.CompletedProcess[str]:
    place = tmp_path / "unguarded.py"
    place.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, str(place), str(path), word]
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL, timeout=120
    )


def test_a_script_without_a_guard_and_without_input_may_check(large: Bench, tmp_path: Path) -> None:
    done = script(large.path, tmp_path, "go on")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "1504"


def test_ctrl_c_ends_the_workers_too(large: Bench, tmp_path: Path) -> None:
    done = script(large.path, tmp_path, "stop")
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stderr
    workers = done.stdout.splitlines()[0].split()
    assert len(workers) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = {folders!r}
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger
bench = Bench(Path({path!r}), *[forge.signer(name) for name in ("root", "operator", "run")], forge.log_signer())
with Ledger.open_writer(bench.path) as ledger:
    bench.origin = ledger.origin
    while not Path({stop!r}).exists():
        size = ledger.size
        ledger.append([bench.output(f"live {{size + n}}") for n in range(30)], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
        print(size, flush=True)
"""


def test_a_live_ledger_is_good_at_all_levels_by_several_processes_and_from_a_kept_checkpoint(
    bench: Bench, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_workers, "SPAN", 256)
    ledger.append([bench.output(f"before {n}") for n in range(600)], now=NOW)
    kept = ledger.checkpoint(bench.log, now=NOW).note.encode()
    ledger.close()
    stop = tmp_path / "stop"
    folders = [str(Path(__file__).parent), str(ROOM)]
    code = WRITER.format(folders=folders, path=str(bench.path), stop=str(stop))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        try:
            writer.stdout.readline()
            sizes = []
            for level in LEVELS:
                for since in (None, kept):
                    live = report(bench.path, level, 2, since=since)
                    assert (live.ok, live.findings) == (True, ())
                    assert live.since == (None if since is None else 604)
                    sizes.append(live.size)
        finally:
            stop.touch()
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0] > 604


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
