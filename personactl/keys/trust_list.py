"""A public list of signing authorities, such as C2PA's own, that a verifier brings: PEM certificates in one file.

Such a list says that an authority checks whom it certifies. It says nothing about a ledger, a persona or a studio, so
whoever is only on a list is `listed`, never `trusted`. A list of time-stamp authorities vouches for times and for no
signer. None is shipped and none is fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from personactl.errors import TrustError
from personactl.keys import trust_store

MAX_BYTES = 4 << 20
MAX_CERTIFICATES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """`anchors` are PEM certificates of authorities; `sha256` is that of the file's exact bytes. `stamps`: it is one of
    time-stamp authorities."""

    name: str
    sha256: str
    stamps: bool
    anchors: tuple[str, ...] = field(repr=False)


def load_all(signers: Sequence[Path], stamps: Sequence[Path] = ()) -> tuple[TrustList, ...]:
    """The lists of one command: of those who sign, and of those who stamp times.

    Raises TrustError (trust.list-unreadable, trust.list-invalid).
    """
    found = [*(_read(path, stamps=False) for path in signers), *(_read(path, stamps=True) for path in stamps)]
    return tuple({(item.sha256, item.stamps): item for item in found}.values())


def _read(path: Path, *, stamps: bool) -> TrustList:
    data = trust_store.read_linked(path, MAX_BYTES, "trust list", code="trust.list-unreadable")
    try:
        anchors = tuple(_authority(item) for item in x509.load_pem_x509_certificates(data))
    except (
        ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
    ) as error:  # fmt: skip
        raise _invalid(path, f"it does not hold certificate authorities in PEM ({error})") from None
    if len(anchors) > MAX_CERTIFICATES:
        raise _invalid(path, f"it has more than {MAX_CERTIFICATES} certificates")
    return TrustList(name=path.name, sha256=hashlib.sha256(data).hexdigest(), stamps=stamps, anchors=anchors)


def _authority(certificate: x509.Certificate) -> str:
    """The certificate in PEM, without what stands around it. Raises ValueError for one of an end entity."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise ValueError("a certificate is not that of an authority") from None
    if not constraints.ca:
        raise ValueError("a certificate is not that of an authority")
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _invalid(path: Path, reason: str) -> TrustError:
    return TrustError(
        f"this is not a trust list that can be used: {reason}",
        where=str(path),
        hint="give a PEM file of authorities, for example C2PA-TRUST-LIST.pem of c2pa-org/conformance-public",
        code="trust.list-invalid",
    )
