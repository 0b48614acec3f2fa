"""A TEST-ONLY time-stamp service that states any time it is told, and makes any mistake. Its keys are made from names.

Responses are built value by value in DER, so that one part can be wrong and everything around it right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from forge import secret

AT = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
"""The time that tokens state unless told otherwise."""
_HASHES = {"sha256": 1, "sha384": 2, "sha512": 3, "sha3-256": 8, "sha3-384": 9, "sha3-512": 10}
_SMIME = "1.2.840.113549.1.9."
TST_INFO = _SMIME + "16.1.4"


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER value."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def number(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 127]
        while arc := arc >> 7:
            groups.append(arc & 127 | 128)
        body += bytes(reversed(groups))
    return tlv(6, body)


def algorithm(name: str) -> bytes:
    return tlv(0x30, oid(f"2.16.840.1.101.3.4.2.{_HASHES[name]}"), tlv(5))


def digest(name: str, data: bytes) -> bytes:
    return hashlib.new(name.replace("-", "_"), data).digest()


def private_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret(name), "big") >> 1, ec.SECP256R1())


def certificate(
    name: str, issuer: str, *, authority: bool = False, purposes: Sequence[Any] = (ExtendedKeyUsageOID.TIME_STAMPING,),
    until: datetime = datetime(2026, 2, 1, tzinfo=UTC), critical: bool = True, path_length: int | None = None,
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.Certificate:  # fmt: skip
    """Of the key `name`, by the key `issuer`. Services end in February 2026, authorities in 2060. `extra` are further
    extensions, each with whether it is critical."""

    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"TEST-ONLY {text}")])

    builder = x509.CertificateBuilder(
        issuer_name=called(issuer), subject_name=called(name), public_key=private_key(name).public_key(),
        serial_number=int(secret(name).hex()[:15], 16), not_valid_before=datetime(2025, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2060, 1, 1, tzinfo=UTC) if authority else until,
    )  # fmt: skip
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
    if purposes and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
    key_id = x509.SubjectKeyIdentifier.from_public_key(private_key(name).public_key())
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(private_key(issuer).public_key())
    builder = builder.add_extension(key_id, critical=False).add_extension(by, critical=False)
    for extension, must in extra:
        builder = builder.add_extension(extension, critical=must)
    return builder.sign(private_key(issuer), hashes.SHA256())


@dataclass(frozen=True)
class Service:
    """`name` has a certificate by `root`. What is in `certificate` overrides the certificate that it makes."""

    name: str = "time"
    root: str = "time root"
    more: dict[str, Any] = field(default_factory=dict)

    def root_pem(self) -> str:
        found = certificate(self.root, self.root, authority=True)
        return found.public_bytes(Encoding.PEM).decode()

    def der(self) -> bytes:
        return certificate(self.name, self.root, **self.more).public_bytes(Encoding.DER)

    def respond(
        self, covered: bytes, *, at: datetime = AT, hash_name: str = "sha512", serial: int = 7,
        nonce: int | None = None, held: Sequence[bytes] | None = None, status: int = 0, essential: bool = True,
        signers: int = 1, stated: datetime | None = None, version: int = 1, digest_name: str = "sha256",
        named: bytes | None = None,
    ) -> bytes:  # fmt: skip
        """A response over `covered`. `stated` puts another time into the content after it was digested; `named` is the
        certificate that the token names as its signer's."""
        own = named or self.der()
        info = self._info(covered, at, hash_name, serial, nonce, version)
        shown = info if stated is None else self._info(covered, stated, hash_name, serial, nonce, version)
        signer = self._signer_info(info, own, digest_name, essential=essential)
        signed = tlv(
            0x30, number(3), tlv(0x31, algorithm(digest_name)), tlv(0x30, oid(TST_INFO), tlv(0xA0, tlv(4, shown))),
            tlv(0xA0, *(held if held is not None else (own,))), tlv(0x31, *[signer] * signers),
        )  # fmt: skip
        content = tlv(0x30, oid("1.2.840.113549.1.7.2"), tlv(0xA0, signed))
        words = tlv(0x30, tlv(12, b"come back later")) if status > 1 else b""
        return tlv(0x30, tlv(0x30, number(status), words), content if status < 2 else b"")

    def _info(self, covered: bytes, at: datetime, name: str, serial: int, nonce: int | None, version: int) -> bytes:
        parts = [
            number(version), oid("1.3.6.1.4.1.99999.1"),
            tlv(0x30, algorithm(name), tlv(4, digest(name, covered))), number(serial),
            tlv(24, at.strftime("%Y%m%d%H%M%SZ").encode()), tlv(0x30, number(1)),
        ]  # fmt: skip
        return tlv(0x30, *parts, number(nonce) if nonce is not None else b"")

    def _signer_info(self, info: bytes, own: bytes, name: str, *, essential: bool) -> bytes:
        def attribute(kind: str, value: bytes) -> bytes:
            return tlv(0x30, oid(_SMIME + kind), tlv(0x31, value))

        attributes = [attribute("3", oid(TST_INFO)), attribute("4", tlv(4, digest(name, info)))]
        if essential:
            ids = tlv(0x30, tlv(0x30, tlv(4, digest("sha256", own))))
            attributes.append(attribute("16.2.47", tlv(0x30, ids)))
        attributes.sort()
        signature = private_key(self.name).sign(tlv(0x31, *attributes), ec.ECDSA(_hash(name)))
        parsed = x509.load_der_x509_certificate(own)
        issuer = tlv(0x30, parsed.issuer.public_bytes(), number(parsed.serial_number))
        scheme = {"sha256": 2, "sha384": 3, "sha512": 4}[name]
        return tlv(
            0x30, number(1), issuer, algorithm(name), tlv(0xA0, *attributes),
            tlv(0x30, oid(f"1.2.840.10045.4.3.{scheme}")), tlv(4, signature),
        )  # fmt: skip


def _hash(name: str) -> hashes.HashAlgorithm:
    found: hashes.HashAlgorithm = getattr(hashes, name.upper())()
    return found
