"""What the ledger costs, in CPU time of this process: append, check by level, prove, verify. Prints a table.

python bench/ledger.py [ENTRIES]
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from personactl_ledger import (
    Draft,
    Ed25519Signer,
    Ledger,
    LedgerTrust,
    LogSigner,
    check,
    sign_entry,
    statement,
    verify_receipt,
)
from personactl_ledger.encoding import to_base64

NOW = "2026-01-02T03:04:05Z"
BATCH = 64
PLAN = hashlib.sha256(b"plan").hexdigest()


def cpu(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def row(what: str, seconds: float, count: int) -> None:
    print(f"{what:<44} {seconds / count * 1e6:10.1f} µs each {count / seconds:12,.0f} per second")


def output(ledger: Ledger, key: Ed25519Signer, number: int) -> Draft:
    """A leaf of the size that real outputs have, about 2 kB."""
    digests = [hashlib.sha256(b"%d %d" % (number, n)).hexdigest() for n in range(14)]
    predicate = {
        "origin": ledger.origin, "run": "bench-1", "entryId": secrets.token_hex(16), "jobKey": digests[0],
        "shotKey": digests[1], "shot": "rain", "index": number, "seed": str(2**62 + number), "generatedAt": NOW,
        "model": {"name": "m", "files": [{"path": f"f{n}.safetensors", "sha256": digests[n]} for n in range(2, 8)]},
        "references": [{"role": "hero", "sha256": digests[n], "weight": "0.8"} for n in range(8, 11)],
        "identity": {"verdict": "pass", "score": "0.8123", "threshold": "0.6"}, "pixelsSha256": digests[11],
    }  # fmt: skip
    payload = statement("output", subject=(f"rain-{number}.png", digests[12]), predicate=predicate)
    return Draft(sign_entry(payload, key))


def main(count: int, folder: Path) -> None:
    root, operator, run = (Ed25519Signer.generate() for _ in range(3))
    log = LogSigner(Ed25519PrivateKey.generate())
    path = folder / "ledger.sqlite"
    ledger = Ledger.create(
        path, domain="bench.example", development=True, root=root, operator_public=operator.public_key, log=log, now=NOW
    )
    pair = {"kid": run.key_id, "publicKey": to_base64(run.public_key)}
    opened = {"origin": ledger.origin, "run": "bench-1", "planSha256": PLAN, "planned": count, "runKey": pair}
    leaf = sign_entry(statement("run-open", subject=("plan", PLAN), predicate=opened | {"startedAt": NOW}), operator)
    ledger.append([Draft(leaf)], now=NOW)
    drafts: list[Draft] = []
    signing = cpu(lambda: drafts.extend(output(ledger, run, number) for number in range(count)))
    wall = time.perf_counter()
    appending = cpu(lambda: [ledger.append(drafts[start : start + BATCH], now=NOW) for start in range(0, count, BATCH)])
    wall = time.perf_counter() - wall
    print(f"{count:,} entries of {len(drafts[0].leaf):,} bytes, {BATCH} a transaction; times are CPU")
    row("make and sign", signing, count)
    row("append (verifies, stores, syncs)", appending, count)
    row("append, by the clock on the wall", wall, count)
    row("make, sign and append", signing + appending, count)
    row("checkpoint", cpu(lambda: ledger.checkpoint(log, now=NOW)), 1)
    receipts: list[bytes] = []
    row("prove", cpu(lambda: receipts.extend(ledger.prove(4 + n * 7 % count) for n in range(50))), 50)
    trust = LedgerTrust(ledger.origin, log.vkeys(ledger.origin), (root.public_key,))
    row("verify a receipt", cpu(lambda: [verify_receipt(r, trust, subject_sha256=None) for r in receipts]), 50)
    ledger.close()
    for level in ("tree", "index", "full"):
        row(f"check, level {level}", cpu(lambda level=level: check(path, level=level, trust=trust)), count)
    print(f"file: {path.stat().st_size / count:,.0f} bytes an entry; a receipt: {len(receipts[0]):,} bytes")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, Path(scratch))
