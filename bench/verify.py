"""What `personactl verify` costs over the bare thing, whole commands on the same number of processes.

    python bench/verify.py [--files 10000] [--large 2000] [--decoded 500] [--rounds 3] [--jobs N]

    small      192 px PNG, JPEG and WebP       bare: read, SHA-256, one c2pa-python Reader      goal ≤ 1.3
    receipts   the same with their receipts    bare: the same, which knows of no receipts
    large      1024 px PNG, JPEG and WebP      bare: read, SHA-256, one c2pa-python Reader      goal ≤ 1.3
    pixels     the same under --pixels         bare: read, decode, extract the watermark        goal ≤ 1.3
    memory     100 files and as many as --files, peak of the command itself and of its largest worker

Processor seconds (user and system) of all processes together with their start, the best of rounds taken in turns; a
shared machine has no better number. Each delivery has 24 distinct signed files under hard links.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "verify"))
import studio
from studio import Studio

DISTINCT = 24
KINDS = ("png", "jpeg", "webp")
TYPES = {".png": "image/png", ".jpeg": "image/jpeg", ".webp": "image/webp"}

BARE = """
import hashlib, io, os, sys
folder, number, step, decode, anchors = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
names = sorted(name for name in os.listdir(folder) if not name.endswith(".receipt"))[number::step]
if decode == "yes":
    from personactl.disclose import pixels, watermark
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            watermark.extract(pixels.decode(file.read()))
else:
    import c2pa
    from personactl.disclose.c2pa import _context
    context = _context((open(anchors).read(),))
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        hashlib.sha256(content).hexdigest()
        kind = "image/" + name.rpartition(".")[2]
        with c2pa.Reader(kind, io.BytesIO(content), context=context) as reader:
            reader.json()
"""
OURS = """
import resource, sys
from personactl.cli import execute
code = execute(sys.argv[1:])
workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
with open("/proc/self/status") as status:  # ru_maxrss also counts what was there before this program was loaded
    own = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
print("peak", own, workers, file=sys.stderr)
sys.exit(code)
"""


class Cost(NamedTuple):
    cpu: float
    wall: float
    own_mb: int = 0
    worker_mb: int = 0


class Bench:
    def __init__(self, root: Path, jobs: int) -> None:
        self.root, self.jobs = root, jobs
        self.studio: Studio = studio.make(
            root / "studio", organisation="Bench", domain="studio.example", formats=KINDS, first=1
        )
        (root / "trust.json").write_bytes(self.studio.trust_bytes)
        (root / "anchors.pem").write_text("\n".join(self.studio.trust.c2pa_anchors))

    def deliver(self, name: str, count: int, *, side: int, receipts: bool = False) -> Path:
        """A folder of `count` hard links to a few signed files; with receipts each of a work in the ledger."""
        originals, folder = self.root / f"{name}-originals", self.root / name
        originals.mkdir()
        folder.mkdir()
        for number in range(DISTINCT):
            kind = KINDS[number % len(KINDS)]
            path = originals / f"{number}.{kind}"
            path.write_bytes(self.studio.works[kind].data if receipts else self._signed(number, kind, side))
            if receipts:
                path.with_name(path.name + ".receipt").write_bytes(self.studio.works[kind].receipt)
        for number in range(count):
            kind = KINDS[number % DISTINCT % len(KINDS)]
            original = originals / f"{number % DISTINCT}.{kind}"
            for suffix in ("", ".receipt") if receipts else ("",):
                os.link(f"{original}{suffix}", folder / f"{number:06}.{kind}{suffix}")
        return folder

    def _signed(self, number: int, kind: str, side: int) -> bytes:
        return studio.output_of(
            self.studio.keyset, self.studio.origin, f"{number + 1:032x}", kind, number, side=side
        ).data

    def bare(self, folder: Path, *, decode: bool) -> Cost:
        arguments = ["yes" if decode else "no", str(self.root / "anchors.pem")]
        return measured(
            [[sys.executable, "-c", BARE, str(folder), str(n), str(self.jobs), *arguments] for n in range(self.jobs)]
        )[0]

    def ours(self, folder: Path, *options: str) -> Cost:
        command = ["verify", str(folder), "--trust", str(self.root / "trust.json"), "--jobs", str(self.jobs), *options]
        cost, told = measured([[sys.executable, "-c", OURS, *command]])
        own, workers = told[0].split()[-2:]
        return cost._replace(own_mb=int(own), worker_mb=int(workers))


def measured(commands: list[list[str]]) -> tuple[Cost, list[str]]:
    """All commands at once, with one thread each; what they cost together, and the last line of each on stderr."""
    single = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    running = [
        subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=single)
        for one in commands
    ]
    told = [process.communicate()[1].strip().splitlines() for process in running]
    failed = [process.args for process in running if process.returncode]
    assert not failed, told
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall), [lines[-1] if lines else "" for lines in told]


def compare(bench: Bench, name: str, folder: Path, files: int, rounds: int, *options: str) -> None:
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(bench.bare(folder, decode="--pixels" in options))
        ours.append(bench.ours(folder, *options))
    alone, with_us = min(cost.cpu for cost in bare), min(cost.cpu for cost in ours)
    walls = min(cost.wall for cost in ours) / min(cost.wall for cost in bare)
    each = 1000 / files
    print(
        f"{name:10}{files:>7}{alone * each:>10.2f}{with_us * each:>12.2f}{with_us / alone:>8.2f}{walls:>8.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=2_000)
    parser.add_argument("--decoded", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(Path(temporary), asked.jobs)
        print(f"{asked.jobs} processes, CPU ms per file, best of {asked.rounds}")
        print(f"{'':10}{'files':>7}{'bare ms':>10}{'verify ms':>12}{'ratio':>8}{'wall':>8}", flush=True)
        small = bench.deliver("small", asked.files, side=192)
        compare(bench, "small", small, asked.files, asked.rounds)
        if asked.large:
            received = bench.deliver("receipts", asked.files // 5, side=192, receipts=True)
            compare(bench, "receipts", received, asked.files // 5, asked.rounds)
            large = bench.deliver("large", asked.large, side=1024)
            compare(bench, "large", large, asked.large, asked.rounds)
            decoded = bench.deliver("decoded", asked.decoded, side=1024)
            compare(bench, "pixels", decoded, asked.decoded, asked.rounds, "--pixels")
        print(f"\n{'memory':10}{'files':>7}{'command MB':>12}{'largest worker MB':>19}", flush=True)
        for count in (100, 1_000, asked.files):
            folder = bench.deliver(f"memory-{count}", count, side=192)
            cost = bench.ours(folder, "--json")
            print(f"{'':10}{count:>7}{cost.own_mb:>12}{cost.worker_mb:>19}", flush=True)


if __name__ == "__main__":
    main()
