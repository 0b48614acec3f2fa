"""The rules that a C2PA signing certificate must meet, one small function each. No I/O, no clock.

    C2PA 2.4, "X.509 certificate profile"    keyUsage, extendedKeyUsage, identifiers, algorithms, no self-signed leaf
    C2PA conformance programme 0.2, AL1      claimSigning, C/O/CN, 366 days
    RFC 5280                                 chain order, validity, basicConstraints

Signing libraries answer a broken rule with one sentence for all of them; here every broken rule is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from personactl.keys.certificates import CLAIM_SIGNING, DOCUMENT_SIGNING, EMAIL_PROTECTION
from personactl.model import Finding, Severity

EXPIRES_SOON = timedelta(days=30)
CONFORMANCE_VALIDITY = timedelta(days=366)
MIN_RSA_BITS = 2048
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})

_SIGNATURE_ALGORITHMS = frozenset(
    {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.RSASSA_PSS,
        SignatureAlgorithmOID.ED25519,
    }
)
_SUBJECT = ((NameOID.COUNTRY_NAME, "C"), (NameOID.ORGANIZATION_NAME, "O"), (NameOID.COMMON_NAME, "CN"))

Extension = TypeVar("Extension", bound=x509.ExtensionType)


def leaf_rules(leaf: x509.Certificate, now: datetime) -> Iterator[Finding]:
    """Every rule that the leaf breaks by itself. `now` has a time zone."""
    for rule in (_key, _signature, _constraints, _key_usage, _extended_key_usage, _identifiers, _subject):
        yield from rule(leaf)
    yield from _validity(leaf, now, "leaf", _LEAF_VALIDITY)
    if leaf.not_valid_after_utc - leaf.not_valid_before_utc > CONFORMANCE_VALIDITY:
        yield _finding(
            "keys.leaf-long-lived",
            "the leaf is valid for more than 366 days, which the C2PA conformance programme does not allow",
            "fine for your own root; a leaf from the C2PA trust list will be shorter and needs time-stamps",
            "info",
        )


def root_rules(root: x509.Certificate, now: datetime) -> Iterator[Finding]:
    """Every rule that the C2PA root breaks."""
    constraints = _extension(root, x509.BasicConstraints)
    usage = _extension(root, x509.KeyUsage)
    if constraints is None or not constraints.ca:
        yield _finding("keys.root-not-ca", "the C2PA root is not marked as a certificate authority (basicConstraints)")
    elif usage is None or not usage.key_cert_sign:
        yield _finding("keys.root-not-ca", "the C2PA root may not sign certificates (keyUsage lacks keyCertSign)")
    if _extension(root, x509.SubjectKeyIdentifier) is None:
        yield _finding("keys.ski-missing", "the C2PA root has no subject key identifier")
    yield from _validity(root, now, "root", _ROOT_VALIDITY)


def chain_rules(chain: Sequence[x509.Certificate], root: x509.Certificate) -> Iterator[Finding]:
    """How the chain hangs together: leaf first, each certificate issued by the next, the last by the root."""
    leaf = chain[0]
    if _self_signed(leaf) and all(_self_signed(other) for other in chain[1:]):
        yield _finding(
            "keys.leaf-self-signed",
            "the leaf signed itself; C2PA wants a leaf that a separate authority issued",
            "personactl keys init --dev makes a root and a leaf",
        )
        return
    if not all(_issued_by(child, parent) for child, parent in pairwise(chain)):
        yield _finding(
            "keys.chain-order",
            "the certificates of the chain file are not in order: each must be issued by the one after it",
            "write the leaf first, then its issuer, and so on",
        )
    elif chain[-1] != root and not _issued_by(chain[-1], root):
        yield _finding(
            "keys.chain-broken",
            "the chain does not end at c2pa-root.pem: its last certificate was issued by another authority",
            "put the authority that issued it into c2pa-root.pem; equal names are not enough",
        )


def key_rules(leaf: x509.Certificate, private_key: object) -> Iterator[Finding]:
    """The private key must be the one that the leaf certifies."""
    kinds = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)
    if not isinstance(private_key, kinds) or private_key.public_key() != _public_key(leaf):
        yield _finding(
            "keys.key-mismatch",
            "the private key c2pa-leaf.key does not belong to the leaf certificate",
            "use the key that the certificate request was made with",
        )


def _key(leaf: x509.Certificate) -> Iterator[Finding]:
    if not _signs_files(_public_key(leaf)):
        yield _finding(
            "keys.key-type",
            "the leaf's key is of a kind that C2PA does not sign with: it is none on P-256, P-384 or P-521, no RSA key "
            f"of {MIN_RSA_BITS} bits or more, and no Ed25519 key",
            "ask for an ECDSA P-256 certificate",
        )


def _signs_files(key: object) -> bool:
    """The algorithms of C2PA 2.4, "Digital signatures": ES256, ES384, ES512, PS256 and longer, Ed25519."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name in _CURVES
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MIN_RSA_BITS
    return isinstance(key, ed25519.Ed25519PublicKey)


