"""Hostile tokens: both readers refuse or are not impressed, agree about it, and never fail in a way of their own."""

from __future__ import annotations

import json
import random
import sqlite3
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from ledger_bench import ROOM, forge
from personactl_ledger import LedgerTrust, Vkey, der, parse_receipt, tsp_second, verify_receipt
from personactl_ledger.check_stamps import UNCHECKED, check_timestamps
from personactl_ledger.checkpoint import log_signed_part, parse_checkpoint
from personactl_ledger.encoding import to_base64
from personactl_ledger.errors import FormatError
from personactl_ledger.evidence import read_evidence
from personactl_ledger.findings import Findings
from personactl_ledger.keyring import Keyring
from personactl_ledger.timestamping import verify_token
from personactl_ledger.tsp import parse_response, parse_token, request_nonce
from personactl_ledger.tsp_revocation import require_unrevoked
from personactl_ledger.tsp_signature import load_certificates, require_signature
from personactl_ledger.tsp_trust import chain_to_root, load_roots
from tsa_bench import OPENSSL

import forge_tsa  # isort: skip  (its folder is on the path through ledger_bench)
from cases_stamp import revocations  # isort: skip
from forge_tsa import Service, certificate, number, tlv  # isort: skip

OID = x509.ExtendedKeyUsageOID
COVERED = b"the covered bytes"
SERVICE = Service()
ROOTS = (SERVICE.root_pem(),)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second opinion: thousands of tokens are read here."""
    monkeypatch.setattr(tsp_second, "_readable", lambda _: False)
    monkeypatch.setattr(tsp_second.shutil, "which", lambda _: None)


def by_package(token: bytes) -> str:
    """What is said of a token: refused, untrusted, or the sentence."""
    try:
        report = verify_token(token, [COVERED], roots=ROOTS)
    except FormatError:
        return "refused"
    return "untrusted" if report.untrusted else report.says


def by_verifier(verifier: ModuleType, token: bytes) -> str:
    roots = [verifier.load_certificate(x509.load_pem_x509_certificate(ROOTS[0].encode()).public_bytes(Encoding.DER))]
    try:
        stamp = verifier.Stamp(token, "sha512", [COVERED], [], roots)
    except verifier.Bad as bad:
        assert bad.code == "ledger.timestamp"
        return "refused"
    return "untrusted" if stamp.untrusted else str(stamp.says)


def flips(token: bytes) -> list[bytes]:
    """One bit of each byte, and each byte turned over."""
    masks = [(place, mask) for place in range(len(token)) for mask in (1 << place % 8, 0xFF)]
    return [token[:place] + bytes([token[place] ^ mask]) + token[place + 1 :] for place, mask in masks]


def test_every_flip_is_refused_or_changes_nothing_and_both_readers_agree(verifier: ModuleType, alone: None) -> None:
    root = x509.load_pem_x509_certificate(ROOTS[0].encode()).public_bytes(Encoding.DER)
    own = SERVICE.der()
    token = SERVICE.respond(COVERED, nonce=99, held=(own, root), named=own)
    says = by_package(token)
    assert says == by_verifier(verifier, token) == "existed before 2026-01-02T04:00:00Z ±1 s (TSA CN=TEST-ONLY time)"
    seen: Counter[str] = Counter()
    for changed in flips(token):
        found = by_package(changed)
        assert found == by_verifier(verifier, changed), changed.hex()
        assert found in ("refused", "untrusted", says), changed.hex()
        seen[found] += 1
    assert set(seen) == {"refused", "untrusted", says}
    assert seen["refused"] > 500


def test_what_is_cut_or_made_of_noise_is_refused(verifier: ModuleType, alone: None) -> None:
    token = SERVICE.respond(COVERED)
    source = random.Random(7)  # noqa: S311
    noise = [source.randbytes(source.randrange(200)) for _ in range(300)]
    noise += [b"\x30" * 5000, b"\x30\x80" * 1000, b"\xa0\x84\xff\xff\xff\xff", tlv(0x30, tlv(0x30, *[number(0)] * 300))]
    for data in [*(token[:size] for size in range(0, len(token), 7)), *noise]:
        assert by_package(data) == by_verifier(verifier, data) == "refused"


@pytest.mark.parametrize(
    "changed",
    [
        {"named": certificate("another", "time root").public_bytes(Encoding.DER)}, {"essential": False},
        {"signers": 2}, {"signers": 0}, {"version": 3}, {"status": 3}, {"stated": datetime(2027, 1, 1, tzinfo=UTC)},
    ],
)  # fmt: skip
def test_a_token_with_one_wrong_part_is_refused(changed: dict[str, Any], verifier: ModuleType, alone: None) -> None:
    token = SERVICE.respond(COVERED, **changed)
    assert by_package(token) == by_verifier(verifier, token) == "refused"


@pytest.mark.parametrize(
    "service",
    [
        Service("elsewhere", "elsewhere root"), Service(more={"purposes": ()}), Service(more={"critical": False}),
        Service(more={"until": datetime(2026, 1, 1, tzinfo=UTC)}),
        Service(more={"purposes": (OID.TIME_STAMPING, OID.EMAIL_PROTECTION)}),
        Service(more={"extra": [(x509.KeyUsage(*(place == 2 for place in range(9))), True)]}),
    ],
)  # fmt: skip
def test_a_service_that_is_not_fit_does_not_count(service: Service, verifier: ModuleType, alone: None) -> None:
    token = service.respond(COVERED)
    assert by_package(token) == by_verifier(verifier, token) == "untrusted"


def test_without_the_certificate_the_service_does_not_count_and_evidence_can_bring_it(alone: None) -> None:
    own = SERVICE.der()
    token = SERVICE.respond(COVERED, held=(), named=own)
    assert by_package(token) == "untrusted"
    assert verify_token(token, [COVERED], roots=ROOTS, evidence=[b"\x05\x00", own]).untrusted is None


def test_an_ended_certificate_is_judged_at_the_time_of_the_token_by_all_verifiers() -> None:
    assert x509.load_der_x509_certificate(SERVICE.der()).not_valid_after_utc < datetime.now(UTC)
    report = verify_token(SERVICE.respond(COVERED), [COVERED], roots=ROOTS)
    assert (report.untrusted, report.verified_by) == (None, ("personactl", "rfc3161-client"))


@pytest.mark.debian
@pytest.mark.skipif(OPENSSL is None, reason="needs the Debian package openssl")
def test_openssl_judges_what_the_library_cannot_read_and_at_the_time_of_the_token() -> None:
    held = parse_receipt((ROOM / "vectors/receipt-stamp-order/the.receipt").read_bytes()).timestamps[0].token
    token = parse_token(held)
    roots = json.loads((ROOM / "vectors/receipt-stamp-order/trust.json").read_text())["tsaRoots"]
    certificates = load_certificates(token.certificates)
    signer = next(item for item in certificates if item.subject != item.issuer)
    chain = chain_to_root(signer, certificates, load_roots(roots), token.gen_time)
    assert tsp_second.second_opinion(held, token, chain) == "openssl"
    with pytest.raises(tsp_second.Untrusted):
        tsp_second.second_opinion(held, replace(token, digest=bytes(64)), chain)


def test_a_second_opinion_of_the_library_is_heard() -> None:
    response = SERVICE.respond(COVERED)
    token = parse_token(response)
    foreign = load_roots([Service("x", "x root").root_pem()])
    with pytest.raises(tsp_second.Untrusted, match="rfc3161-client refuses it"):
        tsp_second.second_opinion(response, token, [*load_certificates(token.certificates), *foreign])


def test_nobody_else_is_asked_about_a_signature_that_they_cannot_read() -> None:
    response = SERVICE.respond(COVERED)
    token = parse_token(response)
    chain = [*load_certificates(token.certificates), *load_roots([Service("x", "x root").root_pem()])]
    signer = replace(token.signer, signature_algorithm="1.2.840.113549.1.1.10")
    assert tsp_second.second_opinion(response, replace(token, signer=signer), chain) is None


def test_what_a_token_covers_does_not_depend_on_the_order_of_lines_nor_on_witnesses() -> None:
    head = parse_checkpoint(forge.Forge().checkpoint())
    witness = f"— {head.origin} {to_base64(b'wits' + bytes(64))}\n"
    keys = forge.log_signer().verifier_keys(head.origin)
    text, own = head.note.split("\n\n")
    mixed = replace(head, note=f"{text}\n\n{witness}{own}")
    assert log_signed_part(mixed, keys) == log_signed_part(head, keys) == head.note.encode()
    second = Vkey(head.origin, 6, b"", b"wits")
    assert log_signed_part(mixed, (*keys, second)) == f"{head.note}{witness}".encode()


def _pss(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    hash_ = hashes.SHA256()
    return key.sign(data, padding.PSS(padding.MGF1(hash_), 32), hash_)


def _plain(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("scheme", "sign", "good"),
    [
        ("1.2.840.113549.1.1.10", _pss, True), ("1.2.840.113549.1.1.1", _plain, True),
        ("1.2.840.113549.1.1.11", _plain, True), ("1.2.840.113549.1.1.12", _plain, False),
        ("1.2.840.113549.1.1.10", _plain, False), ("1.2.840.113549.1.1.5", _plain, False),
        ("1.2.840.10045.4.3.2", _plain, False),
    ],
)  # fmt: skip
def test_rsa_signatures_of_both_kinds(
    scheme: str, sign: Callable[[rsa.RSAPrivateKey, bytes], bytes], good: bool, verifier: ModuleType
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "RSA")])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    own = x509.CertificateBuilder(name, name, key.public_key(), 1, at, datetime(2027, 1, 1, tzinfo=UTC)).sign(
        key, hashes.SHA256()
    )
    token = parse_token(SERVICE.respond(COVERED))
    signature = sign(key, token.signer.signed)
    changed = replace(token, signer=replace(token.signer, signature_algorithm=scheme, signature=signature))
    other = verifier.Token(SERVICE.respond(COVERED))
    other.scheme, other.signed, other.signature = scheme, token.signer.signed, signature
    try:
        require_signature(changed, own)
    except FormatError:
        assert not good
    else:
        assert good
    try:
        assert verifier.signature_good(other, own) is good
    except verifier.Bad:
        assert not good


@pytest.mark.parametrize("data", [b"", b"\x30\x00", SERVICE.der(), revocations(None)[:-1] + b"\0"])
def test_what_is_no_list_of_the_issuer_speaks_against_nobody(data: bytes, verifier: ModuleType) -> None:
    token = parse_token(SERVICE.respond(COVERED))
    chain = [*load_certificates(token.certificates), *load_roots(ROOTS)]
    require_unrevoked(chain, [data], token.gen_time)
    assert verifier.revoked(chain, [data], token.gen_time) == ""


@pytest.mark.parametrize("reason", [None, *x509.ReasonFlags])
def test_both_readers_weigh_the_reason_of_a_revocation(reason: x509.ReasonFlags | None, verifier: ModuleType) -> None:
    harmless = reason is not None and reason.value in (
        "unspecified", "affiliationChanged", "superseded", "cessationOfOperation",
    )  # fmt: skip
    token = parse_token(SERVICE.respond(COVERED))
    chain = [*load_certificates(token.certificates), *load_roots(ROOTS)]
    data = revocations(reason)
    for day, counts in ((2, harmless), (4, False)):
        at = datetime(2026, 1, day, tzinfo=UTC)
        assert (verifier.revoked(chain, [data], at) == "") is counts
        try:
            require_unrevoked(chain, [data], at)
        except tsp_second.Untrusted:
            assert not counts
        else:
            assert counts


def test_a_check_of_rows_of_any_type_finds_them_wrong_and_goes_on() -> None:
    """Whoever made the file need not have kept to STRICT."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE entry (idx, kind, leaf); CREATE TABLE checkpoint (size, note);"
        "CREATE TABLE timestamp (id, size, tsa, hash_algorithm, token, covers, evidence, received_at);"
    )
    odd: list[Any] = [None, 1, -1, 2.5, "text", b"", b"\x30\x00", b"\x30\x05x"]
    for place, value in enumerate(odd):
        connection.execute("INSERT INTO timestamp VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (place, *[value] * 7))
        connection.execute("INSERT INTO checkpoint VALUES (?, ?)", (value, value))
        connection.execute("INSERT INTO entry VALUES (?, 'timestamp', ?)", (place, value))
    findings = Findings()
    assert check_timestamps(connection, [], Keyring(), {}, None, findings) == ([], [UNCHECKED.format(len(odd))])
    assert [item.code for item in findings.items] == ["ledger.writer-clock"] * len(odd) + ["ledger.timestamp"] * len(
        odd
    )
    connection.close()


# --- the reader of DER ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        "",
        "30",
        "3001",
        "308000",
        "30810100",
        "3082000100",
        "308500000000010000",
        "1f0100",
        "300000",
        "3003020100ff",
        "0402ff",
    ],
)
def test_der_has_one_form(data: str) -> None:
    with pytest.raises(FormatError):
        der.read(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["0200", "02020001", "0202ff80", "0241" + "01" * 65])
