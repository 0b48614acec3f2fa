"""Leaves that end a key, or say who approves (SPEC 6.6, 6.12). Those that enrol one: `founding.key_add_leaf`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from personactl_ledger.canonical import canonical_bytes
from personactl_ledger.encoding import from_base64, require_time
from personactl_ledger.entry import sign_entry
from personactl_ledger.signer import Signer
from personactl_ledger.statement import statement


def key_retire_leaf(*, origin: str, kid: str, reason: str = "", roots: Sequence[Signer], now: str) -> bytes:
    """The leaf of a key-retire entry; the subject is the key, by the digest that its id holds."""
    said = {"origin": origin, "kid": kid, "retiredAt": require_time(now), **({"reason": reason} if reason else {})}
    return sign_entry(statement("key-retire", subject=_subject(kid), predicate=said), *roots)


def key_revoke_leaf(*, origin: str, kid: str, from_index: int, reason: str, roots: Sequence[Signer], now: str) -> bytes:
    """The leaf of a key-revoke entry: nothing that the key signed from entry `from_index` on is to be believed."""
    said = {
        "origin": origin, "kid": kid, "fromIndex": from_index, "revokedAt": require_time(now), "reason": reason,
    }  # fmt: skip
    return sign_entry(statement("key-revoke", subject=_subject(kid), predicate=said), *roots)


def trust_leaf(
    *, origin: str, version: int, approvers: dict[str, Any] | None, witnesses: dict[str, Any] | None,
    roots: Sequence[Signer], now: str,
) -> bytes:  # fmt: skip
    """The leaf of a trust entry (SPEC 6.12); `approvers` is {threshold, keys}, `witnesses` {quorum, vkeys}."""
    state = {"approvers": approvers, "version": version, "witnesses": witnesses}
    digest = hashlib.sha256(canonical_bytes(state)).hexdigest()
    said = {"origin": origin, **state, "setAt": require_time(now)}
    return sign_entry(statement("trust", subject=("trust", digest), predicate=said), *roots)


def _subject(kid: str) -> tuple[str, str]:
    return "key", from_base64(kid.removeprefix("SHA256:")).hex()
