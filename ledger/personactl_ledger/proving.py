"""Assembling a receipt: the entry, and every entry that certifies a key it depends on (SPEC 8.4)."""

from __future__ import annotations

from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import LedgerConflict, LedgerCorrupt, LedgerMissing
from personactl_ledger.keyring import Keyring
from personactl_ledger.merkle import inclusion_path
from personactl_ledger.predicates import KINDS, RUN
from personactl_ledger.proof import TlogProof
from personactl_ledger.receipt import KeyEntry, Receipt, Timestamp
from personactl_ledger.stamp_rows import stamps_of
from personactl_ledger.store import Store


def prove(
    store: Store, keyring: Keyring, index: int, timestamps: tuple[Timestamp, ...], size: int | None = None
) -> Receipt:  # fmt: skip
    """The receipt of entry `index` against the latest checkpoint, or that over `size` entries, with the witness lines
    and the time stamps that are stored for it, or with `timestamps` in their place.

    Raises LedgerMissing (codes ledger.entry-missing, ledger.no-checkpoint), LedgerConflict (code ledger.voided).
    """
    row = store.leaf(index)
    if row is None:
        raise LedgerMissing(f"there is no entry {index}", code="ledger.entry-missing")
    ended = store.taken_back_by(index)
    if ended is not None:
        raise LedgerConflict(
            f"entry {index} does not stand any more: entry {ended} takes it back",
            hint="a receipt is only written for what stands",
            code="ledger.voided",
        )
    checkpoint = store.latest_checkpoint() if size is None else store.checkpoint(size)
    if checkpoint is None and size is not None:
        raise LedgerMissing(
            f"no checkpoint over {size} entries was signed",
            hint="without --at one is chosen",
            code="ledger.no-checkpoint",
        )
    if checkpoint is None or checkpoint.size <= index:
        raise LedgerMissing(
            f"no checkpoint covers entry {index} yet" if size is None else f"{size} entries do not cover entry {index}",
            hint="personactl ledger checkpoint signs one; the end of a run does too",
            code="ledger.no-checkpoint",
        )
    checkpoint = _with_cosignatures(store, checkpoint)
    certifying = sorted(_certifying(store, keyring, index, parse_entry(row[0])))
    return Receipt(
        leaf=row[0],
        proof=TlogProof(index=index, path=inclusion_path(index, checkpoint.size, store.subtree), checkpoint=checkpoint),
        keys=tuple(_key_entry(store, place, checkpoint.size) for place in certifying),
        timestamps=timestamps or stamps_of(store, checkpoint.size),
    )


def _certifying(store: Store, keyring: Keyring, index: int, entry: Entry) -> set[int]:
    """Genesis, and the entries that stand behind the signers of `entry`, down to a root key of the genesis."""
    found = {0} - {index}
    waiting = [(index, entry)]
    while waiting:
        place, said = waiting.pop()
        for below in _certifiers(store, keyring, place, said):
            if below not in found and below != index:
                found.add(below)
                waiting.append((below, _entry(store, below)))
    return found


def _certifiers(store: Store, keyring: Keyring, index: int, entry: Entry) -> list[int]:
    if KINDS[entry.kind] == RUN:
        certifier = store.certifier(entry.key_ids[0])
        if certifier is None or certifier >= index:
            raise LedgerCorrupt(f"no run-open certifies the signer of entry {index}", code="ledger.run-key")
        return [certifier]
    places = []
    for key in entry.key_ids:
        enrolled = keyring.keys.get(key)
        if enrolled is None:
            raise LedgerCorrupt(f"no entry enrols a signer of entry {index}", code="ledger.signer-unknown")
        places.append(enrolled.added)
    return places


def _key_entry(store: Store, index: int, size: int) -> KeyEntry:
    return KeyEntry(leaf=_entry(store, index).leaf, index=index, path=inclusion_path(index, size, store.subtree))


def _entry(store: Store, index: int) -> Entry:
    row = store.leaf(index)
    if row is None:
        raise LedgerCorrupt(f"entry {index} is missing", code="ledger.index-gap")
    return parse_entry(row[0])


def _with_cosignatures(store: Store, checkpoint: Checkpoint) -> Checkpoint:
    lines = "".join(store.cosignature_lines(checkpoint.size))
    return Checkpoint(
        origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, note=checkpoint.note + lines
    )
