"""A second box or store that could be the one: who signed is told by the one that the library believes, or not at all.

Each file is signed soundly under our authority by a certificate that the trust file does not list; the decoy names the
one that it lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import claims
import pytest
from attacks import Studios
from claims import LABEL, box, cbor, superbox
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from personactl import keys
from personactl.verify import verify_file

Build = Callable[[bytes, bytes], bytes]


def listed(studios: Studios) -> x509.Certificate:
    """The certificate that the trust file lists; its key is another's."""
    return x509.load_pem_x509_certificates(studios.theirs.keyset.c2pa.chain_pem)[0]


def pinned(studios: Studios, *fingerprints: str, issued_at: str | None = None) -> keys.TrustFile:
    document = json.loads(studios.ours.trust_bytes)
    document["leafFingerprints"] = list(fingerprints)
    document["issuedAt"] = issued_at or document["issuedAt"]
    return keys.trust.parse(json.dumps(document).encode(), "t")


def decoy(certificate: x509.Certificate) -> bytes:
    """A signature box's content that names a certificate and signs nothing."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    return box(b"cbor", b"\xd2" + cbor([cbor({1: claims.Raw(b"\x26"), 33: [der]}), {}, None, bytes(64)]))


def signed(studios: Studios, build: Build) -> bytes:
    """`build` makes the store of the sound manifest and the decoy."""
    usual, false = claims.usual(studios.ours), decoy(listed(studios))

    def made(hard: claims.Assertion) -> bytes:
        return build(claims.manifest(studios.ours, LABEL, [*usual, hard]), false)

    return claims.bound(claims.picture(), made)


def false_manifest(false: bytes, label: str = LABEL) -> bytes:
    return superbox("c2ma", label, superbox("c2cs", "c2pa.signature", false))


def inside(manifest: bytes, more: bytes) -> bytes:
    """The manifest with another box in it."""
    body = manifest[8:] + more
    return box(b"jumb", body)


DECOYS: dict[str, Build] = {
    "a store behind one of another name": lambda real, false: (
        superbox("c2pa", "zzz", real) + superbox("c2pa", "c2pa", false_manifest(false))
    ),
    "a store behind the store": lambda real, false: claims.store(real) + claims.store(false_manifest(false)),
    "a store in front of the store": lambda real, false: claims.store(false_manifest(false)) + claims.store(real),
    "a store of another type in front": lambda real, false: (
        superbox("json", "c2pa", false_manifest(false)) + claims.store(real)
    ),
    "a manifest of the same name": lambda real, false: claims.store(real, false_manifest(false)),
    "a manifest of the same name in front": lambda real, false: claims.store(false_manifest(false), real),
    "a signature of another type": lambda real, false: claims.store(
        inside(real, superbox("json", "c2pa.signature", false))
    ),
    "a second signature": lambda real, false: claims.store(inside(real, superbox("c2cs", "c2pa.signature", false))),
    "a signature of another name": lambda real, false: claims.store(inside(real, superbox("c2cs", "zzz", false))),
    "bytes behind the store": lambda real, false: claims.store(real) + false,
}


@pytest.mark.parametrize("build", DECOYS.values(), ids=DECOYS)
def test_a_decoy_does_not_make_a_listed_signer(studios: Studios, tmp_path: Path, build: Build) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(signed(studios, build))
    verdict = verify_file(path, [pinned(studios, listed(studios).fingerprint(hashes.SHA256()).hex())])
    assert (verdict.verdict, verdict.exit_code) in {("fail", 4), ("fail", 5), ("error", 4)}
    assert verdict.persona is None or verdict.axes.trust == "untrusted"


def test_without_a_decoy_the_signer_is_told(studios: Studios, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(signed(studios, lambda real, _: claims.store(real)))
    own = x509.load_pem_x509_certificates(studios.ours.keyset.c2pa.chain_pem)[0].fingerprint(hashes.SHA256()).hex()
    assert verify_file(path, [pinned(studios, own)]).verdict == "pass"
    verdict = verify_file(path, [pinned(studios, listed(studios).fingerprint(hashes.SHA256()).hex())])
    assert (verdict.verdict, verdict.exit_code) == ("fail", 5)
    assert "verify.leaf-not-allowed" in {item.code for item in verdict.findings}


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_trust_file_of_a_ledger_says_which_certificates_count(
    studios: Studios, tmp_path: Path, order: int
) -> None:
    path = studios.ours.deliver(tmp_path)
    own = x509.load_pem_x509_certificates(studios.ours.keyset.c2pa.chain_pem)[0].fingerprint(hashes.SHA256()).hex()
    older = pinned(studios, own, issued_at="2026-01-01T00:00:00Z")
    newer = pinned(studios, "00" * 32, issued_at="2026-02-01T00:00:00Z")
    assert verify_file(path, [older]).verdict == "pass"
    verdict = verify_file(path, [older, newer][::order])
    assert (verdict.verdict, verdict.exit_code) == ("fail", 5)
    assert "verify.leaf-not-allowed" in {item.code for item in verdict.findings}


def test_a_store_in_a_segment_that_is_not_for_one_is_refused(studios: Studios, tmp_path: Path) -> None:
    """Some readers take it all the same, so that two readers would see two credentials."""
    data = studios.ours.works["jpeg"].data
    at = data.index(b"\xff\xeb") + 4
    assert data[at : at + 2] == b"JP"
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:at] + b"XX" + data[at + 2 :])
    verdict = verify_file(path, [studios.ours.trust])
    assert (verdict.verdict, verdict.exit_code) == ("error", 4)
    assert any("a segment that is not for one" in item.message for item in verdict.findings)
