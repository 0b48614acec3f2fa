"""Callers that meet share a transaction: dense places, errors of their own, one fate on the disk (group.py)."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import Draft, EntryRefused, Ledger, LedgerConflict, LedgerStorage, check
from personactl_ledger.store import Store

READER = """
import sys
from personactl_ledger import Ledger
with Ledger.open_reader(sys.argv[1]) as ledger:
    for stored in ledger.entries(kind="note"):
        print(stored.index, stored.entry.predicate["text"])
"""


class CountedQueue(deque[Any]):
    """The group's queue; `arrived` is released for every call that queues."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = threading.Semaphore(0)

    def append(self, call: Any) -> None:
        super().append(call)
        self.arrived.release()

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self.arrived.acquire(timeout=60)


@pytest.fixture
def queue(ledger: Ledger) -> CountedQueue:
    ledger._group._waiting = CountedQueue()
    return ledger._group._waiting


@pytest.fixture
def statements(ledger: Ledger) -> list[str]:
    """What SQLite is asked to do, in order."""
    run: list[str] = []
    ledger._connection.set_trace_callback(run.append)
    return run


@contextmanager
def meeting(
    ledger: Ledger, queue: CountedQueue, calls: list[Callable[[], tuple[int, ...]]]
) -> Iterator[list[Future[tuple[int, ...]]]]:
    """The calls wait in the queue, in this order, while the block runs. Their futures are done afterwards.

    The first of them leads.
    """
    with ThreadPoolExecutor(len(calls)) as pool, ledger._mutex:
        futures = []
        for call in calls:
            futures.append(pool.submit(call))
            queue.wait_for(1)
        yield futures


@contextmanager
def led_from_here(
    ledger: Ledger, queue: CountedQueue, calls: list[Callable[[], tuple[int, ...]]]
) -> Iterator[list[Future[tuple[int, ...]]]]:
    """The block appends once: it leads, and its call stands before `calls`. Their futures are done afterwards."""
    futures: list[Future[tuple[int, ...]]] = []
    held = threading.Event()

    def hold() -> None:
        with ledger._mutex:
            held.set()
            queue.wait_for(1)
            for call in calls:
                futures.append(pool.submit(call))
                queue.wait_for(1)

    with ThreadPoolExecutor(len(calls) + 1) as pool:
        holding = pool.submit(hold)
        assert held.wait(60)
        yield futures
        holding.result()


@pytest.fixture
def interrupts() -> Iterator[None]:
    """The first SIGINT raises KeyboardInterrupt, also where the tests were started in the background."""
    left = [KeyboardInterrupt]

    def handler(number: int, frame: object) -> None:
        if left:
            raise left.pop()

    before = signal.signal(signal.SIGINT, handler)
    yield
    signal.signal(signal.SIGINT, before)


def appending(ledger: Ledger, *drafts: Draft, **more: Any) -> Callable[[], tuple[int, ...]]:
    return lambda: ledger.append(drafts, now=NOW, **more)


