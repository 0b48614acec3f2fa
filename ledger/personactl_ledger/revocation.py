"""Which entries are not to be believed once keys were revoked (SPEC 9.1, 12.8): one pass in the order of the log.

An entry is distrusted when a key that was revoked from its index or from below it signed it. A key that such an entry
certifies is then revoked from that entry on, so a thief's own keys fall with the stolen one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.ed25519 import key_id
from personactl_ledger.entry import Entry
from personactl_ledger.note import Vkey
from personactl_ledger.projection import certified_key


class Distrust:
    """Give it the entries in the order of the log. `revoked` maps key ids to the first index that is not believed."""

    def __init__(self, revoked: Mapping[str, int]):
        self._from = dict(revoked)

    def falls(self, key: str, index: int) -> bool:
        """Whether what `key` signed at `index` is distrusted, as far as the entries that were judged so far say."""
        start = self._from.get(key)
        return start is not None and index >= start

    def judge(self, index: int, entry: Entry) -> bool:
        """Whether the entry is distrusted; what it certifies falls with it."""
        fallen = any(self.falls(key, index) for key in entry.key_ids)
        certified = certified_key(entry)
        if fallen and certified is not None:
            self._from[certified] = min(index, self._from.get(certified, index))
        return fallen


def believed(
    checkpoint: Checkpoint, ledger_keys: Iterable[tuple[Vkey, ...]], revoked: Mapping[str, int]
) -> tuple[tuple[Vkey, ...], ...]:
    """Those of `ledger_keys` that may be believed about a tree of this size: not revoked from below it (SPEC 9.1)."""
    return tuple(
        keys for keys in ledger_keys if checkpoint.size <= revoked.get(key_id(keys[0].public_key), checkpoint.size)
    )
