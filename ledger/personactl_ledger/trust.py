"""What a verifier brings along: whose signatures count (SPEC 9.1)."""

from __future__ import annotations

from dataclasses import dataclass

from personactl_ledger.note import Vkey, group_vkeys


@dataclass(frozen=True, slots=True)
class LedgerTrust:
    """The ledger part of a trust file. `log_keys` are verifier key lines in the order of the file, `root_keys` raw
    32-byte Ed25519 keys, `approvers` is (threshold, keys), `tsa_roots` are certificates in PEM."""

    origin: str
    log_keys: tuple[str, ...]
    root_keys: tuple[bytes, ...]
    approvers: tuple[int, tuple[bytes, ...]] | None = None
    tsa_roots: tuple[str, ...] = ()

    def ledger_keys(self) -> tuple[tuple[Vkey, ...], ...]:
        """`log_keys` grouped into ledger keys (SPEC 7.4). Raises FormatError (code ledger.vkey)."""
        return group_vkeys(self.log_keys, self.origin)
