"""Every certificate rule has a chain that breaks it alone, is named for it, and, where it is an error, is refused or
distrusted by the C2PA library or by the rules that other validators apply."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import key_folders
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from key_folders import Authority, key_usage, name, pem
from PIL import Image

from personactl import keys
from personactl.disclose import C2paSigner, enrolment_manifest, read_marks
from personactl.keys import certificates, layout

EMAIL, CLAIM = certificates.EMAIL_PROTECTION, certificates.CLAIM_SIGNING

LEAF_FAULTS: dict[str, dict[str, Any]] = {
    "keys.eku-missing": {"eku": None},
    "keys.eku-any": {"eku": [EMAIL, CLAIM, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]},
    "keys.eku-mixed": {"eku": [EMAIL, CLAIM, ExtendedKeyUsageOID.TIME_STAMPING]},
    "keys.eku-email-protection": {"eku": [CLAIM]},
    "keys.eku-claim-signing": {"eku": [EMAIL]},
    "keys.ku-missing": {"ku": None},
    "keys.ku-digital-signature": {"ku": key_usage(key_agreement=True)},
    "keys.ku-cert-sign": {"ku": key_usage(digital_signature=True, key_cert_sign=True)},
    "keys.ku-not-critical": {"ku_critical": False},
    "keys.aki-missing": {"aki": False},
    "keys.ski-missing": {"ski": False},
    "keys.leaf-is-ca": {"ca": True},
    "keys.leaf-expired": {"start": -40, "days": -1},
    "keys.leaf-not-yet-valid": {"start": 2},
    "keys.leaf-expires-soon": {"days": 10},
    "keys.leaf-long-lived": {"days": 400},
    "keys.signature-algorithm": {"digest": hashes.SHA3_256()},
    "keys.subject-incomplete": {"subject": name("nobody", organisation=None)},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return key_folders.make(tmp_path / "keys")


def codes(folder: Path) -> list[str]:
    return [finding.code for finding in keys.check(folder)]


def test_a_sound_chain_breaks_no_rule(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    key_folders.install(folder, authority.certificate, pem(authority.leaf(key)), key)
    assert codes(folder) == []


@pytest.mark.parametrize("code", LEAF_FAULTS)
def test_a_leaf_that_breaks_one_rule_is_named_for_it_alone(folder: Path, code: str) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    key_folders.install(folder, authority.certificate, pem(authority.leaf(key, **LEAF_FAULTS[code])), key)
    assert codes(folder) == [code]


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505  too short on purpose
    ],
    ids=["secp256k1", "brainpool", "RSA 1024"],
)
def test_a_leaf_key_that_c2pa_does_not_sign_with_is_named(folder: Path, key: Any) -> None:
    authority = Authority()
    key_folders.install(folder, authority.certificate, pem(authority.leaf(key)), key)
    assert codes(folder) == ["keys.key-type"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate,
    ],
    ids=["P-384", "P-521", "RSA 2048", "Ed25519"],
)
def test_a_bought_leaf_may_have_a_key_of_another_kind_and_it_signs(folder: Path, make: Callable[[], Any]) -> None:
    authority, key = Authority(), make()
    key_folders.install(folder, authority.certificate, pem(authority.leaf(key)), key)
    assert codes(folder) == []
    signer = C2paSigner(keys.load(folder).c2pa)
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    definition = enrolment_manifest.definition(declared="digitalCreation", at="2026-01-01T00:00:00Z")
    signed = signer.sign(definition, "image/png", data.getvalue()).data
    assert read_marks(signed, anchors=signer.anchors).c2pa.state == "Trusted"


def test_a_key_of_another_kind_that_belongs_to_another_leaf_is_named(folder: Path) -> None:
    authority, key = Authority(), ed25519.Ed25519PrivateKey.generate()
    chain = pem(authority.leaf(key))
    key_folders.install(folder, authority.certificate, chain, ed25519.Ed25519PrivateKey.generate())
    assert codes(folder) == ["keys.key-mismatch"]


def test_a_key_that_belongs_to_another_leaf_is_named(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    chain = pem(authority.leaf(key))
    key_folders.install(folder, authority.certificate, chain, ec.generate_private_key(ec.SECP256R1()))
    assert codes(folder) == ["keys.key-mismatch"]


def test_a_self_signed_leaf_is_named(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    leaf = authority.leaf(key, subject=name("alone"), issuer=name("alone"), signed_by=key)
    key_folders.install(folder, authority.certificate, pem(leaf), key)
    assert codes(folder) == ["keys.leaf-self-signed"]


def test_a_chain_in_the_wrong_order_is_named(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    key_folders.install(folder, authority.certificate, pem(authority.certificate, authority.leaf(key)), key)
    assert "keys.chain-order" in codes(folder)


def test_a_chain_that_ends_at_a_namesake_of_the_root_is_named(folder: Path) -> None:
    authority, impostor, key = Authority(), Authority(), ec.generate_private_key(ec.SECP256R1())
    assert authority.certificate.subject == impostor.certificate.subject
    key_folders.install(folder, authority.certificate, pem(impostor.leaf(key)), key)
    assert codes(folder) == ["keys.chain-broken"]


@pytest.mark.parametrize(
    ("code", "authority"),
    [
        ("keys.root-not-ca", {"authority": False}),
        ("keys.root-expired", {"start": -40, "days": -1}),
        ("keys.root-not-yet-valid", {"start": 2}),
        ("keys.root-expires-soon", {"days": 10}),
    ],
)
def test_a_root_that_breaks_one_rule_is_named(folder: Path, code: str, authority: dict[str, Any]) -> None:
    root, key = Authority(**authority), ec.generate_private_key(ec.SECP256R1())
    key_folders.install(folder, root.certificate, pem(root.leaf(key)), key)
    assert code in codes(folder)


def test_several_broken_rules_are_all_named(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    leaf = authority.leaf(key, eku=None, ku=None, aki=False, start=-40, days=-1)
    key_folders.install(folder, authority.certificate, pem(leaf), key)
    assert set(codes(folder)) == {"keys.eku-missing", "keys.ku-missing", "keys.aki-missing", "keys.leaf-expired"}


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_chain_file_without_certificates_is_named(folder: Path, content: bytes) -> None:
    (folder / layout.C2PA_CHAIN).write_bytes(content)
    assert codes(folder) == ["keys.certificate-unreadable"]


def test_a_missing_folder_is_a_finding(tmp_path: Path) -> None:
    assert codes(tmp_path / "none") == ["keys.folder-missing"]


def test_certificates_are_judged_at_the_time_given(folder: Path) -> None:
    found = keys.check(folder, now="2099-01-01T00:00:00Z")
    assert {"keys.leaf-expired", "keys.root-expired"} <= {finding.code for finding in found}


def test_every_finding_says_what_to_do(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    leaf = authority.leaf(key, eku=[ObjectIdentifier("1.2.3.4")], ku=None, aki=False, ski=False, days=-1, start=-9)
    key_folders.install(folder, authority.certificate, pem(leaf), key)
    found = keys.check(folder)
    assert len(found) >= 5
    assert all(finding.hint and finding.message for finding in found)


def test_documents_signing_counts_as_email_protection(folder: Path) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    leaf = authority.leaf(key, eku=[certificates.DOCUMENT_SIGNING, CLAIM])
    key_folders.install(folder, authority.certificate, pem(leaf), key)
    assert codes(folder) == []


def test_an_intermediate_may_stand_between_leaf_and_root(folder: Path) -> None:
    root, middle, key = Authority("root"), Authority("middle"), ec.generate_private_key(ec.SECP256R1())
    middle.certificate = root.leaf(middle.key, subject=middle.name, ca=True, ku=key_usage(key_cert_sign=True), eku=None)
    assert isinstance(middle.certificate, x509.Certificate)
    key_folders.install(folder, root.certificate, pem(middle.leaf(key), middle.certificate), key)
    assert codes(folder) == []
