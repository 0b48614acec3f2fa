"""`keys init --dev`: every key but the persons' own, unencrypted and marked as development keys."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from personactl.errors import UsageProblem
from personactl.keys import layout, moments
from personactl.keys.certificates import MAX_NAME_LENGTH, Validity, make_leaf, make_root, subject
from personactl.keys.moments import Moment

VALIDITY = timedelta(days=3650)
"""Ten years. Without a time-stamp a file reads as expired when its leaf does, so a project's own leaf lives long."""
BACKDATE = timedelta(days=1)
"""Certificates start a day early: clocks of those who verify may lag."""
UNKNOWN_COUNTRY = "ZZ"
"""The user-assigned ISO 3166-1 code for "unknown"; the leaf profile asks for a country, a scaffold does not know it."""


def create_development(
    folder: Path,
    *,
    organisation: str,
    domain: str,
    now: Moment,
    country: str = UNKNOWN_COUNTRY,
) -> None:
    """Make the key folder: root, operator, ledger (Ed25519, and ML-DSA-44 where available), C2PA root and leaf.

    `now` is an RFC 3339 UTC time and becomes `createdAt`. Raises ConflictError when the folder exists with content,
    UsageProblem for a name that a certificate cannot carry, StorageError when the place cannot be written.
    """
    created_at = moments.read(now)
    organisation = _name(organisation)
    root_key = Ed25519PrivateKey.generate()
    files = {
        layout.ROOT_KEY: private_pem(root_key),
        layout.OPERATOR_KEY: private_pem(Ed25519PrivateKey.generate()),
        layout.LEDGER_KEY: private_pem(Ed25519PrivateKey.generate()),
        **mldsa_key(),
        **_c2pa_chain(organisation, country, _parse_time(created_at)),
    }
    index = {
        "schema": "personactl.keys/1",
        "development": True,
        "organisation": organisation,
        "domain": domain,
        "createdAt": created_at,
        "rootKeys": [b64encode(root_key.public_key().public_bytes_raw()).decode()],
    }
    files[layout.INDEX] = (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode()
    layout.create(folder, files)


def _name(organisation: str) -> str:
    name = organisation.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise UsageProblem(
            f"an organisation name in a certificate has 1 to {MAX_NAME_LENGTH} printable characters",
            hint="shorten [organisation] name in personactl.toml",
            code="keys.organisation-name",
        )
    return name


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _c2pa_chain(organisation: str, country: str, now: datetime) -> dict[str, bytes]:
    validity = Validity(start=now - BACKDATE, end=now + VALIDITY)
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def named(role: str) -> x509.Name:
        return subject(country=country, organisation=organisation, common_name=f"personactl development {role}")

    root = make_root(root_key, named("root"), validity)
    leaf = make_leaf(leaf_key.public_key(), named("signer"), validity, root=root, root_key=root_key)
    return {
        layout.C2PA_ROOT_CERTIFICATE: root.public_bytes(Encoding.PEM),
        layout.C2PA_ROOT_KEY: private_pem(root_key),
        layout.C2PA_LEAF_KEY: private_pem(leaf_key),
        layout.C2PA_CHAIN: leaf.public_bytes(Encoding.PEM),  # who verifies brings the anchor: it stays out of the files
    }


def mldsa_key() -> dict[str, bytes]:
    """The second, quantum-resistant log key; an OpenSSL without ML-DSA gives none and the log signs with Ed25519."""
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        return {layout.LEDGER_MLDSA_KEY: private_pem(MLDSA44PrivateKey.generate())}
    except (ImportError, UnsupportedAlgorithm):
        return {}


def private_pem(key: object) -> bytes:
    """PKCS#8 in PEM, unencrypted."""
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    return pem
