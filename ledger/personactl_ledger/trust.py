"""What a verifier brings along: whose signatures count (SPEC 9.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from personactl_ledger.note import Vkey, group_vkeys


@dataclass(frozen=True, slots=True)
class LedgerTrust:
    """The ledger part of a trust file. `log_keys` are verifier key lines in the order of the file, `root_keys` raw
    32-byte Ed25519 keys, `approvers` is (threshold, keys), `revoked` holds (key id, first index not believed)."""

    origin: str
    log_keys: tuple[str, ...]
    root_keys: tuple[bytes, ...]
    approvers: tuple[int, tuple[bytes, ...]] | None = None
    revoked: tuple[tuple[str, int], ...] = ()

    def ledger_keys(self) -> tuple[tuple[Vkey, ...], ...]:
        """`log_keys` grouped into ledger keys (SPEC 7.4). Raises FormatError (code ledger.vkey)."""
        return group_vkeys(self.log_keys, self.origin)

    def revoked_from(self) -> dict[str, int]:
        """`revoked` as a map."""
        return dict(self.revoked)


def earliest(*maps: Mapping[str, int]) -> dict[str, int]:
    """Revocations from several sources: each key from the lowest index that any of them says."""
    found: dict[str, int] = {}
    for one in maps:
        for key, start in one.items():
            found[key] = min(start, found.get(key, start))
    return found
