"""The signed report of `verify`: verdicts as an in-toto Statement in a DSSE envelope (ledger/predicates.md).

    document of verify → build → the bytes of the file
    the bytes of the file, and keys that are accepted → read → the Report and the key that signed it, or an error

The EU Code of Practice (sub-measure 2.1.2) asks for the hash of the submitted content, an identifier of the detection
solution and the time, under a digital signature, and for what the result rests on. Subjects are the files that could be
read; what could not be read stands in the predicate alone. Words for people (messages, hints) are left out: codes have
pages, and a report is read by programs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from personactl_ledger import FormatError, LedgerError, ProfileError, Signer, canonical_bytes, key_id, parse_canonical
from personactl_ledger.ed25519 import verify_signature
from personactl_ledger.encoding import HEX64, require_time
from personactl_ledger.envelope import Envelope, EnvelopeSignature, pae, parse_envelope, write_envelope
from personactl_ledger.statement import TYPE

from personactl.errors import IntegrityError, TrustError, UsageProblem
from personactl.keys.trust import TrustFile
from personactl.keys.trust_list import TrustList
from personactl.policy import Policy

PREDICATE_TYPE = "urn:personactl:predicate:verification-report:1"
MAX_BYTES = 64 * 1024 * 1024
"""Of the envelope. A file of an ordinary delivery takes about 1.2 kB of it."""

_FILE_KEYS = ("sha256", "mediaType", "verdict", "axes", "layers", "basis", "persona", "entry", "candidates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the verifier demanded: without it a verdict cannot be read."""

    exact: bool = False
    approval: bool = False
    layers: int = 0
    pixels: bool = False
    policies: Sequence[Policy] = ()
    lists: Sequence[TrustList] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says. `sha256` is that of the file's bytes."""

    sha256: str
    verified_at: str
    detector: Mapping[str, Any]
    asked: Mapping[str, Any]
    trust: Sequence[Any]
    summary: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """A key whose reports the reader accepts, and whose it is: the name of a trust file, or "" when given by itself."""

    public_key: bytes
    name: str = ""


def build(document: Mapping[str, Any], trust: Sequence[TrustFile], asked: Asked, signer: Signer) -> bytes:
    """The report on `document` (`personactl.verify/1`, no lone surrogates). Raises UsageProblem (report.too-large)."""
    files = [_file(item) for item in document["files"]]
    subjects = {(item["name"], item["sha256"]): None for item in files if item["sha256"]}
    statement = {
        "_type": TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifiedAt": document["verifiedAt"],
            "detector": document["detector"],
            "asked": {
                "requireExact": asked.exact,
                "requireApproval": asked.approval,
                "requireLayers": asked.layers,
                "pixels": asked.pixels,
                "policies": [{"id": item.id, "sha256": item.sha256} for item in asked.policies],
                "lists": [_list(item) for item in asked.lists],
            },
            "trust": [
                {"name": item.name, "sha256": item.sha256, "issuedAt": item.issued_at, "origin": item.origin}
                for item in trust
            ],
            "summary": document["summary"],
            "files": files,
        },
    }
    payload = canonical_bytes(statement)
    signature = EnvelopeSignature(signer.key_id, signer.sign(pae(payload)))
    try:
        return write_envelope(payload, [signature], most=MAX_BYTES)
    except FormatError:
        raise UsageProblem(
            f"a signed report on {len(files)} files is larger than {MAX_BYTES} bytes",
            hint="verify fewer files at once, and sign a report on each part",
            code="report.too-large",
        ) from None


def _list(item: TrustList) -> dict[str, str]:
    return {"name": item.name, "sha256": item.sha256, "for": "time stamps" if item.stamps else "signers"}


def _file(item: Mapping[str, Any]) -> dict[str, Any]:
    codes = [{"code": finding["code"], "severity": finding["severity"]} for finding in item["findings"]]
    return {"name": item["path"], **{key: item[key] for key in _FILE_KEYS}, "findings": codes}


def read(data: bytes, accepted: Sequence[Reporter], path: str) -> tuple[Report, Reporter]:
    """What an accepted key signed, and which. The signature is checked before anything in the payload is parsed (DSSE
    v1.0.0, "Verify"). `path` is for messages.

    Raises IntegrityError (report.malformed; report.signature when an accepted key is named and its signature does not
    hold), TrustError (report.no-key, report.untrusted).
    """
    try:
        envelope = parse_envelope(data.rstrip(b"\n"), most=MAX_BYTES)
    except LedgerError as error:
        raise _malformed(path, error.message) from None
    by = _signed_by(envelope, accepted, path)
    try:
        return _report(parse_canonical(envelope.payload), hashlib.sha256(data).hexdigest()), by
    except (LedgerError, ProfileError) as error:
        raise _malformed(path, error.message) from None
    except (KeyError, TypeError, ValueError):
        raise _malformed(path, "its statement does not have the form of a report") from None


def _report(statement: Any, sha256: str) -> Report:
    """Raises KeyError, TypeError, ValueError or LedgerError where the form is another one."""
    if statement["_type"] != TYPE or statement["predicateType"] != PREDICATE_TYPE:
        raise ValueError
    said = statement["predicate"]
    files = said["files"]
    subjects = {(item["name"], item["digest"]["sha256"]) for item in statement["subject"]}
    if subjects != {(item["name"], item["sha256"]) for item in files if item["sha256"]}:
        raise ValueError
    if not all(_is_file(item) for item in files) or not all(isinstance(item, dict) for item in said["trust"]):
        raise ValueError
    parts = {name: said[name] for name in ("detector", "asked", "summary")}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise ValueError
    return Report(
        sha256=sha256, verified_at=require_time(said["verifiedAt"]), trust=said["trust"],
        files=tuple(files), **parts,
    )  # fmt: skip


def _is_file(item: Any) -> bool:
    texts = all(isinstance(item[key], str) for key in ("name", "sha256", "verdict"))
    digest = item["sha256"]
    return texts and isinstance(item["findings"], list) and (not digest or HEX64.fullmatch(digest) is not None)


def _signed_by(envelope: Envelope, accepted: Sequence[Reporter], path: str) -> Reporter:
    if not accepted:
        raise TrustError(
            "no key was given whose reports are accepted",
            where=path,
            hint="give --report-key PUBLIC, or --trust FILE with a trust file that names reportKeys",
            code="report.no-key",
        )
    known = {key_id(item.public_key): item for item in reversed(accepted)}
    for signature in envelope.signatures:
        found = known.get(signature.key_id)
        if found is None:
            continue
        if not verify_signature(found.public_key, signature.signature, pae(envelope.payload)):
            raise IntegrityError(
                f"the signature of {signature.key_id} does not hold: the report was altered or signed by another key",
                where=path,
                hint="ask for the report again, by another way",
                code="report.signature",
            )
        return found
    named = ", ".join(signature.key_id for signature in envelope.signatures)
    raise TrustError(
        f"the report is signed by {named}, which is none of the accepted keys",
        where=path,
        hint="ask whoever made the report for their public key, by another way",
        code="report.untrusted",
    )


def _malformed(path: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"this is not a signed report of verify: {reason}",
        where=path,
        hint="name the file that `personactl verify --report signed=FILE` wrote",
        code="report.malformed",
    )
