"""One writer: waiting for the lock, forks, inherited descriptors, files that are replaced under a writer."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_bench import NOW, ROOM, Bench
from personactl_ledger import Ledger, LedgerConflict, LedgerLocked, LedgerStorage, check, forking
from personactl_ledger.lock import WriterLock, writer_active

TURNS = """
import sys
from pathlib import Path
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger
keys = [forge.signer(name) for name in ("root", "operator", "run")]
bench = Bench(Path(sys.argv[1]), *keys, forge.log_signer())
for turn in range(int(sys.argv[3])):
    with Ledger.open_writer(bench.path, wait=120) as ledger:
        bench.origin = ledger.origin
        texts = [f"{sys.argv[2]} {turn} {n}" for n in range(1 + turn % 3)]
        made = ledger.append([bench.note(text) for text in texts], now=NOW)
        for index, text in zip(made, texts, strict=True):
            print(index, text, flush=True)
"""

DESCRIPTORS = """
import os
for name in os.listdir("/proc/self/fd"):
    try:
        print(os.readlink("/proc/self/fd/" + name))
    except OSError:
        pass
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOM), str(ROOM / "vectors"), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, close_fds=False)


def test_eight_processes_append_in_turns_and_all_that_they_acknowledged_is_there(bench: Bench) -> None:
    bench.create().close()
    processes = [python(TURNS, str(bench.path), str(name), "50") for name in range(8)]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    acknowledged = dict(line.split(" ", 1) for text in said for line in text.splitlines())
    assert len(acknowledged) == 8 * sum(1 + turn % 3 for turn in range(50))
    with Ledger.open_writer(bench.path) as ledger:
        found = {str(stored.index): stored.entry.predicate["text"] for stored in ledger.entries(kind="note")}
        assert found == acknowledged
        assert ledger.size == 3 + len(acknowledged)
        ledger.checkpoint(bench.log, now=NOW)
    report = check(bench.path, level="full", trust=bench.trust())
    assert report.ok, report.findings


@pytest.mark.parametrize("opening", ["open_writer", "create"])
def test_a_wait_ends_when_the_writer_goes(bench: Bench, opening: str) -> None:
    ledger = bench.create()
    outcome: list[object] = []

    def wait() -> None:
        try:
            if opening == "open_writer":
                Ledger.open_writer(bench.path, wait=60).close()
            else:
                Ledger.create(
                    bench.path, domain="example.org", development=True, root=bench.root,
                    operator_public=bench.operator.public_key, log=bench.log, now=NOW, wait=60,
                )  # fmt: skip
            outcome.append("opened")
        except LedgerConflict as error:
            outcome.append(error.code)

    thread = threading.Thread(target=wait)
    thread.start()
    ledger.append([bench.note("x")], now=NOW)
    assert outcome == []
    ledger.close()
    thread.join(60)
    assert outcome == ["opened" if opening == "open_writer" else "ledger.exists"]


def test_a_wait_that_is_too_short_ends_in_time(bench: Bench) -> None:
    with bench.create():
        start, used = time.monotonic(), time.thread_time()
        with pytest.raises(LedgerLocked) as refused:
            Ledger.open_writer(bench.path, wait=0.5)
        assert time.monotonic() - start >= 0.5
        assert time.thread_time() - used < 0.25  # it does not turn in a loop
        assert refused.value.exit_code == 75
        with pytest.raises(LedgerLocked):
            Ledger.open_writer(bench.path, wait=0)