def test_integers_have_one_form(data: str) -> None:
    with pytest.raises(FormatError):
        der.read(bytes.fromhex(data)).integer()


@pytest.mark.parametrize(("data", "value"), [("020100", 0), ("0201ff", -1), ("02020080", 128), ("020200ff", 255)])
def test_integers_are_read(data: str, value: int) -> None:
    assert der.read(bytes.fromhex(data)).integer() == value


@pytest.mark.parametrize(
    ("data", "value"), [("06032a0304", "1.2.3.4"), ("06022704", "0.39.4"), ("0603883703", "2.999.3"), ("060150", "2.0")]
)
def test_object_identifiers_are_read(data: str, value: str, verifier: ModuleType) -> None:
    assert der.read(bytes.fromhex(data)).oid() == verifier.Der(bytes.fromhex(data)).oid() == value


@pytest.mark.parametrize("data", ["0600", "060180", "06028001", "06022a80"])
def test_object_identifiers_have_one_form(data: str, verifier: ModuleType) -> None:
    with pytest.raises(FormatError):
        der.read(bytes.fromhex(data)).oid()
    with pytest.raises(verifier.Bad):
        verifier.Der(bytes.fromhex(data)).oid()


def test_a_refusal_is_told_in_the_words_of_the_service() -> None:
    failure = tlv(0x03, b"\x05\x20\x20")
    text = tlv(0x30, tlv(12, b"not \x1b[31mnow"))
    answer = parse_response(tlv(0x30, tlv(0x30, number(2), text, failure)))
    assert answer.told == "rejection: not \ufffd[31mnow: badRequest: failure 10"
    with pytest.raises(FormatError, match="not grant"):
        parse_token(tlv(0x30, tlv(0x30, number(2))))


