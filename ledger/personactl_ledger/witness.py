"""What a witness demands before it cosigns (C2SP tlog-witness; SPEC 14.5, 14.6). Rules only: no file, network or clock.

    old 20852014
    <base64 of each hash of the consistency proof>
    <empty line>
    <the checkpoint, verbatim>

The rules of trust, in the order in which they are applied; the number is the HTTP status that says no:

1. The request has that form, and nothing else.                                                              400
2. The origin is that of a ledger that the witness was told to follow.                                       404
3. A ledger key that it was told to believe signed the checkpoint whole, and no line of such a key is wrong.
   What only keys signed that it was told are revoked from below the size is not believed.                   403
4. The checkpoint has the three lines of a ledger, and the old size is not above its size.                   400
5. The old size is the size of the largest tree that it cosigned, or 0 before the first: never smaller.      409
6. The tree over nothing has the root over nothing; from nothing there is nothing to prove.                  422
7. The proof shows that the new tree extends the old one; the same size has the same root and no proof.      422

Only then is the checkpoint remembered, and only then cosigned (witness_state.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, parse_checkpoint
from personactl_ledger.encoding import from_base64, to_base64
from personactl_ledger.errors import FormatError, LedgerError, WitnessRefused
from personactl_ledger.merkle import EMPTY_ROOT, HASH_BYTES, consistent
from personactl_ledger.note import MAX_NOTE_BYTES, Vkey, parse_note
from personactl_ledger.revocation import believed
from personactl_ledger.trust import LedgerTrust

MAX_PROOF = 63
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096
"""A note, 63 lines of 45 bytes, the first line and the empty one."""
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedLog:
    """A ledger that a witness was told to follow: its origin, its ledger keys as groups (SPEC 7.4), and the keys that
    are not believed, each with the first index from where (SPEC 9.1)."""

    origin: str
    keys: tuple[tuple[Vkey, ...], ...]
    revoked: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of_trust(cls, trust: LedgerTrust) -> FollowedLog:
        """What a trust file says. Raises FormatError (code ledger.vkey)."""
        return cls(origin=trust.origin, keys=trust.ledger_keys(), revoked=tuple(sorted(trust.revoked)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The largest tree of a ledger that the witness cosigned: the empty one before the first."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request. `proof` holds 32-byte hashes, `note` is the checkpoint as it was sent, `origin` its first line."""

    old_size: int
    proof: tuple[bytes, ...]
    origin: str
    note: str

    def to_bytes(self) -> bytes:
        """The body of `POST /add-checkpoint`, or of a request file (SPEC 14.5, 14.8)."""
        lines = [f"old {self.old_size}", *(to_base64(digest) for digest in self.proof), ""]
        return ("\n".join(lines) + "\n" + self.note).encode()


def parse_request(data: bytes) -> AddCheckpoint:
    """Rule 1. Raises WitnessRefused (code witness.request-malformed)."""
    if len(data) > MAX_REQUEST_BYTES:
        raise _malformed(f"it is longer than {MAX_REQUEST_BYTES} bytes")
    try:
        head, separator, text = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if not separator or old is None or int(old[1]) >= 2**63:
        raise _malformed("it does not begin with “old N”, and hashes, and an empty line")
    if len(lines) > MAX_PROOF:
        raise _malformed(f"its proof has more than {MAX_PROOF} hashes")
    try:
        proof = tuple(from_base64(line) for line in lines)
        note = parse_note(text)
    except FormatError as error:
        raise _malformed(error.message) from None
    if any(len(digest) != HASH_BYTES for digest in proof):
        raise _malformed("a line of its proof is not the base64 of 32 bytes")
    return AddCheckpoint(old_size=int(old[1]), proof=proof, origin=note.text.partition("\n")[0], note=str(note))


def accepted(request: AddCheckpoint, log: FollowedLog | None) -> Checkpoint:
    """Rules 2 to 4: the checkpoint in the request is one of a ledger that the witness follows.

    `log` is what the witness was told about `request.origin`. Raises WitnessRefused: codes witness.log-unknown,
    witness.log-signature, witness.request-malformed.
    """
    if log is None or log.origin != request.origin:
        raise WitnessRefused(
            f"this witness does not follow {request.origin[:255]}",
            hint="its owner runs: personactl ledger witness log add TRUST_FILE --state DIR",
            code="witness.log-unknown",
            exit_code=5,
            status=404,
        )
    try:
        checkpoint = parse_checkpoint(request.note)
    except LedgerError as error:
        raise _malformed(error.message) from None
    found = accept_checkpoint(checkpoint, log.keys)
    if not found.accepted or not believed(checkpoint, found.by, dict(log.revoked)):
        raise WitnessRefused(
            "the checkpoint is not signed by the log keys that this witness believes",
            hint="give the witness the present trust file: personactl ledger witness log add --replace",
            code="witness.log-signature",
            exit_code=5,
            status=403,
        )
    if request.old_size > checkpoint.size:
        raise _malformed(f"the old size {request.old_size} is above the size {checkpoint.size} of the checkpoint")
    return checkpoint


def extends(request: AddCheckpoint, checkpoint: Checkpoint, held: Held) -> None:
    """Rules 5 to 7: the checkpoint extends what the witness cosigned.

    Raises WitnessRefused: codes witness.conflict (`size` is what the witness holds), witness.inconsistent.
    """
    if request.old_size != held.size:
        raise WitnessRefused(
            f"this witness cosigned a tree of {held.size} entries, and the request goes from {request.old_size}",
            hint=f"make the request again with --old-size {held.size}",
            code="witness.conflict",
            exit_code=10,
            status=409,
            size=held.size,
        )
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise _inconsistent("it signs another root than that of the empty tree")
    if held.size == 0:
        if request.proof:
            raise _inconsistent("there is nothing to prove from the empty tree, and the request has a proof")
    elif not consistent(held.size, checkpoint.size, held.root, checkpoint.root, request.proof):
        raise _inconsistent(
            f"the proof does not lead from the tree of {held.size} entries that this witness cosigned to the one of "
            f"{checkpoint.size}"
        )


def _malformed(reason: str) -> WitnessRefused:
    return WitnessRefused(
        f"this is not a request to a witness: {reason}",
        hint="make one with: personactl ledger witness request",
        code="witness.request-malformed",
        status=400,
    )


def _inconsistent(reason: str) -> WitnessRefused:
    return WitnessRefused(
        f"the checkpoint does not extend what this witness cosigned: {reason}",
        hint="keep the request and the ledger as they are: both are evidence",
        code="witness.inconsistent",
        status=422,
    )
