"""What a durable commit costs: the ledger's journal beside write-ahead logging and beside the bare disk. Prints tables.

    python bench/journal.py [--rounds 40] [--folder DIR]

Each round commits one batch in every mode, each time another one first, so that a busy disk is busy for all. A cell is
the median of the rounds by the clock on the wall. Rows are those of schema.sql, triggers and indexes included, with
leaves of about 2 kB.
The figures of docs/adr/0100 come from here.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from personactl_ledger import Ed25519Signer, Entry, parse_entry, sign_entry, statement
from personactl_ledger.schema import schema_sql
from personactl_ledger.store import Store

NOW = "2026-01-02T03:04:05Z"
BATCHES = (1, 8, 64, 256)
MODES = {
    "TRUNCATE / EXTRA": ("TRUNCATE", "EXTRA"),
    "DELETE / EXTRA": ("DELETE", "EXTRA"),
    "WAL / FULL": ("WAL", "FULL"),
    "WAL / NORMAL *": ("WAL", "NORMAL"),
}
RAW = "pwrite + fdatasync"
OURS, REFERENCE = "TRUNCATE / EXTRA", "WAL / FULL"

Commit = Callable[[list[Entry]], None]


def entries() -> Iterator[Entry]:
    """Notes of about the size of an output entry."""
    key = Ed25519Signer.generate()
    while True:
        said = {"origin": "bench.example/personactl/0123456789abcdef", "text": secrets.token_hex(700)}
        subject = ("rain.png", hashlib.sha256(secrets.token_bytes(8)).hexdigest())
        yield parse_entry(sign_entry(statement("note", subject=subject, predicate=said), key))


def database(path: Path, journal: str, synchronous: str) -> Commit:
    """A file with the ledger's schema and settings, and one transaction a call."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(schema_sql())
    found = connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()[0]
    if found != journal.lower():
        raise SystemExit(f"SQLite answered {found} to journal_mode = {journal}")
    for setting in (
        f"synchronous = {synchronous}",
        "foreign_keys = ON",
        "secure_delete = ON",
        "recursive_triggers = ON",
    ):
        connection.execute(f"PRAGMA {setting}").fetchall()
    store = Store(connection)
    place = 0

    def commit(batch: list[Entry]) -> None:
        nonlocal place
        connection.execute("BEGIN IMMEDIATE")
        for entry in batch:
            store.insert(place, entry, NOW)
            place += 1
        connection.execute("COMMIT")

    return commit


def bare(path: Path) -> Commit:
    """The leaves alone, appended to a plain file and synced once a batch: nothing durable can cost less here."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = 0

    def commit(batch: list[Entry]) -> None:
        nonlocal end
        end += os.pwrite(descriptor, b"".join(entry.leaf for entry in batch), end)
        os.fdatasync(descriptor)

    return commit


def measure(folder: Path, batch: int, rounds: int) -> dict[str, float]:
    """Mode → median milliseconds of one commit of `batch` entries."""
    modes = {name: database(folder / f"{batch}-{n}", *MODES[name]) for n, name in enumerate(MODES)}
    modes[RAW] = bare(folder / f"{batch}-raw")
    times: dict[str, list[float]] = {name: [] for name in modes}
    source = entries()
    for turn in range(rounds + 1):
        rows = [next(source) for _ in range(batch)]
        first = turn % len(modes)
        for name in [*modes, *modes][first : first + len(modes)]:
            commit = modes[name]
            start = time.perf_counter()
            commit(rows)
            if turn:  # the first one makes the journal
                times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where to write; the disk to be measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        found = {batch: measure(Path(scratch), batch, options.rounds) for batch in BATCHES}
    print(f"SQLite {sqlite3.sqlite_version}, medians of {options.rounds} commits; ms a commit, then entries per second")
    print(f"{'':<20}" + "".join(f"{f'batch {batch}':>21}" for batch in BATCHES))
    for name in (*MODES, RAW):
        cells = (f"{found[b][name]:.2f} ms {b / found[b][name] * 1e3:>9,.0f}/s" for b in BATCHES)
        print(f"{name:<20}" + "".join(f"{cell:>21}" for cell in cells))
    for other in (REFERENCE, RAW):
        # how many times longer ours takes
        ratios = "".join(f"{found[b][OURS] / found[b][other]:>20.1f}x" for b in BATCHES)
        print(f"{'to ' + other:<20}" + ratios)
    print("* loses acknowledged entries at a power cut; shown for scale only")


if __name__ == "__main__":
    main()
