"""What a verifier brings along: whose signatures count (SPEC 9.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerTrust:
    """The ledger part of a trust file. `root_keys` are raw 32-byte Ed25519 keys, `approvers` is (threshold, keys)."""

    origin: str
    log_keys: tuple[str, ...]
    root_keys: tuple[bytes, ...]
    approvers: tuple[int, tuple[bytes, ...]] | None = None
