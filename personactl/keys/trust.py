"""The trust file `trust.json` (`personactl.trust/1`): whose signatures a verifier accepts. Public data only.

    {"schema": "personactl.trust/1", "name": "Example Studio", "origin": "example.org/personactl/0123456789abcdef",
     "development": true, "c2paAnchors": ["-----BEGIN CERTIFICATE-----…"], "leafFingerprints": ["<64 hex>"],
     "logKeys": ["<C2SP vkey>"], "rootKeys": ["<base64 of 32 bytes>"], "approvers": {"threshold": 1, "keys": ["…"]},
     "tsaRoots": [], "detector": "https://…", "issuedAt": "2026-11-21T08:00:00Z"}

All of these stand in every file; `approvers` may be null. Optional: "witnesses": {"quorum", "vkeys"}, "revoked":
[{"kid", "fromIndex"}] (keys that are believed only below an index), "reportKeys" (who signs reports of `verify`; as
rootKeys), and "critical": the names of keys without which the file must not be used. A key that this version does not
know is ignored unless `critical` names it, so that later files can say more without being lost on earlier readers.
Duplicate keys, weak public keys and anchors that are not certificate authorities are refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from personactl_ledger import LedgerError, LedgerTrust, check_public_key
from personactl_ledger.encoding import ORIGIN, from_base64, require_time
from personactl_ledger.note import group_vkeys

from personactl.errors import TrustError, UsageProblem
from personactl.keys import moments
from personactl.keys.certificates import fingerprint
from personactl.keys.keyset import KeySet
from personactl.keys.moments import Moment
from personactl.keys.strict_json import StrictJSONError, parse_object

SCHEMA = "personactl.trust/1"
MAX_NAME_BYTES = 120
MAX_LIST = 64
MAX_KEYS = 512
"""Of the lists that grow by each rotation: log keys, root keys, revocations."""

_REQUIRED = frozenset({
    "schema", "name", "origin", "development", "c2paAnchors", "leafFingerprints", "logKeys", "rootKeys", "approvers",
    "tsaRoots", "detector", "issuedAt",
})  # fmt: skip
"""All of them, also those that may be empty: an unknown key is ignored, so a misspelt one must be missed."""
_OPTIONAL = frozenset({"witnesses", "revoked", "reportKeys", "critical"})
_HEX64 = re.compile(r"[0-9a-f]{64}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[ \t\r\n]([A-Za-z0-9+/= \t\r\n]+)-----END CERTIFICATE-----[ \t\r\n]*")
_KEY_ID = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFile:
    """A parsed trust file. Keys are raw bytes, anchors PEM text, `sha256` is that of the file's exact bytes."""

    name: str
    origin: str
    development: bool
    c2pa_anchors: tuple[str, ...]
    leaf_fingerprints: tuple[str, ...]
    log_keys: tuple[str, ...]
    root_keys: tuple[bytes, ...]
    approvers: tuple[int, tuple[bytes, ...]] | None
    tsa_roots: tuple[str, ...]
    detector: str
    issued_at: str
    sha256: str
    revoked: tuple[tuple[str, int], ...] = ()
    witnesses: tuple[int, tuple[str, ...]] = (0, ())
    report_keys: tuple[bytes, ...] = ()

    @property
    def ledger(self) -> LedgerTrust:
        """The part that the ledger package needs to check receipts and checkpoints."""
        return LedgerTrust(
            origin=self.origin, log_keys=self.log_keys, root_keys=self.root_keys, approvers=self.approvers,
            revoked=self.revoked, witnesses=self.witnesses, tsa_roots=self.tsa_roots,
        )  # fmt: skip


def export_trust(
    keyset: KeySet,
    *,
    name: str,
    origin: str,
    detector: str,
    now: Moment,
    approvers: tuple[int, tuple[bytes, ...]] | None = None,
    tsa_roots: Sequence[str] = (),
    ledger: LedgerTrust | None = None,
    witnesses: tuple[int, tuple[str, ...]] = (0, ()),
    report_keys: Sequence[bytes] = (),
) -> bytes:
    """The trust file of a project as bytes: public halves only. Raises TrustError when the result would not parse.

    `ledger` (`Ledger.trust()`) adds earlier keys, revocations, and the approvers where none are given; `witnesses` is
    their quorum and verifier keys (SPEC 14.2). Raises UsageProblem for a name or witnesses that a file cannot have.
    """
    own = LedgerTrust(origin, keyset.log.vkeys(origin), keyset.root_public_keys)
    known = ledger or own
    document: dict[str, Any] = {
        **{"schema": SCHEMA, "name": name, "origin": origin, "development": keyset.development},
        **_content_credentials(keyset),
        "logKeys": list(known.log_keys),
        "rootKeys": [b64encode(key).decode() for key in dict.fromkeys([*own.root_keys, *known.root_keys])],
        "approvers": _written(approvers or known.approvers),
        "tsaRoots": list(tsa_roots),
        "detector": detector,
        "issuedAt": moments.read(now),
    }
    revoked = [{"kid": kid, "fromIndex": index} for kid, index in known.revoked]
    reporters = [b64encode(key).decode() for key in report_keys]
    document |= {key: rows for key, rows in (("revoked", revoked), ("reportKeys", reporters)) if rows}
    if witnesses[1] or witnesses[0]:
        document["witnesses"] = {"quorum": witnesses[0], "vkeys": list(witnesses[1])}
    _require_asked(name, replace(known, witnesses=witnesses))
    data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    parse(data, "trust.json")
    return data


def _require_asked(name: str, ledger: LedgerTrust) -> None:
    """What the caller chose of a trust file that is made, which is not a fault of a file. Raises UsageProblem."""
    try:
        _file_name(name)
    except _FormatError as error:
        raise UsageProblem(f"--name: {error}", hint="personactl keys export --name 'Example Studio'") from None
    key, problem = _witness_problem(ledger)
    if problem:
        raise UsageProblem(
            f"{'--witness-quorum' if key == 'quorum' else '--witness'}: {problem}",
            hint="personactl ledger witness new prints the keys of a witness: --witness VKEY for each",
        )


def _content_credentials(keyset: KeySet) -> dict[str, list[str]]:
    """Who may have signed files: the anchor, and this leaf with the earlier ones that still count."""
    leaf = x509.load_pem_x509_certificates(keyset.c2pa.chain_pem)[0]
    anchor = x509.load_pem_x509_certificate(keyset.c2pa.anchor_pem.encode())
    return {
        "c2paAnchors": [_normal_pem(anchor)],
        "leafFingerprints": list(dict.fromkeys([fingerprint(leaf), *keyset.earlier_leaves])),
    }


def _written(approvers: tuple[int, tuple[bytes, ...]] | None) -> dict[str, Any] | None:
    if approvers is None:
        return None
    return {"threshold": approvers[0], "keys": [b64encode(key).decode() for key in approvers[1]]}


def parse(data: bytes, path: str) -> TrustFile:
    """Parse a trust file strictly. `path` is for messages only.

    Raises TrustError: trust.file-invalid, or trust.not-available for a sound file that asks for what this version
    does not check.
    """
    try:
        return _parse(data)
    except _NotCheckedHere as error:
        raise TrustError(
            f"this trust file asks for what this version does not check: {error}",
            where=path,
            hint="verify with a version that does; or ask the sender for a trust file without it",
            code="trust.not-available",
        ) from None
    except (_FormatError, StrictJSONError) as error:
        raise TrustError(
            f"this is not a trust file that can be used: {error}",
            where=path,
            hint="ask the sender for the output of `personactl keys export`",
            code="trust.file-invalid",
        ) from None


class _FormatError(ValueError):
    """One rule of the format is broken; the message completes the sentence "cannot be used: …"."""


class _NotCheckedHere(ValueError):
    """The file narrows trust in a way that this version cannot follow; ignoring it would trust too much."""


def _parse(data: bytes) -> TrustFile:
    document = parse_object(data)
    if document.get("schema") != SCHEMA:
        raise _FormatError(f"schema is not {SCHEMA}")
    missing = sorted(_REQUIRED - set(document))
    if missing:
        raise _FormatError(f"missing keys {missing}")
    _refuse_unchecked(document)
    if not isinstance(document["development"], bool):
        raise _FormatError("development is not true or false")
    origin = _text(document, "origin", ORIGIN)
    file = TrustFile(
        name=_file_name(document["name"]),
        origin=origin,
        development=document["development"],
        c2pa_anchors=tuple(_anchor(pem, "c2paAnchors") for pem in _strings(document, "c2paAnchors", at_least=1)),
        leaf_fingerprints=tuple(_fingerprint(text) for text in _strings(document, "leafFingerprints")),
        log_keys=_log_keys(_strings(document, "logKeys", at_least=1, at_most=MAX_KEYS), origin),
        root_keys=tuple(
            _public_key(text, "rootKeys") for text in _strings(document, "rootKeys", at_least=1, at_most=MAX_KEYS)
        ),
        approvers=_approvers(document.get("approvers")),
        tsa_roots=tuple(_tsa_root(pem) for pem in _strings(document, "tsaRoots")),
        detector=_detector(document.get("detector", "")),
        issued_at=_time(document["issuedAt"]),
        revoked=_revoked(document.get("revoked", [])),
        sha256=hashlib.sha256(data).hexdigest(),
        witnesses=_witnesses(document.get("witnesses", {"quorum": 0, "vkeys": []})),
        report_keys=tuple(_public_key(text, "reportKeys") for text in _strings(document, "reportKeys")),
    )
    key, problem = _witness_problem(file.ledger)
    if problem:
        raise _FormatError(f"witnesses.{key}: {problem}")
    return file


def _refuse_unchecked(document: dict[str, Any]) -> None:
    """Raises _NotCheckedHere for critical keys that are not known here."""
    unknown = sorted(set(_strings(document, "critical")) - _REQUIRED - _OPTIONAL)
    if unknown:
        raise _NotCheckedHere(f"{len(unknown)} critical key(s) that it does not know, {unknown[0][:40]!a} first")


def _strings(document: dict[str, Any], key: str, *, at_least: int = 0, at_most: int = MAX_LIST) -> list[str]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _FormatError(f"{key} is not a list of strings")
    if not at_least <= len(value) <= at_most:
        raise _FormatError(f"{key} has {len(value)} items, not {at_least} to {at_most}")
    if len(set(value)) != len(value):
        raise _FormatError(f"{key} holds an item twice")
    return value


def _text(document: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = document[key]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _FormatError(f"{key} does not have the form that the format asks for")
    return value


def _file_name(value: object) -> str:
    """A name that can also be a file name: printable, without separators, not hidden."""
    if (
        not isinstance(value, str)
        or not value.isprintable()
        or not 1 <= len(value.encode("utf-8", "replace")) <= MAX_NAME_BYTES
        or value != value.strip()
        or value.startswith(".")
        or any(character in value for character in "/\\:")
    ):
        raise _FormatError(f"name is not 1 to {MAX_NAME_BYTES} bytes of printable text without / \\ : or a leading dot")
    return value


def _anchor(pem: str, key: str) -> str:
    """One certificate authority in PEM, written back in its normal form so that nothing rides along."""
    found = _PEM.fullmatch(pem)
    if found is None:
        raise _FormatError(f"an item of {key} is not one certificate in PEM and nothing else")
    try:
        certificate = x509.load_der_x509_certificate(from_base64("".join(found[1].split())))
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, LedgerError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _FormatError(f"an item of {key} is not a certificate authority in PEM") from None
    if not constraints.ca:
        raise _FormatError(f"an item of {key} is not a certificate authority")
    return _normal_pem(certificate)


def _tsa_root(pem: str) -> str:
    """As `_anchor`, and a check of time stamps can read all of it: found out now, not when a token comes."""
    from personactl_ledger.tsp_trust import load_roots  # only needed where roots are named

    normal = _anchor(pem, "tsaRoots")
    try:
        load_roots([normal])
    except LedgerError as error:
        raise _FormatError(f"an item of tsaRoots cannot be used: {error.message}") from None
    return normal


def _normal_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def certificate_authorities(data: bytes, path: str) -> list[str]:
    """The certificate authorities of a PEM file, each in its normal form. Raises TrustError (code trust.tsa-root)."""
    try:
        certificates = x509.load_pem_x509_certificates(data)
        return [_anchor(_normal_pem(certificate), "the file") for certificate in certificates]
    except ValueError:
        raise TrustError(
            "this file does not hold certificate authorities in PEM",
            where=path,
            hint="give the root certificate of the time-stamp service",
            code="trust.tsa-root",
        ) from None


def _fingerprint(text: str) -> str:
    if not _HEX64.fullmatch(text):
        raise _FormatError("an item of leafFingerprints is not 64 lower-case hex digits")
    return text


def _public_key(text: str, key: str) -> bytes:
    try:
        raw = b64decode(text, validate=True)
        if b64encode(raw).decode() != text:
            raise ValueError
        check_public_key(raw)
    except (ValueError, LedgerError):
        raise _FormatError(f"an item of {key} is not a sound Ed25519 public key in base64") from None
    return raw


def _log_keys(lines: list[str], origin: str) -> tuple[str, ...]:
    """C2SP verifier keys of this origin; an ML-DSA-44 key only behind the Ed25519 key of its ledger key (SPEC 7.4)."""
    try:
        group_vkeys(lines, origin)
    except LedgerError as error:
        raise _FormatError(f"logKeys does not name ledger keys of this origin ({error})") from None
    return tuple(lines)


def _approvers(value: object) -> tuple[int, tuple[bytes, ...]] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"threshold", "keys"}:
        raise _FormatError("approvers is not {threshold, keys}")
    keys = tuple(_public_key(text, "approvers.keys") for text in _strings(value, "keys", at_least=1))
    threshold = value["threshold"]
    if type(threshold) is not int or not 1 <= threshold <= len(keys):
        raise _FormatError("approvers.threshold is not between 1 and the number of keys")
    return threshold, keys


def _revoked(value: object) -> tuple[tuple[str, int], ...]:
    """(key id, first index not believed), no key twice; also keys that the file does not name otherwise."""
    if not isinstance(value, list) or len(value) > MAX_KEYS:
        raise _FormatError(f"revoked is not a list of at most {MAX_KEYS} items")
    found: dict[str, int] = {}
    for item in value:
        kid, start = (item.get("kid"), item.get("fromIndex")) if isinstance(item, dict) and len(item) == 2 else (0, 0)
        if not isinstance(kid, str) or not _KEY_ID.fullmatch(kid) or type(start) is not int or not 0 <= start < 2**53:
            raise _FormatError("an item of revoked is not {kid, fromIndex}")
        if kid in found:
            raise _FormatError("revoked holds a key twice")
        found[kid] = start
    return tuple(found.items())


def is_key_id(text: str) -> bool:
    """Whether it has the form of a key id (SPEC 5)."""
    return _KEY_ID.fullmatch(text) is not None


def _witnesses(value: object) -> tuple[int, tuple[str, ...]]:
    if not isinstance(value, dict) or set(value) != {"quorum", "vkeys"}:
        raise _FormatError("witnesses is not {quorum, vkeys}")
    if type(value["quorum"]) is not int:
        raise _FormatError("witnesses.quorum is not a number")
    return value["quorum"], tuple(_strings(value, "vkeys"))


def _witness_problem(ledger: LedgerTrust) -> tuple[str, str]:
    """(key, problem): the keys are those of witnesses, none of them the ledger's own, and the quorum can be reached
    (SPEC 14.2). Two empty texts where all is well."""
    try:
        number = len(ledger.witness_keys())
    except LedgerError as error:
        return "vkeys", f"these are not keys of witnesses of this ledger ({error})"
    quorum = ledger.witnesses[0]
    return ("", "") if 0 <= quorum <= number else ("quorum", f"{quorum} of {number} witnesses is no quorum")


def _detector(value: object) -> str:
    if not isinstance(value, str) or len(value) > 500 or not value.isprintable():
        raise _FormatError("detector is not a short printable text")
    return value


def _time(value: object) -> str:
    try:
        return require_time(value)
    except LedgerError:
        raise _FormatError("issuedAt is not a time in UTC with Z") from None
