"""A writer's day in a process of its own: found a ledger, or open one, fill a tile, sign, close. ledger_work.py FOLDER.

Every acknowledgement is a line in `acknowledged`, written after the call has returned.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ledger"))

from ledger_bench import NOW, Bench, forge
from personactl_ledger import Ledger, LedgerError

BATCH = 10
BEFORE = 250
"""Entries of the ledger that the work begins with, if there is one: the batch then fills the first tile."""


def bench_in(folder: Path) -> Bench:
    return Bench(
        folder / "ledger.sqlite", *(forge.signer(name) for name in ("root", "operator", "run")), forge.log_signer()
    )


def acknowledge(folder: Path, what: str) -> None:
    with (folder / "acknowledged").open("a") as stream:
        stream.write(f"{what}\n")


def work(folder: Path) -> None:
    bench = bench_in(folder)
    if not bench.path.exists():
        bench.create().close()
        acknowledge(folder, "founded")
        return
    with Ledger.open_writer(bench.path) as ledger:
        bench.origin = ledger.origin
        ledger.append([bench.note(f"batch {number}") for number in range(BATCH)], now=NOW)
        acknowledge(folder, "appended")
        ledger.checkpoint(bench.log, now=NOW)
        acknowledge(folder, "signed")
    acknowledge(folder, "closed")


def run(folder: str) -> int:
    try:
        work(Path(folder))
    except LedgerError as error:
        print(error.code, error.message, file=sys.stderr)
        return error.exit_code
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
