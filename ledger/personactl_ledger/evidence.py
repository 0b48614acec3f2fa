"""Files that an operator adds to a time stamp: certificates, revocation lists and status answers, as DER (SPEC 8.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from personactl_ledger.errors import FormatError
from personactl_ledger.tsp_signature import careful

MAX_FILE_BYTES = 512 * 1024
_BLOCK = re.compile(rb"-----BEGIN (CERTIFICATE|X509 CRL)-----[^-]*-----END \1-----\n?")


def read_evidence(data: bytes) -> list[bytes]:
    """The DER values of one file: PEM with one or more blocks, or one value in DER.

    Raises FormatError (code ledger.tsa-evidence, exit 2) for anything else.
    """
    pem = b"-----BEGIN" in data[:4096]
    found = _pem(data) if pem else _der(data)
    if not found:
        raise FormatError(
            "this is neither a certificate nor a revocation list nor a status answer, in PEM or DER",
            hint="give the files as the time-stamp service offers them",
            code="ledger.tsa-evidence",
            exit_code=2,
        )
    return found


def _pem(data: bytes) -> list[bytes]:
    """All blocks, or none when one of them is something else."""
    found = []
    for block in _BLOCK.finditer(data):
        if block[1] == b"CERTIFICATE":
            found += _one(block[0], lambda text: x509.load_pem_x509_certificate(text).public_bytes(Encoding.DER))
        else:
            found += _one(block[0], lambda text: x509.load_pem_x509_crl(text).public_bytes(Encoding.DER))
    return found if len(found) == data.count(b"-----BEGIN ") else []


def _der(data: bytes) -> list[bytes]:
    loads: tuple[Callable[[bytes], object], ...] = (
        x509.load_der_x509_certificate,
        x509.load_der_x509_crl,
        ocsp.load_der_ocsp_response,
    )
    for load in loads:
        found = _one(data, lambda whole, load=load: (load(whole), whole)[1])  # type: ignore[misc]
        if found:
            return found
    return []


def _one(data: bytes, load: Callable[[bytes], bytes]) -> list[bytes]:
    try:
        with careful():
            return [load(data)]
    except FormatError:
        return []
