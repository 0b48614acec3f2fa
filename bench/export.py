"""What an export costs: CPU, wall clock and memory of each form, and how long a writer waits meanwhile. Prints a table.

python bench/export.py [ENTRIES]
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from personactl_ledger import Draft, Ed25519Signer, Ledger, LogSigner, sign_entry, statement
from personactl_ledger.encoding import to_base64
from personactl_ledger.export_check import check_export
from personactl_ledger.export_ledger import ExportTargets, export

from ledger import NOW, PLAN, output

BATCH = 512
FORMS = ("jsonl", "tiles", "copy", "csv", "folder")


def build(path: Path, count: int, operator: Ed25519Signer, log: LogSigner) -> None:
    """A ledger with one open run of `count` outputs, signed by a checkpoint."""
    run = Ed25519Signer.generate()
    with Ledger.create(path, domain="bench.example", development=True, root=Ed25519Signer.generate(),
                       operator_public=operator.public_key, log=log, now=NOW) as ledger:  # fmt: skip
        pair = {"kid": run.key_id, "publicKey": to_base64(run.public_key)}
        said = {"origin": ledger.origin, "run": "bench-1", "planSha256": PLAN, "planned": count, "runKey": pair,
                "startedAt": NOW}  # fmt: skip
        opened = statement("run-open", subject=("plan", PLAN), predicate=said)
        ledger.append([Draft(sign_entry(opened, operator))], now=NOW)
        for first in range(0, count, BATCH):
            numbers = range(first, min(count, first + BATCH))
            ledger.append([output(ledger, run, number) for number in numbers], now=NOW)
        ledger.checkpoint(log, now=NOW)


def measure(form: str, path: Path, target: Path) -> None:
    """One export in a process of its own, so that its memory is its own."""
    start = time.perf_counter()
    report = export(path, ExportTargets(**{form: target}))
    used = resource.getrusage(resource.RUSAGE_SELF)
    wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    print(f"{form:<8} {report.size:>9,} entries {wall:8.1f} s wall {cpu:8.1f} s CPU {used.ru_maxrss >> 10:6,} MiB")


def slowest_append(path: Path, operator: Ed25519Signer, target: Path) -> tuple[float, int]:
    """(longest append in seconds, appends) while a folder is exported by another process."""
    worker = multiprocessing.get_context("spawn").Process(target=measure, args=("folder", path, target))
    longest, number = 0.0, 0
    with Ledger.open_writer(path) as ledger:
        worker.start()
        while worker.is_alive():
            said = {"origin": ledger.origin, "text": str(number), "notedAt": NOW}
            note = sign_entry(statement("note", subject=("note", PLAN), predicate=said), operator)
            start = time.perf_counter()
            ledger.append([Draft(note)], now=NOW)
            longest, number = max(longest, time.perf_counter() - start), number + 1
            time.sleep(0.01)
    worker.join()
    return longest, number


def main(count: int, folder: Path) -> None:
    """The whole table."""
    path, operator = folder / "ledger.sqlite", Ed25519Signer.generate()
    build(path, count, operator, LogSigner(Ed25519PrivateKey.generate()))
    context = multiprocessing.get_context("spawn")
    for form in FORMS:
        worker = context.Process(target=measure, args=(form, path, folder / form))
        worker.start()
        worker.join()
    start = time.process_time()
    found = check_export(folder / "jsonl")
    print(f"check of the JSON lines: exit {found.exit_code}, {time.process_time() - start:.1f} s CPU")
    longest, number = slowest_append(path, operator, folder / "live")
    print(f"{number} appends while a folder was exported; the longest took {longest * 1000:.0f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, Path(scratch))
