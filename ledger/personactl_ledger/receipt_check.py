"""Verifying a receipt offline (SPEC 9). The numbered steps here are those of SPEC 9.2.

1  parse            4  log signature     7  the chain of keys
2  the leaf         5  inclusion         8  the entry's own rules
3  the origin       6  genesis and root  9  the file             10  the witnesses

At the end of steps 4 and 8 comes what the verifier knows of revoked keys (SPEC 9.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from personactl_ledger.book import MemoryBook
from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint
from personactl_ledger.cosignature import NOT_COMPUTED, Cosigned, count_witnesses
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.errors import LedgerError, ReceiptError
from personactl_ledger.merkle import leaf_hash, root_from_inclusion
from personactl_ledger.note import ML_DSA_44, Vkey
from personactl_ledger.projection import certified_key
from personactl_ledger.receipt import Receipt, parse_receipt
from personactl_ledger.revocation import Distrust, believed
from personactl_ledger.rules import Rules, origin_of
from personactl_ledger.trust import LedgerTrust

KEY_KINDS = ("genesis", "key-add", "run-open")
LIMITS = (
    "no retirement, revocation or void is visible in a receipt, whether before or after the entry or the checkpoint",
    "the order of entries that are not in the receipt, and their number, are not checked",
)
"""What a receipt cannot show by its nature; verifiers print it (SPEC 9.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReport:
    """A receipt that holds. `keys_checked` are the ids of every key whose certification was followed, `signature_types`
    the note signature types that were verified, `shown` what its time stamps show, `witnesses` whose cosignatures hold
    among those that the trust file names, `notes` what was not checked here and why."""

    entry: Entry
    index: int
    size: int
    origin: str
    development: bool
    checkpoint: Checkpoint
    keys_checked: tuple[str, ...]
    signature_types: tuple[int, ...]
    timestamps: int
    shown: tuple[str, ...]
    notes: tuple[str, ...]
    witnesses: tuple[Cosigned, ...] = ()


_parsed = lru_cache(maxsize=32)(parse_entry)
"""A key entry is looked at in several steps, and receipts of one ledger share theirs. Nothing changes an entry."""


def verify_receipt(data: bytes, trust: LedgerTrust, *, subject_sha256: str | None) -> ReceiptReport:
    """Verify a receipt against `trust` (SPEC 9.2). `subject_sha256` is that of the file in hand, None to skip step 9.

    Raises ReceiptError naming the step: exit 4 when the receipt contradicts itself or the file, 5 when it holds for a
    log or a root key that `trust` does not name.
    """
    receipt = parse_receipt(data)
    entry = _leaf(receipt.leaf, "2", "receipt.leaf")
    checkpoint = receipt.proof.checkpoint
    if checkpoint.origin != trust.origin:
        raise _untrusted(
            "3", "receipt.origin", f"it is from {checkpoint.origin}, and the trust file is for {trust.origin}"
        )
    types, notes, signed_by = _log_signature(checkpoint, trust)
    _inclusion(receipt)
    genesis = _genesis(receipt, trust)
    rules = _key_chain(receipt, genesis)
    keys = _entry_rules(rules, receipt, entry)
    _no_more_keys(receipt, entry)
    _unrevoked(receipt, entry, trust)
    if subject_sha256 is not None and entry.subject_sha256 != subject_sha256:
        raise _failed("9", "receipt.subject", "it is about another file: the SHA-256 differs")
    witnesses = _witnesses(checkpoint, trust, notes)
    shown, said = _stamps(receipt, signed_by, trust)
    return ReceiptReport(
        entry=entry,
        index=receipt.proof.index,
        size=checkpoint.size,
        origin=checkpoint.origin,
        development=bool(genesis.predicate["development"]),
        checkpoint=checkpoint,
        keys_checked=keys,
        signature_types=types,
        timestamps=len(receipt.timestamps),
        shown=tuple(shown),
        notes=(*notes, *said, *LIMITS),
        witnesses=witnesses,
    )


def _leaf(leaf: bytes, step: str, code: str) -> Entry:
    """Step 2, and the same for key entries in steps 6 and 7."""
    try:
        return _parsed(leaf)
    except LedgerError as error:
        raise _failed(step, code, error.message) from None


def _log_signature(
    checkpoint: Checkpoint, trust: LedgerTrust
) -> tuple[tuple[int, ...], list[str], tuple[tuple[Vkey, ...], ...]]:
    """Step 4: signed by one ledger key that the trust file names, in every type of it that can be verified here."""
    try:
        keys = trust.ledger_keys()
    except LedgerError as error:
        raise _untrusted("4", "receipt.log-key", f"the trust file has an unusable log key: {error.message}") from None
    found = accept_checkpoint(checkpoint, keys)
    if found.wrong:
        raise _failed("4", "receipt.log-signature", "a signature of the log over the checkpoint is wrong")
    if not found.accepted:
        raise _untrusted(
            "4", "receipt.log-key", "the checkpoint is not signed by the log keys that the trust file names"
        )
    if not believed(checkpoint, found.by, trust.revoked_from()):
        raise _untrusted(
            "4", "receipt.revoked", "only a ledger key that was revoked from before it signed its checkpoint"
        )
    notes = []
    if ML_DSA_44 in found.unsupported:
        notes.append("the ML-DSA-44 signature was not checked: the installed cryptography library lacks it")
    return tuple(sorted(found.good)), notes, found.by


def _inclusion(receipt: Receipt) -> None:
    """Step 5: the leaf and every key entry lead to the one root."""
    head = receipt.proof.checkpoint
    proofs = [(receipt.leaf, receipt.proof.index, receipt.proof.path)]
    proofs += [(item.leaf, item.index, item.path) for item in receipt.keys]
    for leaf, index, path in proofs:
        if root_from_inclusion(leaf_hash(leaf), index, head.size, path) != head.root:
            raise _failed("5", "receipt.inclusion", f"entry {index} is not in the tree that the checkpoint signs")


def _genesis(receipt: Receipt, trust: LedgerTrust) -> Entry:
    """Step 6: the genesis makes this origin, and a root key that the trust file names and believes signed it."""
    leaf = receipt.leaf if receipt.proof.index == 0 else receipt.keys[0].leaf if receipt.keys else b""
    place = 0 if receipt.proof.index == 0 or not receipt.keys else receipt.keys[0].index
    genesis = _leaf(leaf, "6", "receipt.genesis")
    if place != 0 or genesis.kind != "genesis" or origin_of(genesis) != trust.origin:
        raise _failed("6", "receipt.genesis", "its first key entry is not the genesis of this origin")
    if not trust.genesis_roots() & set(genesis.key_ids):
        raise _untrusted("6", "receipt.root-key", "the genesis is not signed by a root key that the trust file names")
    return genesis


def _key_chain(receipt: Receipt, genesis: Entry) -> Rules:
    """Step 7: each key entry, in the order of the log, is signed by a key that an earlier one certified."""
    rules = Rules(MemoryBook())
    before = -1
    for item in receipt.keys:
        entry = _leaf(item.leaf, "7", "receipt.key-chain")
        if entry.kind not in KEY_KINDS or not before < item.index < receipt.proof.index:
            raise _failed("7", "receipt.key-chain", "its key entries are of a wrong kind or out of order")
        try:
            rules.admit(item.index, entry)
        except LedgerError as error:
            raise _failed("7", "receipt.key-chain", f"entry {item.index}: {error.message}") from None
        rules.record(item.index, entry)
        before = item.index
    return rules


def _no_more_keys(receipt: Receipt, entry: Entry) -> None:
    """Step 8: each key entry but the genesis certifies a signer of what comes after it (SPEC 8.4)."""
    signers = set(entry.key_ids)
    for item in reversed(receipt.keys[1:]):
        said = _parsed(item.leaf)
        if certified_key(said) not in signers:
            raise _failed("8", "receipt.key-chain", f"entry {item.index} certifies no signer of anything in it")
        signers |= set(said.key_ids)


def _entry_rules(rules: Rules, receipt: Receipt, entry: Entry) -> tuple[str, ...]:
    """Step 8: the entry names this origin and is signed by a key that may sign its kind."""
    try:
        rules.admit_signers(receipt.proof.index, entry)
    except LedgerError as error:
        raise _failed("8", "receipt.signature", error.message) from None
    keys = [*entry.key_ids, *(key for item in receipt.keys for key in _parsed(item.leaf).key_ids)]
    return tuple(dict.fromkeys(keys))


def _unrevoked(receipt: Receipt, entry: Entry, trust: LedgerTrust) -> None:
    """The end of step 8: neither the entry nor what certifies its signers falls by a revocation (SPEC 9.1)."""
    distrust = Distrust(trust.revoked_from())
    for item in receipt.keys:
        distrust.judge(item.index, _parsed(item.leaf))
    if distrust.judge(receipt.proof.index, entry):
        raise _untrusted(
            "8", "receipt.revoked", "a key that it rests on was revoked from before it, says the trust file"
        )


def _witnesses(checkpoint: Checkpoint, trust: LedgerTrust, notes: list[str]) -> tuple[Cosigned, ...]:
    """Step 10: as many witnesses of the trust file as it asks for cosigned, and no line of any of them is wrong."""
    quorum = trust.witnesses[0]
    try:
        keys = trust.witness_keys()
    except LedgerError as error:
        raise _unwitnessed(f"the trust file has an unusable key of a witness: {error.message}") from None
    found = count_witnesses(checkpoint, keys)
    if found.wrong:
        raise _failed("10", "receipt.witness-signature", f"a cosignature of the witness {found.wrong[0]} is wrong")
    if len(found.by) < quorum:
        raise _unwitnessed(f"{len(found.by)} of the {quorum} that are asked for cosigned its checkpoint")
    if found.unsupported:
        notes.append(NOT_COMPUTED)
    return found.by


def _stamps(
    receipt: Receipt, signed_by: tuple[tuple[Vkey, ...], ...], trust: LedgerTrust
) -> tuple[list[str], list[str]]:
    """SPEC 15.5: what the time stamps show, and what was not checked of them or does not count."""
    count = len(receipt.timestamps)
    if not count:
        return [], []
    if not trust.tsa_roots:
        return [], [f"{count} time stamps were not checked: the trust file names no tsaRoots"]
    from personactl_ledger.receipt_stamps import check_stamps  # its libraries are only needed for time stamps

    return check_stamps(receipt, signed_by, trust.tsa_roots)


def _failed(step: str, code: str, reason: str) -> ReceiptError:
    return ReceiptError(f"the receipt does not hold: {reason}", code=code, where=f"SPEC 9.2 step {step}")


def _untrusted(step: str, code: str, reason: str) -> ReceiptError:
    return ReceiptError(
        f"the receipt is not from a signer that you trust: {reason}",
        code=code,
        where=f"SPEC 9.2 step {step}",
        hint="ask the sender for the trust file that belongs to this ledger",
        exit_code=5,
    )


def _unwitnessed(reason: str) -> ReceiptError:
    return ReceiptError(
        f"the receipt does not have the witnesses that you ask for: {reason}",
        code="receipt.witness-quorum",
        where="SPEC 9.2 step 10",
        hint="ask the sender for a receipt under a checkpoint that the witnesses cosigned",
        exit_code=5,
    )
