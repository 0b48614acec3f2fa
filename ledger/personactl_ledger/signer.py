"""Who signs: entries with Ed25519, checkpoints with Ed25519 and, where the library has it, ML-DSA-44 (SPEC 5)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from personactl_ledger.ed25519 import check_public_key, key_id
from personactl_ledger.note import ED25519, ML_DSA_44, Vkey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey


class Signer(Protocol):
    """An Ed25519 key that can sign: in memory, in a file, or in a token (SPEC 5.1)."""

    @property
    def key_id(self) -> str:
        """`SHA256:<base64>` of the public key."""

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of RFC 8032."""


class Ed25519Signer:
    """A signer whose private key is in memory (SPEC 5.1)."""

    __slots__ = ("_key_id", "_private", "_public")

    def __init__(self, private: Ed25519PrivateKey):
        self._private = private
        self._public = private.public_key().public_bytes_raw()
        self._key_id = key_id(self._public)

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """A fresh key that lives only in this object."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def key_id(self) -> str:
        return self._key_id

    @property
    def public_key(self) -> bytes:
        return self._public

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def signs_in_memory(signer: Signer) -> bool:
    """Whether the signature is made by the cryptography library in this process, with the key that `signer` names.

    Not so for a token, a remote key, a class derived from ours, or a private key that only acts like the library's.
    """
    return type(signer) is Ed25519Signer and type(signer._private) is _library_key()


@cache
def _library_key() -> type[Ed25519PrivateKey]:
    return type(Ed25519PrivateKey.from_private_bytes(bytes(32)))


class LogSigner:
    """The ledger key: signs checkpoints, never entries (SPEC 7.2)."""

    __slots__ = ("_ed25519", "_mldsa")

    def __init__(self, ed25519: Ed25519PrivateKey, mldsa: MLDSA44PrivateKey | None = None):
        self._ed25519 = ed25519
        self._mldsa = mldsa
        check_public_key(self.public_key)

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the Ed25519 half."""
        return self._ed25519.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The key id of the Ed25519 half, by which the ledger knows the key (SPEC 6.6)."""
        return key_id(self.public_key)

    def verifier_keys(self, origin: str) -> tuple[Vkey, ...]:
        """The public halves under the name `origin`, Ed25519 first."""
        keys = [Vkey.of(origin, ED25519, self.public_key)]
        if self._mldsa is not None:
            keys.append(Vkey.of(origin, ML_DSA_44, self._mldsa.public_key().public_bytes_raw()))
        return tuple(keys)

    def vkeys(self, origin: str) -> tuple[str, ...]:
        """The C2SP verifier key lines under the name `origin` (signed-note, "Verifier keys")."""
        return tuple(str(key) for key in self.verifier_keys(origin))

    def sign_ed25519(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._ed25519.sign(message)

    def sign_mldsa(self, message: bytes) -> bytes:
        """2,420 bytes (FIPS 204, empty context). Only when `verifier_keys` lists such a key."""
        if self._mldsa is None:
            raise ValueError("this ledger key has no ML-DSA-44 half")
        return self._mldsa.sign(message)
