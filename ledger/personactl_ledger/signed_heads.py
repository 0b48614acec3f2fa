"""Which trees of a ledger were signed, as far as anchors, the lost file and those beside it show (SPEC 17.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from personactl_ledger.check_signed import parse_anchor
from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, log_signed_part, parse_checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.errors import FormatError, LedgerError
from personactl_ledger.merkle import range_root
from personactl_ledger.note import Vkey
from personactl_ledger.revocation import believed, ends_of
from personactl_ledger.view import LedgerView

_CHUNK = 1 << 24
_OVERLAP = 1 << 15
_LINES = "(?:\N{EM DASH} [^\\s+]{1,255} [A-Za-z0-9+/=]{8,6000}\n){1,8}".encode()
LedgerKeys = Sequence[tuple[Vkey, ...]]


def signed_heads(
    book: LedgerView, anchors: Sequence[bytes], files: Sequence[Path], *, later: LedgerKeys = (),
    revoked: Mapping[str, int] | None = None,
) -> list[Checkpoint]:  # fmt: skip
    """Every tree head of `book`'s ledger that anchors or files show, smallest first, one for each (size, root).

    Each was signed by a ledger key that `book` enrolled, and keeps the lines of that key only. Keys of `later` may have
    been enrolled after `book` ends: they count for trees that `book` does not have. A head that only keys signed which
    `book` or `revoked` revokes from below it proves nothing, and is left out (SPEC 12.8). Raises FormatError
    (code ledger.anchor) for an anchor that cannot be read or is not from this ledger; what a file holds and cannot be
    read is passed over.
    """
    keyring = book.rules.keyring
    keys = [key.vkeys for key in keyring.keys.values() if key.vkeys]
    ends = ends_of(keyring, revoked or {})
    found: dict[tuple[int, bytes], Checkpoint] = {}
    for data in anchors:
        head = _anchor(data)
        by = _signers(head, book, keys, later)
        if not by:
            raise _not_signed(head, book.origin, keys)
        _take(found, head, by, ends)
    for candidate in (note for path in files for note in notes_in(path, book.origin)):
        if (candidate.size, candidate.root) not in found:
            _take(found, candidate, _signers(candidate, book, keys, later), ends)
    return [found[key] for key in sorted(found)]


def notes_in(path: Path, origin: str) -> Iterator[Checkpoint]:
    """Texts in a file, whole or damaged, that have the form of a checkpoint of `origin`. Signatures are not checked."""
    pattern = re.compile(re.escape(origin.encode()) + rb"\n[0-9]{1,19}\n[A-Za-z0-9+/]{43}=\n\n" + _LINES)
    with storage_errors(path), path.open("rb") as stream:
        kept = b""
        while data := stream.read(_CHUNK):
            kept = kept[-_OVERLAP:] + data
            for match in pattern.finditer(kept):
                try:
                    yield parse_checkpoint(match[0])
                except LedgerError:
                    continue


def _anchor(data: bytes) -> Checkpoint:
    try:
        return parse_anchor(data)
    except LedgerError as error:
        raise FormatError(f"an anchor cannot be read: {error.message}", code="ledger.anchor") from None


def _signers(head: Checkpoint, book: LedgerView, keys: LedgerKeys, later: LedgerKeys) -> LedgerKeys:
    """The ledger keys that signed it whole."""
    if head.origin != book.origin:
        return ()
    by = accept_checkpoint(head, keys).by
    return by or (() if _is_of(head, book) else accept_checkpoint(head, later).by)


def _is_of(head: Checkpoint, book: LedgerView) -> bool:
    """Whether `book` has this tree: then it has every entry that could enrol the signer."""
    return 0 < head.size <= book.size and range_root(0, head.size, book.store.subtree) == head.root


def _not_signed(head: Checkpoint, origin: str, keys: LedgerKeys) -> FormatError:
    if head.origin != origin or accept_checkpoint(head, keys).wrong:
        return FormatError(
            "an anchor is from another ledger, or its signature is wrong",
            hint="leave it out, or name the backup of the ledger that it belongs to",
            code="ledger.anchor",
        )
    return FormatError(
        f"an anchor over {head.size} entries is signed by a ledger key that this backup does not know: it was enrolled"
        " later, or the anchor is not genuine",
        hint="bring the newer entries with --replay; they enrol the key, if it is one",
        code="ledger.anchor",
    )


def _take(
    found: dict[tuple[int, bytes], Checkpoint], head: Checkpoint, by: LedgerKeys, ends: Mapping[str, int]
) -> None:
    """Keep the head with the lines of the first key of `by` that is believed, if there is one."""
    for keys in believed(head, by, ends)[:1]:
        found[head.size, head.root] = parse_checkpoint(log_signed_part(head, keys))
