#!/usr/bin/env python3
"""Verify a personactl ledger or receipt without personactl. One file; needs Python 3.11 and `cryptography`, no network.

    verify_ledger.py ledger  FILE         [--trust trust.json] [--anchor RECEIPT_OR_CHECKPOINT]...
    verify_ledger.py receipt FILE.receipt --trust trust.json   [--file FILE]
    verify_ledger.py export  PATH         [--trust trust.json] [--anchor RECEIPT_OR_CHECKPOINT]...
    verify_ledger.py misbehaviour FILE    --trust trust.json

Every line names the clause of SPEC.md that it checks.
Exit: 0 good, 4 altered or broken, 5 signers not trusted, 2 usage, or a file or the output that cannot be used.
Written from SPEC.md; it shares no code with the package, so that one mistake cannot hide in both.
"""

from __future__ import annotations

import argparse
import base64
import calendar
import functools
import hashlib
import itertools
import json
import os
import re
import sqlite3
import stat
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

try:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
except ImportError:  # an older library: checkpoints are then checked by Ed25519 alone, and the report says so
    MLDSA44PublicKey = None

ROOT_KINDS = ["genesis", "trust", "key-add", "key-retire", "key-revoke"]
OPERATOR_KINDS = [
    "run-open",
    "run-close",
    "persona-freeze",
    "calibration",
    "training",
    "adoption",
    "refusal",
    "release",
    "erasure",
    "timestamp",
    "restore",
    "migration",
    "merge",
    "merged",
    "withdrawal",
    "note",
]
RUN_KINDS = ["output", "reject", "void"]
ROLE = dict.fromkeys(ROOT_KINDS, "root") | dict.fromkeys(OPERATOR_KINDS, "operator") | dict.fromkeys(RUN_KINDS, "run")
ROLE["approval"] = "person"
KID = r"SHA256:[A-Za-z0-9+/]{43}="
ORIGIN = r"[a-z0-9](?:[a-z0-9.-]{0,198}[a-z0-9])?/personactl/[0-9a-f]{16}"
HEX32, HEX64, NUMBER = r"[0-9a-f]{32}", r"[0-9a-f]{64}", r"0|[1-9][0-9]{0,18}"
TIME = r"([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?Z"
RUN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


class Bad(Exception):
    """One thing that does not hold: clause of SPEC.md, code as in `personactl explain`, message."""

    def __init__(self, clause: str, code: str, message: str):
        super().__init__(message)
        self.clause, self.code, self.message = clause, code, message


class Unheard(Exception):
    """The answer cannot be written."""


def say(text: str) -> None:
    try:
        print(text)
    except OSError as error:
        raise Unheard(error.strerror) from error


def finish_saying() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        raise Unheard(error.strerror) from error


def need(condition: object, clause: str, code: str, message: str) -> None:
    if not condition:
        raise Bad(clause, code, message)


def require_plain(path: Path) -> None:
    """A pipe would never end, and a link may lead elsewhere: only plain files are evidence."""
    need(stat.S_ISREG(path.lstat().st_mode), "12.1", "ledger.not-plain", f"{path} is not a plain file")


def read_plain(path: Path) -> bytes:
    require_plain(path)
    return path.read_bytes()


