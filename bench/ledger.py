"""What the ledger costs beside the floor for the same work, in CPU-seconds of the process tree, and in memory.

python bench/ledger.py [ENTRIES] [--keep FILE] [--workers N]

`--keep FILE` builds the ledger there, or uses the one that an earlier call left there; then appending is not measured.
The floors are measured in the same run: raw sqlite3 inserts of the same rows in the same batches with the same settings
and schema, raw Ed25519 verification of the same signatures, raw SHA-256 over the same leaves. A check runs in a process
of its own; its peak memory is the sum of VmHWM over that process and its workers, read from /proc every 20 ms.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from personactl_ledger import (
    Draft,
    Ed25519Signer,
    Ledger,
    LedgerTrust,
    LogSigner,
    check,
    parse_entry,
    sign_entry,
    statement,
    verify_receipt,
)
from personactl_ledger.database import connect_writer
from personactl_ledger.encoding import to_base64
from personactl_ledger.envelope import pae
from personactl_ledger.projection import COLUMNS
from personactl_ledger.schema import schema_sql

NOW = "2026-01-02T03:04:05Z"
BATCH = 64
"""Entries that one transaction appends."""
PER_RUN = 1000
"""Entries of a run, with its run-open and run-close."""
NEW = 1000
"""Entries after the checkpoint that `--since` gets."""
SAMPLE = 5_000
"""Signatures that the floor of Ed25519 is measured on."""
PLAN = hashlib.sha256(b"plan").hexdigest()
LEVELS = ("tree", "index", "full")


def private(name: str) -> Ed25519PrivateKey:
    """A TEST-ONLY key made from its name, so that a kept ledger can be used again."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"bench " + name.encode()).digest())


def signer(name: str) -> Ed25519Signer:
    return Ed25519Signer(private(name))


def output(origin: str, run: str, key: Ed25519Signer, number: int) -> Draft:
    """A leaf of the size that real outputs have, about 2.5 kB."""
    digests = [hashlib.sha256(b"%d %d" % (number, n)).hexdigest() for n in range(14)]
    predicate = {
        "origin": origin, "run": run, "entryId": digests[13][:32], "jobKey": digests[0],
        "shotKey": digests[1], "shot": "rain", "index": number, "seed": str(2**62 + number), "generatedAt": NOW,
        "model": {"name": "m", "files": [{"path": f"f{n}.safetensors", "sha256": digests[n]} for n in range(2, 8)]},
        "references": [{"role": "hero", "sha256": digests[n], "weight": "0.8"} for n in range(8, 11)],
        "identity": {"verdict": "pass", "score": "0.8123", "threshold": "0.6"}, "pixelsSha256": digests[11],
    }  # fmt: skip
    payload = statement("output", subject=(f"rain-{number}.png", digests[12]), predicate=predicate)
    return Draft(sign_entry(payload, key))


def drafts(origin: str, count: int, first: int) -> Iterator[Draft]:
    """`count` entries from index `first` on, as runs of PER_RUN entries: open, outputs, close."""
    operator = signer("operator")
    for start in range(first, first + count, PER_RUN):
        outputs = min(PER_RUN, first + count - start) - 2
        run, key = f"bench-{start}", signer(f"run {start}")
        said = {"origin": origin, "run": run, "planSha256": PLAN, "planned": max(outputs, 0)}
        pair = {"kid": key.key_id, "publicKey": to_base64(key.public_key)}
        opened = said | {"runKey": pair, "startedAt": NOW}
        yield Draft(sign_entry(statement("run-open", subject=("plan", PLAN), predicate=opened), operator))
        for number in range(start, start + outputs):
            yield output(origin, run, key, number)
        if outputs >= 0:
            closed = said | {
                "done": outputs, "failed": 0, "rejected": 0, "skipped": 0, "outputs": outputs, "rejects": 0,
                "firstIndex": start, "lastIndex": start + outputs, "closedAt": NOW,
            }  # fmt: skip
            yield Draft(sign_entry(statement("run-close", subject=("plan", PLAN), predicate=closed), operator))


class Timer:
    """CPU-seconds of this process and of children that were waited for."""

    @staticmethod
    def now() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    def __init__(self) -> None:
        self.seconds = 0.0

    def of(self, call: Callable[[], Any]) -> Any:
        start = self.now()
        result = call()
        self.seconds += self.now() - start
        return result


class Table:
    def __init__(self) -> None:
        print(f"{'':<34} {'CPU s':>9} {'µs each':>10} {'floor µs':>10} {'ratio':>7} {'MB':>6}")

    def row(self, what: str, seconds: float, count: int, floor: float | None = None, megabytes: float = 0) -> None:
        """`floor` is CPU-seconds for one of the `count` items."""
        each = seconds / count
        beside = f"{'':>10} {'':>7}" if floor is None else f"{floor * 1e6:>10.1f} {each / floor:>7.1f}"
        memory = f"{megabytes:>6.0f}" if megabytes else ""
        print(f"{what:<34} {seconds:>9.2f} {each * 1e6:>10.1f} {beside} {memory}".rstrip(), flush=True)


def build(path: Path, count: int, table: Table) -> None:
    """A ledger of `count` entries with a checkpoint NEW entries before its end and one at its end."""
    log = LogSigner(private("log"))
    making, appending, signing = Timer(), Timer(), Timer()
    with Ledger.create(
        path, domain="bench.example", development=True, root=signer("root"),
        operator_public=signer("operator").public_key, log=log, now=NOW,
    ) as ledger:  # fmt: skip
        made = drafts(ledger.origin, count - ledger.size, ledger.size)
        done = ledger.size
        while done < count:
            stop = count - NEW if done < count - NEW else count
            batch = making.of(lambda stop=stop, done=done: list(itertools.islice(made, min(BATCH, stop - done))))
            appending.of(lambda batch=batch: ledger.append(batch, now=NOW))
            done += len(batch)
            if done == count - NEW:
                signing.of(lambda: ledger.checkpoint(log, now=NOW))
        signing.of(lambda: ledger.checkpoint(log, now=NOW))
    table.row("make and sign", making.seconds, count)
    table.row("append, 64 a transaction", appending.seconds, count, insert_floor(path, count))
    table.row("checkpoint", signing.seconds, 2)


def insert_floor(path: Path, count: int) -> float:
    """Raw sqlite3: the same rows, batches, schema and settings, without tiles."""
    scratch = path.with_name("floor.sqlite")
    reader = sqlite3.connect(path)
    maker = sqlite3.connect(scratch, isolation_level=None)
    maker.executescript(schema_sql())
    maker.close()
    names = ("idx", "appended_at", "leaf", *COLUMNS)
    rows = reader.execute(f"SELECT {', '.join(names)} FROM entry ORDER BY idx")  # noqa: S608  (constants)
    insert = f"INSERT INTO entry ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    writer, timer = connect_writer(scratch), Timer()

    def store(batch: list[Any]) -> None:
        writer.execute("BEGIN IMMEDIATE")
        writer.executemany(insert, batch)
        writer.execute("COMMIT")

    while batch := rows.fetchmany(BATCH):
        timer.of(lambda batch=batch: store(batch))
    for connection in (reader, writer):
        connection.close()
    for name in (scratch, scratch.with_name(scratch.name + "-journal")):
        name.unlink(missing_ok=True)
    return timer.seconds / count


def hash_floor(path: Path, count: int) -> float:
    """Raw SHA-256 over the same leaves."""
    timer = Timer()
    reader = sqlite3.connect(path)
    rows = reader.execute("SELECT leaf FROM entry ORDER BY idx")
    while batch := rows.fetchmany(4096):
        timer.of(lambda batch=batch: [hashlib.sha256(leaf).digest() for (leaf,) in batch])
    reader.close()
    return timer.seconds / count


