#!/usr/bin/env python3
"""The exhaustive form of two tests, in minutes: every byte of a small ledger flipped, every system call made to fail.

    bench/faults.py bytes [--mask 0x01] [--mask 0xff]
    bench/faults.py calls            (needs strace)

Prints what was tried and what a check did not notice. Exit 1 when that is more than the tests name as tolerated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

ROOM = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOM / "ledger"), str(ROOM / "tests" / "ledger")]

from flips import TOLERATED, in_use, kinds_of, small_ledger, sweep_by_two  # noqa: E402


def flip_all(masks: list[int]) -> bool:
    """Whether each changed byte in use was found, or is one that nothing depends on."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        bench = small_ledger(Path(folder) / "ledger.sqlite")
        kinds = kinds_of(bench.path)
        for mask in masks:
            started = monotonic()
            result = sweep_by_two(bench.path, in_use(kinds), mask, bench.trust())
            missed = Counter(kinds[offset] for offset in result.missed)
            seconds = monotonic() - started
            print(f"xor {mask:#04x}: {result.tried} of {len(kinds)} bytes are in use, {seconds:.0f} s; not noticed:")
            for kind, count in sorted(missed.items()):
                print(f"  {count:6d}  {kind}: {TOLERATED.get(kind, 'NOT TOLERATED')}")
            print(f"  raised instead of reported: {dict(result.raised)}, slow: {len(result.slow)}")
            good &= set(missed) <= set(TOLERATED) and not result.raised and not result.slow
    return good


def fail_all() -> bool:
    """The strace tests with every point of every call."""
    import pytest

    sys.path.insert(0, str(ROOM / "tests" / "faults"))
    import test_faults_ledger

    test_faults_ledger.POINTS.clear()
    return pytest.main(["-q", "-p", "no:cacheprovider", str(ROOM / "tests/faults/test_faults_ledger.py")]) == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("bytes", "calls"))
    parser.add_argument("--mask", type=lambda text: int(text, 0), action="append")
    options = parser.parse_args()
    good = flip_all(options.mask or [0x01, 0xFF]) if options.what == "bytes" else fail_all()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
