"""Whose authority the certificates of a manifest store lead to, and which algorithm a leaf signs with.

The C2PA library has one list of anchors for those who sign files and those who stamp times. Where roots of time-stamp
services are among them, this module tells which manifests are signed under an authority of the first kind. Only issuing
is looked at (names and signatures of certificates, RFC 5280 6.1.3): the library has checked all else.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from personactl.disclose import cose

_MAX_CHAIN = 8
_BY_CURVE = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


def signing_algorithm(leaf: x509.Certificate) -> str:
    """The C2PA algorithm (C2PA 2.4, "Digital signatures") of a leaf's key: es256, es384, es512, ps256, ed25519.

    Raises ValueError for a key that signs none of them, UnsupportedAlgorithm for one that is not known.
    """
    key = leaf.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _BY_CURVE:
        return _BY_CURVE[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    raise ValueError("the leaf's key is of a kind that C2PA does not sign with")


def not_under(store: bytes, anchors: Sequence[str]) -> frozenset[str] | None:
    """The labels of the manifests in a store whose signer does not lead to one of these authorities (PEM).

    None when the chains cannot be told for certain.
    """
    chains = cose.chains(store)
    if chains is None:
        return None
    try:
        roots = [certificate for pem in anchors for certificate in x509.load_pem_x509_certificates(pem.encode())]
        return frozenset(label for label, chain in chains.items() if not _leads_to(chain, roots))
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None


def _leads_to(chain: Sequence[bytes], roots: Sequence[x509.Certificate]) -> bool:
    """Whether a certificate of the chain, each issued by the next, is one of the roots or issued by one."""
    certificates = [x509.load_der_x509_certificate(item) for item in chain[:_MAX_CHAIN]]
    for place, certificate in enumerate(certificates):
        if place and not _issued(certificates[place - 1], certificate):
            return False
        if any(certificate == root or _issued(certificate, root) for root in roots):
            return True
    return False


def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
