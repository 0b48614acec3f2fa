"""in-toto Statements v1 (SPEC 3.2): writer and strict parser. One subject, one predicate of a known kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personactl_ledger.canonical import canonical_bytes, parse_canonical, parse_strict
from personactl_ledger.encoding import HEX64
from personactl_ledger.errors import FormatError, ProfileError
from personactl_ledger.made_here import WrittenStatement
from personactl_ledger.predicates import KINDS

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_PREFIX = "urn:personactl:predicate:"
PREDICATE_SUFFIX = ":1"
_TYPE = re.compile(r"urn:personactl:predicate:([a-z][a-z-]{0,62}):([1-9][0-9]{0,8})")
_DIGEST = re.compile(r"[0-9a-f]+")
MAX_NAME = 512
_KEYS = {"_type", "predicate", "predicateType", "subject"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Statement:
    """`kind` is the part of the predicate type that changes, with its version when that is not 1 (`output:2`);
    `subject_sha256` is 64 hex digits."""

    kind: str
    subject_name: str
    subject_sha256: str
    predicate: dict[str, Any]


def statement(kind: str, *, subject: tuple[str, str], predicate: Mapping[str, Any]) -> bytes:
    """The payload bytes of an entry. `subject` is (name, sha256 in hex).

    Raises ProfileError for values outside the JSON profile, FormatError for an unknown kind or an unfit subject.
    """
    name, digest = subject
    _require_subject(name, digest)
    if kind not in KINDS:
        raise _unknown(kind)
    return WrittenStatement(
        canonical_bytes(
            {
                "_type": TYPE,
                "predicate": dict(predicate),
                "predicateType": f"{PREDICATE_PREFIX}{kind}{PREDICATE_SUFFIX}",
                "subject": [{"digest": {"sha256": digest}, "name": name}],
            }
        )
    )


def reread(payload: bytes) -> Statement:
    """What `parse_statement` answers; bytes that `statement` has just written are decoded and not judged again."""
    if type(payload) is not WrittenStatement:
        return parse_statement(payload)
    document = parse_strict(payload)
    subject = document["subject"][0]
    kind = document["predicateType"][len(PREDICATE_PREFIX) : -len(PREDICATE_SUFFIX)]
    return Statement(kind, subject["name"], subject["digest"]["sha256"], document["predicate"])


def parse_statement(payload: bytes, *, later: bool = False) -> Statement:
    """Parse strictly. `later` also takes kinds and versions of a later program (SPEC 6.10).

    Raises FormatError (codes ledger.profile, ledger.statement, ledger.kind-unknown).
    """
    try:
        document = parse_canonical(payload)
    except ProfileError as error:
        raise FormatError(error.message, code="ledger.profile") from None
    if not isinstance(document, dict) or set(document) != _KEYS or document["_type"] != TYPE:
        raise _malformed("it is not an in-toto Statement v1 with exactly its four keys")
    name, digest = _subject(document["subject"])
    predicate = document["predicate"]
    if not isinstance(predicate, dict):
        raise _malformed("its predicate is not a map")
    return Statement(_kind(document["predicateType"], later=later), name, digest, predicate)


def _subject(value: object) -> tuple[str, str]:
    # Written out, because a match of patterns takes three times as long, and a check reads millions.
    only = value[0] if isinstance(value, list) and len(value) == 1 else None
    if isinstance(only, dict) and len(only) == 2:
        name, digests = only.get("name"), only.get("digest")
        digest, *more = _digests(digests) if isinstance(digests, dict) else (None,)
        if isinstance(name, str) and isinstance(digest, str) and all(map(_hex, more)):
            _require_subject(name, digest)
            return name, digest
    raise _malformed("it does not have exactly one subject with a name and a sha256 digest")


def _digests(value: dict[str, object]) -> list[object]:
    """The SHA-256, and the digests by further names."""
    return [value.get("sha256"), *(item for name, item in value.items() if name != "sha256")]


def _hex(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _require_subject(name: str, digest: str) -> None:
    if not HEX64.fullmatch(digest):
        raise _malformed("the digest of its subject is not 64 lower-case hex digits")
    if not 0 < len(name) <= MAX_NAME or _CONTROL.search(name):
        raise _malformed("the name of its subject is empty, too long, or holds control characters")


def _kind(value: object, *, later: bool) -> str:
    match = _TYPE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _malformed("its predicate type is none of a personactl ledger")
    kind = match[1] if match[2] == "1" else f"{match[1]}:{match[2]}"
    if kind not in KINDS and not later:
        raise _unknown(kind)
    return kind


def _unknown(kind: object) -> FormatError:
    return FormatError(f"the kind of statement {kind!r:.80} is not known", code="ledger.kind-unknown")


def _malformed(reason: str) -> FormatError:
    return FormatError(f"this is not a statement of ours: {reason}", code="ledger.statement")
