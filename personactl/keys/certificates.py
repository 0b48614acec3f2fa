"""X.509 certificates for C2PA signing: a root and an end-entity leaf, both ECDSA on P-256 with SHA-256 (ES256).

The profile is that of C2PA 2.4, "X.509 certificate profile", with both extended key usages that validators look for:
emailProtection (default lists of older validators) and c2pa-kp-claimSigning (conformance programme).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""c2pa-kp-claimSigning."""
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning, RFC 9336."""
EMAIL_PROTECTION = ExtendedKeyUsageOID.EMAIL_PROTECTION

MAX_NAME_LENGTH = 64
"""ub-organization-name and ub-common-name of RFC 5280, appendix A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """First and last moment of a certificate, both with a time zone."""

    start: datetime
    end: datetime


def subject(*, country: str, organisation: str, common_name: str) -> x509.Name:
    """A distinguished name with C, O and CN, which the leaf profile asks for. `country`: two letters, ISO 3166-1."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:MAX_NAME_LENGTH]),
        ]
    )


def make_root(key: ec.EllipticCurvePrivateKey, name: x509.Name, validity: Validity) -> x509.Certificate:
    """A self-signed root that may sign leaves but no further authority (path length 0)."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _builder(name, name, key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(certificate_authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )


def make_leaf(
    public_key: ec.EllipticCurvePublicKey,
    name: x509.Name,
    validity: Validity,
    *,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """The certificate that signs files: digitalSignature and nonRepudiation, emailProtection and claimSigning."""
    issuer_identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(name, root.subject, public_key, validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(certificate_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([EMAIL_PROTECTION, CLAIM_SIGNING]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER encoding, lower-case hex: what `leafFingerprints` of a trust file pins."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _builder(
    name: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
    )


def _key_usage(*, certificate_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificate_authority,
        content_commitment=not certificate_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificate_authority,
        crl_sign=certificate_authority,
        encipher_only=False,
        decipher_only=False,
    )