def read_elsewhere(path: Path) -> dict[int, str]:
    """The notes as another process sees them now."""
    environment = {**os.environ, "PYTHONPATH": str(ROOM)}
    command = [sys.executable, "-c", READER, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    pairs = (line.split(" ", 1) for line in said.splitlines())
    return {int(index): text for index, text in pairs}


def test_many_threads_get_dense_places_and_all_is_on_the_disk(bench: Bench, ledger: Ledger) -> None:
    def work(name: int) -> dict[int, str]:
        kept = {}
        for turn in range(12):
            texts = [f"{name}-{turn}-{n}" for n in range(1 + (name + turn) % 3)]
            indexes = ledger.append([bench.note(text) for text in texts], now=NOW)
            assert indexes == tuple(range(indexes[0], indexes[0] + len(texts)))
            kept |= dict(zip(indexes, texts, strict=True))
        return kept

    with ThreadPoolExecutor(8) as pool:
        acknowledged = {index: text for kept in pool.map(work, range(8)) for index, text in kept.items()}
    assert sorted(acknowledged) == list(range(4, 4 + len(acknowledged)))
    assert read_elsewhere(bench.path) == acknowledged
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    assert check(bench.path, level="full", trust=bench.trust()).ok


def test_those_who_wait_share_one_commit_in_the_order_of_the_queue(
    bench: Bench, ledger: Ledger, queue: CountedQueue, statements: list[str]
) -> None:
    calls = [appending(ledger, bench.note(f"{n}"), bench.note(f"{n}b")) for n in range(5)]
    with meeting(ledger, queue, calls) as futures:
        assert statements == []
    assert [future.result() for future in futures] == [(4 + 2 * n, 5 + 2 * n) for n in range(5)]
    assert statements.count("COMMIT") == 1


def test_a_lone_caller_pays_for_no_savepoint(bench: Bench, ledger: Ledger, statements: list[str]) -> None:
    ledger.append([bench.note("x")], now=NOW)
    assert (statements[0], statements[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert not any("SAVEPOINT" in statement for statement in statements)


def test_an_error_is_for_its_own_caller_alone(bench: Bench, ledger: Ledger, queue: CountedQueue) -> None:
    def refuse(store: Store, indexes: tuple[int, ...]) -> None:
        raise ValueError("no")

    stranger = bench.draft("note", forge.signer("stranger"))
    other = forge.signer("other run")
    calls = [
        appending(ledger, bench.note("first")),
        appending(ledger, bench.run_open("r-2", other), bench.note("lost"), stranger),
        appending(ledger, bench.output("rain")),
        appending(ledger, bench.output("rain", jobKey=forge.hex64("another"))),
        appending(ledger, bench.note("lost"), also=refuse),
        appending(ledger, bench.output("sun", "r-2", other)),
        appending(ledger, bench.note("last")),
    ]
    with meeting(ledger, queue, calls) as futures:
        pass
    errors = [type(future.exception()) for future in futures]
    assert errors == [type(None), EntryRefused, type(None), LedgerConflict, ValueError, EntryRefused, type(None)]
    assert [futures[n].result() for n in (0, 2, 6)] == [(4,), (5,), (6,)]
    assert read_elsewhere(bench.path) == {4: "first", 6: "last"}
    assert ledger.append([bench.note("after")], now=NOW) == (7,)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    assert check(bench.path, level="full", trust=bench.trust()).ok


def test_rows_written_beside_the_entries_share_the_fate_of_their_own_call(
    bench: Bench, ledger: Ledger, queue: CountedQueue
) -> None:
    def seals(store: Store, indexes: tuple[int, ...]) -> None:
        store.insert_sealed(indexes[0], [forge.seal("prompt", "x", bytes(32))])

    def seals_and_fails(store: Store, indexes: tuple[int, ...]) -> None:
        seals(store, indexes)
        raise ValueError("no")

    calls = [
        appending(ledger, bench.note("kept"), also=seals),
        appending(ledger, bench.note("lost"), also=seals_and_fails),
    ]
    with meeting(ledger, queue, calls) as futures:
        pass
    assert futures[0].result() == (4,)
    with pytest.raises(ValueError, match="no"):
        futures[1].result()
    assert ledger._connection.execute("SELECT idx FROM sealed").fetchall() == [(4,)]


def test_a_full_disk_fails_all_and_nothing_more_is_written(bench: Bench, ledger: Ledger, queue: CountedQueue) -> None:
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    calls = [appending(ledger, bench.note(f"{n}" + "x" * 4000)) for n in range(6)]
    with meeting(ledger, queue, calls) as futures:
        pass
    errors = [future.exception() for future in futures]
    assert all(isinstance(error, LedgerStorage) and error.exit_code == 8 for error in errors)
    assert len({id(error) for error in errors}) == 6
    with pytest.raises(LedgerStorage, match="earlier write"):
        ledger.append([bench.note("x")], now=NOW)
    assert ledger.size == 4


def test_an_interrupted_caller_loses_its_place_and_nobody_else_does(
    bench: Bench, ledger: Ledger, queue: CountedQueue, interrupts: None
) -> None:
    caught = threading.Event()

    def interrupt(store: Store, indexes: tuple[int, ...]) -> None:
        queue.wait_for(3)  # this call itself, the main thread's, and the one after it
        while not caught.wait(0.01):  # a signal that comes just before the wait for a lock does not end it
            os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(2) as pool:
        leading = pool.submit(appending(ledger, bench.note("leads"), also=interrupt))
        while not ledger._connection.in_transaction:
            assert not leading.done()
        behind = pool.submit(appending(ledger, bench.note("behind")))
        try:
            with pytest.raises(KeyboardInterrupt):
                ledger.append([bench.note("interrupted")], now=NOW)
        finally:
            caught.set()
    assert (leading.result(), behind.result()) == ((4,), (5,))
    assert read_elsewhere(bench.path) == {4: "leads", 5: "behind"}


def test_an_interrupt_of_the_one_who_writes_is_not_felt_by_the_others(
    bench: Bench, ledger: Ledger, queue: CountedQueue
) -> None:
    def interrupt(store: Store, indexes: tuple[int, ...]) -> None:
        raise KeyboardInterrupt

    calls = [appending(ledger, bench.note("one")), appending(ledger, bench.note("two"))]
    with led_from_here(ledger, queue, calls) as futures, pytest.raises(KeyboardInterrupt):
        ledger.append([bench.note("interrupted")], now=NOW, also=interrupt)
    assert [future.result() for future in futures] == [(4,), (5,)]
    assert read_elsewhere(bench.path) == {4: "one", 5: "two"}


class InterruptedAt:
    """A connection during whose `statement` Ctrl-C is pressed: it is raised when SQLite has done its work."""

    def __init__(self, connection: sqlite3.Connection, statement: str):
        self._connection = connection
        self._statement = statement

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def close(self) -> None:
        self._connection.close()

    def execute(self, sql: str) -> sqlite3.Cursor:
        cursor = self._connection.execute(sql)
        if sql == self._statement:
            self._statement = ""
            raise KeyboardInterrupt
        return cursor


@pytest.mark.parametrize("statement", ["COMMIT", "BEGIN IMMEDIATE"])
def test_an_interrupt_at_the_edge_of_a_transaction_appends_nothing_twice(
    bench: Bench, ledger: Ledger, queue: CountedQueue, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    calls = [appending(ledger, bench.note("one")), appending(ledger, bench.note("two"))]
    with led_from_here(ledger, queue, calls) as futures:
        monkeypatch.setattr(ledger, "_connection", InterruptedAt(ledger._connection, statement))
        with pytest.raises(KeyboardInterrupt):
            ledger.append([bench.note("interrupted")], now=NOW)
    kept = ["interrupted", "one", "two"] if statement == "COMMIT" else ["one", "two"]
    assert read_elsewhere(bench.path) == dict(enumerate(kept, start=4))
    assert [future.result() for future in futures] == [(4 + kept.index("one"),), (4 + kept.index("two"),)]
    assert ledger.append([bench.note("after")], now=NOW) == (4 + len(kept),)


def test_a_second_interrupt_while_tidying_up_ends_all_writing(
    bench: Bench, ledger: Ledger, queue: CountedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(store: Store, indexes: tuple[int, ...]) -> None:
        raise KeyboardInterrupt

    with led_from_here(ledger, queue, [appending(ledger, bench.note("one"))]) as futures:
        monkeypatch.setattr(ledger, "_connection", InterruptedAt(ledger._connection, "ROLLBACK"))
        with pytest.raises(KeyboardInterrupt):
            ledger.append([bench.note("interrupted")], now=NOW, also=interrupt)
    with pytest.raises(LedgerStorage, match="earlier write"):
        futures[0].result()
    assert read_elsewhere(bench.path) == {}


def test_a_call_that_a_second_interrupt_lost_is_told_so(
    bench: Bench, ledger: Ledger, queue: CountedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "extendleft", interrupt)
    calls = [appending(ledger, bench.note("one"))]
    with led_from_here(ledger, queue, calls) as futures, pytest.raises(KeyboardInterrupt):
        ledger.append([bench.note("interrupted")], now=NOW, also=interrupt)
    with pytest.raises(LedgerStorage, match="interrupted twice"):
        futures[0].result()
    assert read_elsewhere(bench.path) == {}


def test_an_append_inside_an_append_is_refused(bench: Bench, ledger: Ledger) -> None:
    def again(store: Store, indexes: tuple[int, ...]) -> None:
        ledger.append([bench.note("inner")], now=NOW)

    with pytest.raises(RuntimeError, match="inside another"):
        ledger.append([bench.note("outer")], now=NOW, also=again)
    assert ledger.size == 4
    assert ledger.append([bench.note("next")], now=NOW) == (4,)
