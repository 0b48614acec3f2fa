"""A second opinion on a token: rfc3161-client, or, when that cannot read it, the `openssl` program (docs/adr/0110).

`openssl ts -reply` with further certificates writes them in an order that DER forbids; rfc3161-client refuses such a
token although its signature is right.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from personactl_ledger.errors import FormatError
from personactl_ledger.tsp import TokenInfo
from personactl_ledger.tsp_signature import RSA_PSS, careful
from personactl_ledger.tsp_trust import Untrusted

LIBRARY, PROGRAM = "rfc3161-client", "openssl"
_SECONDS = 20


def second_opinion(response: bytes, token: TokenInfo, chain: Sequence[x509.Certificate]) -> str | None:
    """Which other verifier accepts the token at its own time; None when there is none that can read it.

    `chain` leads from the service to a trusted root, the last one. Raises Untrusted when one reads and refuses it.
    """
    if token.signer.signature_algorithm == RSA_PSS:  # both would call the signature wrong: they know PKCS #1 v1.5 only
        return None
    if _readable(response) and _library(response, token, chain):
        return LIBRARY
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    return PROGRAM if _program(program, response, token, chain) else None


def _readable(response: bytes) -> bool:
    from rfc3161_client import decode_timestamp_response

    try:
        with careful():
            return decode_timestamp_response(response).status == 0
    except FormatError:
        return False


def _library(response: bytes, token: TokenInfo, chain: Sequence[x509.Certificate]) -> bool:
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    builder = VerifierBuilder(roots=[chain[-1]], intermediates=list(chain[1:-1]))
    try:
        with careful():
            answer = decode_timestamp_response(response)
            if not answer.signed_data.certificates:
                builder = builder.tsa_certificate(chain[0])
            return builder.build().verify(answer, token.digest)
    except VerificationError as error:
        raise Untrusted(f"{LIBRARY} refuses it: {error!s:.80}") from None
    except FormatError:  # something in it that the library cannot read after all
        return False


def _program(program: str, response: bytes, token: TokenInfo, chain: Sequence[x509.Certificate]) -> bool:
    try:
        with tempfile.TemporaryDirectory(prefix="personactl-") as folder:
            code = _run(program, Path(folder), response, token, chain)
    except (OSError, subprocess.TimeoutExpired):
        return False
    if code:
        raise Untrusted(f"{PROGRAM} refuses it")
    return True


def _run(program: str, folder: Path, response: bytes, token: TokenInfo, chain: Sequence[x509.Certificate]) -> int:
    """The exit code of `openssl ts -verify` at the time of the token."""
    (folder / "response.tsr").write_bytes(response)
    (folder / "root.pem").write_bytes(chain[-1].public_bytes(Encoding.PEM))
    (folder / "others.pem").write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in chain[:-1]))
    command = [
        program, "ts", "-verify", "-digest", token.digest.hex(), "-in", "response.tsr", "-CAfile", "root.pem",
        "-untrusted", "others.pem", "-attime", str(int(token.gen_time.timestamp())),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin", "OPENSSL_CONF": "/dev/null"}, timeout=_SECONDS,
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode
