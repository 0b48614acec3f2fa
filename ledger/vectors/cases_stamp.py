"""Time stamps: SPEC 15. Written by `generate.py --fixed`: signatures of the service draw randomness."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cases import RUN, Files
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from forge import NOW, Forge, dumps, signer, tamper
from forge_tsa import Service, certificate, private_key
from personactl_ledger.checkpoint import log_signed_part, parse_checkpoint

LATER = datetime(2026, 1, 20, tzinfo=UTC)
SERVICE = Service()
FOREIGN = Service("elsewhere", "elsewhere root")
TSA = "TEST-ONLY time"


class Stamped:
    """A ledger with one output and one checkpoint, and the bytes that its tokens cover."""

    def __init__(self, forge: Forge | None = None, begin: Callable[[Forge], object] = lambda forge: None) -> None:
        self.forge = forge or Forge()
        begin(self.forge)
        self.forge.run_open(RUN, signer("run"))
        self.index = self.forge.output(RUN, "delivered", signer("run"))
        note = self.forge.checkpoint()
        self.size = self.forge.growth.frontier.size
        self.covered = log_signed_part(parse_checkpoint(note), self.forge.log.verifier_keys(self.forge.origin))
        self.tokens: list[bytes] = []

    def keep(
        self, token: bytes, *, covers: int | None = None, entry: bool = True, said: dict[str, Any] | None = None,
        hash_name: str = "sha512", evidence: bytes | None = None,
    ) -> None:  # fmt: skip
        """A row and its entry."""
        self.forge.connection.execute(
            "INSERT INTO timestamp VALUES ((SELECT count(*) + 1 FROM timestamp), ?, ?, ?, ?, ?, ?, ?)",
            (self.size, TSA, hash_name, token, covers, evidence, NOW),
        )
        if entry:
            older = None if covers is None else hashlib.sha256(self.tokens[covers - 1]).hexdigest()
            named = {"size": self.size, "tsa": TSA, "tokenSha256": hashlib.sha256(token).hexdigest(), "covers": older}
            named |= {"stampedAt": NOW, **(said or {})}
            subject = ("checkpoint", hashlib.sha256(self.covered).hexdigest())
            self.forge.append(self.forge.say("timestamp", self.forge.operator, subject, **named))
        self.tokens.append(token)

    def trust(self) -> str:
        return dumps(self.forge.trust(tsaRoots=[SERVICE.root_pem()]))


def stamp(token: bytes, covers: int | None = None, *evidence: bytes, hash_name: str = "sha512") -> dict[str, Any]:
    return {
        "tsa": TSA, "hashAlgorithm": hash_name, "token": b64encode(token).decode(), "covers": covers,
        "evidence": [b64encode(item).decode() for item in evidence],
    }  # fmt: skip


def receipt(why: str, make: Callable[[Stamped], Sequence[dict[str, Any]]], code: str = "") -> Files:
    """A receipt that carries the time stamps that `make` gives."""
    stamped = Stamped()
    document = json.loads(stamped.forge.receipt(stamped.index)) | {"timestamps": list(make(stamped))}
    vector = {"reader": "receipt", "exit": 4 if code else 0, **({"code": code} if code else {})}
    return _files(why, vector, stamped) | {"the.receipt": dumps(document)}


def ledger(why: str, make: Callable[[Stamped], None], code: str = "", **more: Any) -> Files:
    """A ledger file with what `make` puts in."""
    stamped = Stamped()
    make(stamped)
    vector = {"reader": "ledger", "exit": 4 if code else 0, **({"code": code} if code else {}), **more}
    return _files(why, vector, stamped) | {"ledger.sql": stamped.forge.dump()}


def _files(why: str, vector: dict[str, Any], stamped: Stamped) -> Files:
    readme = f"{why}\n\nA fixed file: signatures of this kind differ from one signing to the next.\n"
    return {"trust.json": stamped.trust(), "vector.json": dumps(vector), "README.md": readme}


def respond(**changed: Any) -> Callable[[Stamped], Sequence[dict[str, Any]]]:
    """One time stamp by the service, with something changed."""
    return lambda s: [stamp(SERVICE.respond(s.covered, **changed))]


def renewed(s: Stamped) -> list[dict[str, Any]]:
    first = SERVICE.respond(s.covered)
    second = SERVICE.respond(s.covered + first, at=LATER)
    return [stamp(first), stamp(second, 0), stamp(SERVICE.respond(s.covered + second, at=LATER), 1)]


def unordered(s: Stamped) -> list[dict[str, Any]]:
    root = certificate(SERVICE.root, SERVICE.root, authority=True).public_bytes(Encoding.DER)
    both = sorted([SERVICE.der(), root], reverse=True)
    own = next(item for item in both if item != root)
    return [stamp(SERVICE.respond(s.covered, held=both, named=own))]


def between(s: Stamped) -> list[dict[str, Any]]:
    middle = certificate("between", SERVICE.root, authority=True).public_bytes(Encoding.DER)
    service = Service("time of another", "between")
    return [stamp(service.respond(s.covered, hash_name="sha256"), None, middle, hash_name="sha256")]


def chained(*middles: dict[str, Any], **own: Any) -> Callable[[Stamped], Sequence[dict[str, Any]]]:
    """A service below some authorities, told from the root down, all of them evidence."""

    def make(s: Stamped) -> Sequence[dict[str, Any]]:
        names = [SERVICE.root, *(f"between {number}" for number in range(len(middles)))]
        held = [certificate(name, issuer, authority=True, **more).public_bytes(Encoding.DER)
                for issuer, name, more in zip(names, names[1:], middles, strict=False)]  # fmt: skip
        return [stamp(Service("time of another", names[-1], own).respond(s.covered), None, *held)]

    return make


def name_constraints() -> x509.NameConstraints:
    """They permit the name of the service."""
    name = x509.load_der_x509_certificate(Service("time of another").der()).subject
    return x509.NameConstraints(permitted_subtrees=[x509.DirectoryName(name)], excluded_subtrees=None)


ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"), b"\x05\x00")
MAIL, STAMPING = (x509.ExtendedKeyUsage([getattr(x509.ExtendedKeyUsageOID, name)])
                  for name in ("EMAIL_PROTECTION", "TIME_STAMPING"))  # fmt: skip
ANY_POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)])


def revocations(reason: x509.ReasonFlags | None) -> bytes:
    """A list by the root, in DER, that the certificate was revoked a day after the time in the token."""
    root = certificate(SERVICE.root, SERVICE.root, authority=True)
    when = datetime(2026, 1, 3, tzinfo=UTC)
    item = x509.RevokedCertificateBuilder(x509.load_der_x509_certificate(SERVICE.der()).serial_number, when)
    if reason is not None:
        item = item.add_extension(x509.CRLReason(reason), critical=False)
    found = x509.CertificateRevocationListBuilder(root.subject, when, datetime(2026, 2, 1, tzinfo=UTC))
    found = found.add_revoked_certificate(item.build())
    return found.sign(private_key(SERVICE.root), hashes.SHA256()).public_bytes(Encoding.DER)


def flipped(s: Stamped) -> list[dict[str, Any]]:
    token = SERVICE.respond(s.covered)
    return [stamp(token[:-1] + bytes([token[-1] ^ 1]))]


def receipts_by_chain() -> dict[str, Files]:
    """What the certificates between the service and the root may and may not say (SPEC 15.3)."""
    return {
        "receipt-stamp-chain": receipt(
            "An authority may have one more below it, which is for time stamping and names a policy.",
            chained({"path_length": 1}, {"path_length": 0, "extra": [(STAMPING, False), (ANY_POLICY, True)]}),
        ),
        "receipt-stamp-path-length": receipt(
            "An authority may have none below it, and has one: a note.", chained({"path_length": 0}, {})
        ),
        "receipt-stamp-mail": receipt("The authority is for e-mail: a note.", chained({"extra": [(MAIL, True)]})),
        "receipt-stamp-critical": receipt(
            "The authority has a critical extension that is in no list: a note.", chained({"extra": [(ODD, True)]})
        ),
        "receipt-stamp-own-critical": receipt(
            "The service has a critical extension that is in no list: a note.", chained({}, extra=[(ODD, True)])
        ),
        "receipt-stamp-names": receipt(
            "The authority has name constraints: a note.", chained({"extra": [(name_constraints(), True)]})
        ),
    }


def receipts_that_hold() -> dict[str, Files]:
    """Some of them with a note: the service does not count, and the receipt holds (SPEC 15.5)."""
    foreign = lambda s: [stamp(FOREIGN.respond(s.covered))]  # noqa: E731
    late = Service("time", "time root", {"until": datetime(2025, 6, 1, tzinfo=UTC)})
    plain = Service("time", "time root", {"purposes": ()})
    return {
        "receipt-stamp": receipt("Stamped by a service whose certificate ended since.", respond()),
        "receipt-stamp-renewed": receipt("A time stamp, its renewal, and the renewal of that.", renewed),
        "receipt-stamp-order": receipt("The certificates in the token are not in the order of DER.", unordered),
        "receipt-stamp-between": receipt("The certificate between service and root is evidence.", between),
        "receipt-stamp-foreign": receipt("The root of the service is not in the trust file: a note.", foreign),
        "receipt-stamp-ended": receipt(
            "The certificate had ended at the time in the token: a note.",
            lambda s: [stamp(late.respond(s.covered))],
        ),
        "receipt-stamp-purpose": receipt(
            "The certificate is not for time stamping: a note.", lambda s: [stamp(plain.respond(s.covered))]
        ),
        **receipts_by_chain(),
        "receipt-stamp-superseded": receipt(
            "The certificate was revoked after the time in the token, because a new one took its place.",
            lambda s: [stamp(SERVICE.respond(s.covered), None, revocations(x509.ReasonFlags.superseded))],
        ),
        "receipt-stamp-stolen": receipt(
            "The certificate was revoked after the time in the token, and its key may be stolen: a note.",
            lambda s: [stamp(SERVICE.respond(s.covered), None, revocations(x509.ReasonFlags.key_compromise))],
        ),
    }


def receipts_that_do_not() -> dict[str, Files]:
    """A token that does not hold (SPEC 15.1, 15.2)."""
    code = "receipt.timestamp"
    cut = lambda s: [stamp(SERVICE.respond(s.covered)[:-1])]  # noqa: E731
    longer = lambda s: [stamp(SERVICE.respond(s.covered) + b"\0")]  # noqa: E731
    other_name = lambda s: [stamp(SERVICE.respond(s.covered), hash_name="sha256")]  # noqa: E731
    not_older = lambda s: [stamp(SERVICE.respond(s.covered)), stamp(SERVICE.respond(s.covered), 0)]  # noqa: E731
    own = certificate(FOREIGN.name, SERVICE.root).public_bytes(Encoding.DER)
    return {
        "receipt-stamp-imprint_fail": receipt(
            "The token is about other bytes.", lambda _: [stamp(SERVICE.respond(b"other bytes"))], code
        ),
        "receipt-stamp-renewal_fail": receipt("A renewal that does not cover the older token.", not_older, code),
        "receipt-stamp-algorithm_fail": receipt("The receipt names another hash algorithm.", other_name, code),
        "receipt-stamp-content_fail": receipt("The time was changed after signing.", respond(stated=LATER), code),
        "receipt-stamp-signature_fail": receipt("The signature of the service is wrong.", flipped, code),
        "receipt-stamp-signer_fail": receipt(
            "Another key than that of the named certificate signed.", respond(named=own), code
        ),
        "receipt-stamp-essential_fail": receipt("No attribute names the certificate.", respond(essential=False), code),
        "receipt-stamp-status_fail": receipt("The service refused.", respond(status=2), code),
        "receipt-stamp-version_fail": receipt("The version of the content is 2.", respond(version=2), code),
        "receipt-stamp-signers_fail": receipt("Two signatures.", respond(signers=2), code),
        "receipt-stamp-cut_fail": receipt("The last byte is missing.", cut, code),
        "receipt-stamp-longer_fail": receipt("A byte is left over.", longer, code),
        "receipt-stamp-long_fail": receipt(
            "The token is longer than 64 KiB.", respond(held=[b"\x30\x83\x01\x00\x00" + bytes(65536)]), code
        ),
    }


def ledgers_that_hold() -> dict[str, Files]:
    """Two of them with a warning (SPEC 15.6)."""
    return {
        "ledger-stamp": ledger("A time stamp and its renewal.", kept_twice),
        "ledger-stamp-foreign": ledger(
            "The root of the service is not in the trust file: a warning.",
            lambda s: s.keep(FOREIGN.respond(s.covered)), warning="ledger.timestamp-untrusted",
        ),
        "ledger-stamp-unrecorded": ledger(
            "A token that no entry names: a warning.",
            lambda s: s.keep(SERVICE.respond(s.covered), entry=False), warning="ledger.timestamp-unrecorded",
        ),
    }  # fmt: skip


def kept_twice(s: Stamped) -> None:
    s.keep(SERVICE.respond(s.covered))
    s.keep(SERVICE.respond(s.covered + s.tokens[0], at=LATER), covers=1)


def ledgers_that_do_not() -> dict[str, Files]:
    """Rows and entries that contradict each other, or the checkpoint (SPEC 15.6)."""

    def missing(s: Stamped) -> None:
        kept_twice(s)
        s.forge.connection.executescript(tamper("DELETE FROM timestamp WHERE id = 2;\n"))

    def alone(s: Stamped) -> None:
        s.keep(SERVICE.respond(s.covered + b"x"))
        s.forge.connection.executescript(tamper("UPDATE timestamp SET covers = 1;\n"))

    def twice(s: Stamped) -> None:
        kept_twice(s)
        columns = "size, 'another service', hash_algorithm, token, covers, evidence, received_at"
        s.forge.connection.execute(f"INSERT INTO timestamp SELECT 3, {columns} FROM timestamp WHERE id = 1")  # noqa: S608

    says = {"said": {"size": 3}}
    return {
        "ledger-stamp-imprint_fail": ledger(
            "The token is about other bytes.", lambda s: s.keep(SERVICE.respond(b"other bytes")), "ledger.timestamp"
        ),
        "ledger-stamp-column_fail": ledger(
            "A column names another hash algorithm.",
            lambda s: s.keep(SERVICE.respond(s.covered), hash_name="sha256"), "ledger.timestamp",
        ),
        "ledger-stamp-evidence_fail": ledger(
            "The evidence is not DER.",
            lambda s: s.keep(SERVICE.respond(s.covered), evidence=b"\x30\x05x"), "ledger.timestamp",
        ),
        "ledger-stamp-renewal_fail": ledger("A row renews itself.", alone, "ledger.timestamp"),
        "ledger-stamp-twice_fail": ledger("A token stands in two rows.", twice, "ledger.timestamp"),
        "ledger-stamp-missing_fail": ledger("A token was deleted.", missing, "ledger.timestamp-missing"),
        "ledger-stamp-entry_fail": ledger(
            "An entry says another size.",
            lambda s: s.keep(SERVICE.respond(s.covered), **says), "ledger.timestamp-entry",
        ),
    }  # fmt: skip


def fixed() -> dict[str, Files]:
    """File contents by folder."""
    return receipts_that_hold() | receipts_that_do_not() | ledgers_that_hold() | ledgers_that_do_not()
