"""Ed25519 public keys: identity, soundness, verification (SPEC 5.1; RFC 8032).

Verifiers disagree about keys of small order and about encodings that are not reduced, so such keys never enter a
ledger: with one of them a signature could hold for messages that nobody signed.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from personactl_ledger.encoding import to_base64
from personactl_ledger.errors import EntryRefused

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_EIGHT_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _ORDER_EIGHT_Y, _P - _ORDER_EIGHT_Y})
"""The y coordinates of the eight points whose order divides 8; both signs of x belong to the set."""


def key_id(public_key: bytes) -> str:
    """`SHA256:` and the base64 of SHA-256 over the 32 raw bytes (SPEC 5.1)."""
    return "SHA256:" + to_base64(hashlib.sha256(public_key).digest())


@lru_cache(maxsize=1024)
def check_public_key(raw: bytes) -> None:
    """Refuse a key that is not 32 bytes, not reduced, not on the curve, or of small order (SPEC 5.1).

    Raises EntryRefused (code ledger.key-weak).
    """
    if len(raw) != 32:
        raise _weak(f"it has {len(raw)} bytes, not 32")
    number = int.from_bytes(raw, "little")
    y = number & (2**255 - 1)
    if y >= _P:
        raise _weak("its encoding is not reduced")
    if y in _SMALL_ORDER_Y:
        raise _weak("it is a point of small order")
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if pow(x_squared, (_P - 1) // 2, _P) != 1:
        raise _weak("it is not a point of the curve")


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` is by the raw `public_key` (RFC 8032, 5.1.7)."""
    return _verified(public_key, signature, message)


@lru_cache(maxsize=128)
def _verified(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """The receipts of one delivery share their key entries and often their checkpoint."""
    try:
        _loaded(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=1024)
def _loaded(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def _weak(reason: str) -> EntryRefused:
    return EntryRefused(
        f"the Ed25519 public key cannot be used: {reason}",
        hint="make the key with a current tool, for example `openssl genpkey -algorithm ed25519`",
        code="ledger.key-weak",
    )