def verify_floor(path: Path) -> float:
    """Raw Ed25519 verification of the same signatures, by keys that are loaded already."""
    reader = sqlite3.connect(path)
    entries = [
        parse_entry(leaf) for (leaf,) in reader.execute("SELECT leaf FROM entry WHERE idx > 3 LIMIT ?", (SAMPLE,))
    ]
    reader.close()
    keys: dict[str, Ed25519PublicKey] = {}
    for name in ["operator", *(f"run {n}" for n in range(3, 3 + SAMPLE, PER_RUN))]:
        keys[signer(name).key_id] = private(name).public_key()
    known = [(keys[e.key_ids[0]], e.signatures[0].signature, pae(e.payload)) for e in entries if e.key_ids[0] in keys]
    timer = Timer()
    timer.of(lambda: [key.verify(signature, message) for key, signature, message in known])
    return timer.seconds / len(known)


def receipts(path: Path, count: int, table: Table, one: float) -> None:
    made: list[bytes] = []
    proving, verifying = Timer(), Timer()
    with Ledger.open_reader(path) as ledger:
        trust = LedgerTrust(ledger.origin, LogSigner(private("log")).vkeys(ledger.origin), (signer("root").public_key,))
        proving.of(lambda: made.extend(ledger.prove(4 + n * 7919 % (count - 8)) for n in range(50)))
    verifying.of(lambda: [verify_receipt(receipt, trust, subject_sha256=None) for receipt in made])
    table.row("prove", proving.seconds, len(made))
    table.row(f"verify a receipt ({len(made[0]):,} bytes)", verifying.seconds, len(made), one)


def in_a_process(path: Path, level: str, since: str, workers: str) -> tuple[float, float]:
    """(CPU-seconds, megabytes at the peak) of one check in a process of its own, its workers among it."""
    order = [sys.executable, __file__, "--check", str(path), "--level", level, "--since", since, "--workers", workers]
    process = subprocess.Popen(order, stdout=subprocess.PIPE, text=True)
    peaks: dict[int, int] = {}
    while process.poll() is None:
        for pid in family(process.pid):
            with suppress(OSError, StopIteration):
                status = Path(f"/proc/{pid}/status").read_text()
                line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                peaks[pid] = max(peaks.get(pid, 0), int(line.split()[1]))
        time.sleep(0.02)
    assert process.stdout is not None
    return float(process.stdout.read()), sum(peaks.values()) / 1024


def family(pid: int) -> list[int]:
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(member for child in children for member in family(int(child)))]
    return []


def check_here(path: Path, level: Any, since: str, workers: int | None) -> None:
    kept = None
    if since:
        reader = sqlite3.connect(path)
        kept = str(reader.execute("SELECT note FROM checkpoint WHERE size = ?", (int(since),)).fetchone()[0]).encode()
        reader.close()
    timer = Timer()
    report = timer.of(lambda: check(path, level=level, since=kept, workers=workers))
    if not report.ok or report.since != (int(since) if since else None):
        sys.exit(f"the check is not what it should be: {report.findings[:3]} {report.notes}")
    print(timer.seconds)


def measure(path: Path, count: int, workers: str, table: Table) -> None:
    digest, one = hash_floor(path, count), verify_floor(path)
    receipts(path, count, table, one)
    for level in LEVELS:
        seconds, megabytes = in_a_process(path, level, "", workers)
        floor = digest + (one if level == "full" else 0)
        table.row(f"check, level {level}", seconds, count, floor, megabytes)
    for level in LEVELS:
        seconds, megabytes = in_a_process(path, level, str(count - NEW), workers)
        floor = digest + (one if level == "full" else 0)
        table.row(f"check --since, {NEW:,} new, {level}", seconds, NEW, floor, megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entries", nargs="?", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--workers", default="", metavar="N")
    parser.add_argument("--check", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--level", help=argparse.SUPPRESS)
    parser.add_argument("--since", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check is not None:
        check_here(given.check, given.level, given.since, int(given.workers) if given.workers else None)
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = given.keep or Path(scratch) / "ledger.sqlite"
        table = Table()
        if not path.exists():
            build(path, given.entries, table)
        with Ledger.open_reader(path) as ledger:
            count = ledger.size
        measure(path, count, given.workers, table)
        print(f"{count:,} entries, {path.stat().st_size / count:,.0f} bytes each in the file")


if __name__ == "__main__":
    main()