def file_digest(path: Path) -> str:
    require_plain(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- SPEC 1 and 2: spelling --------------------


def unbase64(text: object, clause: str, code: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        data = None
    need(data is not None and base64.b64encode(data).decode() == text, clause, code, "base64 is not canonical")
    return data


def load_json(data: bytes, clause: str, code: str) -> object:
    """SPEC 2.2 without the demand for canonical layout."""

    def refuse(text: str) -> None:
        raise ValueError(f"{text} is not an integer")

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=unique, parse_float=refuse, parse_constant=refuse)
        in_profile(value, 1)
    except (ValueError, RecursionError) as error:
        raise Bad(clause, code, f"JSON outside the profile: {error}") from None
    return value


def in_profile(value: object, depth: int) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        raise ValueError("an integer is too large")
    if isinstance(value, str):
        value.encode("utf-8")
    if isinstance(value, dict | list):
        if depth > 32:
            raise ValueError("nested too deep")
        for item in value.values() if isinstance(value, dict) else value:
            in_profile(item, depth + 1)
        for key in value if isinstance(value, dict) else ():
            if not re.fullmatch(r"[ -~]+", key):
                raise ValueError("a key is not printable ASCII")


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# --- SPEC 4: the tree --------------------


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


class Tree:
    """The recursive definition of RFC 6962, section 2.1, with perfect subtrees remembered."""

    def __init__(self, leaf_hashes: list[bytes]):
        self.leaves, self.known = leaf_hashes, {}

    def root(self, start: int, stop: int) -> bytes:
        if stop - start == 1:
            return self.leaves[start]
        if (start, stop) in self.known:
            return self.known[start, stop]
        middle = start + split(stop - start)
        value = sha256(b"\x01", self.root(start, middle), self.root(middle, stop))
        if (stop - start) & (stop - start - 1) == 0:
            self.known[start, stop] = value
        return value


class Growing:
    """A tree whose leaves come one by one, by the roots of its perfect parts from left to right."""

    def __init__(self) -> None:
        self.size, self.parts = 0, []

    def add(self, digest: bytes) -> None:
        self.size += 1
        self.parts.append(digest)
        for _ in range((self.size & -self.size).bit_length() - 1):  # as many parts as a carry in binary ends
            right = self.parts.pop()
            self.parts[-1] = sha256(b"\x01", self.parts[-1], right)

    def root(self) -> bytes:
        value = self.parts[-1]
        for part in reversed(self.parts[:-1]):
            value = sha256(b"\x01", part, value)
        return value


def climb(index: int, size: int, digest: bytes, path: list[bytes]) -> bytes | None:
    """The root that an inclusion path leads to, from the top down."""
    if size == 1:
        return None if path else digest
    if not path:
        return None
    k = split(size)
    if index < k:
        below = climb(index, k, digest, path[:-1])
        return below and sha256(b"\x01", below, path[-1])
    below = climb(index - k, size - k, digest, path[:-1])
    return below and sha256(b"\x01", path[-1], below)


# --- SPEC 5: keys --------------------


def kid_of(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(sha256(key)).decode()


def sound_key(text: object, kid: object) -> bytes:
    """SPEC 5.1: on the curve, reduced, and eight times the point is not the neutral element."""
    key = unbase64(text, "5.1", "ledger.malformed")
    number = int.from_bytes(key, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    need(len(key) == 32 and y < P, "5.1", "ledger.key-weak", "an Ed25519 key is not 32 reduced bytes")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    need(x * x % P == square and not (x == 0 and sign), "5.1", "ledger.key-weak", "an Ed25519 key is no point")
    for _ in range(3):
        t = D * x * x * y * y
        x, y = 2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P
    need((x, y) != (0, 1), "5.1", "ledger.key-weak", "an Ed25519 key has small order")
    need(kid is None or kid_of(key) == kid, "5.1", "ledger.key-id", "a key id does not belong to its key")
    return key


def ed25519_ok(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def mldsa_ok(key: bytes, signature: bytes, message: bytes) -> bool | None:
    try:
        if MLDSA44PublicKey is None:
            return None
        MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)
    except UnsupportedAlgorithm:
        return None
    except (InvalidSignature, ValueError):
        return False
    return True


@functools.cache
def mldsa_lacking(kind: object) -> bool:
    """Whether the installed library, which may have a class `kind`, does not verify ML-DSA-44; asked once."""
    return mldsa_ok(bytes(1312), bytes(2420), b"") is None


# --- SPEC 3: leaves --------------------


class Entry:
    """SPEC 3.3: a leaf taken apart; every part has the one accepted form."""

    def __init__(self, leaf: bytes):
        need(len(leaf) <= 65535, "3.1", "ledger.leaf-size", "a leaf is longer than 65,535 bytes")
        envelope = load_json(leaf, "3.1", "ledger.envelope")
        shape = isinstance(envelope, dict) and set(envelope) == {"payload", "payloadType", "signatures"}
        need(shape and canonical(envelope) == leaf, "3.1", "ledger.envelope", "a leaf is no canonical DSSE envelope")
        signatures = envelope["signatures"]
        need(
            envelope["payloadType"] == "application/vnd.in-toto+json"
            and isinstance(signatures, list)
            and 1 <= len(signatures) <= 16
            and all(isinstance(s, dict) and set(s) == {"keyid", "sig"} for s in signatures)
            and all(isinstance(s["keyid"], str) and re.fullmatch(KID, s["keyid"]) for s in signatures)
            and len({s["keyid"] for s in signatures}) == len(signatures),
            "3.1", "ledger.envelope", "payload type or signatures have a wrong form",
        )  # fmt: skip
        self.leaf, self.hash = leaf, sha256(b"\x00", leaf)
        self.payload = unbase64(envelope["payload"], "3.1", "ledger.envelope")
        self.signers = [(s["keyid"], unbase64(s["sig"], "3.1", "ledger.envelope")) for s in signatures]
        need(all(len(sig) == 64 for _, sig in self.signers), "3.1", "ledger.envelope", "a signature is not 64 bytes")
        self._statement()
        self._fields()

    def _statement(self) -> None:
        said = load_json(self.payload, "2.2", "ledger.profile")
        need(canonical(said) == self.payload, "2.2", "ledger.profile", "a payload is not canonical JSON")
        shape = isinstance(said, dict) and set(said) == {"_type", "predicate", "predicateType", "subject"}
        need(shape and said["_type"] == "https://in-toto.io/Statement/v1", "3.2", "ledger.statement", "no Statement v1")
        subject = said["subject"][0] if isinstance(said["subject"], list) and len(said["subject"]) == 1 else None
        need(
            isinstance(subject, dict)
            and set(subject) == {"digest", "name"}
            and isinstance(subject["name"], str)
            and re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]{1,512}", subject["name"])
            and isinstance(subject["digest"], dict)
            and matches(HEX64, subject["digest"].get("sha256"))
            and all(matches(r"[0-9a-f]+", digest) for digest in subject["digest"].values())
            and isinstance(said["predicate"], dict),
            "3.2", "ledger.statement", "subject or predicate has a wrong form",
        )  # fmt: skip
        self.name, self.subject, self.said = subject["name"], subject["digest"]["sha256"], said["predicate"]
        pattern = r"urn:personactl:predicate:([a-z][a-z-]{0,62}):([1-9][0-9]{0,8})"
        found = re.fullmatch(pattern, said["predicateType"]) if isinstance(said["predicateType"], str) else None
        need(found, "3.2", "ledger.statement", "the predicate type is none of a ledger")
        self.kind = found[1] if found[2] == "1" else f"{found[1]}:{found[2]}"
        self.known = self.kind in ROLE
        self.role = ROLE.get(self.kind, "operator")

    def _fields(self) -> None:
        """SPEC 6.1: the fields that rules read."""
        said, field = self.said, self._field
        sealed = said.get("sealed", {})
        field("origin", self.kind == "genesis" or text(said.get("origin")))
        field("sealed", isinstance(sealed, dict) and all(matches(HEX64, item) for item in sealed.values())
              and all(matches(r"[a-z][A-Za-z0-9]{0,62}", name) for name in sealed))  # fmt: skip
        patterns = {"run": RUN, "planSha256": HEX64, "entryId": HEX32, "jobKey": HEX64, "kid": KID, "ledgerId": HEX32,
                    "tokenSha256": HEX64}  # fmt: skip
        for name in REQUIRED.get(self.kind, ()):
            value = said.get(name)
            if name in patterns:
                field(name, matches(patterns[name], value))
            elif name in NATURALS:
                field(name, type(value) is int and value >= 0)
            elif name.endswith("At"):
                field(name, time(value))
            elif name == "persona":
                good = isinstance(value, dict) and text(value.get("id")) and type(value.get("version")) is int
                field(name, good and value["version"] >= 0)
            elif name == "runKey":
                field(name, key_pair(value) and matches(KID, value["kid"]))
            elif name == "rootKeys":
                field(name, isinstance(value, list) and 0 < len(value) <= 16 and all(map(key_pair, value)))
            elif name in ("approvers", "witnesses"):
                field(name, value is None or quorum(value, *SOME[name]))
            elif name == "development":
                field(name, isinstance(value, bool))
            elif name in OF_OTHERS:
                field(name, OF_OTHERS[name](value))
            elif name == "role":
                field(name, value in ("root", "operator", "ledger", "person"))
            else:
                field(name, text(value))
        if self.kind == "genesis":
            threshold = said.get("rootThreshold", 1)
            field("rootThreshold", type(threshold) is int and 1 <= threshold <= len(said["rootKeys"]))
            field("format", said["format"] == "personactl-ledger/1")
            field("domain", matches(r"[a-z0-9](?:[a-z0-9.-]{0,198}[a-z0-9])?", said["domain"]))

    def _field(self, name: str, good: bool) -> None:
        need(good, "6.1", "ledger.predicate", f"the field {name} of a {self.kind} entry has a wrong form")


REQUIRED = {
    "genesis": ["ledgerId", "format", "domain", "development", "rootKeys", "createdAt"],
    "trust": ["version", "approvers", "witnesses", "setAt"],
    "key-add": ["role", "kid", "publicKey", "addedAt"],
    "key-retire": ["kid", "retiredAt"],
    "key-revoke": ["kid", "fromIndex", "revokedAt"],
    "run-open": ["run", "planSha256", "planned", "runKey", "startedAt"],
    "persona-freeze": ["persona"],
    "adoption": ["entryId"],
    "timestamp": ["size", "tokenSha256"],
    "withdrawal": ["entryId", "withdraws"],
    "erasure": ["erases", "basis", "erasedAt"],
    "restore": ["restores", "reason", "restoredAt"],
    "merged": ["source", "mergedAt"],
    "merge": ["merges", "first", "count", "reason", "mergedAt"],
    "output": ["run", "entryId", "jobKey"],
    "reject": ["run", "entryId", "jobKey"],
    "void": ["run", "entryId", "jobKey", "voids"],
    "run-close": [
        "run",
        "planSha256",
        "planned",
        "done",
        "failed",
        "rejected",
        "skipped",
        "outputs",
        "rejects",
        "firstIndex",
        "lastIndex",
        "closedAt",
    ],
}
SOME = {"approvers": ("threshold", "keys", 1, KID), "witnesses": ("quorum", "vkeys", 0, r"(?s:.+)")}
NATURALS = [
    "version",
    "size",
    "first",
    "count",
    "withdraws",
    "planned",
    "fromIndex",
    "voids",
    "done",
    "failed",
    "rejected",
    "skipped",
    "outputs",
    "rejects",
    "firstIndex",
    "lastIndex",
]


def matches(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def time(value: object) -> bool:
    """SPEC 1.2."""
    found = re.fullmatch(TIME, value) if isinstance(value, str) else None
    year, month, day = (int(part) for part in found.groups()[:3]) if found else (0, 0, 0)
    return year > 0 and 0 < day <= calendar.monthrange(year, month)[1]


def quorum(value: object, number: str, names: str, least: int, pattern: str) -> bool:
    """SPEC 6.12: so many of these; no name twice."""
    if not isinstance(value, dict) or set(value) != {number, names}:
        return False
    wanted, listed = value[number], value[names]
    good = isinstance(listed, list) and all(matches(pattern, item) for item in listed)
    return good and len(set(listed)) == len(listed) and type(wanted) is int and least <= wanted <= len(listed)


def natural(value: object) -> bool:
    return type(value) is int and value >= 0


def well_named(value: object) -> bool:
    """SPEC 10.3: what an erasure names."""
    seen: set[int] = set()
    for item in value if isinstance(value, list) else []:
        fields = item.get("fields") if isinstance(item, dict) else None
        if not isinstance(fields, list) or not natural(item.get("index")) or item["index"] in seen:
            return False
        if not fields or not all(matches(r"[a-z][A-Za-z0-9]{0,62}", name) for name in fields):
            return False
        if len(set(fields)) < len(fields):
            return False
        seen.add(item["index"])
    return bool(seen)


def other_head(value: object) -> bool:
    """SPEC 17.3, 17.7: a tree head of another ledger."""
    good = isinstance(value, dict) and matches(ORIGIN, value.get("origin")) and matches(HEX64, value.get("root"))
    return good and natural(value.get("size")) and value["size"] > 0


def other_entry(value: object) -> bool:
    """SPEC 17.6: an entry of another ledger."""
    good = isinstance(value, dict) and matches(ORIGIN, value.get("origin")) and natural(value.get("index"))
    kind = r"[a-z][a-z-]{0,62}(:[1-9][0-9]{0,8})?"
    return good and matches(HEX64, value.get("leafHash")) and matches(kind, value.get("kind"))


OF_OTHERS = {"erases": well_named, "merges": other_head, "restores": other_head, "source": other_entry}


def key_pair(value: object) -> bool:
    return isinstance(value, dict) and {"kid", "publicKey"} <= set(value) and all(text(v) for v in value.values())


# --- SPEC 6: who may say what --------------------


class Rules:
    """All that earlier entries decide about later ones."""

    def __init__(self) -> None:
        self.origin, self.genesis = "", None
        self.keys: dict[str, dict] = {}
        self.roots: set[str] = set()  # those in use
        self.revoked: dict[str, tuple[int, int]] = {}
        self.revokers: dict[str, list[str]] = {}
        self.certifiers: dict[str, list[str]] = {}
        self.runs: dict[str, dict] = {}
        self.run_keys: set[str] = set()
        self.ids: set[str] = set()
        self.standing: dict[str, int] = {}
        self.adopted: dict[int, tuple[str, str]] = {}
        self.frozen: set[tuple[str, int]] = set()
        self.threshold, self.trust_version = 1, 0
        self.outputs: dict[int, tuple[str, ...]] = {}
        self.sealed: dict[int, set[str]] = {}
        self.taken: dict[str, Growing] = {}
        self.open_merge: dict[str, list[int]] = {}
        self.begun = False

    def signers(self, index: int, entry: Entry) -> None:
        """SPEC 6.2 to 6.5, with the signatures."""
        message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(entry.payload), entry.payload)
        public = [self._public(index, entry, kid) for kid, _ in entry.signers]
        wanted = entry.said.get("rootThreshold", 1) if index == 0 else self.threshold
        enough = entry.role != "root" or len(public) >= wanted
        need(enough, "6.4", "ledger.root-threshold", f"fewer than {wanted} root keys signed")
        for key, (_, signature) in zip(public, entry.signers, strict=True):
            need(ed25519_ok(key, signature, message), "6.4", "ledger.signature", "a signature is wrong")

    def _public(self, index: int, entry: Entry, kid: str) -> bytes:
        role = entry.role
        need((entry.kind == "genesis") == (index == 0), "6.2", "ledger.genesis", "the genesis is not exactly entry 0")
        if index == 0:
            listed = {k["kid"]: sound_key(k["publicKey"], k["kid"]) for k in entry.said["rootKeys"]}
            need(len(listed) == len(entry.said["rootKeys"]), "6.6", "ledger.key-twice", "a root key is listed twice")
            need(kid in listed, "6.2", "ledger.signer-unknown", "the genesis is signed by a key that it does not list")
            return listed[kid]
        need(entry.said["origin"] == self.origin, "6.3", "ledger.origin", "the entry names another origin")
        one = len(entry.signers) == 1 or role in ("root", "person")
        need(one, "6.4", "ledger.signer-role", f"a {entry.kind} entry has exactly one signer")
        if role == "run":
            run = self._open(entry)
            need(kid == run["kid"], "6.5", "ledger.run-key", "the signer is not the key of the run's latest run-open")
            key = {"public": run["public"]}
        else:
            key = self.keys.get(kid, {})
            need(key, "6.4", "ledger.signer-unknown", f"the signer {kid} is not enrolled")
            need(key["role"] == role, "6.4", "ledger.signer-role", f"a {key['role']} key may not sign {entry.kind}")
            need(key["retired"] is None, "6.4", "ledger.signer-retired", "the signer was retired before")
        need(kid not in self.revoked, "6.4", "ledger.signer-revoked", "the signer was revoked before")
        return key["public"]

    def _open(self, entry: Entry) -> dict:
        run = self.runs.get(entry.said["run"])
        need(run, "6.5", "ledger.run-unknown", "the run was never opened")
        need(run["open"], "6.5", "ledger.run-closed", "the run is closed")
        return run

    def judge(self, index: int, entry: Entry) -> None:
        """SPEC 6.5 to 6.9, 6.12."""
        said, kind = entry.said, entry.kind
        if kind in ("key-add", "run-open"):
            pair = said if kind == "key-add" else said["runKey"]
            public = sound_key(pair["publicKey"], pair["kid"])
            new = pair["kid"] not in self.keys and pair["kid"] not in self.run_keys
            need(new, "6.6", "ledger.key-twice", "a key is enrolled a second time")
            if said.get("role") == "ledger" and kind == "key-add":
                log_vkeys(said.get("vkeys"), self.origin, public)
            before = self.runs.get(said["run"]) if kind == "run-open" else None
            same = before is None or all(before[name] == said[name] for name in ("planSha256", "planned"))
            need(same, "6.5", "ledger.run-plan", "a later start of a run follows another plan")
        elif kind == "trust":
            self._judge_trust(said)
        elif kind in ("key-retire", "key-revoke"):
            self._end_key(index, entry)
        elif kind in ("output", "reject", "adoption"):
            need(said["entryId"] not in self.ids, "6.7", "ledger.entry-id-twice", "an entryId stands twice")
            taken = kind == "output" and said["jobKey"] in self.standing
            need(not taken, "6.7", "ledger.job-key-twice", "a job has two standing outputs")
        elif kind == "void":
            target = self.outputs.get(said["voids"])
            same = target == (entry.subject, *(said[k] for k in ("run", "entryId", "jobKey")))
            same = same and self.standing.get(said["jobKey"]) == said["voids"]
            need(same, "6.8", "ledger.void-target", "a void does not repeat a standing output of its run")
        elif kind == "withdrawal":
            same = self.adopted.get(said["withdraws"]) == (entry.subject, said["entryId"])
            need(same, "6.8", "ledger.withdrawal-target", "a withdrawal does not repeat a standing adoption")
        elif kind == "persona-freeze":
            key = (said["persona"]["id"], said["persona"]["version"])
            need(key not in self.frozen, "6.7", "ledger.persona-twice", "a version of a persona is frozen twice")
        elif kind == "run-close":
            self._close(entry)
        else:
            self._judge_care(index, entry)

    def _judge_care(self, index: int, entry: Entry) -> None:
        """SPEC 10.3, 17.3, 17.6, 17.7."""
        said, kind = entry.said, entry.kind
        if kind == "erasure":
            for item in said["erases"]:
                own = item["index"] < index and set(item["fields"]) <= self.sealed.get(item["index"], set())
                need(own, "10.3", "ledger.erasure-target", "an erasure names what no earlier entry commits to")
        elif kind == "restore":
            need(said["restores"]["origin"] != self.origin, "17.3", "ledger.restore-origin", "it restores itself")
            need(not self.begun, "17.3", "ledger.restore-late", "a restore is not what the operator says first")
        elif kind == "merged":
            origin, place = said["source"]["origin"], said["source"]["index"]
            next_one = origin != self.origin and place == self.taken.get(origin, Growing()).size
            need(next_one, "17.6", "ledger.merge-source", "an entry of another ledger was taken in out of order")
        elif kind == "merge":
            taken = self.taken.get(said["merges"]["origin"], Growing())
            places = self.open_merge.get(said["merges"]["origin"], [])
            counted = places and [said["first"], said["count"]] == [places[0], len(places)]
            same = counted and said["merges"]["size"] == taken.size
            same = same and taken.root().hex() == said["merges"]["root"]
            need(same, "17.7", "ledger.merge-counts", "a merge does not agree with the entries that were taken in")

    def _end_key(self, index: int, entry: Entry) -> None:
        kid = entry.said["kid"]
        key = self.keys.get(kid)
        if entry.kind == "key-retire":
            need(key and key["retired"] is None, "6.6", "ledger.key-unknown", "the key to retire is not in use")
        else:
            known = (key or kid in self.run_keys) and kid not in self.revoked
            need(known, "6.6", "ledger.key-unknown", "the key to revoke is not known, or revoked already")
            past = entry.said["fromIndex"] <= index
            need(past, "6.6", "ledger.key-revoke-index", "a revocation begins in the future")
        left = kid not in self.roots or len(self.roots) > self.threshold
        need(left, "6.6", "ledger.key-last", "the last root key cannot go")

    def _close(self, entry: Entry) -> None:
        run, said = self._open(entry), entry.said
        names = ("planSha256", "planned", "outputs", "rejects", "firstIndex", "lastIndex")
        total = said["done"] + said["failed"] + said["rejected"] + said["skipped"]
        agrees = all(said[name] == run[name] for name in names) and said["planned"] == total
        need(agrees, "6.9", "ledger.run-counts", "a run-close does not add up")

    def _judge_trust(self, said: dict) -> None:
        """SPEC 6.12."""
        need(said["version"] == self.trust_version + 1, "6.12", "ledger.trust-version", "a version was left out")
        for kid in said["approvers"]["keys"] if said["approvers"] else []:
            person = self.keys.get(kid, {"role": ""})["role"] == "person" and kid not in self.revoked
            in_use = person and self.keys[kid]["retired"] is None
            need(in_use, "6.12", "ledger.trust-approver", f"the approver {kid} is not the key of a person in use")
        asked = said["witnesses"] or {"quorum": 0, "vkeys": []}
        own = {raw for key in self.keys.values() if key["role"] in ("root", "ledger")
               for raw in [key["public"], *(half[3] for half in key["vkeys"])]}  # fmt: skip
        number = len(group_witnesses(asked["vkeys"], own, self.origin, "ledger.vkey"))
        need(asked["quorum"] <= number, "6.12", "ledger.predicate", "the quorum is above the number of witnesses")

    def record(self, index: int, entry: Entry) -> None:
        said, kind = entry.said, entry.kind
        self.sealed |= {index: set(said["sealed"])} if said.get("sealed") else {}
        self.begun = self.begun or entry.role != "root"
        if kind in ("merged", "merge"):
            self._record_merge(index, entry)
        elif kind == "genesis":
            self.genesis, self.origin = entry, f"{said['domain']}/personactl/{entry.hash.hex()[:16]}"
            self.threshold = said.get("rootThreshold", 1)
            for pair in said["rootKeys"]:
                self._enrol(pair, "root", index, [])
        elif kind == "key-add":
            vkeys = log_vkeys(said["vkeys"], self.origin, None) if said["role"] == "ledger" else []
            self._enrol(said, said["role"], index, vkeys)
            self.certifiers[said["kid"]] = [kid for kid, _ in entry.signers]
        elif kind == "trust":
            self.trust_version = said["version"]
        elif kind == "key-retire":
            self.keys[said["kid"]]["retired"] = index
            self.roots.discard(said["kid"])
        elif kind == "key-revoke":
            self.revoked[said["kid"]] = (index, said["fromIndex"])
            self.roots.discard(said["kid"])
            self.revokers[said["kid"]] = [kid for kid, _ in entry.signers]
        elif kind == "run-open":
            run = {k: said[k] for k in ("planSha256", "planned")} | {"kid": said["runKey"]["kid"], "open": True}
            run |= {"public": base64.b64decode(said["runKey"]["publicKey"]), "outputs": 0, "rejects": 0}
            self.runs[said["run"]] = run | {"firstIndex": index, "lastIndex": index}
            self.run_keys.add(run["kid"])
        elif kind == "adoption":
            self.ids.add(said["entryId"])
            self.adopted.setdefault(index, (entry.subject, said["entryId"]))
        elif kind == "withdrawal":
            self.adopted.pop(said["withdraws"], None)
        elif kind == "persona-freeze":
            self.frozen.add((said["persona"]["id"], said["persona"]["version"]))
        elif kind in (*RUN_KINDS, "run-close") and said["run"] in self.runs:
            self._record_run(index, entry, self.runs[said["run"]])

    def _record_merge(self, index: int, entry: Entry) -> None:
        """SPEC 17.6: a merged entry out of order counts for nothing."""
        if entry.kind == "merge":
            self.open_merge[entry.said["merges"]["origin"]] = []
            return
        source = entry.said["source"]
        if source["index"] == self.taken.setdefault(source["origin"], Growing()).size:
            self.taken[source["origin"]].add(bytes.fromhex(source["leafHash"]))
            self.open_merge.setdefault(source["origin"], []).append(index)

    def _record_run(self, index: int, entry: Entry, run: dict) -> None:
        said, kind = entry.said, entry.kind
        if kind == "run-close":
            run["open"] = False
            return
        run["lastIndex"] = index
        run["outputs"] += kind == "output"
        run["rejects"] += kind == "reject"
        if kind == "void":
            if self.standing.get(said["jobKey"]) == said["voids"]:
                del self.standing[said["jobKey"]]
            return
        self.ids.add(said["entryId"])
        if kind == "output":
            self.standing.setdefault(said["jobKey"], index)
            self.outputs[index] = (entry.subject, *(said[k] for k in ("run", "entryId", "jobKey")))

    def _enrol(self, pair: dict, role: str, index: int, vkeys: list) -> None:
        public = base64.b64decode(pair["publicKey"])
        self.roots |= {pair["kid"]} if role == "root" else set()
        self.keys[pair["kid"]] = {"public": public, "role": role, "added": index, "retired": None, "vkeys": vkeys}


# --- SPEC 7: notes and checkpoints --------------------


def parse_vkey(line: object) -> tuple[str, bytes, int, bytes]:
    """(name, key hash, type, public key)."""
    pattern = r"([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)"
    found = re.fullmatch(pattern, line) if isinstance(line, str) else None
    need(found, "7.1", "ledger.vkey", "this is not a verifier key")
    material = unbase64(found[3], "7.1", "ledger.vkey")
    size = {1: 32, 4: 32, 6: 1312}.get(material[0] if material else 0)
    fits = size == len(material) - 1 and len(found[1].encode("utf-8", "surrogatepass")) <= 255
    need(fits, "7.1", "ledger.vkey", "a verifier key has an unknown type or a wrong length")
    expected = sha256(found[1].encode("utf-8", "surrogatepass"), b"\n", material)[:4]
    need(expected.hex() == found[2], "7.1", "ledger.vkey", "the hash in a verifier key is wrong")
    if material[0] != 6:
        sound_key(base64.b64encode(material[1:]).decode(), None)
    return found[1], expected, material[0], material[1:]


def log_vkeys(lines: object, origin: str, public: bytes | None) -> list[tuple[str, bytes, int, bytes]]:
    """SPEC 6.6: the verifier keys of a ledger key."""
    keys = [parse_vkey(line) for line in lines] if isinstance(lines, list) else []
    types = [key[2] for key in keys]
    good = types in ([1], [1, 6]) and all(key[0] == origin for key in keys) and public in (None, keys[0][3])
    need(good, "6.6", "ledger.vkey", "the verifier keys of a ledger key do not fit it")
    return keys


def group_vkeys(lines: list, origin: str) -> list[list[tuple[str, bytes, int, bytes]]]:
    """SPEC 7.4: an ML-DSA-44 verifier key belongs to the Ed25519 one right before it."""
    groups: list[list] = []
    for key in map(parse_vkey, lines):
        need(key[0] == origin, "9.1", "trust.file-invalid", "a log key is of another origin")
        need(key[2] != 4, "9.1", "trust.file-invalid", "a log key is that of a witness")
        if key[2] == 1:
            groups.append([key])
        else:
            alone = not groups or len(groups[-1]) > 1
            need(not alone, "9.1", "trust.file-invalid", "an ML-DSA-44 log key does not follow its Ed25519 key")
            groups[-1].append(key)
    return groups


def group_witnesses(lines: list, own: set[bytes], origin: str, code: str = "trust.file-invalid") -> list[list]:
    """SPEC 14.2: items of one key, or of an Ed25519 one and the ML-DSA-44 one of the same name right after it; a
    witness is all the items that hang together by names and by public keys."""
    items: list[list] = []
    for key in map(parse_vkey, lines):
        good = key[2] != 1 and key[3] not in own and key[0] != origin
        need(good, "14.2", code, "a key cannot be that of a witness")
        last = items[-1] if items else []
        if key[2] == 6 and len(last) == 1 and (last[0][0], last[0][2]) == (key[0], 4):
            last.append(key)
        else:
            items.append([key])
    witnesses: list[list] = []
    for item in items:
        apart, together = [], [item]
        for other in witnesses:
            shared = {part for keys in other for key in keys for part in (key[0], key[3])}
            shared &= {part for key in item for part in (key[0], key[3])}
            together, apart = (other + together, apart) if shared else (together, [*apart, other])
        witnesses = [*apart, together]
    return witnesses


class Checkpoint:
    """SPEC 7.2."""

    def __init__(self, note: str):
        plain = len(note.encode()) <= 262144 and not re.search(r"[\x00-\x09\x0b-\x1f]", note)
        self.note = note
        body, blank, tail = note.rpartition("\n\n")
        need(plain and blank and body and tail.endswith("\n"), "7.1", "ledger.note", "this is not a signed note")
        lines = [re.fullmatch(r"— ([^\s+]{1,255}) ([A-Za-z0-9+/=]+)", line) for line in tail[:-1].split("\n")]
        need(all(lines) and len(lines) <= 64, "7.1", "ledger.note", "a signature line has a wrong form")
        self.lines = [(line[1], unbase64(line[2], "7.1", "ledger.note")) for line in lines]
        need(all(len(blob) >= 5 for _, blob in self.lines), "7.1", "ledger.note", "a signature is too short")
        self.note, self.body, self.unchecked = note, body + "\n", False  # unchecked: this library lacks ML-DSA-44
        parts = body.split("\n")
        code = "ledger.checkpoint-malformed"
        need(len(parts) == 3 and re.fullmatch(ORIGIN, parts[0]), "7.2", code, "a checkpoint has not its three lines")
        need(re.fullmatch(NUMBER, parts[1]) and int(parts[1]) < 2**63, "7.2", code, "a tree size has a wrong form")
        self.origin, self.size, self.root = parts[0], int(parts[1]), unbase64(parts[2], "7.2", code)
        need(len(self.root) == 32, "7.2", code, "a root is not 32 bytes")

    def covered(self, keys: list) -> bytes:
        """SPEC 8.3: the text, the empty line, and the lines of one ledger key in the order of its halves."""
        lines = [
            f"— {name} {base64.b64encode(blob).decode()}\n"
            for key in keys
            for name, blob in self.lines
            if (name, blob[:4]) == key[:2]
        ]
        return (self.body + "\n" + "".join(lines)).encode()

    def signed_by(self, keys: list[tuple[str, bytes, int, bytes]]) -> tuple[bool, bool]:
        """SPEC 7.4 for one ledger key: (its halves all signed, a line of it is wrong)."""
        good, absent = set(), set()
        for name, hash_, type_, public in keys:
            for line_name, blob in self.lines:
                if (line_name, blob[:4]) != (name, hash_):
                    continue
                verdict = self._verify(name, type_, public, blob[4:])
                if verdict is False:
                    return False, True
                (absent if verdict is None else good).add(type_)
            if type_ == 6 and mldsa_lacking(MLDSA44PublicKey):
                absent.add(6)
        wanted = {key[2] for key in keys} - absent
        self.unchecked = self.unchecked or 6 in absent
        return bool(good) and wanted <= good, False

    def cosigners(self, witnesses: list) -> tuple[list[str], bool]:
        """SPEC 14.4: (who cosigned, with the time that each claims; a line of any witness is wrong)."""
        names, wrong = [], False
        for witness in witnesses:
            claims = []
            for keys in witness:
                times: dict[int, list[int]] = {}
                for key in keys:
                    for seconds, verdict in self._cosignatures(key):
                        wrong = wrong or verdict is False
                        if verdict:
                            times.setdefault(key[2], []).append(seconds)
                        self.unchecked = self.unchecked or verdict is None
                lacking = {6} if mldsa_lacking(MLDSA44PublicKey) else set()
                if times and {key[2] for key in keys} <= set(times) | lacking:
                    claims.append((max(map(max, times.values())), keys[0][0]))
            names += [f"{name} at {seconds}" for seconds, name in sorted(claims)[-1:]]
        return names, wrong

    def _cosignatures(self, key: tuple[str, bytes, int, bytes]) -> list[tuple[int, bool | None]]:
        """SPEC 14.3: (time, whether it holds) of each line of one witness key."""
        name, hash_, type_, public = key
        found = []
        for blob in [blob[4:] for line_name, blob in self.lines if (line_name, blob[:4]) == (name, hash_)]:
            seconds, signature = int.from_bytes(blob[:8], "big"), blob[8:]
            verdict: bool | None = False
            if len(signature) == (64 if type_ == 4 else 2420) and 0 < seconds < 2**63:
                stamped = f"cosignature/v1\ntime {seconds}\n{self.body}".encode()
                verdict = ed25519_ok(public, signature, stamped) if type_ == 4 else self._verify(name, 6, public, blob)
            found.append((seconds, verdict))
        return found

    def signers(self, groups: list) -> tuple[list, bool]:
        """SPEC 7.4: (ledger keys that signed whole, a line of any is wrong)."""
        shown = {(name, blob[:4]) for name, blob in self.lines}
        found = [(keys, *self.signed_by(keys)) for keys in groups if any(key[:2] in shown for key in keys)]
        return [keys for keys, whole, _ in found if whole], any(wrong for _, _, wrong in found)

    def _verify(self, name: str, type_: int, public: bytes, signature: bytes) -> bool | None:
        if type_ == 1:
            return ed25519_ok(public, signature, self.body.encode())
        if len(signature) != 8 + 2420:
            return False
        named = (
            bytes([len(name.encode())])
            + name.encode()
            + signature[:8]
            + bytes([len(self.origin)])
            + self.origin.encode()
        )
        message = b"subtree/v1\n\x00" + named + bytes(8) + self.size.to_bytes(8, "big") + self.root
        return mldsa_ok(public, signature[8:], message)


# --- SPEC 8 and 9: receipts --------------------


def take(value: object, names: str, clause: str, code: str) -> list:
    good = isinstance(value, dict) and set(value) == set(names.split())
    need(good, clause, code, f"a map does not have exactly the keys {names}")
    return [value[name] for name in names.split()]


def parse_path(lines: object) -> list[bytes]:
    code = "receipt.malformed"
    need(isinstance(lines, list) and len(lines) <= 63, "8.2", code, "a path is missing or too long")
    path = [unbase64(line, "8.2", code) for line in lines]
    need(all(len(digest) == 32 for digest in path), "8.2", code, "a hash of a path is not 32 bytes")
    return path


def parse_proof(text: str) -> tuple[int, list[bytes], Checkpoint]:
    """SPEC 8.2: (index, path, checkpoint)."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    good = lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) > 1 and re.fullmatch(f"index ({NUMBER})", lines[1])
    need(good, "8.2", "receipt.malformed", "the proof does not begin with its two lines")
    try:
        return int(lines[1][6:]), parse_path(lines[2:]), Checkpoint(note)
    except Bad as bad:
        raise Bad(bad.clause, "receipt.malformed", bad.message) from None


def parse_anchor(data: bytes) -> Checkpoint:
    """SPEC 12.7: what a receipt, a tlog-proof or a bare checkpoint says of a tree."""
    if data.lstrip()[:1] == b"{":
        return Receipt(data).head
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("7.1", "ledger.note", "it is not UTF-8") from None
    return parse_proof(text)[2] if text.startswith("c2sp.org/tlog-proof@v1") else Checkpoint(text)


HASHES = ("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512")


class Receipt:
    """SPEC 8.1 and 8.2."""

    def __init__(self, data: bytes):
        code = "receipt.malformed"
        need(len(data) <= 1 << 20, "8.1", code, "a receipt is longer than 1 MiB")
        document = load_json(data, "8.1", code)
        schema, leaf, proof, keys, stamps = take(document, "schema leaf proof keys timestamps", "8.1", code)
        lists = isinstance(keys, list) and len(keys) <= 64 and isinstance(stamps, list) and len(stamps) <= 16
        typed = schema == "personactl.receipt/1" and isinstance(proof, str) and lists
        need(typed, "8.1", code, "wrong schema or types")
        self.leaf = unbase64(leaf, "8.1", code)
        self.index, self.path, self.head = parse_proof(proof)
        self.keys = []
        for item in keys:
            leaf, index, path = take(item, "leaf index path", "8.1", code)
            need(type(index) is int and index >= 0, "8.1", code, "a key entry has no index")
            self.keys.append((unbase64(leaf, "8.1", code), index, parse_path(path)))
        self.stamps = []
        for place, item in enumerate(stamps):
            names = "tsa hashAlgorithm token covers evidence"
            tsa, algorithm, token, covers, evidence = take(item, names, "8.1", code)
            good = isinstance(tsa, str) and algorithm in HASHES
            good = good and (covers is None or (type(covers) is int and 0 <= covers < place))
            good = good and isinstance(evidence, list) and len(evidence) <= 64
            need(good, "8.1", code, "a time stamp has a wrong form")
            token, *held = (unbase64(data, "8.1", code) for data in (token, *evidence))
            need(token and all(held), "8.1", code, "a time stamp has an empty part")
            self.stamps.append((algorithm, token, covers, held))


class Trust:
    """The ledger part of a trust file (SPEC 9.1)."""

    def __init__(self, path: Path):
        document = load_json(read_plain(path), "9.1", "trust.file-invalid")
        need(
            isinstance(document, dict)
            and document.get("schema") == "personactl.trust/1"
            and matches(ORIGIN, document.get("origin"))
            and isinstance(document.get("development"), bool)
            and all(self._list(document.get(name), 1) for name in ("logKeys", "rootKeys")),
            "9.1", "trust.file-invalid", "this is not a trust file",
        )  # fmt: skip
        critical = document.get("critical", [])
        known = self._list(critical, 0) and set(critical) <= self.KNOWN
        need(known, "9.1", "trust.file-invalid", "the file demands what this program does not know")
        self.revoked = self._revoked(document.get("revoked", []))
        self.origin = document["origin"]
        self.log_keys = group_vkeys(document["logKeys"], self.origin)
        self.roots = {kid_of(sound_key(item, None)) for item in document["rootKeys"]}
        own = {key[3] for keys in self.log_keys for key in keys} | {base64.b64decode(k) for k in document["rootKeys"]}
        self._witnesses(document.get("witnesses", {"quorum": 0, "vkeys": []}), own)
        pems = document.get("tsaRoots")
        need(self._list(pems, 0), "9.1", "trust.file-invalid", "tsaRoots is missing, or not a list of certificates")
        self.tsa_roots = [self._certificate(pem) for pem in pems]

    def genesis_roots(self) -> set[str]:
        """SPEC 9.1: the root keys that count for a genesis."""
        return {kid for kid in self.roots if self.revoked.get(kid) != 0}

    def _witnesses(self, said: object, own: set[bytes]) -> None:
        form = isinstance(said, dict) and set(said) == {"quorum", "vkeys"} and self._list(said["vkeys"], 0)
        need(form and type(said["quorum"]) is int, "9.1", "trust.file-invalid", "witnesses have a wrong form")
        self.witnesses, self.quorum = group_witnesses(said["vkeys"], own, self.origin), said["quorum"]
        enough = 0 <= self.quorum <= len(self.witnesses)
        need(enough, "9.1", "trust.file-invalid", "the quorum is not from 0 to the number of witnesses")

    @staticmethod
    def _certificate(pem: str) -> x509.Certificate:
        """One certificate of an authority in PEM."""
        code, space = "trust.file-invalid", r"[ \t\r\n]"
        lines = rf"-----BEGIN CERTIFICATE-----{space}([A-Za-z0-9+/= \t\r\n]+)-----END CERTIFICATE-----{space}*"
        found = re.fullmatch(lines, pem)
        certificate = load_certificate(unbase64(re.sub(space, "", found[1]), "9.1", code)) if found else None
        need(certificate, "9.1", code, "an item of tsaRoots is not a certificate")
        basic = extension(certificate, x509.BasicConstraints)
        need(basic is not None and basic.value.ca, "9.1", code, "an item of tsaRoots is not of an authority")
        return certificate

    KNOWN = frozenset(
        {
            *("schema", "name", "origin", "development", "c2paAnchors", "leafFingerprints", "logKeys", "rootKeys"),
            *("approvers", "tsaRoots", "detector", "issuedAt", "witnesses", "revoked", "critical"),
        }
    )

    @staticmethod
    def _revoked(listed: object) -> dict[str, int]:
        code, revoked = "trust.file-invalid", {}
        need(isinstance(listed, list), "9.1", code, "revoked is not a list")
        for item in listed:
            kid, start = take(item, "kid fromIndex", "9.1", code)
            good = matches(KID, kid) and type(start) is int and start >= 0 and kid not in revoked
            need(good, "9.1", code, "an item of revoked has a wrong form, or its key stands twice")
            revoked[kid] = start
        return revoked

    @staticmethod
    def _list(value: object, least: int) -> bool:
        strings = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return strings and len(value) >= least and len(set(value)) == len(value)


def signer_step(report: Report, receipt: Receipt, entry: Entry, trust: Trust) -> None:
    """SPEC 9.2 steps 6 to 8."""
    rules = key_chain(report, receipt, entry, trust)
    step("8", "receipt.signature", rules.signers, receipt.index, entry)
    chain = [Entry(leaf) for leaf, _, _ in receipt.keys]
    used = {kid for item in [*chain, entry] for kid, _ in item.signers}
    extra = [item for item in chain[1:] if certified_by(item) not in used]
    need(not extra, "9.2 step 8", "receipt.key-chain", "a key entry certifies no signer of anything in the receipt")
    need(not fallen(receipt, entry, trust.revoked), "9.2 step 8", "receipt.revoked",
         "a key that it rests on was revoked from before it")  # fmt: skip
    report.ok("9.2 step 8", f"the entry is signed by {', '.join(kid for kid, _ in entry.signers)}")


def verify_receipt(report: Report, data: bytes, trust: Trust, subject: str | None) -> None:
    """The steps of SPEC 9.2, in order; the first that fails ends it."""
    receipt = Receipt(data)
    report.ok("9.2 step 1", "the receipt has the form of personactl.receipt/1")
    entry = step("2", "receipt.leaf", Entry, receipt.leaf)
    need(entry.known, "9.2 step 2", "receipt.leaf", f"the kind {entry.kind} is not known")
    report.ok("9.2 step 2", f"the leaf is a {entry.kind} entry about {entry.name!r}")
    head = receipt.head
    need(head.origin == trust.origin, "9.2 step 3", "receipt.origin", f"it is from {head.origin}, not {trust.origin}")
    report.ok("9.2 step 3", f"the origin is {head.origin}")
    accepted, wrong = head.signers(trust.log_keys)
    need(not wrong, "9.2 step 4", "receipt.log-signature", "a signature of the log is wrong")
    need(accepted, "9.2 step 4", "receipt.log-key", "the checkpoint is not signed by the log keys of the trust file")
    alive = believable(accepted, head, trust.revoked)
    need(alive, "9.2 step 4", "receipt.revoked", "its ledger key was revoked from before the checkpoint")
    report.ok("9.2 step 4", f"the log signed a checkpoint over {head.size} entries")
    mldsa_note(report, head)
    for leaf, index, path in [(receipt.leaf, receipt.index, receipt.path), *receipt.keys]:
        found = climb(index, head.size, sha256(b"\x00", leaf), path) if index < head.size else None
        need(found == head.root, "9.2 step 5", "receipt.inclusion", f"entry {index} is not in the signed tree")
    report.ok("9.2 step 5", f"entry {receipt.index} and {len(receipt.keys)} key entries are in the signed tree")
    signer_step(report, receipt, entry, trust)
    if subject is None:
        report.note("9.2 step 9", "no --file was given: which file the receipt is about was not compared")
    else:
        need(entry.subject == subject, "9.2 step 9", "receipt.subject", "the file is not the one that was recorded")
        report.ok("9.2 step 9", f"the file has the recorded SHA-256 {subject}")
    witness_step(report, head, trust)
    limit = "no retirement, revocation or void is visible, whether before or after the entry or the checkpoint"
    report.note("9.3", limit)
    if receipt.stamps and trust.tsa_roots:
        receipt_stamps(report, receipt, accepted, trust.tsa_roots)
    elif receipt.stamps:
        report.note("15.5", f"{len(receipt.stamps)} time stamps were not checked: the trust file names no tsaRoots")


def believable(signers: list, head: Checkpoint, ends: dict[str, int]) -> list:
    """SPEC 9.1: the ledger keys among `signers` whose word does not end below the size of the tree."""
    return [keys for keys in signers if ends.get(kid_of(keys[0][3]), head.size) >= head.size]


def with_fallen(rules: Rules, starts: list[tuple[str, int]]) -> dict[str, int]:
    """SPEC 12.8: from which index each key is not believed, when these revocations count: what a fallen entry certifies
    falls from 0."""
    enrolled: dict[str, list[str]] = {}
    for kid, signers in rules.certifiers.items():
        for signer in signers:
            enrolled.setdefault(signer, []).append(kid)
    ends: dict[str, int] = {}
    waiting = list(starts)
    while waiting:
        kid, start = waiting.pop()
        if kid in ends and ends[kid] <= start:
            continue
        ends[kid] = start
        waiting += [(other, 0) for other in enrolled.get(kid, []) if rules.keys[other]["added"] >= start]
    return ends


def ends_of(rules: Rules, trusted: dict[str, int]) -> dict[str, int]:
    """SPEC 12.8: the same, by the trust file and by the key-revokes that count. One does not where it is distrusted by
    the trust file, or by a key-revoke that nothing distrusts."""

    def distrusted(starts: list[tuple[str, int]]) -> set[str]:
        ends = with_fallen(rules, starts)
        return {kid for kid, (at, _) in rules.revoked.items()
                if [signer for signer in rules.revokers[kid] if ends.get(signer, at + 1) <= at]}  # fmt: skip

    given = list(trusted.items())
    said = [(kid, start) for kid, (_, start) in rules.revoked.items()]
    contested = distrusted(given + said)
    void = distrusted(given + [item for item in said if item[0] not in contested])
    return with_fallen(rules, given + [item for item in said if item[0] not in void])


def fallen(receipt: Receipt, entry: Entry, revoked: dict[str, int]) -> bool:
    """SPEC 9.1: whether a signer of the leaf, or of what certifies a signer, is revoked from there."""
    entries = [(index, Entry(leaf)) for leaf, index, _ in receipt.keys]
    tainted: set[str | None] = set()
    for index, item in [*entries, (receipt.index, entry)]:
        lost = any(kid in tainted or revoked.get(kid, index + 1) <= index for kid, _ in item.signers)
        if lost:
            tainted.add(certified_by(item))
    return lost


def certified_by(entry: Entry) -> str | None:
    if entry.kind == "run-open":
        return entry.said["runKey"]["kid"]
    return entry.said["kid"] if entry.kind == "key-add" else None


def witness_step(report: Report, head: Checkpoint, trust: Trust) -> None:
    """SPEC 9.2, step 10."""
    names, wrong = head.cosigners(trust.witnesses)
    need(not wrong, "9.2 step 10", "receipt.witness-signature", "a cosignature of a witness is wrong")
    few = f"{len(names)} of the {trust.quorum} witnesses that are asked for cosigned the checkpoint"
    need(len(names) >= trust.quorum, "9.2 step 10", "receipt.witness-quorum", few)
    if trust.witnesses:
        mldsa_note(report, head)
        by = "; ".join(names) or "none"
        report.ok("9.2 step 10", f"{len(names)} witnesses cosigned, {trust.quorum} are asked for; they claim: {by}")


def quorum_of(report: Report, head: Checkpoint, trust: Trust) -> None:
    """SPEC 12.6, of an export."""
    if trust.quorum:
        names, wrong = head.cosigners(trust.witnesses)
        asked = f"{trust.quorum} witnesses of the trust file cosigned the checkpoint"
        report.check(len(names) >= trust.quorum and not wrong, "12.6", "ledger.trust-witness", asked)


def mldsa_note(report: Report, head: Checkpoint) -> None:
    """SPEC 7.4: say when the second signature could not be computed."""
    if head.unchecked:
        report.note("7.4", "the ML-DSA-44 signature was not checked: the installed cryptography library lacks it")


def key_chain(report: Report, receipt: Receipt, entry: Entry, trust: Trust) -> Rules:
    """SPEC 9.2, steps 6 and 7."""
    rules = Rules()
    first = (receipt.leaf, receipt.index, []) if receipt.index == 0 or not receipt.keys else receipt.keys[0]
    genesis = step("6", "receipt.genesis", Entry, first[0])
    makes = genesis.kind == "genesis" and f"{genesis.said['domain']}/personactl/{genesis.hash.hex()[:16]}"
    need(first[1] == 0 and makes == trust.origin, "9.2 step 6", "receipt.genesis", "no genesis of this origin")
    trusted = trust.genesis_roots() & {kid for kid, _ in genesis.signers}
    need(trusted, "9.2 step 6", "receipt.root-key", "the genesis is not signed by a root key of the trust file")
    report.ok("9.2 step 6", "the genesis makes the origin and is signed by a trusted root key")
    before = -1
    for leaf, index, _ in receipt.keys:
        item = step("7", "receipt.key-chain", Entry, leaf)
        order = before < index < receipt.index and item.kind in ("genesis", "key-add", "run-open")
        need(order, "9.2 step 7", "receipt.key-chain", "a key entry is of a wrong kind or out of order")
        step("7", "receipt.key-chain", rules.signers, index, item)
        step("7", "receipt.key-chain", rules.judge, index, item)
        rules.record(index, item)
        before = index
    report.ok("9.2 step 7", "each key is certified by an earlier one, down to the genesis")
    return rules


def step(number: str, code: str, call: object, *arguments: object) -> object:
    """Run one step and report its failure under the step's own code."""
    try:
        return call(*arguments)
    except Bad as bad:
        raise Bad(f"9.2 step {number}", code, bad.message) from None


# --- SPEC 15: time stamps --------------------

DIGESTS = {f"2.16.840.1.101.3.4.2.{n}": name for n, name in zip((1, 2, 3, 8, 9, 10), HASHES, strict=True)}
RSA_WITH = {f"1.2.840.113549.1.1.{n}": HASHES[n - 11] for n in (11, 12, 13)}
EC_WITH = {f"1.2.840.10045.4.3.{n}": HASHES[n - 2] for n in (2, 3, 4)}
RSA_PLAIN, RSA_PSS, SIGNED_DATA = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.7.2"
STAMPING = "1.3.6.1.5.5.7.3.8"
TST_INFO, SMIME = "1.2.840.113549.1.9.16.1.4", "1.2.840.113549.1.9."
STATUS = ("granted", "granted with changes", "rejection", "waiting", "revocation warning", "revocation notice")
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
              x509.InvalidVersion)  # fmt: skip


def token_need(condition: object, message: str, clause: str = "15.1") -> None:
    need(condition, clause, "ledger.timestamp", message)


class Der:
    """A cursor over DER values that stand one after another. Everything that is taken is (tag, content, whole)."""

    def __init__(self, data: bytes):
        self.data, self.at, self.taken = data, 0, 0

    def more(self) -> bool:
        return self.at < len(self.data)

    def peek(self) -> int:
        return self.data[self.at] if self.more() else -1

    def take(self, tag: int | None = None) -> tuple[int, bytes, bytes]:
        start, data = self.at, self.data
        token_need(len(data) >= start + 2 and data[start] & 31 != 31, "DER is cut off or has a long tag")
        size, body = data[start + 1], start + 2
        if size > 127:
            octets = data[body : body + (size & 127)]
            body += size & 127
            shortest = (
                1 <= len(octets) <= 4 and body <= len(data) and octets[0] and (len(octets) > 1 or octets[0] > 127)
            )
            token_need(shortest, "a length in DER has a wrong form")
            size = int.from_bytes(octets, "big")
        self.at, self.taken = body + size, self.taken + 1
        token_need(self.at <= len(data) and self.taken <= 256, "DER is cut off or has too many values")
        token_need(tag in (None, data[start]), "DER holds another kind of value than a token has there")
        return data[start], data[body : self.at], data[start : self.at]

    def maybe(self, tag: int) -> bytes | None:
        return self.take()[1] if self.peek() == tag else None

    def inside(self, tag: int = 0x30) -> Der:
        """A cursor over what is inside the next value, all of it sound DER, also what nobody will take."""
        body = self.take(tag)[1]
        walk = Der(body)
        while walk.more():
            walk.take()
        return Der(body)

    def number(self, tag: int = 2) -> int:
        body = self.take(tag)[1]
        value = int.from_bytes(body, "big", signed=True)
        shortest = 1 <= len(body) <= 64 and value.to_bytes(len(body), "big", signed=True) == body
        shortest = shortest and (len(body) == 1 or not -(1 << 8 * len(body) - 9) <= value < 1 << 8 * len(body) - 9)
        token_need(shortest, "a number in DER has a wrong form")
        return value

    def oid(self) -> str:
        body = self.take(6)[1]
        token_need(1 <= len(body) <= 64 and body[-1] < 128, "an object identifier has a wrong form")
        groups = re.findall(rb"[\x80-\xff]*[\x00-\x7f]", body, re.DOTALL)
        token_need(not any(group[0] == 128 for group in groups), "an object identifier has a wrong form")
        arcs = [int("".join(f"{byte & 127:07b}" for byte in group), 2) for group in groups]
        top = 2 if arcs[0] >= 80 else arcs[0] // 40
        return ".".join(str(arc) for arc in (top, arcs[0] - 40 * top, *arcs[1:]))

    def digest_name(self) -> str:
        fields = self.inside()
        name = DIGESTS.get(fields.oid())
        fields.maybe(5)
        fields.end()
        token_need(name, "a token uses a hash algorithm that is none of 8.3")
        return name

    def end(self) -> None:
        token_need(not self.more(), "DER holds more than a token has")


def only(cursor: Der) -> Der:
    """What is inside the one value of a wrapper."""
    value = cursor.inside(0xA0)
    whole = value.take()[2]
    value.end()
    return Der(whole)


class Token:
    """SPEC 15.1: a granted RFC 3161 response, taken apart; nothing is verified yet."""

    def __init__(self, data: bytes):
        token_need(len(data) <= 65536, "a token is longer than 64 KiB")
        outer = Der(data)
        response = outer.inside()
        outer.end()
        status = response.inside()
        number = status.number()
        token_need(0 <= number < len(STATUS), "the status of a token is unknown")
        for item in self._all(Der(status.maybe(0x30) or b"")):
            token_need(item[0] == 12, "the status text of a token has a wrong form")
        status.maybe(3)
        status.end()
        token_need(number < 2, f"the service did not grant it: {STATUS[number]}")
        content = response.inside()
        response.end()
        token_need(content.oid() == SIGNED_DATA, "a token is not signed data")
        signed = only(content).inside()
        content.end()
        signed.number()
        signed.take(0x31)
        about = signed.inside()
        token_need(about.oid() == TST_INFO, "a token is about something else than a time")
        self.content = only(about).take(4)[1]
        about.end()
        self.certificates = [item[2] for item in self._all(Der(signed.maybe(0xA0) or b""))]
        signed.maybe(0xA1)
        signers = signed.inside(0x31)
        signed.end()
        self._signer(signers.inside())
        token_need(not signers.more(), "a token has more than one signer")
        self._info()

    @staticmethod
    def _all(cursor: Der) -> list[tuple[int, bytes, bytes]]:
        found = []
        while cursor.more():
            found.append(cursor.take())
        return found

    def _info(self) -> None:
        whole = Der(self.content)
        info = whole.inside()
        whole.end()
        token_need(info.number() == 1, "the version of a token is not 1")
        self.policy = info.oid()
        imprint = info.inside()
        self.algorithm, self.digest = imprint.digest_name(), imprint.take(4)[1]
        imprint.end()
        self.serial, stated = info.number(), info.take(24)[1].decode("ascii", "replace")
        self.spread = self._accuracy(info.maybe(0x30))
        for tag in (1, 2, 0xA0, 0xA1):
            if info.peek() == tag:
                info.number() if tag == 2 else info.take()
        info.end()
        found = re.fullmatch(r"([0-9]{14})(?:\.([0-9]{0,8}[1-9]))?Z", stated)
        try:
            token_need(found, "the time of a token has a wrong form")
            micros = int((found[2] or "")[:6].ljust(6, "0"))
            plain = datetime.strptime(found[1], "%Y%m%d%H%M%S")
            self.at = plain.replace(microsecond=micros, tzinfo=UTC)
        except ValueError:
            raise Bad("15.1", "ledger.timestamp", "the time of a token is none") from None

    @staticmethod
    def _accuracy(body: bytes | None) -> str:
        if body is None:
            return ""
        fields, parts = Der(body), []
        for tag, top in ((2, 2**31 - 1), (0x80, 999), (0x81, 999)):
            parts.append(fields.number(tag) if fields.peek() == tag else 0)
            token_need(0 <= parts[-1] <= top, "the accuracy of a token is out of range")
        fields.end()
        return f" ±{parts[0] + parts[1] / 10**3 + parts[2] / 10**6:g} s"

    def _signer(self, info: Der) -> None:
        info.number()
        if info.peek() == 0x80:
            self.key_id, self.name = info.take()[1], None
        else:
            named = info.inside()
            self.key_id, self.name = None, (named.take(0x30)[2], named.number())
            named.end()
        self.hash = info.digest_name()
        attributes = info.take(0xA0)
        self.signed = b"\x31" + attributes[2][1:]
        algorithm = info.inside()
        self.scheme = algorithm.oid()
        if algorithm.more():
            token_need(algorithm.take()[0] in (5, 0x30), "a signature algorithm has a wrong form")
        algorithm.end()
        self.signature = info.take(4)[1]
        info.maybe(0xA1)
        info.end()
        self._attributes(Der(attributes[1]))

    def _attributes(self, cursor: Der) -> None:
        found: dict[str, bytes] = {}
        while cursor.more():
            attribute = cursor.inside()
            kind, values = attribute.oid(), attribute.inside(0x31)
            attribute.end()
            token_need(kind not in found, "a signed attribute stands twice")
            found[kind] = values.take()[2]
            values.end()
        about, digest = found.get(SMIME + "3"), found.get(SMIME + "4")
        token_need(about and digest and Der(about).oid() == TST_INFO, "a token lacks a signed attribute")
        self.message_digest = Der(digest).take(4)[1]
        first, second = found.get(SMIME + "16.2.12"), found.get(SMIME + "16.2.47")
        token_need(first or second, "a token does not name the certificate of its signer")
        named = Der(second or first).inside().inside().inside()
        algorithm = "sha256" if second else "sha1"
        if second and named.peek() == 0x30:
            algorithm = named.digest_name()
        self.essential = (algorithm, named.take(4)[1])

    def time(self) -> str:
        return re.sub(r"\.?0*Z$", "Z", self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def digest_of(name: str, data: bytes) -> bytes:
    return hashlib.new(name.replace("-", "_"), data, usedforsecurity=False).digest()


def load_certificate(data: bytes) -> x509.Certificate | None:
    """The certificate with all its parts parsed once; None for other and unreadable values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = x509.load_der_x509_certificate(data)
            found.public_key()
            _ = (found.issuer, found.subject.rfc4514_string(), found.serial_number, len(found.extensions),
                 found.not_valid_before_utc, found.not_valid_after_utc, found.signature_algorithm_oid)  # fmt: skip
    except UNREADABLE:
        return None
    return found


def extension(certificate: x509.Certificate, kind: type) -> x509.Extension | None:
    return next((item for item in certificate.extensions if isinstance(item.value, kind)), None)


def names_signer(token: Token, certificate: x509.Certificate) -> bool:
    """SPEC 15.2: by name and number or by key id, and by digest."""
    whole = certificate.public_bytes(Encoding.DER)
    if digest_of(token.essential[0], whole) != token.essential[1]:
        return False
    if token.key_id is not None:
        found = extension(certificate, x509.SubjectKeyIdentifier)
        return found is not None and found.value.digest == token.key_id
    try:
        tbs = Der(whole).inside().inside()
        tbs.maybe(0xA0)
        serial, _ = tbs.number(), tbs.take()
        return (tbs.take()[2], serial) == token.name
    except Bad:
        return False


def signature_good(token: Token, certificate: x509.Certificate) -> bool:
    key, name = certificate.public_key(), token.hash
    hash_ = getattr(hashes, name.upper().replace("-", "_"))()
    if isinstance(key, rsa.RSAPublicKey) and token.scheme == RSA_PSS:
        rest = (padding.PSS(padding.MGF1(hash_), padding.PSS.AUTO), hash_)
    elif isinstance(key, rsa.RSAPublicKey) and RSA_WITH.get(token.scheme, name) == name:
        token_need(token.scheme in (RSA_PLAIN, *RSA_WITH), "the signature of a token is of an unknown kind", "15.2")
        rest = (padding.PKCS1v15(), hash_)
    else:
        known = isinstance(key, ec.EllipticCurvePublicKey) and EC_WITH.get(token.scheme) == name
        token_need(known, "the signature of a token is of an unknown kind", "15.2")
        rest = (ec.ECDSA(hash_),)
    try:
        key.verify(token.signature, token.signed, *rest)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def revoked(path: list, lists: list[bytes], at: datetime) -> str:
    """SPEC 15.3: whether a revocation list in the evidence speaks against a certificate of the chain."""
    harmless = {x509.ReasonFlags(name) for name in ("unspecified", "affiliationChanged", "superseded",
                                                    "cessationOfOperation")}  # fmt: skip
    for data in lists:
        for subject, issuer in itertools.pairwise(path):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = x509.load_der_x509_crl(data)
                    if found.issuer != issuer.subject or not found.is_signature_valid(issuer.public_key()):
                        continue
                    item = found.get_revoked_certificate_by_serial_number(subject.serial_number)
                    reason = item and next(
                        (e.value.reason for e in item.extensions if hasattr(e.value, "reason")), None
                    )
                    if item is not None and (reason not in harmless or item.revocation_date_utc <= at):
                        return "a revocation list in the evidence names a certificate of the service's chain"
            except UNREADABLE:
                continue
    return ""


def unjudged(certificate: x509.Certificate) -> bool:
    """SPEC 15.3: name constraints, or a critical extension that is none of key usage, subject alternative name, basic
    constraints, certificate policies and extended key usage."""
    known = {f"2.5.29.{number}" for number in (15, 17, 19, 32, 37)}
    named = [(item.oid.dotted_string, item.critical) for item in certificate.extensions]
    return any(name == "2.5.29.30" or (critical and name not in known) for name, critical in named)


def too_long(path: list) -> bool:
    """SPEC 15.3: whether a path length is exceeded, counted from the top down as in RFC 5280, section 6.1.4."""
    left = len(path)
    for certificate in path[:0:-1]:
        if certificate.subject != certificate.issuer and certificate is not path[-1]:
            left -= 1
        if left < 0:
            return True
        most = extension(certificate, x509.BasicConstraints).value.path_length
        left = left if most is None else min(left, most)
    return False


def unfit_service(signer: x509.Certificate) -> str:
    """SPEC 15.3: why this is not the certificate of a service, "" where it is."""
    purpose = extension(signer, x509.ExtendedKeyUsage)
    if purpose is None:
        return "the certificate of the service is not for time stamping"
    if not purpose.critical or [usage.dotted_string for usage in purpose.value] != [STAMPING]:
        return "the certificate of the service is not for time stamping alone"
    usage = extension(signer, x509.KeyUsage)
    if usage is not None and not (usage.value.digital_signature or usage.value.content_commitment):
        return "the certificate of the service is not for signatures"
    if unjudged(signer):
        return "the certificate of the service has a critical extension or constraints that are not judged"
    return ""


def leads_to_root(signer: x509.Certificate, others: list, roots: list, lists: list[bytes], at: datetime) -> str:
    """SPEC 15.3: "" when a chain leads from the service to a root, else why it does not count."""
    unfit = unfit_service(signer)
    if unfit:
        return unfit

    def then(certificate: x509.Certificate) -> bool:
        return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc

    def authority(certificate: x509.Certificate) -> bool:
        basic, usage = extension(certificate, x509.BasicConstraints), extension(certificate, x509.KeyUsage)
        purposes = extension(certificate, x509.ExtendedKeyUsage)
        named = {item.dotted_string for item in purposes.value} if purposes is not None else {STAMPING}
        signs = basic is not None and basic.value.ca and (usage is None or usage.value.key_cert_sign)
        return signs and bool(named & {STAMPING, "2.5.29.37.0"}) and not unjudged(certificate)

    if not then(signer):
        return "the certificate of the service was not valid at the time that it states"
    usable = [item for item in (*roots, *others) if then(item) and authority(item)]
    paths, tried = [[signer]], 0
    while paths:
        path = paths.pop()
        if len(path) > 1 and path[-1] in roots and path[-1].issuer == path[-1].subject:
            return revoked(path, lists, at)
        for issuer in reversed(usable) if len(path) < 8 else ():
            if issuer in path or issuer.subject != path[-1].issuer or tried == 256 or too_long([*path, issuer]):
                continue
            tried += 1
            try:
                path[-1].verify_directly_issued_by(issuer)
            except (InvalidSignature, *UNREADABLE):
                continue
            paths.append([*path, issuer])
    return "no chain of certificates leads from the service to a root of the trust file"


class Stamp:
    """SPEC 15.2 and 15.3 for one token. `untrusted` is "" when its service counts."""

    def __init__(self, data: bytes, algorithm: str, covered: list[bytes], evidence: list[bytes], roots: list):
        token = Token(data)
        about = any(digest_of(token.algorithm, item) == token.digest for item in covered)
        token_need(about, "a token is about other bytes: its imprint is another one", "15.2")
        same = digest_of(token.hash, token.content) == token.message_digest
        token_need(same, "the signature of a token is about another content", "15.2")
        held = [item for item in map(load_certificate, [*token.certificates, *evidence]) if item is not None]
        signer = next((item for item in held if names_signer(token, item)), None)
        self.untrusted, self.name = "the certificate of the service is not there", "unknown"
        if signer is not None:
            token_need(signature_good(token, signer), "the signature of a token is wrong", "15.2")
            self.name = signer.subject.rfc4514_string()[:200]
            self.untrusted = leads_to_root(signer, held, roots, evidence, token.at)
        token_need(token.algorithm == algorithm, "a token is over another hash algorithm than is said of it", "15.2")
        self.says = f"existed before {token.time()}{token.spread} (TSA {self.name})"


def receipt_stamps(report: Report, receipt: Receipt, signers: list, roots: list) -> None:
    """SPEC 15.5."""
    for place, (algorithm, token, covers, evidence) in enumerate(receipt.stamps, start=1):
        older = b"" if covers is None else receipt.stamps[covers][1]
        try:
            stamp = Stamp(token, algorithm, [receipt.head.covered(key) + older for key in signers], evidence, roots)
        except Bad as bad:
            raise Bad(bad.clause, "receipt.timestamp", f"time stamp {place}: {bad.message}") from None
        if stamp.untrusted:
            report.note("15.5", f"time stamp {place} counts for nothing: {stamp.untrusted}")
        else:
            report.ok("15.5", f"the checkpoint over {receipt.head.size} entries {stamp.says}")


# --- SPEC 17.5: two trees that cannot both be --------------------


def unfold(old: int, new: int, root: bytes, path: list[bytes], whole: bool = True) -> tuple[bytes, bytes] | None:
    """(root over `old`, root over `new` leaves) that a consistency path leads to, from the top down.

    The path is used up. RFC 6962 section 2.1.2 read backwards; `whole` while the part in hand is all of the old tree.
    """
    if old == new:
        if whole:
            return (root, root) if not path else None
        return (path[0], path[0]) if len(path) == 1 else None
    if not path:
        return None
    k = split(new)
    if old <= k:
        below = unfold(old, k, root, path[:-1], whole)
        return below and (below[0], sha256(b"\x01", below[1], path[-1]))
    below = unfold(old - k, new - k, root, path[:-1], False)
    return below and (sha256(b"\x01", path[-1], below[0]), sha256(b"\x01", path[-1], below[1]))


def verify_misbehaviour(report: Report, data: bytes, trust: Trust) -> None:
    """The steps of SPEC 17.5."""
    code = "ledger.misbehaviour"
    need(len(data) <= 1 << 20, "17.5 step 1", code, "a proof is longer than 1 MiB")
    document = load_json(data, "17.5 step 1", code)
    names = "schema origin checkpoints rootAtSmaller path"
    schema, origin, notes, root, path = take(document, names, "17.5 step 1", code)
    two = isinstance(notes, list) and len(notes) == 2 and all(isinstance(note, str) for note in notes)
    need(schema == "personactl.misbehaviour/1" and two, "17.5 step 1", code, "wrong schema, or not two checkpoints")
    try:
        first, second = Checkpoint(notes[0]), Checkpoint(notes[1])
        path = parse_path(path)
    except Bad as bad:
        raise Bad("17.5 step 1", code, bad.message) from None
    root = unbase64(root, "17.5 step 1", code)
    good = len(root) == 32 and first.origin == second.origin == origin and 0 < first.size <= second.size
    need(good, "17.5 step 1", code, "the checkpoints do not fit together")
    report.ok("17.5 step 1", f"two checkpoints of {origin}, over {first.size} and {second.size} entries")
    untrusted = "ledger.misbehaviour-untrusted"
    need(origin == trust.origin, "17.5 step 2", untrusted, f"it is about {origin}, not {trust.origin}")
    for head in (first, second):
        accepted, wrong = head.signers(trust.log_keys)
        need(accepted and not wrong, "17.5 step 2", untrusted, f"the log did not sign that over {head.size} entries")
        mldsa_note(report, head)
        alive = believable(accepted, head, trust.revoked)
        need(alive, "17.5 step 2", untrusted, f"only a revoked key signed that over {head.size} entries")
    report.ok("17.5 step 2", "the log signed both")
    need(root != first.root, "17.5 step 3", code, "the second tree has the root of the first at its size")
    report.ok("17.5 step 3", "the second tree is said to have another root at the size of the first")
    leads = unfold(first.size, second.size, root, path) == (root, second.root)
    need(leads, "17.5 step 4", code, "the path does not lead to the second root")
    report.ok("17.5 step 4", "the path proves it: no tree has both checkpoints, and the log signed both")


# --- SPEC 11 and 12: the file --------------------

COLUMNS = [
    "leaf_hash",
    "kind",
    "run",
    "entry_id",
    "job_key",
    "voids",
    "certifies",
    "subject_name",
    "subject_sha256",
    "key_id",
    "statement",
]


def columns_of(entry: Entry) -> tuple:
    """SPEC 11.1: what the columns of an entry must say."""
    said, in_run = entry.said, entry.kind in RUN_KINDS
    back = {"void": "voids", "withdrawal": "withdraws"}.get(entry.kind)
    return (
        entry.hash,
        entry.kind,
        said.get("run") if isinstance(said.get("run"), str) else None,
        said["entryId"] if in_run or entry.kind in ("adoption", "withdrawal") else None,
        said["jobKey"] if in_run else None,
        said[back] if back else None,
        certified_by(entry),
        entry.name,
        entry.subject,
        entry.signers[0][0],
        entry.payload.decode(),
    )


def stray(journal: Path) -> bool:
    """SPEC 12.2: content, or something that is no plain file."""
    try:
        about = journal.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(about.st_mode) or about.st_size > 0


class LedgerFile:
    """SPEC 12, clause by clause; goes on after a failure wherever that makes sense."""

    def __init__(self, report: Report, path: Path):
        self.report, self.path, self.rules = report, path, Rules()
        self.hashes: list[bytes] = []
        self.signed: dict[str, list[int]] = {}
        self.certified: dict[int, str] = {}
        self.committed: set[tuple[int, str]] = set()
        self.erased: set[tuple[int, str]] = set()
        self.ends: dict[str, int] = {}
        self.trust_entry: Entry | None = None
        self.heads: dict[int, Checkpoint] = {}
        self.stamped: dict[str, list[tuple[int, tuple]]] = {}
        self.kept: dict[int, tuple[bytes, bytes]] = {}

    def verify(self, trust: Trust | None, anchors: list[bytes]) -> None:
        self._header()
        connection = sqlite3.connect(f"file:{quote(str(self.path.absolute()))}?mode=ro", uri=True)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 << 20)  # a hostile row could be a gigabyte long
            for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON"):
                connection.execute(f"PRAGMA {pragma}")
            self._begin(connection)
            self._schema(connection)
            self._sound(connection)
            self._entries(connection)
            self._tiles(connection)
            self._sealed(connection)
            self.ends = ends_of(self.rules, trust.revoked if trust is not None else {})
            self._heads(connection, trust, anchors)
            self._stamps(connection, trust.tsa_roots if trust else [])
            self._revocations()
        except sqlite3.DataError:
            raise Bad("12.3", "ledger.row-size", "a row is larger than any of a ledger") from None
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise Bad("12.3", "ledger.database", f"SQLite cannot read the file: {error}") from None
        finally:
            connection.close()

    def verify_leaves(
        self, head: Checkpoint, leaves: Iterator[bytes], trust: Trust | None, anchors: list[bytes]
    ) -> None:
        """SPEC 16.9: the leaves of an export, which are known to lead to its checkpoint."""
        for index, leaf in enumerate(leaves):
            try:
                self.said(index, Entry(leaf))
            except Bad as bad:
                self.report.fail(bad.clause, bad.code, f"entry {index}: {bad.message}")
        self.report.sum_up("16.9", f"{len(self.hashes)} entries: rules and signatures of SPEC 6")
        self.ends = ends_of(self.rules, trust.revoked if trust is not None else {})
        tree = Tree(self.hashes)
        try:
            self._head(tree, head.size, head.root.hex(), head.note)
        except Bad as bad:
            self.report.fail(bad.clause, bad.code, f"checkpoint over {head.size}: {bad.message}")
        self._outside(tree, [head], trust, anchors)
        if trust is not None:
            quorum_of(self.report, head, trust)
        self._revocations()

    def _header(self) -> None:
        """SPEC 12.1 and 12.2, from the bytes."""
        with self.path.open("rb") as stream:
            head = stream.read(100)
        need(head, "12.1", "ledger.empty-file", "the file is empty")
        need(len(head) == 100 and head[:16] == b"SQLite format 3\0", "12.1", "ledger.not-sqlite", "no SQLite file")
        need(head[68:72] == b"PLG1", "12.1", "ledger.other-application", "an SQLite file of another program")
        version = int.from_bytes(head[60:64], "big")
        need(version <= 1, "12.1", "ledger.newer-format", f"format {version}; this program reads format 1")
        need(version == 1, "12.1", "ledger.older-format", f"format {version}, which never was")
        need(head[18:20] == b"\1\1", "12.1", "ledger.journal", "the file was switched to write-ahead logging")
        settings = (head[16:18], head[20], head[44:48], head[52:60], head[64:68])
        good = settings == (b"\x10\0", 0, b"\0\0\0\4", b"\0\0\0\0\0\0\0\1", bytes(4))
        need(good, "12.1", "ledger.file-settings", "page size, encoding or vacuum mode are not those of a ledger")
        fixed = head[21:24] == b"@  " and not any(head[48:52] + head[72:92]) and head[24:28] == head[92:96]
        need(fixed, "12.1", "ledger.header", "bytes of the header are damaged")
        for suffix in ("-wal", "-journal"):
            journal = Path(f"{self.path}{suffix}")
            need(not stray(journal), "12.2", "ledger.journal", f"{journal.name} lies beside it; verify a copy at rest")
        pages, size = int.from_bytes(head[28:32], "big"), self.path.stat().st_size
        need(size == 4096 * pages, "12.1", "ledger.file-length", f"{size} bytes are not the {pages} pages that it says")
        self.report.ok("12.1", "the header says: ledger, format 1, rollback journal")

    def _schema(self, connection: sqlite3.Connection) -> None:
        """SPEC 12.3, when schema.sql lies beside this program; only tables are read in any case."""
        shipped = Path(__file__).resolve().with_name("schema.sql")
        if not shipped.is_file():
            self.report.note("12.3", "schema.sql is not beside this program: the schema was not compared")
            return
        other = sqlite3.connect(":memory:")
        other.executescript(shipped.read_text(encoding="utf-8"))
        # As bytes: whoever made the file need not have kept to UTF-8.
        query = "SELECT CAST(type AS BLOB), CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB),"
        query += " rootpage = 0, typeof(type) || typeof(name) || typeof(tbl_name) || typeof(sql) FROM sqlite_master"
        found = set(connection.execute(query))
        wrong = found ^ set(other.execute(query))
        other.close()
        named = {tuple((part or b"").decode("utf-8", "backslashreplace") for part in row[:2]) for row in wrong}
        names = ", ".join(sorted({f"{kind} {name}" for kind, name in named}))
        self.report.check(
            not wrong, "12.3", "ledger.schema", f"the schema is that of schema.sql{names and ': ' + names}"
        )
        there = {row[:2] for row in wrong & found if row[0] == b"index"}  # SQLite evaluates an index to check it
        usable = not there and not any(kind == "table" for kind, _ in named)
        need(usable, "12.3", "ledger.schema", "the tables cannot be relied on")

    def _begin(self, connection: sqlite3.Connection) -> None:
        """SPEC 12.3. The list of tables, which SQLite reads first, need not end. Ours takes some hundred steps."""
        connection.set_progress_handler(lambda: True, 100_000)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            need(str(error) != "interrupted", "12.3", "ledger.schema", "the list of tables does not end")
            raise
        finally:
            connection.set_progress_handler(None, 0)

    def _sound(self, connection: sqlite3.Connection) -> None:
        """SPEC 12.3. One answer of the first check is enough, and nothing is read after it: pages that many others
        point to are read without end."""
        # By its name too, because with views in the schema the first one leaves out the list of free pages.
        for what in ("1", "sqlite_master"):
            found = connection.execute(f"PRAGMA quick_check({what})").fetchone()[0]
            need(found == "ok", "12.3", "ledger.database", f"SQLite does not find its structures sound: {found}")
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        self.report.check(problems == ["ok"], "12.3", "ledger.database", "SQLite finds its own structures sound")

    def _entries(self, connection: sqlite3.Connection) -> None:
        """SPEC 12.4."""
        blob = "CAST(coalesce(leaf, '') AS BLOB)"  # whoever made the file need not have kept to STRICT
        order = f"SELECT idx, {blob}, {', '.join(COLUMNS)} FROM entry NOT INDEXED ORDER BY idx"  # noqa: S608
        times = "SELECT idx, CAST(coalesce(appended_at, '') AS TEXT) FROM entry NOT INDEXED ORDER BY idx"
        clock = datetime.min.replace(tzinfo=UTC)
        for index, (place, leaf, *columns) in enumerate(connection.execute(order)):
            need(place == index, "12.4", "ledger.index-gap", f"entry {index} is missing")
            digest = sha256(b"\x00", leaf)
            self.hashes.append(digest)
            if columns[0] != digest:
                self.report.fail("12.4", "ledger.leaf-hash", f"entry {index}: the stored leaf hash is wrong")
            try:
                self._entry(index, Entry(leaf), columns)
            except Bad as bad:
                self.report.fail(bad.clause, bad.code, f"entry {index}: {bad.message}")
        for index, appended in connection.execute(times):
            if not time(appended):
                self.report.fail("12.4", "ledger.writer-clock", f"entry {index}: appended_at is no time")
                continue
            before, clock = clock, datetime.fromisoformat(appended)
            if clock < before:
                self.report.note("12.4", f"entry {index} has an earlier appended_at than the one before (ledger.clock)")
        need(self.hashes, "12.4", "ledger.genesis", "the ledger is empty")
        self.report.sum_up("12.4", f"{len(self.hashes)} entries: hashes, columns, rules and signatures of SPEC 6")

    def _entry(self, index: int, entry: Entry, columns: list) -> None:
        wrong = [n for n, a, b in zip(COLUMNS[1:], columns[1:], columns_of(entry)[1:], strict=True) if a != b]
        if wrong:
            self.report.fail("12.4", "ledger.projection", f"entry {index}: the leaf does not say {', '.join(wrong)}")
        self.said(index, entry)

    def said(self, index: int, entry: Entry) -> None:
        """SPEC 6: what an entry says, judged by those before it."""
        self._commitments(index, entry.said, entry.kind)
        self.trust_entry = entry if entry.kind == "trust" else self.trust_entry
        try:
            self.rules.signers(index, entry)
            self.rules.judge(index, entry)
        except Bad:
            if entry.role != "root" and entry.kind != "run-open":
                self.rules.record(index, entry)  # it records, but decides nothing about keys
            raise
        if not entry.known:
            message = f"entry {index}: the kind {entry.kind} is of a later version and decides nothing here"
            self.report.note("6.10", f"{message} (ledger.kind-unknown)")
        self.rules.record(index, entry)
        if entry.kind == "timestamp":
            said = (entry.said["size"], entry.said.get("tsa"), entry.said.get("covers"), entry.subject)
            self.stamped.setdefault(entry.said["tokenSha256"], []).append((index, said))
        for kid, _ in entry.signers:
            self.signed.setdefault(kid, []).append(index)
        if entry.kind in ("key-add", "run-open"):
            self.certified[index] = certified_by(entry)

    def _commitments(self, index: int, said: dict, kind: str) -> None:
        """SPEC 10: which values were sealed, and which an erasure entry names."""
        self.committed |= {(index, field) for field in said.get("sealed", {})}
        for item in said["erases"] if kind == "erasure" else []:
            self.erased |= {(item["index"], field) for field in item["fields"]}

    def _tiles(self, connection: sqlite3.Connection) -> None:
        """SPEC 12.4: tiles are derived; compare every one."""
        expected: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        level, hashes = 0, self.hashes
        while len(hashes) >= 256:
            roots = [Tree(hashes[i : i + 256]).root(0, 256) for i in range(0, len(hashes) - 255, 256)]
            for n, root in enumerate(roots):
                expected[level, n] = (b"".join(hashes[256 * n : 256 * n + 256]), root)
            level, hashes = level + 1, roots
        found = {(lv, n): (h, r) for lv, n, h, r in connection.execute("SELECT level, idx, hashes, root FROM tile")}
        self.report.check(found == expected, "12.4", "ledger.tile", f"{len(expected)} tiles hold what the leaves give")

    def _sealed(self, connection: sqlite3.Connection) -> None:
        """SPEC 10.2: values that are still there are the committed ones."""
        wrong, stored = [], set()
        sql = (
            "SELECT s.idx, CAST(coalesce(field, '') AS TEXT), CAST(coalesce(salt, '') AS BLOB),"
            " CAST(coalesce(value, '') AS TEXT), CAST(coalesce(leaf, '') AS BLOB)"
            " FROM sealed AS s LEFT JOIN entry AS e ON e.idx = s.idx"
        )
        for index, field, salt, value, leaf in connection.execute(sql):
            digest = sha256(b"personactl/commit/v1\0", field.encode(), b"\0", salt, value.encode()).hex()
            stored.add((index, field))
            try:
                if Entry(leaf).said.get("sealed", {}).get(field) != digest:
                    wrong.append(index)
            except Bad:
                wrong.append(index)
        count = len(stored)
        named = f" — not: entries {wrong[:5]}" if wrong else ""
        self.report.check(not wrong, "10.2", "ledger.seal", f"{count} sealed values are the committed ones{named}")
        back = sorted(self.erased & stored)
        named = f" — not: {back[:5]}" if back else ""
        said = f"no value is stored that one of the {len(self.erased)} erasures names{named}"
        self.report.check(not back, "10.3", "ledger.erased-present", said)
        gone = len(self.committed - stored - self.erased)
        if gone:
            self.report.note("10.3", f"{gone} sealed values are not in the file, and no erasure entry names them")

    def _heads(self, connection: sqlite3.Connection, trust: Trust | None, anchors: list[bytes]) -> None:
        """SPEC 12.5 to 12.7."""
        tree, heads = Tree(self.hashes), []
        checkpoints = "SELECT size, root, CAST(coalesce(note, '') AS TEXT), CAST(coalesce(created_at, '') AS TEXT)"
        for size, root, note, created in connection.execute(f"{checkpoints} FROM checkpoint ORDER BY size"):
            try:
                need(time(created), "12.5", "ledger.writer-clock", "created_at is no time")
                heads.append(self._head(tree, size, root, note))
                self.heads[size] = heads[-1]
            except Bad as bad:
                self.report.fail(bad.clause, bad.code, f"checkpoint over {size}: {bad.message}")
        covered = heads[-1].size if heads else 0
        self.report.sum_up(
            "12.5", f"{len(heads)} checkpoints; {len(self.hashes) - covered} entries come after the last"
        )
        self._cosigned(connection, heads, trust)
        self._outside(tree, heads, trust, anchors)

    def _outside(self, tree: Tree, heads: list[Checkpoint], trust: Trust | None, anchors: list[bytes]) -> None:
        """SPEC 12.6 and 12.7: what the verifier brings along."""
        covered = heads[-1].size if heads else 0
        if trust is None:
            self.report.note("12.6", "no --trust was given: whose ledger this is was not checked")
        else:
            self._trust(trust, heads[-1] if heads else None)
        shown = max([self._anchor(tree, data, trust) for data in anchors], default=0)
        if trust is not None and shown > covered:
            message = f"an anchor shows a signed checkpoint over {shown} entries, the file's reach to {covered}"
            self.report.fail("12.7", "ledger.no-checkpoint", f"{message}: checkpoints were removed")
        elif trust is not None and not heads:
            self.report.fail("12.6", "ledger.trust-log-key", "no checkpoint is there for its log keys to have signed")
        if not anchors:
            self.report.note("12.7", "no --anchor: that the file was cut back to an earlier state is NOT excluded")
        self.report.note("12.4", f"tree head over all entries: {tree.root(0, len(self.hashes)).hex()}")

    def _cosigned(self, connection: sqlite3.Connection, heads: list[Checkpoint], trust: Trust | None) -> None:
        """SPEC 14.9 and 12.6: rows of witnesses, and the quorum of the trust file."""
        notes = {head.size: [head.note] for head in heads}
        rows = "SELECT size, CAST(coalesce(key_name, '') AS TEXT), CAST(coalesce(key_hash, '') AS BLOB),"
        rows += " CAST(coalesce(line, '') AS TEXT), CAST(coalesce(received_at, '') AS TEXT)"
        rows += " FROM cosignature NOT INDEXED ORDER BY size, key_name, key_hash"
        number = 0
        for size, name, hash_, line, received in connection.execute(rows).fetchall():
            found = re.fullmatch(r"— ([^\s+]{1,255}) ([A-Za-z0-9+/=]+)\n", line)
            if not time(received):
                self.report.fail("14.9", "ledger.writer-clock", f"over {size} entries: received_at is no time")
            try:
                need(name != self.rules.origin, "14.9", "ledger.cosignature", "a row is under the name of the log")
                blob = unbase64(found[2], "14.9", "ledger.cosignature") if found else b""
                same = found and len(blob) > 4 and (found[1], blob[:4]) == (name, hash_) and size in notes
                need(same, "14.9", "ledger.cosignature", "a row contradicts its line or has no checkpoint")
                notes[size].append(line)
                number += 1
            except Bad as bad:
                self.report.fail("14.9", "ledger.cosignature", f"over {size} entries: {bad.message}")
        known = self._trusted_witnesses() + (trust.witnesses if trust is not None else [])
        covered = 0
        for size, lines in notes.items():
            try:
                head = Checkpoint("".join(lines))
            except Bad as bad:
                self.report.fail("14.9", "ledger.cosignature", f"over {size} entries: {bad.message}")
                head = Checkpoint(lines[0])
            if head.cosigners(known)[1]:
                self.report.fail("14.9", "ledger.cosignature", f"a cosignature over {size} entries is wrong")
            mldsa_note(self.report, head)
            if trust is not None and trust.quorum:
                names, wrong = head.cosigners(trust.witnesses)
                covered = size if len(names) >= trust.quorum and not wrong else covered
        if number:
            self.report.sum_up("14.9", f"{number} cosignatures; those of known witnesses were verified")
        if trust is not None and trust.quorum:
            asked = f"{trust.quorum} witnesses of the trust file cosigned the latest checkpoint"
            whole = bool(heads) and covered == heads[-1].size
            self.report.check(whole, "12.6", "ledger.trust-witness", f"{asked}; theirs covers {covered} entries")

    def _trusted_witnesses(self) -> list[list]:
        """SPEC 14.9: those that the newest trust entry names; what has another form names none."""
        said = self.trust_entry.said.get("witnesses") if self.trust_entry is not None else None
        lines = said.get("vkeys") if isinstance(said, dict) else None
        try:
            return group_witnesses(lines, set(), self.rules.origin) if isinstance(lines, list) else []
        except Bad:
            return []

    def _head(self, tree: Tree, size: int, root: str, note: str) -> Checkpoint:
        head = Checkpoint(note)
        same = (size, root, self.rules.origin) == (head.size, head.root.hex(), head.origin)
        need(same, "12.5", "ledger.checkpoint-columns", "its row contradicts its note")
        need(head.size > 0, "12.5", "ledger.checkpoint-malformed", "a stored checkpoint covers no entry")
        need(head.size <= len(self.hashes), "12.5", "ledger.truncated", "it covers more entries than the file has")
        need(tree.root(0, size) == head.root, "12.5", "ledger.checkpoint-root", "the entries do not lead to its root")
        keys = [k for kid, k in self.rules.keys.items() if k["role"] == "ledger" and self._may_sign(kid, k, size)]
        signers, wrong = head.signers([key["vkeys"] for key in keys])
        need(signers and not wrong, "12.5", "ledger.checkpoint-signature", "it is not signed by an enrolled ledger key")
        if not believable(signers, head, self.ends):
            message = f"the checkpoint over {size}: its ledger key was revoked, or fell with one that was"
            self.report.note("12.8", f"{message}; it proves nothing (ledger.distrusted)")
        mldsa_note(self.report, head)
        return head

    def _may_sign(self, kid: str, key: dict, size: int) -> bool:
        """SPEC 7.3."""
        ends = [key["retired"], self.rules.revoked.get(kid, (None,))[0]]
        return key["added"] < size and all(end is None or size <= end for end in ends)

    def _trust(self, trust: Trust, latest: Checkpoint | None) -> None:
        """SPEC 12.6."""
        origin, genesis = self.rules.origin, self.rules.genesis
        self.report.check(origin == trust.origin, "12.6", "ledger.trust-origin", f"{origin} is the trust file's origin")
        known = genesis is not None and trust.genesis_roots() & {kid for kid, _ in genesis.signers}
        self.report.check(known, "12.6", "ledger.trust-root", "a root key of the trust file signed the genesis")
        if latest is not None:
            signers, wrong = latest.signers(trust.log_keys)
            signed = believable(signers, latest, self.ends) and not wrong
            self.report.check(signed, "12.6", "ledger.trust-log-key", "its log keys signed the latest checkpoint")

    def _anchor(self, tree: Tree, data: bytes, trust: Trust | None) -> int:
        """SPEC 12.7: a receipt, a tlog-proof or a bare checkpoint from outside. The size it proves, 0 for none."""
        try:
            head = parse_anchor(data)
        except Bad as bad:
            self.report.fail("12.7", "ledger.anchor", bad.message)
            return 0
        signers, _ = head.signers([key["vkeys"] for key in self.rules.keys.values() if key["vkeys"]])
        by_trusted, wrong = head.signers(trust.log_keys) if trust is not None else ([], False)
        signers += [] if wrong else by_trusted
        if head.origin != self.rules.origin or not signers:
            self.report.fail("12.7", "ledger.anchor", "the anchor is not from this ledger")
        elif not believable(signers, head, self.ends):
            message = f"the anchor over {head.size}: its ledger key was revoked, or fell with one that was"
            self.report.note("12.8", f"{message}; it proves nothing (ledger.distrusted)")
        elif head.size == 0:
            self.report.fail("12.7", "ledger.anchor", "the anchor covers no entry")
        elif head.size > len(self.hashes):
            self.report.fail("12.7", "ledger.rollback", f"the anchor covers {head.size} entries: the file was cut back")
        else:
            same = tree.root(0, head.size) == head.root
            self.report.check(same, "12.7", "ledger.fork", f"the anchor over {head.size} entries is part of this tree")
            return head.size if same else 0
        return 0

    def _stamps(self, connection: sqlite3.Connection, roots: list) -> None:
        """SPEC 15.6."""
        rows = (
            "SELECT id, size, CAST(coalesce(tsa, '') AS TEXT), CAST(coalesce(hash_algorithm, '') AS TEXT), covers,"
            " coalesce(substr(CAST(token AS BLOB), 1, 65537), X''),"
            " coalesce(substr(CAST(evidence AS BLOB), 1, 1048576), X'') FROM timestamp ORDER BY id"
        )
        clock = "SELECT id, CAST(coalesce(received_at, '') AS TEXT) FROM timestamp ORDER BY id"
        for place, received in connection.execute(clock).fetchall():
            if not time(received):
                self.report.fail("15.6", "ledger.writer-clock", f"time stamp {place}: received_at is no time")
        known: dict[int, tuple[int, bytes]] = {}
        unread, seen = False, set()
        for place, size, tsa, algorithm, covers, token, evidence in connection.execute(rows).fetchall():
            try:
                token_need(token not in seen, "its token stands in an earlier row", "15.6")
                seen.add(token)
                said = self._stamp(place, size, tsa, algorithm, covers, token, evidence, known, roots)
            except Bad as bad:
                unread = True
                self.report.fail(bad.clause, bad.code, f"time stamp {place}: {bad.message}")
                continue
            known[place] = (size, token)
            self.kept[place] = (token, evidence)
            named = self.stamped.pop(sha256(token).hex(), [])
            if not named:
                message = f"no entry names the token of time stamp {place} (ledger.timestamp-unrecorded)"
                self.report.note("15.6", message)
            for index, entry in named:
                if entry != said:
                    message = f"entry {index} says something else than the token that it names"
                    self.report.fail("15.6", "ledger.timestamp-entry", message)
        missing = [] if unread else sorted(index for named in self.stamped.values() for index, _ in named)
        for index in missing:
            message = f"entry {index}: the token that it names is not in the file"
            self.report.fail("15.6", "ledger.timestamp-missing", message)
        if known and not roots:
            self.report.note("15.6", f"{len(known)} time stamps: without tsaRoots it was not checked whose they are")

    def _stamp(self, place: int, size: int, tsa: str, algorithm: str, covers: int | None, token: bytes,
               evidence: bytes, known: dict, roots: list) -> tuple:  # fmt: skip
        """One row; what an entry about it has to say."""
        head = self.heads.get(size)
        token_need(head, f"there is no sound checkpoint over {size} entries", "15.6")
        older = None if covers is None else known.get(covers)
        renews = covers is None or (older is not None and older[0] == size)
        token_need(renews, "it does not renew an earlier one over the same checkpoint", "15.6")
        keys = [k for kid, k in self.rules.keys.items() if k["role"] == "ledger" and self._may_sign(kid, k, size)]
        signers = head.signers([key["vkeys"] for key in keys])[0]
        plain = [head.covered(key) for key in signers]
        held, cursor = [], Der(evidence)
        while cursor.more():
            held.append(cursor.take()[2])
        stamp = Stamp(token, algorithm, [item + (older[1] if older else b"") for item in plain], held, roots)
        if roots and stamp.untrusted:
            message = f"time stamp {place} counts for nothing: {stamp.untrusted} (ledger.timestamp-untrusted)"
            self.report.note("15.6", message)
        elif roots and believable(signers, head, self.ends):
            self.report.sum_up("15.6", f"the checkpoint over {size} entries {stamp.says}")
        return size, tsa, sha256(older[1]).hex() if older else None, sha256(plain[0]).hex()

    def _revocations(self) -> None:
        """SPEC 12.8."""
        waiting = list(self.ends.items())
        found: set[int] = set()
        while waiting:
            kid, start = waiting.pop()
            for index in self.signed.get(kid, []):
                if start <= index and index not in found:
                    found.add(index)
                    waiting.append((self.certified.get(index, ""), 0))
        for index in sorted(found):
            self.report.note("12.8", f"entry {index} was signed by a key revoked from before it (ledger.distrusted)")


# --- SPEC 16: exports --------------------


class Export:
    """SPEC 16.9: lead the bytes to the checkpoint, then judge what the entries say. A failure ends its form."""

    def __init__(self, report: Report, trust: Trust | None, anchors: list[bytes]):
        self.report, self.trust, self.anchors = report, trust, anchors
        self.judged: Path | None = None
        self.heads: dict[str, tuple[bytes, Checkpoint]] = {}

    def verify(self, path: Path) -> None:
        if not path.is_dir():
            self._try(self._lines, path)
        elif (path / "SHA256SUMS").exists():
            self._folder(path)
        else:
            self._try(self._tiles, path)

    def _try(self, call: object, *arguments: object) -> None:
        try:
            call(*arguments)
        except Bad as bad:
            self.report.fail(bad.clause, bad.code, bad.message)

    def _bytes(self, path: Path, most: int, clause: str, code: str) -> bytes:
        plain = path.exists() and not path.is_symlink() and path.is_file()
        need(plain, clause, code, f"{path.name} is missing, or is not a plain file")
        need(path.stat().st_size <= most, clause, code, f"{path.name} is longer than {most} bytes")
        return path.read_bytes()

    def _head(self, path: Path, clause: str) -> Checkpoint:
        data = self._bytes(path, 262144, clause, "export.files")
        try:
            head = Checkpoint(data.decode("utf-8"))
        except UnicodeDecodeError:
            raise Bad("7.1", "ledger.note", "a checkpoint is not UTF-8") from None
        need(head.size > 0, clause, "export.size", "the checkpoint is over no entry")
        self.heads[str(path)] = (data, head)
        return head

    def _lines(self, path: Path) -> None:
        """SPEC 16.2, and 16.3 when an excerpt lies beside the lines."""
        head = self._head(Path(f"{path}.checkpoint"), "16.2")
        hashes = [sha256(b"\0", line) for line in self._leaves(path)]
        beside = Path(f"{path}.excerpt")
        if beside.exists() or beside.is_symlink():
            self._excerpt(beside, head, hashes)
            for line in self._leaves(path):
                Entry(line)
            return
        size = f"{len(hashes)} lines, and the checkpoint is over {head.size} entries"
        need(len(hashes) == head.size, "16.2", "export.size", size)
        self.report.ok("16.2", f"{len(hashes)} lines, each one leaf, as many as the checkpoint covers")
        self._judge(path, head, hashes, self._leaves(path), "16.2")

    def _leaves(self, path: Path) -> Iterator[bytes]:
        """SPEC 16.2, line by line: a file may be larger than the memory."""
        plain = path.exists() and not path.is_symlink() and path.is_file()
        need(plain, "16.2", "export.files", f"{path.name} is missing, or is not a plain file")
        with path.open("rb") as stream:
            while line := stream.readline(65537):
                good = len(line) > 1 and line[-1:] == b"\n" and b"\r" not in line
                need(good, "16.2", "export.line", "a line is empty, too long, not ended by one newline, or holds a CR")
                yield line[:-1]

    def _excerpt(self, path: Path, head: Checkpoint, lines: list[bytes]) -> None:
        code = "export.excerpt"
        document = load_json(self._bytes(path, 64 << 20, "16.3", code), "16.3", code)
        schema, ranges, hashes = take(document, "schema ranges hashes", "16.3", code)
        good = schema == "personactl.ledger-excerpt/1" and isinstance(ranges, list) and ranges
        good = good and isinstance(hashes, list)
        good = good and all(isinstance(r, list) and len(r) == 2 and all(type(n) is int for n in r) for r in ranges)
        flat = [number for pair in ranges for number in pair] if good else []
        good = good and all(a < b for a, b in zip([-1, *flat], flat, strict=False)) and flat[-1] <= head.size
        need(good, "16.3", code, "an excerpt has a wrong form, or its ranges do not grow inside the tree")
        gaps = [unbase64(item, "16.3", code) for item in hashes]
        need(all(len(item) == 32 for item in gaps), "16.3", code, "a hash is not 32 bytes")
        need(len(lines) == sum(b - a for a, b in ranges), "16.3", "export.size", "the number of lines is not that said")
        gaps.reverse()
        root = rebuild(0, head.size, ranges, lines[::-1], gaps)
        need(not gaps, "16.3", code, "the excerpt gives too many hashes")
        need(root == head.root, "16.3", "ledger.checkpoint-root", "lines and hashes do not lead to the checkpoint")
        self.report.ok("16.3", f"{len(lines)} lines stand in the tree of {head.size} entries; signers were not judged")
        if self.trust is None:
            self.report.note("12.6", "no --trust was given: whose checkpoint this is was not checked")
            return
        same = head.origin == self.trust.origin
        need(same, "12.6", "ledger.trust-origin", f"the checkpoint is from {head.origin}")
        accepted, wrong = head.signers(self.trust.log_keys)
        good = believable(accepted, head, self.trust.revoked) and not wrong
        self.report.check(good, "12.6", "ledger.trust-log-key", "the trusted log keys signed the checkpoint")
        quorum_of(self.report, head, self.trust)

    def _tiles(self, folder: Path) -> None:
        """SPEC 16.4: the files that a tree of this size has, no others, and what each must hold."""
        head = self._head(folder / "checkpoint", "16.4")
        there = files_in(folder)
        enough = head.size <= 256 * len(there)  # before a list is made that is as long as somebody claims
        need(enough, "16.4", "export.files", f"{len(there)} files cannot hold {head.size} entries")
        sizes: list[int] = [head.size]
        while sizes[-1] >= 256:
            sizes.append(sizes[-1] // 256)
        names = {(level, n): tile_name(level, n, min(256, size - 256 * n)) for level, size in enumerate(sizes)
                 for n in range((size + 255) // 256)}  # fmt: skip
        bundles = [tile_name("entries", n, min(256, head.size - 256 * n)) for n in range((head.size + 255) // 256)]
        same_files(there, {"checkpoint", *names.values(), *bundles}, "16.4")
        order = [(folder / name, head.size - 256 * n) for n, name in enumerate(bundles)]
        hashes = every = [sha256(b"\0", leaf) for item in order for leaf in self._bundle(*item)]
        for level, size in enumerate(sizes):
            for n in range((size + 255) // 256):
                expected = b"".join(hashes[256 * n : 256 * n + 256])
                found = self._bytes(folder / names[level, n], 8192, "16.4", "export.tile")
                need(found == expected, "16.4", "export.tile", f"{names[level, n]} is not what lies below it")
            hashes = [Tree(hashes[i : i + 256]).root(0, 256) for i in range(0, size - 255, 256)]
        self.report.ok("16.4", f"{len(names)} tiles and {len(bundles)} bundles, as a tree of {head.size} entries has")
        self._judge(folder, head, every, (leaf for item in order for leaf in self._bundle(*item)), "16.4")

    def _bundle(self, path: Path, rest: int) -> list[bytes]:
        data, leaves, at = self._bytes(path, 256 * 65537, "16.4", "export.bundle"), [], 0
        while at < len(data) and len(leaves) < 256:
            stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
            need(at + 2 <= stop <= len(data), "16.4", "export.bundle", f"{path.name} ends inside an entry")
            leaves.append(data[at + 2 : stop])
            at = stop
        good = at == len(data) and len(leaves) == min(256, rest)
        need(good, "16.4", "export.bundle", f"{path.name} has another number of entries")
        return leaves

    def _judge(self, path: Path, head: Checkpoint, hashes: list[bytes], leaves: Iterator[bytes], clause: str) -> None:
        """The root, then SPEC 6 and 12.5 to 12.8 over the leaves; once for all forms of an export."""
        ledger = LedgerFile(self.report, path)
        ledger.hashes = hashes
        root = Tree(ledger.hashes).root(0, head.size)
        need(root == head.root, clause, "ledger.checkpoint-root", "the entries do not lead to the checkpoint")
        self.report.ok(clause, f"the entries lead to the checkpoint over {head.size} entries")
        if self.judged is None:
            self.judged = path
            ledger.verify_leaves(head, leaves, self.trust, self.anchors)

    def _folder(self, folder: Path) -> None:
        """SPEC 16.6."""
        try:
            names = self._sums(folder)
        except Bad as bad:
            self.report.fail(bad.clause, bad.code, bad.message)
            return
        if "entries.jsonl" in names:
            self._try(self._lines, folder / "entries.jsonl")
        if "tiles/checkpoint" in names:
            self._try(self._tiles, folder / "tiles")
        copy = LedgerFile(self.report, folder / "ledger.sqlite") if "ledger.sqlite" in names else None
        before = len(self.report.codes)
        if copy is not None:
            self._try(copy.verify, self.trust, self.anchors)
        files = {name: folder / name for name in names if name.startswith("timestamps/")}
        if copy is not None and set(self.report.codes[before:]) <= TRUST_CODES:
            self._try(self._responses, files, copy)
        elif files:
            self.report.note("16.9", "timestamps/ was compared with SHA256SUMS alone: no good copy is there")
        one = len({data for data, _ in self.heads.values()}) == 1
        if not self.heads:
            self.report.fail("16.6", "export.files", "the folder holds neither JSON lines nor tiles")
        else:
            self.report.check(one, "16.6", "export.forms", "all forms have one checkpoint")
        if copy is not None and self.heads:
            head = next(iter(self.heads.values()))[1]
            same = len(copy.hashes) == head.size and Tree(copy.hashes).root(0, head.size) == head.root
            self.report.check(same, "16.8", "export.forms", "the copy is over the tree of the checkpoint")
        if any(name.endswith(".csv") for name in names):
            self.report.note("16.7", "the CSV files were compared with SHA256SUMS alone")

    def _responses(self, files: dict[str, Path], copy: LedgerFile) -> None:
        """SPEC 16.6: what lies at timestamps/ is what the rows of the copy hold."""
        code, left = "export.timestamps", dict(files)
        for place, (token, evidence) in copy.kept.items():
            named = {"tsr": token, "evidence": evidence} if evidence else {"tsr": token}
            read = {}
            for kind in (*named, "data"):
                path = left.pop(f"timestamps/{place}.{kind}", None)
                need(path, "16.6", code, f"timestamps/{place}.{kind} is missing")
                read[kind] = self._bytes(path, 1 << 20, "16.6", code)
            same = all(read[kind] == data for kind, data in named.items())
            need(same, "16.6", code, f"a file of time stamp {place} is not what the copy holds")
            said = Token(token)
            about = digest_of(said.algorithm, read["data"]) == said.digest
            need(about, "16.6", code, f"timestamps/{place}.data is not what the token is about")
        need(not left, "16.6", code, f"{min(left, default='')} is of no time stamp in the copy")
        if files:
            self.report.ok("16.6", f"{len(files)} files at timestamps/ are those of the copy")

    def _sums(self, folder: Path) -> set[str]:
        code, sums = "export.sums", {}
        text = self._bytes(folder / "SHA256SUMS", 256 << 20, "16.6", code).decode("ascii", "replace")
        need(not text or text.endswith("\n"), "16.6", code, "the last line of SHA256SUMS is not ended")
        for line in text.splitlines(keepends=True):
            name, part = line[66:-1], r"(?!\.{1,2}(/|$))[A-Za-z0-9._-]+"
            good = re.fullmatch(rf"[0-9a-f]{{64}}  {part}(/{part})*\n", line) and name not in sums
            need(good, "16.6", code, "SHA256SUMS has a wrong line")
            sums[name] = line[:64]
        same_files(files_in(folder) - {"SHA256SUMS"}, set(sums), "16.6")
        for name, digest in sums.items():
            need(file_digest(folder / name) == digest, "16.6", code, f"{name} has another digest than SHA256SUMS says")
        self.report.ok("16.6", f"{len(sums)} files, each with the digest that SHA256SUMS says")
        return set(sums)


def tile_name(level: int | str, n: int, width: int) -> str:
    """tlog-tiles: three digits a folder, all but the last with an x in front."""
    name = f"{n % 1000:03d}"
    while n := n // 1000:
        name = f"x{n % 1000:03d}/{name}"
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def rebuild(start: int, stop: int, ranges: list, lines: list[bytes], gaps: list[bytes]) -> bytes:
    """SPEC 16.3: the root over [start, stop). Lines and gaps are taken from the end of their lists."""
    inside = [pair for pair in ranges if pair[0] < stop and pair[1] > start]
    if not inside:
        need(gaps, "16.3", "export.excerpt", "the excerpt gives too few hashes")
        value = gaps.pop()
    elif stop - start == 1:
        value = lines.pop()
    else:
        middle = start + split(stop - start)
        left = rebuild(start, middle, inside, lines, gaps)
        value = sha256(b"\x01", left, rebuild(middle, stop, inside, lines, gaps))
    return value


def files_in(folder: Path) -> set[str]:
    """Plain files by relative name; anything else that is no folder is refused."""
    found = set()
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
        need(plain, "16.6", "export.files", "the export holds a link, a pipe or a device")
        if stat.S_ISREG(mode):
            found.add(path.relative_to(folder).as_posix())
    return found


def same_files(found: set[str], wanted: set[str], clause: str) -> None:
    some = ", ".join(sorted(found ^ wanted)[:3])
    need(found == wanted, clause, "export.files", f"files are missing or too many: {some}")


# --- what is printed --------------------


TRUST_CODES = {"receipt.origin", "receipt.log-key", "receipt.root-key", "receipt.revoked", "receipt.witness-quorum"}
TRUST_CODES |= {"ledger.trust-witness", "ledger.trust-origin", "ledger.trust-root", "ledger.trust-log-key"}
TRUST_CODES |= {"ledger.misbehaviour-untrusted"}


class Report:
    """One line a check. `codes` are those of the failures, in order."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def ok(self, clause: str, message: str) -> None:
        self._line("ok  ", clause, message)

    def note(self, clause: str, message: str) -> None:
        self._line("note", clause, message)

    def fail(self, clause: str, code: str, message: str) -> None:
        self.codes.append(code)
        self._line("FAIL", clause, f"{message} [{code}]")

    def sum_up(self, clause: str, message: str) -> None:
        """The last line about a clause that was checked item by item."""
        self._line("ok  " if not self.codes else "read", clause, message)

    def _line(self, word: str, clause: str, message: str) -> None:
        """Text from an untrusted file reaches the terminal without control or direction characters."""
        say("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in f"{word}  SPEC {clause}: {message}"))

    def check(self, good: object, clause: str, code: str, message: str) -> None:
        if good:
            self.ok(clause, message)
        else:
            self.fail(clause, code, f"not so: {message}")

    def exit_code(self) -> int:
        return 0 if not self.codes else 5 if set(self.codes) <= TRUST_CODES else 4


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    ledger = commands.add_parser("ledger", help="check a whole ledger file")
    ledger.add_argument("path", type=Path)
    ledger.add_argument("--trust", type=Path)
    ledger.add_argument("--anchor", type=Path, action="append", default=[])
    export = commands.add_parser("export", help="check JSON lines, a tiles directory or an export folder")
    export.add_argument("path", type=Path)
    export.add_argument("--trust", type=Path)
    export.add_argument("--anchor", type=Path, action="append", default=[])
    receipt = commands.add_parser("receipt", help="check one receipt, offline")
    receipt.add_argument("path", type=Path)
    receipt.add_argument("--trust", type=Path, required=True)
    receipt.add_argument("--file", type=Path)
    misbehaviour = commands.add_parser("misbehaviour", help="check a proof that a log signed two histories")
    misbehaviour.add_argument("path", type=Path)
    misbehaviour.add_argument("--trust", type=Path, required=True)
    try:
        code = verify(parser.parse_args(arguments))
        finish_saying()
    except Unheard as error:
        print(f"standard output: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered still has to go somewhere
        return 2
    return code


def verify(options: argparse.Namespace) -> int:
    report = Report()
    try:
        trust = Trust(options.trust) if options.trust else None
    except (OSError, Bad) as error:
        print(f"{options.trust}: {error}", file=sys.stderr)
        return 2
    try:
        named = options.path
        if options.command == "export" and named.is_dir():
            named /= "SHA256SUMS" if (named / "SHA256SUMS").exists() else "checkpoint"
        whole = options.command == "export" and options.path.is_dir() and not named.is_file()  # the check says more
        said = "has no such file" if whole else f"sha256 {file_digest(named)}"
        say(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {named} {said}")
        if options.command == "ledger":
            LedgerFile(report, options.path).verify(trust, [read_plain(path) for path in options.anchor])
        elif options.command == "export":
            Export(report, trust, [read_plain(path) for path in options.anchor]).verify(options.path)
        elif options.command == "misbehaviour":
            verify_misbehaviour(report, read_plain(options.path), trust)
        else:
            subject = hashlib.sha256(read_plain(options.file)).hexdigest() if options.file else None
            verify_receipt(report, read_plain(options.path), trust, subject)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except Bad as bad:
        report.fail(bad.clause, bad.code, bad.message)
    code = report.exit_code()
    say("good" if code == 0 else f"NOT GOOD: {len(report.codes)} checks failed, exit {code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
