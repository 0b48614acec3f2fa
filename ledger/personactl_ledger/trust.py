"""What a verifier brings along: whose signatures count (SPEC 9.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from personactl_ledger.cosignature import Witness, group_witnesses
from personactl_ledger.ed25519 import key_id
from personactl_ledger.entry import Entry
from personactl_ledger.errors import LedgerError
from personactl_ledger.note import Vkey, group_vkeys


@dataclass(frozen=True, slots=True)
class LedgerTrust:
    """The ledger part of a trust file. `log_keys` are verifier key lines in the order of the file, `root_keys` raw
    32-byte Ed25519 keys, `approvers` is (threshold, keys), `revoked` holds (key id, first index not believed),
    `witnesses` is (quorum, verifier key lines), `tsa_roots` are certificates in PEM."""

    origin: str
    log_keys: tuple[str, ...]
    root_keys: tuple[bytes, ...]
    approvers: tuple[int, tuple[bytes, ...]] | None = None
    revoked: tuple[tuple[str, int], ...] = ()
    witnesses: tuple[int, tuple[str, ...]] = (0, ())
    tsa_roots: tuple[str, ...] = ()

    def ledger_keys(self) -> tuple[tuple[Vkey, ...], ...]:
        """`log_keys` grouped into ledger keys (SPEC 7.4). Raises FormatError (code ledger.vkey)."""
        return _ledger_keys(self.log_keys, self.origin)

    def revoked_from(self) -> dict[str, int]:
        """`revoked` as a map."""
        return dict(self.revoked)

    def genesis_roots(self) -> set[str]:
        """Ids of the root keys that count for a genesis: those that are not revoked from 0 (SPEC 9.1)."""
        revoked = self.revoked_from()
        return {key for key in map(key_id, self.root_keys) if revoked.get(key, 1) > 0}

    def witness_keys(self) -> tuple[Witness, ...]:
        """The verifier keys of `witnesses`, one item a witness (SPEC 14.2). Raises FormatError (code ledger.vkey)."""
        own = [key.public_key for keys in self.ledger_keys() for key in keys]
        return group_witnesses(self.witnesses[1], log_keys=(*own, *self.root_keys), origin=self.origin)


@lru_cache(maxsize=64)
def _ledger_keys(lines: tuple[str, ...], origin: str) -> tuple[tuple[Vkey, ...], ...]:
    """A trust file is asked for them once for every receipt."""
    return group_vkeys(lines, origin)


def earliest(*maps: Mapping[str, int]) -> dict[str, int]:
    """Revocations from several sources: each key from the lowest index that any of them says."""
    found: dict[str, int] = {}
    for one in maps:
        for key, start in one.items():
            found[key] = min(start, found.get(key, start))
    return found


def witnesses_of(entry: Entry | None) -> tuple[Witness, ...]:
    """The witnesses that a trust entry names (predicates.md); what does not have that form names none."""
    said = entry.predicate.get("witnesses") if entry is not None else None
    lines = said.get("vkeys") if isinstance(said, dict) else None
    try:
        return group_witnesses(lines) if isinstance(lines, list) else ()
    except LedgerError:
        return ()
