"""Signing with keys of every kind, with intermediate certificates, and with time stamps of a real authority."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import AuthorityKeyIdentifier, BasicConstraints, Certificate, SubjectKeyIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_pictures import actions_definition, bare, delivered, keyset, signer

from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA
from personactl.disclose import C2paSigner, chains, cose, formats, read_marks
from personactl.errors import DisclosureError, KeyProblem
from personactl.keys import C2paCredential
from personactl.keys.certificates import Validity, _builder, _key_usage, make_leaf, make_root, subject
from personactl.keys.development import private_pem

sys.path.insert(0, str(Path(__file__).parents[1] / "ledger"))

from tsa_bench import OPENSSL, Authority, serving

CREATED = actions_definition(({"action": "c2pa.created", "digitalSourceType": TRAINED_ALGORITHMIC_MEDIA},))
KINDS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="needs the Debian package openssl")


def named(role: str) -> Any:
    return subject(country="ZZ", organisation="TEST-ONLY", common_name=role)


def validity(seconds: float = 86400) -> Validity:
    now = datetime.now(tz=UTC)
    return Validity(start=now - timedelta(days=1), end=now + timedelta(seconds=seconds))


@dataclass(frozen=True)
class Issuer:
    certificate: Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def credential(self, key: Any, *, seconds: float = 86400, between: tuple[Certificate, ...] = ()) -> C2paCredential:
        leaf = make_leaf(key.public_key(), named("leaf"), validity(seconds), root=self.certificate, root_key=self.key)
        chain = b"".join(item.public_bytes(Encoding.PEM) for item in (leaf, *between))
        return C2paCredential(chain_pem=chain, private_key_pem=private_pem(key), anchor_pem=self.pem)


def issuer(role: str = "root") -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    return Issuer(make_root(key, named(role), validity()), key)


@cache
def root() -> Issuer:
    return issuer()


def below(parent: Issuer) -> Issuer:
    """An authority that `parent` issued."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(named("between"), parent.certificate.subject, key.public_key(), validity())
        .add_extension(BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(certificate_authority=True), critical=True)
        .add_extension(SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key()), critical=False
        )
        .sign(parent.key, hashes.SHA256())
    )  # fmt: skip
    return Issuer(made, key)