def test_two_threads_cannot_open_two_writers(bench: Bench) -> None:
    bench.create().close()
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def open_one() -> None:
        barrier.wait(60)
        try:
            with Ledger.open_writer(bench.path, wait=0):
                outcomes.append("opened")
                barrier.wait(60)
        except LedgerLocked:
            outcomes.append("locked")
            barrier.wait(60)

    threads = [threading.Thread(target=open_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["locked", "opened"]


def in_child(call: Callable[[], None]) -> int:
    """The exit status of a forked child that runs `call`: 0 when it raised nothing."""
    child = os.fork()
    if child == 0:
        try:
            call()
            gc.collect()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_refuses_to_write_and_disturbs_nothing(bench: Bench, ledger: Ledger) -> None:
    draft = bench.note("x")

    def tries_to_write() -> None:
        for call in (
            lambda: ledger.append([draft], now=NOW),
            lambda: ledger.checkpoint(bench.log, now=NOW),
            lambda: ledger.write().__enter__(),
        ):
            with pytest.raises(LedgerLocked, match="parent of this process"):
                call()
        ledger.close()
        with pytest.raises(LedgerLocked):
            Ledger.open_writer(bench.path, wait=0)

    assert in_child(tries_to_write) == 0
    assert writer_active(bench.path)
    assert ledger.append([draft], now=NOW) == (4,)
    ledger.close()
    assert check(bench.path).ok


def test_a_child_that_lives_on_does_not_keep_the_next_writer_out(bench: Bench, ledger: Ledger) -> None:
    go, runs = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go[1])
        os.write(runs[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    try:
        os.read(runs[0], 1)
        ledger.close()
        Ledger.open_writer(bench.path, wait=0).close()
    finally:
        for descriptor in (*go, *runs):
            os.close(descriptor)
        os.waitpid(child, 0)


def test_no_fork_falls_into_the_transaction_of_another_thread(
    bench: Bench, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, asked = threading.Event(), threading.Event()

    class Asked:
        """The mutex of the ledger; `asked` is set when the fork wants it."""

        def __enter__(self) -> None:
            asked.set()
            ledger._mutex.acquire()

        def __exit__(self, *_: object) -> None:
            ledger._mutex.release()

    assert ledger._lock is not None
    monkeypatch.setitem(forking._writers, ledger._lock, Asked())

    def lingers(*_: object) -> None:
        inside.set()
        assert asked.wait(60)

    thread = threading.Thread(target=lambda: ledger.append([bench.note("x")], now=NOW, also=lingers))
    thread.start()
    assert inside.wait(60)

    def closed_with_nothing_open() -> None:
        assert not ledger._connection.in_transaction
        ledger._connection.close()

    assert in_child(closed_with_nothing_open) == 0
    thread.join(60)
    assert ledger.size == 5
    ledger.close()
    assert check(bench.path).ok


def test_a_program_that_is_started_inherits_no_descriptor(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.note("x")], now=NOW)
    process = python(DESCRIPTORS)
    said, _ = process.communicate()
    assert process.returncode == 0
    assert [line for line in said.splitlines() if "ledger.sqlite" in line] == []


def remove_lock(bench: Bench) -> None:
    bench.path.with_name(bench.path.name + ".lock").unlink()


def replace_lock(bench: Bench) -> None:
    remove_lock(bench)
    bench.path.with_name(bench.path.name + ".lock").touch()


def remove_ledger(bench: Bench) -> None:
    bench.path.rename(bench.path.with_name("elsewhere"))


def replace_ledger(bench: Bench) -> None:
    copy = bench.path.with_name("copy")
    copy.write_bytes(bench.path.read_bytes())
    copy.rename(bench.path)


@pytest.mark.parametrize("harm", [remove_lock, replace_lock, remove_ledger, replace_ledger])
def test_nothing_is_acknowledged_when_a_file_was_replaced(
    bench: Bench, ledger: Ledger, harm: Callable[[Bench], None]
) -> None:
    harm(bench)
    for call in (
        lambda: ledger.append([bench.note("x")], now=NOW),
        lambda: ledger.checkpoint(bench.log, now=NOW),
    ):
        with pytest.raises(LedgerStorage, match="removed or replaced"):
            call()
    assert ledger.size == 4
    assert ledger.latest_checkpoint() is None


def test_of_two_writers_after_a_removed_lock_file_only_the_new_one_writes(bench: Bench, ledger: Ledger) -> None:
    remove_lock(bench)
    with Ledger.open_writer(bench.path) as second:
        with pytest.raises(LedgerStorage):
            ledger.append([bench.note("first")], now=NOW)
        assert second.append([bench.note("second")], now=NOW) == (4,)
    ledger.close()
    assert check(bench.path).ok


def test_a_lock_file_that_was_replaced_while_it_was_opened_is_not_believed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    real = fcntl.flock
    path = bench.path.with_name(bench.path.name + ".lock")

    def late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        path.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    lock = WriterLock(bench.path)
    assert os.fstat(lock._descriptor).st_ino == path.stat().st_ino
    lock.release()


def test_a_ledger_is_found_again_from_another_working_directory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.create().close()
    monkeypatch.chdir(bench.path.parent)
    with Ledger.open_writer(bench.path.name) as ledger:
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        assert ledger.append([bench.note("x")], now=NOW) == (3,)
