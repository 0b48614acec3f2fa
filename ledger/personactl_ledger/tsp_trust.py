"""Whether a time-stamp service counts: its certificate, and a chain to a root of the verifier (SPEC 15.3).

Every certificate is judged at the time in the token, never by today's clock: certificates of such services end long
before what they stamped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from personactl_ledger.errors import FormatError
from personactl_ledger.tsp_signature import careful, read_through

MAX_CHAIN = 8
"""Certificates from the service's own to the root, both counted."""
MAX_TRIED = 256
"""Signatures of certificates checked for one token; hostile ones could make a maze."""
_KNOWN_CRITICAL = frozenset(
    {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
     ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.SUBJECT_ALTERNATIVE_NAME}
)  # fmt: skip
"""Critical extensions that are applied here, or that restrict nothing for a verifier who asks for no policy or name."""
_FOR_STAMPING = frozenset({ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


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
    if not _plain(signer):
        raise Untrusted("the certificate of the service has a critical extension or constraints that are not judged")
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
        if issuer in chain or issuer.subject != last.issuer or not (_valid(issuer, at) and _plain(issuer)):
            continue
        if not _authority(issuer, sum(below.subject != below.issuer for below in chain[1:])):
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
    allowed = _key_usage(signer)
    if allowed is not None and not (allowed.digital_signature or allowed.content_commitment):
        raise Untrusted("the certificate of the service is not for signatures")


def _valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _plain(certificate: x509.Certificate) -> bool:
    """RFC 5280 sections 4.2 and 4.2.1.10: nothing critical that is not applied here; name constraints are not."""
    if any(item.critical and item.oid not in _KNOWN_CRITICAL for item in certificate.extensions):
        return False
    return all(item.oid != ExtensionOID.NAME_CONSTRAINTS for item in certificate.extensions)


def _authority(certificate: x509.Certificate, below: int) -> bool:
    """Whether it may issue certificates for time stamping, with `below` authorities between it and the service's that
    do not name themselves as issuer (RFC 5280 section 4.2.1.9)."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    if not constraints.ca or (constraints.path_length is not None and constraints.path_length < below):
        return False
    try:
        purposes = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        purposes = set(_FOR_STAMPING)
    usage = _key_usage(certificate)
    return bool(purposes & _FOR_STAMPING) and (usage is None or usage.key_cert_sign)


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        with careful():
            certificate.verify_directly_issued_by(issuer)
    except (FormatError, InvalidSignature):
        return False
    return True