def open_root(role: str = "root") -> Issuer:
    """A root that may have authorities below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _builder(named(role), named(role), key.public_key(), validity())
        .add_extension(BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(certificate_authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer(made, key)


def stores(data: bytes) -> list[bytes]:
    return formats.named("png").parts(data).c2pa


@pytest.mark.parametrize("algorithm", KINDS)
def test_the_algorithm_follows_from_the_key(algorithm: str) -> None:
    signer = C2paSigner(root().credential(KINDS[algorithm]()))
    found = read_marks(signer.sign(CREATED, "image/png", bare()).data, anchors=signer.anchors).c2pa
    assert (found.state, found.leaf_sha256) == ("Trusted", signer.leaf_sha256)


def test_a_key_that_c2pa_does_not_sign_with_is_a_key_problem() -> None:
    with pytest.raises(KeyProblem) as caught:
        C2paSigner(root().credential(ec.generate_private_key(ec.SECP256K1())))
    assert caught.value.code == "c2pa.signing-failed"
    assert "keys check" in (caught.value.hint or "")


def test_a_chain_with_an_authority_in_between_signs_and_leads_to_its_root() -> None:
    top = open_root()
    middle = below(top)
    key = KINDS["es384"]()
    credential = replace(middle.credential(key, between=(middle.certificate,)), anchor_pem=top.pem)
    signer = C2paSigner(credential)
    data = signer.sign(CREATED, "image/png", bare()).data
    found = read_marks(data, anchors=signer.anchors).c2pa
    assert (found.state, found.leaf_sha256) == ("Trusted", signer.leaf_sha256)
    (store,) = stores(data)
    assert [len(chain) for chain in (cose.chains(store) or {}).values()] == [2]
    assert chains.not_under(store, [top.pem]) == frozenset()
    assert chains.not_under(store, [middle.pem]) == frozenset()
    assert chains.not_under(store, [issuer().pem]) == {found.active_label}


def test_a_store_that_is_not_understood_is_under_nobody() -> None:
    assert chains.not_under(b"", [root().pem]) is None
    assert chains.not_under(b"\0\0\0\x08jumb", [root().pem]) is None


@settings(max_examples=200, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_store_never_raises(place: float, value: int) -> None:
    data = bytearray(stores(delivered("png"))[0])
    data[int(place * len(data))] = value
    found = chains.not_under(bytes(data), signer().anchors)
    assert found is None or isinstance(found, frozenset)


def test_a_namesake_of_the_authority_issued_nothing() -> None:
    signer = C2paSigner(root().credential(KINDS["es256"]()))
    data = signer.sign(CREATED, "image/png", bare()).data
    assert chains.not_under(stores(data)[0], [issuer().pem]) == {read_marks(data, anchors=()).c2pa.active_label}


# --- time stamps ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    if OPENSSL is None:
        pytest.skip("needs the Debian package openssl")
    yield Authority.make(tmp_path_factory.mktemp("tsa"))


def test_a_signature_is_stamped_and_the_stamp_counts_under_the_roots_of_its_service(authority: Authority) -> None:
    with serving(lambda query: (200, {}, authority.reply(query))) as url:
        signer = C2paSigner(keyset().c2pa, ta_url=url)
        data = signer.sign(CREATED, "image/png", bare()).data
    plain = C2paSigner(keyset().c2pa).sign(CREATED, "image/png", bare()).data
    assert 5_000 < len(data) - len(plain) < 20_000
    alone = read_marks(data, anchors=signer.anchors).c2pa
    assert (alone.state, alone.failures) == ("Trusted", ())
    assert "timeStamp.untrusted" in alone.informational
    assert datetime.fromisoformat(alone.signed_at) <= datetime.now(tz=UTC)


@pytest.mark.parametrize("answer", [(500, b""), (200, b"no token"), (404, b"")], ids=["error", "no token", "not found"])
def test_a_service_that_fails_is_named_and_nothing_is_signed(answer: tuple[int, bytes]) -> None:
    with serving(lambda query: (answer[0], {}, answer[1])) as url, pytest.raises(KeyProblem) as caught:
        C2paSigner(keyset().c2pa, ta_url=url).sign(CREATED, "image/png", bare())
    assert (caught.value.code, caught.value.exit_code, caught.value.where) == ("c2pa.time-stamp-failed", 9, url)


def test_a_service_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyProblem) as caught:
        C2paSigner(keyset().c2pa, ta_url="http://127.0.0.1:1/tsa").sign(CREATED, "image/png", bare())
    assert caught.value.code == "c2pa.time-stamp-failed"


def test_a_bad_key_is_not_blamed_on_the_service(authority: Authority) -> None:
    other = keyset(number=1).c2pa
    bad = replace(keyset().c2pa, private_key_pem=other.private_key_pem)
    with (
        serving(lambda query: (200, {}, authority.reply(query))) as url,
        pytest.raises(KeyProblem) as caught,
    ):
        C2paSigner(bad, ta_url=url).sign(CREATED, "image/png", bare())
    assert caught.value.code == "c2pa.signing-failed"


@dataclass(frozen=True)
class Outlived:
    """Files whose certificate has expired since, with a time-stamp and without, and two that the former went into: one
    of the same authority, one of another."""

    service: str
    stamped: bytes
    bare: bytes
    holding: bytes
    foreign: bytes
    short: str
    long: str


@pytest.fixture(scope="module")
def outlived(authority: Authority) -> Outlived:
    """Certificates that live for three seconds; their end is awaited once."""
    short, long = issuer("short"), issuer("long")
    with serving(lambda query: (200, {}, authority.reply(query))) as url:
        credential = short.credential(KINDS["es256"](), seconds=3)
        end = datetime.now(tz=UTC) + timedelta(seconds=3)
        stamped = C2paSigner(credential, ta_url=url).sign(CREATED, "image/png", bare()).data
        plain = C2paSigner(credential).sign(CREATED, "image/png", bare()).data
        using = json.loads(json.dumps(CREATED))
        using["assertions"][0]["data"]["actions"][0]["parameters"] = {"ingredientIds": ["in"]}
        holding, foreign = (
            C2paSigner(by.credential(KINDS["es256"]()))
            .sign(using, "image/png", bare(), references={"in": stamped})
            .data
            for by in (short, long)
        )
    time.sleep(max(0.0, (end - datetime.now(tz=UTC)).total_seconds()) + 1)  # nothing else ends a certificate
    return Outlived(authority.root, stamped, plain, holding, foreign, short.pem, long.pem)


def test_an_expired_certificate_passes_with_a_stamp_of_an_accepted_service_and_not_without(outlived: Outlived) -> None:
    anchors, roots = (outlived.short,), (outlived.service,)
    found = read_marks(outlived.stamped, anchors=anchors, tsa_roots=roots).c2pa
    assert (found.state, found.failures, found.signer_accepted) == ("Trusted", (), True)
    without = read_marks(outlived.stamped, anchors=anchors).c2pa
    assert (without.state, without.signer_accepted) == ("Invalid", False)
    assert "signingCredential.expired" in without.failures
    unstamped = read_marks(outlived.bare, anchors=anchors, tsa_roots=roots).c2pa
    assert "signingCredential.expired" in unstamped.failures
    stranger = read_marks(outlived.stamped, anchors=anchors, tsa_roots=(root().pem,)).c2pa
    assert "signingCredential.expired" in stranger.failures


def test_a_stamp_also_keeps_what_went_in(outlived: Outlived) -> None:
    roots = (outlived.service,)
    both = {outlived.holding: (outlived.short,), outlived.foreign: (outlived.short, outlived.long)}
    for data, anchors in both.items():
        assert read_marks(data, anchors=anchors, tsa_roots=roots).c2pa.ingredient_failures == ()
        assert read_marks(data, anchors=anchors).c2pa.ingredient_failures != ()


def test_a_stamped_picture_may_still_go_in_after_its_certificate_has_ended(outlived: Outlived) -> None:
    credential = replace(root().credential(KINDS["es256"]()), anchor_pem=root().pem + outlived.short)
    using = json.loads(json.dumps(CREATED))
    using["assertions"][0]["data"]["actions"][0]["parameters"] = {"ingredientIds": ["in"]}
    roots = (outlived.service,)
    signer = C2paSigner(credential, tsa_roots=roots)
    data = signer.sign(using, "image/png", bare(), references={"in": outlived.stamped}).data
    found = read_marks(data, anchors=signer.anchors, tsa_roots=roots).c2pa
    assert (found.state, found.ingredient_failures) == ("Trusted", ())
    for held, by in ((outlived.bare, signer), (outlived.stamped, C2paSigner(credential))):
        with pytest.raises(DisclosureError) as caught:
            by.sign(using, "image/png", bare(), references={"in": held})
        assert caught.value.code == "c2pa.ingredient-broken"


def test_a_service_vouches_for_times_and_for_no_signer(outlived: Outlived) -> None:
    """Its authority may issue certificates for e-mail as well; whoever has one must not sign as anybody."""
    roots = (outlived.service, outlived.short)
    found = read_marks(outlived.stamped, anchors=(outlived.long,), tsa_roots=roots).c2pa
    assert not found.signer_accepted
    assert "signingCredential.untrusted" in found.failures
    inside = read_marks(outlived.foreign, anchors=(outlived.long,), tsa_roots=roots).c2pa
    assert (inside.signer_accepted, inside.ingredient_failures) == (True, ("signingCredential.untrusted",))
