"""Marks on bytes that this process has just written, so that `append` need not read them twice (docs/adr/0116).

A mark is the type of one bytes object. It cannot be moved to other bytes, and every copy, slice, pickle or file loses
it; what has no mark is parsed strictly and verified. So forgetting a mark costs time and never a check.
"""

from __future__ import annotations

from typing import Any

from personactl_ledger.envelope import Envelope


class WrittenStatement(bytes):
    """A payload as `statement` wrote it: canonical, of a known kind, with one fit subject (SPEC 2.1, 3.2)."""

    def __reduce_ex__(self, protocol: Any) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)


class SignedLeaf(bytes):
    """A leaf as `sign_entry` wrote it with keys in memory.

    `envelope` is what the bytes say; `public_keys` (32 bytes each) made its signatures, in their order.
    """

    envelope: Envelope
    public_keys: tuple[bytes, ...]

    @classmethod
    def mark(cls, leaf: bytes, envelope: Envelope, public_keys: tuple[bytes, ...]) -> SignedLeaf:
        """For `sign_entry` alone."""
        marked = cls(leaf)
        marked.envelope = envelope
        marked.public_keys = public_keys
        return marked

    def __reduce_ex__(self, protocol: Any) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)
