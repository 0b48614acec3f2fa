"""Whether a time-stamp service counts: its certificate, and a chain to a root of the verifier (SPEC 15.3).

Every certificate is judged at the time in the token, never by today's clock: certificates of such services end long
before what they stamped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from personactl_ledger.errors import FormatError
from personactl_ledger.tsp_signature import careful, read_through

MAX_CHAIN = 8
"""Certificates from the service's own to the root, both counted."""
MAX_TRIED = 256
"""Signatures of certificates checked for one token; hostile ones could make a maze."""


class Untrusted(Exception):
    """Why the service does not count, to complete "the time stamp counts for nothing: …"."""


def load_roots(pems: Sequence[str]) -> list[x509.Certificate]:
    """The certificates of `tsaRoots`. Raises FormatError (code ledger.token-malformed) for one that cannot be read."""
    with careful():
        return [read_through(x509.load_pem_x509_certificate(pem.encode("utf-8", "replace"))) for pem in pems]


def chain_to_root(
    signer: x509.Certificate, held: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> list[x509.Certificate]:
    """From the signer's certificate to one of `roots` that names itself as its issuer, all valid at `at`. Raises
    Untrusted."""
    _require_purpose(signer)
    if not _valid(signer, at):
        raise Untrusted("the certificate of the service was not valid at the time that it states")
    found = _climb([signer], [*roots, *held], roots, at, [MAX_TRIED])
    if found is None:
        raise Untrusted("no chain of certificates leads from the service to a root of the trust file")
    return found


def _climb(
    chain: list[x509.Certificate],
    candidates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
    left: list[int],
) -> list[x509.Certificate] | None:
    last = chain[-1]
    if len(chain) > 1 and last in roots and last.subject == last.issuer:
        return chain
    if len(chain) == MAX_CHAIN:
        return None
    for issuer in candidates:
        if issuer in chain or issuer.subject != last.issuer or not (_valid(issuer, at) and _authority(issuer)):
            continue
        left[0] -= 1
        if left[0] < 0:
            return None
        if _issued(last, issuer):
            found = _climb([*chain, issuer], candidates, roots, at, left)
            if found is not None:
                return found
    return None


def _require_purpose(signer: x509.Certificate) -> None:
    """RFC 3161 section 2.3: time stamping, nothing else, and critical."""
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise Untrusted("the certificate of the service is not for time stamping") from None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Untrusted("the certificate of the service is not for time stamping alone")


def _valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return constraints.ca
    return constraints.ca and usage.key_cert_sign


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        with careful():
            certificate.verify_directly_issued_by(issuer)
    except (FormatError, InvalidSignature):
        return False
    return True
