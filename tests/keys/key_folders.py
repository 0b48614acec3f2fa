"""Key folders for tests: a sound one, and certificates that break exactly one rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from personactl import keys
from personactl.keys import certificates, layout

NOW = datetime.now(UTC).replace(microsecond=0)
NOW_TEXT = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
ORIGIN = "example.org/personactl/0123456789abcdef"


def make(folder: Path) -> Path:
    """A sound development folder."""
    keys.create_development(folder, organisation="Example Studio", domain="example.org", now=NOW_TEXT)
    return folder


def name(common_name: str, *, organisation: str | None = "Example Studio") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, "ZZ"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation is not None:
        attributes.insert(1, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(attributes)


def key_usage(**bits: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{bit: bits.get(bit, False) for bit in names})


class Authority:
    """A root with its key, that issues leaves with chosen faults."""

    def __init__(self, common_name: str = "test root", *, authority: bool = True, days: int = 100, start: int = -1):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(common_name)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        self.certificate = (
            builder(self.name, self.name, self.key.public_key(), start, days)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(key_usage(key_cert_sign=authority, digital_signature=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def leaf(self, key: Any, **faults: Any) -> x509.Certificate:
        """A leaf that keeps every rule but those named.

        `eku`: usages or None; `ku`: key usage or None; `ku_critical`, `aki`, `ski`, `ca`, `days`, `start`, `subject`,
        `digest`: as their names say.
        """
        eku = faults.get("eku", [certificates.EMAIL_PROTECTION, certificates.CLAIM_SIGNING])
        usage = faults.get("ku", key_usage(digital_signature=True))
        made = builder(
            faults.get("subject", name("test leaf")),
            faults.get("issuer", self.name),
            key.public_key(),
            faults.get("start", -1),
            faults.get("days", 90),
        ).add_extension(x509.BasicConstraints(faults.get("ca", False), None), critical=True)
        if usage is not None:
            made = made.add_extension(usage, critical=faults.get("ku_critical", True))
        if eku is not None:
            made = made.add_extension(x509.ExtendedKeyUsage(eku), critical=False)
        if faults.get("ski", True):
            made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        if faults.get("aki", True):
            made = made.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        return made.sign(faults.get("signed_by", self.key), faults.get("digest", hashes.SHA256()))


def builder(subject: x509.Name, issuer: x509.Name, public_key: Any, start: int, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=start))
        .not_valid_after(NOW + timedelta(days=days))
    )


def pem(*certificates_: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates_)


def private_pem(key: Any) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def install(folder: Path, root: x509.Certificate, chain: bytes, key: Any) -> None:
    """Put a C2PA chain into a key folder in place of its own."""
    (folder / layout.C2PA_ROOT_CERTIFICATE).write_bytes(pem(root))
    (folder / layout.C2PA_CHAIN).write_bytes(chain)
    (folder / layout.C2PA_LEAF_KEY).write_bytes(private_pem(key))
