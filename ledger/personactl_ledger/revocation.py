"""What is not to be believed once keys were revoked (SPEC 9.1, 12.8): one rule, for entries and for signed heads.

    ends_of(keyring, revoked)    each key that is not believed, with the first index from where
    believed(head, keys, ends)   those of the ledger keys that signed a tree head which may be believed about it
    Distrust(ends)               entries, in the order of the log

A key ends where the verifier or a key-revoke says. A key that a distrusted entry certified was never anybody's but the
thief's: it ends at 0. A key-revoke that is itself distrusted ends its key and takes nothing back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.ed25519 import key_id
from personactl_ledger.entry import Entry
from personactl_ledger.keyring import Keyring
from personactl_ledger.note import Vkey
from personactl_ledger.projection import certified_key
from personactl_ledger.trust import earliest


def ends_of(keyring: Keyring, revoked: Mapping[str, int]) -> dict[str, int]:
    """Key ids to the first index that is not believed: enrolled keys, and run keys that were revoked themselves.

    `revoked` is what the verifier's trust file says. What only run-open entries certify is left to `Distrust`.
    """
    return _fallen(keyring, counting(keyring, revoked))


def counting(keyring: Keyring, revoked: Mapping[str, int]) -> dict[str, int]:
    """The revocations that take something back, without what falls by them: all of `revoked`, and of the ledger's those
    that are not distrusted by these, or by a key-revoke that would be believed if every one of them counted."""
    said = {key: revocation.from_index for key, revocation in keyring.revocations.items()}
    doubted = _doubted(keyring, _fallen(keyring, earliest(said, revoked)))
    sure = {key: start for key, start in said.items() if key not in doubted}
    refuted = _doubted(keyring, _fallen(keyring, earliest(sure, revoked)))
    return earliest({key: start for key, start in said.items() if key not in refuted}, revoked)


def _fallen(keyring: Keyring, starts: Mapping[str, int]) -> dict[str, int]:
    """With the keys that fall by `starts`: one pass, for the keyring has them in the order of the log."""
    ends = dict(starts)
    for key in keyring.keys.values():
        if any(_falls(ends, signer, key.added) for signer in key.certified_by):
            ends[key.key_id] = 0
    return ends


def _doubted(keyring: Keyring, ends: Mapping[str, int]) -> set[str]:
    """The keys whose key-revoke is distrusted under `ends`."""
    return {
        key
        for key, revocation in keyring.revocations.items()
        if any(_falls(ends, signer, revocation.at) for signer in revocation.signers)
    }


def _falls(ends: Mapping[str, int], key: str, index: int) -> bool:
    start = ends.get(key)
    return start is not None and index >= start


class Distrust:
    """Give it the entries in the order of the log. `ends` is what `ends_of` says."""

    def __init__(self, ends: Mapping[str, int]):
        self._ends = dict(ends)

    def falls(self, key: str, index: int) -> bool:
        """Whether what `key` signed at `index` is distrusted, as far as the entries that were judged so far say."""
        return _falls(self._ends, key, index)

    def judge(self, index: int, entry: Entry) -> bool:
        """Whether the entry is distrusted; what it certifies falls with it."""
        fallen = any(self.falls(key, index) for key in entry.key_ids)
        certified = certified_key(entry)
        if fallen and certified is not None:
            self._ends[certified] = 0
        return fallen


def believed(
    checkpoint: Checkpoint, ledger_keys: Iterable[tuple[Vkey, ...]], ends: Mapping[str, int]
) -> tuple[tuple[Vkey, ...], ...]:
    """Those of `ledger_keys` that may be believed about a tree of this size: that do not end below it (SPEC 9.1)."""
    return tuple(
        keys for keys in ledger_keys if checkpoint.size <= ends.get(key_id(keys[0].public_key), checkpoint.size)
    )
