"""Receipts (personactl.receipt/1; SPEC 8): type, strict parser, writer.

    {"schema": "personactl.receipt/1",
     "leaf": "<base64 of the leaf>",
     "proof": "<tlog-proof text with the checkpoint>",
     "keys": [{"leaf": "<base64>", "index": 0, "path": ["<base64>", …]}, …],
     "timestamps": [{"tsa": "…", "hashAlgorithm": "sha512", "token": "<base64 DER>", "covers": null, "evidence": []}]}

Every path leads to the root of the one checkpoint inside `proof`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from personactl_ledger.canonical import parse_document
from personactl_ledger.encoding import from_base64, to_base64
from personactl_ledger.errors import FormatError, LedgerError, ReceiptError
from personactl_ledger.proof import TlogProof, parse_path, parse_proof

SCHEMA = "personactl.receipt/1"
MAX_BYTES = 1024 * 1024
MAX_KEYS = 64
MAX_TIMESTAMPS = 16
MAX_EVIDENCE = 64
_T = TypeVar("_T")
_HASHES = ("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """An entry that certifies a key: its leaf, place and path to the root of the receipt's checkpoint."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """An RFC 3161 response (DER) over the checkpoint with the ledger key's own signatures (SPEC 8.3).

    `covers` is the place in the list of the older token that this one renews, `evidence` are certificates, revocation
    lists and status answers in DER that were collected for it.
    """

    tsa: str
    hash_algorithm: str
    token: bytes
    covers: int | None = None
    evidence: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A proof that something was said. `keys` are in the order of the log."""

    leaf: bytes
    proof: TlogProof
    keys: tuple[KeyEntry, ...]
    timestamps: tuple[Timestamp, ...] = ()

    def to_bytes(self) -> bytes:
        """JSON in UTF-8, one key a line, ending in a newline."""
        document = {
            "schema": SCHEMA,
            "leaf": to_base64(self.leaf),
            "proof": str(self.proof),
            "keys": [
                {"leaf": to_base64(k.leaf), "index": k.index, "path": [to_base64(digest) for digest in k.path]}
                for k in self.keys
            ],
            "timestamps": [
                {
                    "tsa": t.tsa,
                    "hashAlgorithm": t.hash_algorithm,
                    "token": to_base64(t.token),
                    "covers": t.covers,
                    "evidence": [to_base64(item) for item in t.evidence],
                }
                for t in self.timestamps
            ],
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def parse_receipt(data: bytes) -> Receipt:
    """Parse strictly (SPEC 8.1): no unknown, missing or duplicate keys. Raises ReceiptError receipt.malformed."""
    if len(data) > MAX_BYTES:
        raise _malformed(f"it is longer than {MAX_BYTES} bytes")
    try:
        document = _keys(parse_document(data), "schema", "leaf", "proof", "keys", "timestamps")
        if document["schema"] != SCHEMA:
            raise _malformed(f"its schema is not {SCHEMA}")
        return Receipt(
            leaf=from_base64(document["leaf"]),
            proof=parse_proof(_text(document["proof"])),
            keys=_list(document["keys"], MAX_KEYS, _key_entry),
            timestamps=_older_first(_list(document["timestamps"], MAX_TIMESTAMPS, _timestamp)),
        )
    except ReceiptError:
        raise
    except LedgerError as error:
        raise _malformed(error.message) from None


def _key_entry(value: Any) -> KeyEntry:
    item = _keys(value, "leaf", "index", "path")
    if type(item["index"]) is not int or item["index"] < 0 or not isinstance(item["path"], list):
        raise _malformed("a key entry has no index or no path")
    return KeyEntry(leaf=from_base64(item["leaf"]), index=item["index"], path=parse_path(item["path"]))


def _timestamp(value: Any) -> Timestamp:
    item = _keys(value, "tsa", "hashAlgorithm", "token", "covers", "evidence")
    if item["hashAlgorithm"] not in _HASHES:
        raise _malformed("a time stamp has an unknown hash algorithm")
    if item["covers"] is not None and type(item["covers"]) is not int:
        raise _malformed("a time stamp covers something that is no place in the list")
    return Timestamp(
        tsa=_text(item["tsa"]),
        hash_algorithm=item["hashAlgorithm"],
        token=_some_bytes(item["token"]),
        covers=item["covers"],
        evidence=_list(item["evidence"], MAX_EVIDENCE, _some_bytes),
    )


def _older_first(stamps: tuple[Timestamp, ...]) -> tuple[Timestamp, ...]:
    """A renewal stands after the token that it covers (SPEC 8.3)."""
    for place, stamp in enumerate(stamps):
        if stamp.covers is not None and not 0 <= stamp.covers < place:
            raise _malformed("a time stamp does not cover one before it")
    return stamps


def _some_bytes(value: Any) -> bytes:
    data = from_base64(value)
    if not data:
        raise FormatError("base64 of nothing")
    return data


def _keys(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise _malformed(f"a map does not have exactly the keys {', '.join(names)}")
    return value


def _list(value: Any, limit: int, parse: Callable[[Any], _T]) -> tuple[_T, ...]:
    if not isinstance(value, list) or len(value) > limit:
        raise _malformed(f"a list is missing or has more than {limit} items")
    return tuple(parse(item) for item in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise FormatError("a text is missing")
    return value


def _malformed(reason: str) -> ReceiptError:
    return ReceiptError(f"this is not a receipt: {reason}", code="receipt.malformed", where="SPEC 8.1")
