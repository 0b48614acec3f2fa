"""Entries: a signed statement as one leaf of the log (SPEC 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from personactl_ledger.envelope import Envelope, EnvelopeSignature, pae, parse_envelope, write_envelope
from personactl_ledger.errors import ProfileError
from personactl_ledger.made_here import SignedLeaf
from personactl_ledger.merkle import leaf_hash
from personactl_ledger.predicates import require_fields
from personactl_ledger.signer import Signer, signs_in_memory
from personactl_ledger.statement import Statement, parse_statement, reread


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one leaf says. `payload` and `leaf` are the exact bytes, `leaf_hash` 32 bytes, `subject_sha256` 64 hex."""

    kind: str
    subject_name: str
    subject_sha256: str
    predicate: dict[str, Any]
    payload: bytes = field(repr=False)
    key_ids: tuple[str, ...]
    signatures: tuple[EnvelopeSignature, ...] = field(repr=False)
    leaf: bytes = field(repr=False)
    leaf_hash: bytes = field(repr=False)


def sign_entry(statement: bytes, *signers: Signer) -> bytes:
    """Wrap payload bytes in an envelope signed by each signer: the leaf (SPEC 3.1).

    `append` verifies the signatures, but for those of keys in memory over these very bytes (docs/adr/0116).
    Raises ProfileError without a signer, FormatError when the leaf would be too long or a key signs twice.
    """
    if not signers:
        raise ProfileError("an entry needs a signer")
    message = pae(statement)
    signatures = tuple(EnvelopeSignature(s.key_id, s.sign(message)) for s in signers)
    leaf = write_envelope(statement, signatures)
    if not all(map(signs_in_memory, signers)):
        return leaf
    return SignedLeaf.mark(leaf, Envelope(statement, signatures), tuple(s.public_key for s in signers))


def parse_entry(leaf: bytes, *, later: bool = False, likely: bytes = b"") -> Entry:
    """Parse a leaf strictly; signatures are not checked here (SPEC 3.3).

    `later` also takes kinds of a later version: the `kind` is then not in KINDS (SPEC 6.10). `likely` may be what the
    payload probably is, from any source; it saves time and changes nothing else.

    Raises FormatError (codes ledger.leaf-size, ledger.envelope, ledger.profile, ledger.statement, ledger.kind-unknown,
    ledger.predicate).
    """
    envelope = parse_envelope(leaf, likely)
    return _entry(leaf, envelope, parse_statement(envelope.payload, later=later))


def read_draft(leaf: bytes) -> tuple[Entry, tuple[bytes, ...]]:
    """The entry that `parse_entry` answers, and the public keys that have signed it in this process, in order.

    No keys means that the signatures have to be verified. Raises as `parse_entry`.
    """
    if type(leaf) is not SignedLeaf:
        return parse_entry(leaf), ()
    return _entry(bytes(leaf), leaf.envelope, reread(leaf.envelope.payload)), leaf.public_keys


def _entry(leaf: bytes, envelope: Envelope, said: Statement) -> Entry:
    require_fields(said.kind, said.predicate)
    return Entry(
        kind=said.kind,
        subject_name=said.subject_name,
        subject_sha256=said.subject_sha256,
        predicate=said.predicate,
        payload=bytes(envelope.payload),
        key_ids=tuple(s.key_id for s in envelope.signatures),
        signatures=envelope.signatures,
        leaf=leaf,
        leaf_hash=leaf_hash(leaf),
    )
