"""Revoking a key that none follows: of a person who left, of a run, or an old one that leaked (SPEC 6.6, 12.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personactl_ledger.database import storage_errors
from personactl_ledger.key_entries import key_revoke_leaf
from personactl_ledger.keyring import Revocation
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.predicates import RUN
from personactl_ledger.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that an entry enrolled or certified: its role, and how it was revoked, if it was. Retired keys too."""

    role: str
    revocation: Revocation | None


def known_key(ledger: Ledger, kid: str) -> KnownKey | None:
    """What the ledger, open for writing, knows of a key id; None for a stranger."""
    keyring = ledger.rules.keyring
    enrolled = keyring.keys.get(kid)
    with storage_errors(ledger.path):
        if enrolled is None and not ledger.rules.book.certified(kid):
            return None
    return KnownKey(role=RUN if enrolled is None else enrolled.role, revocation=keyring.revocations.get(kid))


def revoke(
    ledger: Ledger, kid: str, *, from_index: int | None, reason: str, roots: Sequence[Signer], now: str
) -> Revocation:  # fmt: skip
    """Append the key-revoke entry. Without `from_index` it is that entry itself: all that was signed before stands.

    `roots` are root keys other than `kid` (SPEC 6.6). Raises what `Ledger.append` raises, among it EntryRefused (codes
    ledger.key-last, ledger.key-revoke-index, ledger.root-threshold).
    """
    start = ledger.size if from_index is None else from_index
    leaf = key_revoke_leaf(origin=ledger.origin, kid=kid, from_index=start, reason=reason, roots=roots, now=now)
    ledger.append([Draft(leaf)], now=now)
    return ledger.rules.keyring.revocations[kid]
