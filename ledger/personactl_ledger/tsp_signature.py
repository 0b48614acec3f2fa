"""The signature of a time-stamp token, by the certificate of its signer (SPEC 15.2). Whether that certificate counts
is another question: tsp_trust.py."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from personactl_ledger.der import Cursor, read
from personactl_ledger.errors import FormatError
from personactl_ledger.tsp import TokenInfo, unfit

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha3-256": hashes.SHA3_256,
    "sha3-384": hashes.SHA3_384,
    "sha3-512": hashes.SHA3_512,
}
_RSA, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
_PKCS1 = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_ECDSA = {"1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512"}
"""Signature algorithms that name their digest."""
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
)


def digest(algorithm: str, data: bytes) -> bytes:
    """By the names of SPEC 8.3."""
    return hashlib.new(algorithm.replace("-", "_"), data, usedforsecurity=False).digest()


@contextmanager
def careful() -> Iterator[None]:
    """Whatever `cryptography` says of a hostile certificate becomes a FormatError (code ledger.token-malformed)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _UNREADABLE:
        raise unfit("a certificate cannot be read, or uses an algorithm that is not known here") from None


def load_certificates(values: Sequence[bytes]) -> list[x509.Certificate]:
    """Those of `values` (DER) that are certificates; others, such as revocation lists, are passed over."""
    found = []
    for value in values:
        try:
            with careful():
                found.append(read_through(x509.load_der_x509_certificate(value)))
        except FormatError:
            continue
    return found


def read_through(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, after all that is read of it later was read once: its parts are parsed only when asked for."""
    certificate.public_key()
    certificate.subject.rfc4514_string()
    _ = (certificate.issuer, certificate.serial_number, certificate.signature_algorithm_oid)
    _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc, len(certificate.extensions))
    return certificate


def signer_certificate(token: TokenInfo, certificates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The certificate that the token names as its signer's: by name or key id, and by its digest."""
    algorithm, expected = token.signer.essential
    for certificate in certificates:
        if digest(algorithm, certificate.public_bytes(Encoding.DER)) == expected and _named(token, certificate):
            return certificate
    return None


def require_signature(token: TokenInfo, certificate: x509.Certificate) -> None:
    """Raises FormatError (code ledger.token-malformed) unless this certificate's key signed it (RFC 5652 5.4)."""
    signer = token.signer
    named = {**_PKCS1, **_ECDSA}.get(signer.signature_algorithm, signer.digest_algorithm)
    if named != signer.digest_algorithm:
        raise unfit("its signature and its attributes use different hash algorithms")
    algorithm = _HASHES[named]()
    try:
        with careful():
            key = certificate.public_key()
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signer.signature, signer.signed, _padding(signer.signature_algorithm, algorithm), algorithm)
            elif isinstance(key, ec.EllipticCurvePublicKey) and signer.signature_algorithm in _ECDSA:
                key.verify(signer.signature, signer.signed, ec.ECDSA(algorithm))
            else:
                raise TypeError
    except InvalidSignature:
        raise unfit("its signature is wrong") from None


def require_content(token: TokenInfo) -> None:
    """Raises FormatError unless the signed attributes are about this content."""
    if digest(token.signer.digest_algorithm, token.content) != token.signer.message_digest:
        raise unfit("its signature is about another content")


def _padding(oid: str, algorithm: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if oid == RSA_PSS:  # with one hash for everything; what the parameters may ask for beyond that is not offered
        return padding.PSS(mgf=padding.MGF1(algorithm), salt_length=padding.PSS.AUTO)
    if oid != _RSA and oid not in _PKCS1:
        raise TypeError
    return padding.PKCS1v15()


def _named(token: TokenInfo, certificate: x509.Certificate) -> bool:
    if token.signer.key_id is not None:
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return False
        return extension.value.digest == token.signer.key_id
    try:
        fields = Cursor(read(certificate.tbs_certificate_bytes))
        fields.maybe(0xA0)
        serial, _, issuer = fields.take().integer(), fields.take(), fields.take()
    except FormatError:
        return False
    return (issuer.encoded, serial) == (token.signer.issuer, token.signer.serial)
