"""Which certificate signed: read from the manifest store, because the C2PA library tells its names but not its bytes.

    JUMBF (ISO/IEC 19566-5)   store → manifest of the active label → c2pa.signature → its CBOR box
    COSE_Sign1 (RFC 9052)     protected header, x5chain = label 33 (RFC 9360), first certificate

Nothing is verified here: the library has verified the signature with the certificate of the same header. It finds
boxes now by their type (UUID), now by their label; here both must agree, and a structure with more than one candidate
by either gives none, so that a pinned fingerprint can never match by ambiguity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_X5CHAIN = 33
_X5CHAIN_TEXT = "x5chain"
_MAX_CBOR_DEPTH = 16
_MAX_REMEMBERED = 16 << 10
"""Bytes of a header that is kept for the next file; that of a stranger may have megabytes."""
_STORE, _SIGNATURE = b"c2pa", b"c2cs"
_MANIFESTS = (b"c2ma", b"c2um")
"""Standard and update manifests (C2PA 2.4, "Types of manifests")."""
_UUID_REST = bytes.fromhex("00110010800000aa00389b71")
_LABELLED = 3
"""Toggles of a description: requestable, with a label."""


class _MalformedError(ValueError):
    """Bytes that are not the JUMBF or CBOR they should be."""


def leaf_sha256(store: bytes, active_label: str) -> str:
    """SHA-256 (hex) of the DER certificate that signed the active manifest; "" when it cannot be told for certain."""
    try:
        leaf = _signing_chain(_only(_manifests(store), _MANIFESTS, active_label))[0]
        return hashlib.sha256(leaf).hexdigest()
    except (_MalformedError, IndexError, KeyError, TypeError, ValueError):
        return ""


def chains(store: bytes) -> dict[str, tuple[bytes, ...]] | None:
    """The DER certificates that each manifest of a store brings, leaf first; None when one cannot be told for certain.

    A manifest without a signature, which no claim has, counts as one that cannot be told.
    """
    found: dict[str, tuple[bytes, ...]] = {}
    try:
        for kind, label, manifest in _manifests(store):
            if label in found or kind not in _MANIFESTS:
                return None
            found[label] = _signing_chain(manifest)
    except (_MalformedError, IndexError, KeyError, TypeError, ValueError):
        return None
    return found


def _manifests(store: bytes) -> Iterator[tuple[bytes, str, bytes]]:
    """The superboxes in a store, which must be one box and nothing else."""
    if int.from_bytes(store[:4], "big") != len(store):
        raise _MalformedError("the store is not one box")
    return _superboxes(_only(_superboxes(store), (_STORE,), "c2pa"))


def _signing_chain(manifest: bytes) -> tuple[bytes, ...]:
    ((kind, body),) = _boxes(_only(_superboxes(manifest), (_SIGNATURE,), "c2pa.signature"))
    if kind != b"cbor":
        raise _MalformedError("a signature is no CBOR")
    return _certificates(body)


def _certificates(signature: bytes) -> tuple[bytes, ...]:
    """The certificates of the only x5chain in a COSE_Sign1 structure."""
    structure, _ = _cbor(signature, 0, 0)
    encoded = structure[0]
    protected = _header(encoded) if len(encoded) <= _MAX_REMEMBERED else _cbor(encoded, 0, 0)[0]
    headers = (protected, structure[1])
    chains = [header[key] for header in headers for key in (_X5CHAIN, _X5CHAIN_TEXT) if key in header]
    if len(chains) != 1:
        raise _MalformedError("no or several certificate chains")
    chain = chains[0] if isinstance(chains[0], list) else [chains[0]]
    if not chain or not all(isinstance(item, bytes) for item in chain):
        raise _MalformedError("a certificate is not a byte string")
    return tuple(chain)


@lru_cache(maxsize=16)
def _header(encoded: bytes) -> Any:
    """A protected header, the same in all files that one certificate has signed. It is only read."""
    return _cbor(encoded, 0, 0)[0]


def _only(boxes: Iterator[tuple[bytes, str, bytes]], kinds: tuple[bytes, ...], wanted: str) -> bytes:
    """The content of the one box with this label, which must have one of these types. Where only one type of box is
    looked for, no other box may have it either."""
    single = kinds if len(kinds) == 1 else ()
    found = [(kind, label, body) for kind, label, body in boxes if label == wanted or kind in single]
    if len(found) != 1 or found[0][1] != wanted or found[0][0] not in kinds:
        raise _MalformedError(f"not exactly one {wanted} box")
    return found[0][2]


def _superboxes(data: bytes) -> Iterator[tuple[bytes, str, bytes]]:
    """The type ("" for one that is not of C2PA's kind), the label and the content (behind the description box) of each
    JUMBF superbox."""
    for kind, body in _boxes(data):
        if kind != b"jumb":
            continue
        first, description = next(_boxes(body), (b"", b""))
        if first != b"jumd" or len(description) < 18 or description[16] & _LABELLED != _LABELLED:
            raise _MalformedError("a superbox has no label")
        known = description[4:16] == _UUID_REST
        label = description[17:].split(b"\0", 1)[0].decode("utf-8")
        yield description[:4] if known else b"", label, body[8 + len(description) :]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each box's type and payload (clause 4 of ISO/IEC 19566-5; sizes 0 and 1 do not occur in C2PA stores)."""
    position = 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length < 8 or position + length > len(data):
            raise _MalformedError("a box has an impossible size")
        yield data[position + 4 : position + 8], data[position + 8 : position + length]
        position += length


def _cbor(data: bytes, position: int, depth: int) -> tuple[Any, int]:
    """One CBOR item (RFC 8949) of the kinds that COSE headers use, and where it ends. Tags are passed over."""
    if depth > _MAX_CBOR_DEPTH:
        raise _MalformedError("CBOR is nested too deep")
    major, position, argument = _head(data, position)
    if major == 0:
        return argument, position
    if major == 1:
        return -1 - argument, position
    if major in (2, 3):
        end = position + argument
        if end > len(data):
            raise _MalformedError("a CBOR string is longer than the data")
        raw = data[position:end]
        return (raw if major == 2 else raw.decode("utf-8")), end
    if major == 4:
        return _items(data, position, argument, depth)
    if major == 5:
        flat, position = _items(data, position, 2 * argument, depth)
        keys = flat[::2]
        if len(set(keys)) != len(keys):
            raise _MalformedError("a CBOR map has a key twice")
        return dict(zip(keys, flat[1::2], strict=True)), position
    if major == 6:
        return _cbor(data, position, depth + 1)
    return {20: False, 21: True}.get(argument), position


def _items(data: bytes, position: int, count: int, depth: int) -> tuple[list[Any], int]:
    if count > len(data):
        raise _MalformedError("a CBOR list is longer than the data")
    items = []
    for _ in range(count):
        item, position = _cbor(data, position, depth + 1)
        items.append(item)
    return items, position


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type, where the content begins, and the argument. Indefinite lengths are refused."""
    initial = data[position]
    major, low = initial >> 5, initial & 31
    if low < 24:
        return major, position + 1, low
    if low > 27:
        raise _MalformedError("CBOR of indefinite length")
    size = 1 << (low - 24)
    end = position + 1 + size
    return major, end, int.from_bytes(data[position + 1 : end], "big")
