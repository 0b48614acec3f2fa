"""Flipping bytes of a small ledger, one at a time, and asking a check about each."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ledger_bench import NOW, Bench, forge
from personactl_ledger import Draft, Ledger, LedgerError, check, seal
from sqlite_pages import UNUSED, PageMap, Tree

SLOWEST = 1.0
"""Seconds of processor time that a check of one small file may take, whatever is wrong with it."""

TOLERATED = {
    "header 40-43": "the schema cookie tells open connections that the schema changed; nobody opens the file twice",
    "header 96-99": "the version of the SQLite library that wrote last; it is for people",
    "sqlite_master: row number": "only their order matters; SQLite's own check looks at that",
    "entry.appended_at": "the writer's clock, which is not signed and proves nothing (SPEC 11.1)",
    "checkpoint.created_at": "the writer's clock, likewise",
}
"""Bytes that are in use and that nothing depends on."""


@dataclass
class Sweep:
    """What the checks of one sweep said."""

    tried: int = 0
    missed: list[int] = field(default_factory=list)
    raised: Counter[str] = field(default_factory=Counter)
    slow: list[int] = field(default_factory=list)


def small_ledger(path: Path) -> Bench:
    """Keys, a run, a value that lies in overflow pages, an erased one that left free pages, two checkpoints."""
    bench = Bench(path, *(forge.signer(name) for name in ("root", "operator", "run")), forge.log_signer())
    with bench.create() as ledger:
        ledger.append([bench.run_open()], now=NOW)
        for name, value in (("rain", "a red coat"), ("snow", "x" * 9000)):
            sealed = seal("prompt", value, bytes(32))
            leaf = bench.output(name, sealed={"prompt": sealed.commitment}).leaf
            ledger.append([Draft(leaf, (sealed,))], now=NOW)
        ledger.append([bench.note("y" * 5000)], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
        with ledger.write() as store:
            store.connection.execute("DELETE FROM sealed WHERE idx = 5")
        said = {"erases": [{"index": 5, "fields": ["prompt"]}], "basis": "request", "erasedAt": NOW}
        ledger.append([bench.draft("erasure", bench.operator, **said)], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    return bench


def trees_of(path: Path) -> list[Tree]:
    """Every b-tree of sqlite_master, tables with their columns."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
        return [
            Tree(name, root, tuple(row[1] for row in connection.execute(f"PRAGMA table_info({name})")))
            if kind == "table"
            else Tree(name, root)
            for kind, name, root in rows
        ]


def kinds_of(path: Path) -> list[str]:
    """What each byte of the file is for; the fields of the header by their place."""
    kinds = PageMap(path.read_bytes(), trees_of(path)).kinds
    for start, stop in ((40, 44), (96, 100)):
        kinds[start:stop] = [f"header {start}-{stop - 1}"] * (stop - start)
    return kinds


def sweep(path: Path, offsets: list[int], mask: int, trust: object) -> Sweep:
    """Flip each of the bytes in a copy beside `path` and check that, one after another."""
    found = Sweep()
    data = path.read_bytes()
    copy = path.with_name(f"copy-{os.getpid()}.sqlite")
    copy.write_bytes(data)
    with copy.open("r+b", buffering=0) as stream:
        for offset in offsets:
            os.pwrite(stream.fileno(), bytes([data[offset] ^ mask]), offset)
            started = time.process_time()
            try:
                good = check(copy, trust=trust).exit_code == 0  # type: ignore[arg-type]
            except LedgerError as error:
                good = False
                found.raised[error.code] += 1
            if time.process_time() - started > SLOWEST:
                found.slow.append(offset)
            found.tried += 1
            if good:
                found.missed.append(offset)
            os.pwrite(stream.fileno(), data[offset : offset + 1], offset)
    copy.unlink()
    return found


def sweep_by_two(path: Path, offsets: list[int], mask: int, trust: object) -> Sweep:
    """The same in two processes."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context) as pool:
        parts = [pool.submit(sweep, path, offsets[number::2], mask, trust) for number in range(2)]
        results = [part.result() for part in parts]
    whole = Sweep()
    for result in results:
        whole.tried += result.tried
        whole.missed += result.missed
        whole.raised += result.raised
        whole.slow += result.slow
    return whole


def in_use(kinds: list[str]) -> list[int]:
    """Offsets of the bytes that SQLite reads."""
    return [offset for offset, kind in enumerate(kinds) if kind not in UNUSED]


def opened(path: Path) -> str:
    """`ok`, or the code of what opening and reading it raises."""
    try:
        with Ledger.open_reader(path) as ledger:
            list(ledger.entries())
    except LedgerError as error:
        return error.code
    return "ok"