@pytest.mark.parametrize("data", [b"", b"\x30\x00", tlv(0x30, number(2)), b"text"])
def test_a_request_that_is_none_has_no_nonce(data: bytes) -> None:
    with pytest.raises(FormatError):
        request_nonce(data)


def test_evidence_is_certificates_and_lists_in_pem_or_der_and_nothing_else() -> None:
    der_form = SERVICE.der()
    pem = x509.load_der_x509_certificate(der_form).public_bytes(Encoding.PEM)
    assert read_evidence(der_form) == [der_form]
    assert read_evidence(b"Subject: x\n" + pem + pem) == [der_form, der_form]
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    revoked = x509.CertificateRevocationListBuilder(name, at, datetime(2027, 1, 1, tzinfo=UTC)).sign(
        forge_tsa.private_key("time root"), hashes.SHA256()
    )
    both = pem + revoked.public_bytes(Encoding.PEM)
    assert read_evidence(both) == [der_form, revoked.public_bytes(Encoding.DER)]
    assert read_evidence(revoked.public_bytes(Encoding.DER)) == [revoked.public_bytes(Encoding.DER)]
    secret = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for data in (b"", b"text", der_form[:-1], der_form + b"x", pem + secret, secret, pem[:-20]):
        with pytest.raises(FormatError) as refused:
            read_evidence(data)
        assert (refused.value.code, refused.value.exit_code) == ("ledger.tsa-evidence", 2)