def _signature(leaf: x509.Certificate) -> Iterator[Finding]:
    if leaf.signature_algorithm_oid not in _SIGNATURE_ALGORITHMS:
        yield _finding(
            "keys.signature-algorithm",
            "the leaf is signed with an algorithm that C2PA does not list "
            f"({leaf.signature_algorithm_oid.dotted_string})",
            "ask the authority for a SHA-256, SHA-384 or SHA-512 signature",
        )


def _constraints(leaf: x509.Certificate) -> Iterator[Finding]:
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield _finding("keys.leaf-is-ca", "the leaf is marked as a certificate authority (basicConstraints CA:TRUE)")


def _key_usage(leaf: x509.Certificate) -> Iterator[Finding]:
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None:
        yield _finding("keys.ku-missing", "the leaf has no keyUsage; it must say digitalSignature")
        return
    if not usage.digital_signature:
        yield _finding("keys.ku-digital-signature", "the leaf's keyUsage lacks digitalSignature")
    if usage.key_cert_sign:
        yield _finding("keys.ku-cert-sign", "the leaf's keyUsage allows signing certificates (keyCertSign)")
    if not leaf.extensions.get_extension_for_class(x509.KeyUsage).critical:
        yield _finding("keys.ku-not-critical", "the leaf's keyUsage is not marked critical", severity="warning")


def _extended_key_usage(leaf: x509.Certificate) -> Iterator[Finding]:
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    if usage is None:
        yield _finding(
            "keys.eku-missing", "the leaf has no extendedKeyUsage; it needs emailProtection and C2PA claimSigning"
        )
        return
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage:
        yield _finding("keys.eku-any", "the leaf's extendedKeyUsage says anyExtendedKeyUsage, which C2PA forbids")
    special = [oid for oid in (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.OCSP_SIGNING) if oid in usage]
    if special:
        yield _finding("keys.eku-mixed", "the leaf is also for time-stamps or OCSP answers, which must stand alone")
    if EMAIL_PROTECTION not in usage and DOCUMENT_SIGNING not in usage:
        yield _finding(
            "keys.eku-email-protection",
            "the leaf's extendedKeyUsage lacks emailProtection (or documentSigning): other validators will refuse it",
        )
    if CLAIM_SIGNING not in usage:
        yield _finding(
            "keys.eku-claim-signing",
            "the leaf's extendedKeyUsage lacks C2PA claimSigning (1.3.6.1.4.1.62558.2.1)",
            "newer validators ask for it",
            "warning",
        )


def _identifiers(leaf: x509.Certificate) -> Iterator[Finding]:
    if _extension(leaf, x509.AuthorityKeyIdentifier) is None:
        yield _finding("keys.aki-missing", "the leaf has no authority key identifier")
    if _extension(leaf, x509.SubjectKeyIdentifier) is None:
        yield _finding("keys.ski-missing", "the leaf has no subject key identifier", severity="warning")


def _subject(leaf: x509.Certificate) -> Iterator[Finding]:
    missing = [short for oid, short in _SUBJECT if not leaf.subject.get_attributes_for_oid(oid)]
    if missing:
        yield _finding(
            "keys.subject-incomplete", f"the leaf's subject name lacks {', '.join(missing)}", severity="warning"
        )


_LEAF_VALIDITY = ("keys.leaf-expired", "keys.leaf-not-yet-valid", "keys.leaf-expires-soon")
_ROOT_VALIDITY = ("keys.root-expired", "keys.root-not-yet-valid", "keys.root-expires-soon")


def _validity(
    certificate: x509.Certificate, now: datetime, role: str, codes: tuple[str, str, str]
) -> Iterator[Finding]:
    expired, early, soon = codes
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        hint = "files signed with it now would read as expired; get a new certificate"
        yield _finding(expired, f"the C2PA {role} expired on {end:%Y-%m-%d}", hint)
    elif now < start:
        yield _finding(early, f"the C2PA {role} is valid only from {start:%Y-%m-%d %H:%M} UTC")
    elif end - now < EXPIRES_SOON:
        message = f"the C2PA {role} expires on {end:%Y-%m-%d}, in less than {EXPIRES_SOON.days} days"
        yield _finding(soon, message, severity="warning")


def _public_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _self_signed(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer and _issued_by(certificate, certificate)


def _issued_by(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_DEFAULT_HINT = "ask the authority for a certificate of the C2PA profile, or run: personactl keys init --dev"


def _finding(code: str, message: str, hint: str = _DEFAULT_HINT, severity: Severity = "error") -> Finding:
    return Finding(code=code, severity=severity, message=message, hint=hint)
