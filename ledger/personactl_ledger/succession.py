"""One key takes over from another, in one transaction: the ledger knows the old key, or the new one, never half of it.

    key-add new  →  checkpoint by old and new (a ledger key that is retired)  →  key-retire or key-revoke old
                 →  checkpoint by the ledger key that is in use then

SPEC 5.3, 6.6, 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from personactl_ledger.checkpoint import Checkpoint, sign_checkpoint
from personactl_ledger.founding import key_add_leaf
from personactl_ledger.heads import require_extension, require_log_key
from personactl_ledger.key_entries import key_retire_leaf, key_revoke_leaf
from personactl_ledger.keyring import Keyring
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.merkle import range_root
from personactl_ledger.predicates import LEDGER
from personactl_ledger.sealed import Sealed
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A new key of `role`; `vkeys` for a ledger key (SPEC 6.6), `sealed` for a person's name."""

    role: str
    public_key: bytes
    vkeys: tuple[str, ...] = ()
    sealed: tuple[Sealed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the old key ends: retired, or, with `from_index`, revoked from that entry on."""

    kid: str
    from_index: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Who signs: `adding` the key-add, `ending` the key-retire or key-revoke, root keys both; `old` and `new` are the
    ledger keys in use before and after, the same one unless the ledger key itself changes."""

    adding: Sequence[Signer] = field(repr=False)
    ending: Sequence[Signer] = field(repr=False)
    old: LogSigner = field(repr=False)
    new: LogSigner = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Indexes of the two entries, and the sizes of the checkpoints that were signed with them."""

    added: int
    ended: int
    checkpoints: tuple[int, ...]


def succeed(ledger: Ledger, successor: Successor, ending: Ending, by: Signers, *, now: str) -> Succeeded:
    """Append and sign all of it, or nothing. Raises what `Ledger.append` and `Ledger.checkpoint` raise."""
    add = key_add_leaf(
        origin=ledger.origin, role=successor.role, public_key=successor.public_key, vkeys=successor.vkeys,
        root=by.adding[0], more_roots=by.adding[1:], sealed=successor.sealed, now=now,
    )  # fmt: skip
    heads: list[int] = []

    def sign_heads(store: Store, indexes: tuple[int, ...]) -> None:
        added, ended = indexes
        hand_over = successor.role == LEDGER and ending.from_index is None
        for size, logs in ([(added + 1, (by.old, by.new))] if hand_over else []) + [(ended + 1, (by.new,))]:
            head = _head(store, ledger.rules.keyring, ledger.origin, size, logs, now)
            store.insert_checkpoint(head, now)
            heads.append(size)

    drafts = [Draft(add, successor.sealed), Draft(_end(ledger.origin, ending, by.ending, now))]
    added, ended = ledger.append(drafts, now=now, also=sign_heads)
    return Succeeded(added=added, ended=ended, checkpoints=tuple(heads))


def _end(origin: str, ending: Ending, roots: Sequence[Signer], now: str) -> bytes:
    if ending.from_index is None:
        return key_retire_leaf(origin=origin, kid=ending.kid, reason=ending.reason, roots=roots, now=now)
    return key_revoke_leaf(
        origin=origin, kid=ending.kid, from_index=ending.from_index, reason=ending.reason, roots=roots, now=now
    )


def _head(store: Store, keyring: Keyring, origin: str, size: int, logs: Sequence[LogSigner], now: str) -> Checkpoint:
    """SPEC 7.3, inside the transaction that appended the entries."""
    require_extension(store, store.latest_checkpoint())
    for log in logs:
        require_log_key(keyring, origin, size, log)
    return sign_checkpoint(origin, size, range_root(0, size, store.subtree), *logs, now=now)
