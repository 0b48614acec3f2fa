#!/usr/bin/env python3
"""Every bit of a small signed PNG, JPEG and WebP flipped, one at a time, with a receipt and without.

    bench/flips.py [--form png] [--bit 0] [--without-receipts]

Prints what `verify` said of them. With a receipt none may pass; without one, none that shows anything else. Exit 1 when
one does, or when one file takes more than a second of CPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from time import monotonic

ROOM = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOM / "ledger"), str(ROOM / "tests" / "verify"), str(ROOM / "tests" / "verify" / "hostile")]

import studio  # noqa: E402
from bit_flips import FORMS, Small, small_files, sweep  # noqa: E402

LIMIT_S = 1.0


def flip(small: Small, ours: studio.Studio, folder: Path, bits: list[int], *, receipt: bool) -> bool:
    """Whether nothing came of it that must not."""
    path = folder / f"a.{small.form}"
    beside = path.with_name(path.name + ".receipt")
    beside.unlink(missing_ok=True)
    if receipt:
        beside.write_bytes(small.receipt)
    started = monotonic()
    found = sweep(small, ours, path, ((place, bit) for place in range(len(small.data)) for bit in bits))
    said = ", ".join(f"{count} {word} {code}" for (word, code), count in sorted(found.outcomes.items()))
    print(f"{small.form}, {'with' if receipt else 'without'} a receipt, {len(small.data)} bytes: {said}")
    print(f"  slowest {found.slowest:.3f} s of CPU; {monotonic() - started:.0f} s in all", flush=True)
    for place, bit, what in found.shown_otherwise:
        print(f"  PASSES AND SHOWS OTHER {', '.join(what)}: byte {place}, bit {bit}")
    if receipt and ("pass", 0) in found.outcomes:
        print("  PASSES ALTHOUGH THE RECEIPT NAMES OTHER BYTES")
        return False
    return not found.shown_otherwise and found.slowest < LIMIT_S


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--form", choices=FORMS, action="append")
    parser.add_argument("--bit", type=int, choices=range(8), action="append")
    parser.add_argument("--without-receipts", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = studio.make(folder, organisation="Example Studio", domain="studio.example", formats=("png",), first=0xA0)
        small, good = small_files(ours, folder), True
        for form in options.form or FORMS:
            for receipt in (False,) if options.without_receipts else (False, True):
                good &= flip(small[form], ours, folder, options.bit or list(range(8)), receipt=receipt)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
