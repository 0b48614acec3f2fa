"""Revocation lists that were kept as evidence of a time stamp (SPEC 15.3; RFC 3161 section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.x509 import ReasonFlags

from personactl_ledger.errors import FormatError
from personactl_ledger.tsp_signature import careful
from personactl_ledger.tsp_trust import Untrusted

_HARMLESS_BEFORE = (
    ReasonFlags.unspecified,
    ReasonFlags.affiliation_changed,
    ReasonFlags.superseded,
    ReasonFlags.cessation_of_operation,
)
"""Reasons that say nothing against what the key signed before. Any other, or none, may mean a stolen key."""


def require_unrevoked(chain: Sequence[x509.Certificate], evidence: Sequence[bytes], at: datetime) -> None:
    """Raises Untrusted when a list in `evidence`, signed by the issuer, speaks against a certificate of the chain.

    `chain` leads from the service to the root, `at` is the time in the token. Lists that cannot be read, or that are
    not by an issuer in the chain, are passed over.
    """
    lists = [found for value in evidence if (found := _load(value)) is not None]
    for certificate, issuer in pairwise(chain):
        if any(_speaks_against(found, certificate, issuer, at) for found in lists):
            raise Untrusted("a revocation list in the evidence names a certificate of the service's chain")


def _load(value: bytes) -> x509.CertificateRevocationList | None:
    try:
        with careful():
            found = x509.load_der_x509_crl(value)
            _ = (found.issuer, found.signature_algorithm_oid)
    except FormatError:
        return None
    return found


def _speaks_against(
    found: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> bool:
    if found.issuer != issuer.subject:
        return False
    key: Any = issuer.public_key()  # of a kind that signs nothing: a TypeError
    try:
        with careful():
            if not found.is_signature_valid(key):
                return False
            item = found.get_revoked_certificate_by_serial_number(certificate.serial_number)
            return item is not None and not (_harmless_before(item) and item.revocation_date_utc > at)
    except FormatError:
        return False


def _harmless_before(item: x509.RevokedCertificate) -> bool:
    try:
        return item.extensions.get_extension_for_class(x509.CRLReason).value.reason in _HARMLESS_BEFORE
    except x509.ExtensionNotFound:
        return False
