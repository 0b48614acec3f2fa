"""Receipts (personactl.receipt/1; SPEC 8): type, strict parser, writer.

    {"schema": "personactl.receipt/1",
     "leaf": "<base64 of the leaf>",
     "proof": "<tlog-proof text with the checkpoint>",
     "keys": [{"leaf": "<base64>", "index": 0, "path": ["<base64>", …]}, …],
     "timestamps": [{"tsa": "…", "hashAlgorithm": "sha512", "token": "<base64 DER>"}]}

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
MAX_KEYS = 16
MAX_TIMESTAMPS = 16
_T = TypeVar("_T")
_HASHES = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """An entry that certifies a key: its leaf, place and path to the root of the receipt's checkpoint."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """An RFC 3161 response (DER) over the checkpoint with the log's own signatures (SPEC 8.3)."""

    tsa: str
    hash_algorithm: str
    token: bytes


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
                {"tsa": t.tsa, "hashAlgorithm": t.hash_algorithm, "token": to_base64(t.token)} for t in self.timestamps
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
            timestamps=_list(document["timestamps"], MAX_TIMESTAMPS, _timestamp),
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
    item = _keys(value, "tsa", "hashAlgorithm", "token")
    if item["hashAlgorithm"] not in _HASHES:
        raise _malformed("a time stamp has an unknown hash algorithm")
    return Timestamp(tsa=_text(item["tsa"]), hash_algorithm=item["hashAlgorithm"], token=from_base64(item["token"]))


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
