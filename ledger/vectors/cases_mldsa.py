"""Receipts whose checkpoint carries ML-DSA-44 too. Written by `generate.py --fixed`: each signing draws randomness."""

from __future__ import annotations

import json

from cases import RUN, Files
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from forge import Forge, dumps, log_signer, secret, signer


def fixed() -> dict[str, Files]:
    """File contents by folder."""
    forge = Forge(log=log_signer(mldsa=MLDSA44PrivateKey.from_seed_bytes(secret("log ML-DSA-44"))))
    forge.run_open(RUN, signer("run"))
    index = forge.output(RUN, "delivered", signer("run"))
    forge.checkpoint()
    whole = json.loads(forge.receipt(index))
    trust = dumps(forge.trust())
    lines = whole["proof"].split("\n")
    dropped = whole | {"proof": "\n".join([*lines[:-2], ""])}
    second = lines[-2].split(" ")
    flipped = " ".join([*second[:2], second[2][:-8] + ("AAAAAAA=" if second[2].endswith("=") else "AAAAAAAA")])
    changed = whole | {"proof": "\n".join([*lines[:-2], flipped, ""])}
    return {
        "receipt-mldsa": _case(whole, trust, 0, "", "Signed by both halves of the ledger key."),
        "receipt-mldsa-dropped_fail": _case(
            dropped, trust, 5, "receipt.log-key", "The ML-DSA-44 line was left out, and the trust file lists that key."
        ),
        "receipt-mldsa-wrong_fail": _case(
            changed, trust, 4, "receipt.log-signature", "The ML-DSA-44 signature is wrong, the Ed25519 one right."
        ),
    }


def _case(receipt: dict[str, object], trust: str, exit_code: int, code: str, why: str) -> Files:
    vector = {"reader": "receipt", "exit": exit_code, **({"code": code} if code else {}), "needs": "ML-DSA-44"}
    readme = f"{why}\n\nA fixed file: signatures of this kind differ from one signing to the next.\n"
    return {"the.receipt": dumps(receipt), "trust.json": trust, "vector.json": dumps(vector), "README.md": readme}
