"""The operator's side of witnesses: writing a request, reading an answer, keeping the lines (SPEC 14.5, 14.8, 14.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.cosignature import Witness, cosigned_at, verify_cosignature
from personactl_ledger.database import storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import FormatError, LedgerConflict, LedgerError, LedgerMissing, WitnessRefused
from personactl_ledger.ledger import Ledger
from personactl_ledger.merkle import consistency_path
from personactl_ledger.note import NoteSignature, Vkey, parse_note
from personactl_ledger.store import Store
from personactl_ledger.trust import witnesses_of
from personactl_ledger.view import LedgerView
from personactl_ledger.witness import MAX_REQUEST_BYTES, AddCheckpoint
from personactl_ledger.witness_client import Answer, unusable

MAX_ANSWER_FILE = MAX_REQUEST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """A cosignature that stands in the ledger. `seconds` is the witness's claim, `new` whether it was added now."""

    size: int
    name: str
    key_hash: bytes
    seconds: int
    new: bool


def make_request(view: LedgerView, *, old_size: int) -> AddCheckpoint:
    """The request to cosign the latest checkpoint, for a witness that holds `old_size` entries (SPEC 14.5).

    Raises LedgerMissing (code ledger.no-checkpoint), LedgerError (code witness.ahead) when the witness holds more.
    """
    checkpoint = view.latest_checkpoint()
    if checkpoint is None:
        raise LedgerMissing(
            "no checkpoint was signed yet", hint="personactl ledger checkpoint", code="ledger.no-checkpoint"
        )
    if old_size > checkpoint.size:
        raise LedgerError(
            f"the witness cosigned a tree of {old_size} entries, and the latest checkpoint here covers "
            f"{checkpoint.size}: "
            "this file is an earlier state of the ledger, or the witness is wrong",
            where=str(view.path),
            hint="find the newer file; a backup that was put back goes on under a new origin (restore)",
            code="witness.ahead",
        )
    with storage_errors(view.path):
        path = consistency_path(old_size, checkpoint.size, view.store.subtree) if old_size else ()
    return AddCheckpoint(old_size=old_size, proof=path, origin=checkpoint.origin, note=checkpoint.note)


def known_size(view: LedgerView, witnesses: Iterable[Witness]) -> int:
    """The largest tree that this ledger has a cosignature of one of these witnesses for; 0 without any."""
    with storage_errors(view.path):
        return max((view.store.cosigned_size(key.name, key.key_hash) for key in _keys(witnesses)), default=0)


def ask(view: LedgerView, witnesses: Sequence[Witness], post: Callable[[bytes], Answer]) -> str:
    """Ask one witness, once more when it says that it holds another size. The checkpoint with its lines, as a note.

    `post` sends a request and gives the answer. Raises WitnessRefused, WitnessProblem, and LedgerError (witness.ahead).
    """
    request = make_request(view, old_size=known_size(view, witnesses))
    answer = post(request.to_bytes())
    if answer.status == 409 and answer.size is not None and answer.size != request.old_size:
        request = make_request(view, old_size=answer.size)
        answer = post(request.to_bytes())
    if answer.status != 200:
        raise _refused(answer)
    try:
        note = request.note + answer.body.decode("utf-8")
        found = _lines_of(parse_checkpoint(note), witnesses)
    except (UnicodeDecodeError, FormatError):
        raise unusable("it is not a list of signature lines") from None
    if not found:
        raise unusable("it holds no line of the verifier keys that were given")
    return note


def take_in(ledger: Ledger, note: bytes | str, witnesses: Sequence[Witness], *, now: str) -> tuple[TakenIn, ...]:
    """Keep the cosignatures of these witnesses that a cosigned checkpoint carries, in one transaction (SPEC 14.9).

    Raises FormatError when it is not a checkpoint, LedgerConflict (code witness.other-checkpoint) when it is not one of
    this ledger, WitnessProblem (code witness.answer) for a wrong line or none.
    """
    require_time(now)
    cosigned = parse_checkpoint(note)
    with ledger.write() as store:
        stored = store.checkpoint(cosigned.size)
        if stored is None or stored.body != cosigned.body:
            raise LedgerConflict(
                f"the checkpoint over {cosigned.size} entries is not one that this ledger signed and kept",
                hint="it is of another ledger, or of another state of this one: keep it, it is evidence",
                code="witness.other-checkpoint",
            )
        found = [line for line in _lines_of(cosigned, witnesses) if line.name != cosigned.origin]
        if not found:
            raise unusable("it holds no line of a witness whose verifier key is known here")
        kept = tuple(_keep(store, cosigned.size, line, now) for line in found)
        _require_room(store, stored)
    return kept


def trusted_witnesses(view: LedgerView) -> tuple[Witness, ...]:
    """The witnesses that the newest trust entry of the ledger names; one that cannot be read names none."""
    with storage_errors(view.path):
        leaf = view.store.newest_trust()
    return witnesses_of(None if leaf is None else parse_entry(leaf, later=True))


def _keys(witnesses: Iterable[Witness]) -> list[Vkey]:
    return [key for witness in witnesses for keys in witness for key in keys]


def _lines_of(checkpoint: Checkpoint, witnesses: Iterable[Witness]) -> list[NoteSignature]:
    """The lines of these witnesses. Raises WitnessProblem (code witness.answer) when one of them does not hold."""
    note = parse_note(checkpoint.note)
    found = []
    for key in _keys(witnesses):
        for line in note.by(key):
            verdict = verify_cosignature(checkpoint, key, line)
            if verdict is False:
                raise unusable(f"a cosignature of {key.name} over {checkpoint.size} entries is wrong")
            if verdict:
                found.append(line)
    return found


def _keep(store: Store, size: int, line: NoteSignature, now: str) -> TakenIn:
    """One row for each key and size: the first line stays, a later one of the same key says nothing more."""
    new = store.insert_cosignature(size, line, now)
    return TakenIn(size=size, name=line.name, key_hash=line.key_hash, seconds=cosigned_at(line), new=new)


def _require_room(store: Store, checkpoint: Checkpoint) -> None:
    """The checkpoint with all its lines must still be a note, or no receipt under it could be read (SPEC 7.1)."""
    try:
        parse_note(checkpoint.note + "".join(store.cosignature_lines(checkpoint.size)))
    except FormatError:
        raise LedgerConflict(
            f"the checkpoint over {checkpoint.size} entries has as many cosignatures as a note can carry",
            hint="add the lines of fewer witnesses",
            code="witness.too-many",
        ) from None


def _refused(answer: Answer) -> LedgerError:
    """What a status other than 200 means. The reason is a stranger's text: short, and escaped where it is printed."""
    codes = {
        400: ("witness.request-malformed", 4),
        403: ("witness.log-signature", 5),
        404: ("witness.log-unknown", 5),
        422: ("witness.inconsistent", 4),
    }
    if answer.status == 409 and answer.size is not None:
        return WitnessRefused(
            f"the witness holds another size, {answer.size}, than it said before",
            hint="somebody else asks it at the same time; ask again",
            code="witness.conflict",
            exit_code=10,
            status=409,
            size=answer.size,
        )
    if answer.status not in codes:
        return unusable(f"it has the status {answer.status}")
    code, exit_code = codes[answer.status]
    reason = answer.body[:200].decode("utf-8", "replace").strip() or f"status {answer.status}"
    return WitnessRefused(f"the witness refuses: {reason}", code=code, exit_code=exit_code, status=answer.status)
