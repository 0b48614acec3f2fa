"""What a trust file of this ledger has to say of it: every key that older and newer receipts need (SPEC 9.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from personactl_ledger.approvals import named_approvers
from personactl_ledger.predicates import LEDGER, ROOT
from personactl_ledger.revocation import Distrust, counting, ends_of
from personactl_ledger.trust import LedgerTrust

if TYPE_CHECKING:
    from personactl_ledger.view import LedgerView


def own_trust(view: LedgerView) -> LedgerTrust:
    """`LedgerView.trust`: retired keys too, since what they signed stands; keys that a thief enrolled are left out."""
    keyring = view.rules.keyring
    revoked = counting(keyring, {})
    distrust = Distrust(ends_of(keyring, {}))
    named = named_approvers(view, distrust)[-1]
    kept = [key for key in keyring.keys.values() if key.added == 0 or not distrust.falls(key.key_id, key.added)]
    keys = tuple(keyring.keys[kid].public_key for kid in named.keys if kid in keyring.keys)
    return LedgerTrust(
        origin=view.origin,
        log_keys=tuple(str(vkey) for key in kept if key.role == LEDGER for vkey in key.vkeys),
        root_keys=tuple(key.public_key for key in kept if key.role == ROOT),
        approvers=(named.threshold, keys) if len(keys) >= named.threshold > 0 else None,
        revoked=tuple(sorted(revoked.items(), key=lambda item: (item[1], item[0]))),
    )