# --- the vectors say more than their exit code ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("receipt-stamp-foreign", "no chain of certificates"), ("receipt-stamp-ended", "not valid at the time"),
        ("receipt-stamp-purpose", "not for time stamping"), ("receipt-stamp-between", "existed before 2026-01-02"),
        ("receipt-stamp-stolen", "a revocation list"), ("receipt-stamp-superseded", "existed before 2026-01-02"),
        ("receipt-stamp-renewed", "existed before 2026-01-20"), ("receipt-stamp-order", "existed before 2026-01-02"),
        ("receipt-stamp-chain", "existed before 2026-01-02"), ("receipt-stamp-path-length", "no chain of certificates"),
        ("receipt-stamp-mail", "no chain of certificates"), ("receipt-stamp-critical", "no chain of certificates"),
        ("receipt-stamp-own-critical", "a critical extension"), ("receipt-stamp-names", "no chain of certificates"),
    ],
)  # fmt: skip
def test_what_a_vector_shows_is_said_by_both_readers(
    name: str, words: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ROOM / "vectors" / name
    said = json.loads((folder / "trust.json").read_text())
    roots = tuple(b64decode(key) for key in said["rootKeys"])
    trust = LedgerTrust(said["origin"], tuple(said["logKeys"]), roots, tsa_roots=tuple(said["tsaRoots"]))
    report = verify_receipt((folder / "the.receipt").read_bytes(), trust, subject_sha256=None)
    assert any(words in text for text in (report.shown if "existed" in words else report.notes))
    assert verifier.main(["receipt", str(folder / "the.receipt"), "--trust", str(folder / "trust.json")]) == 0
    assert words in capsys.readouterr().out
