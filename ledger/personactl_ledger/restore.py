"""Putting a backup in place of a ledger that was lost (SPEC 17.3, 17.4).

1. the backup is checked in full and copied beside the target
2. leaves that were brought are appended to the copy, by the rules
3. what anchors, the lost file and those of earlier restores show of later trees decides: the copy goes on, or it ended
   and a new ledger begins
4. what was erased after the backup goes from the copy too, as far as these leaves and files tell
5. the result is checked in full, the old file gets a name that says what it is, the new one takes its place
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from personactl_ledger.backup import broken, copy_rows
from personactl_ledger.check import CheckReport, check
from personactl_ledger.check_signed import parse_anchor
from personactl_ledger.checkpoint import Checkpoint, checkpoint_body
from personactl_ledger.database import require_file, storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import EntryRefused, FormatError, LedgerConflict, LedgerCorrupt, LedgerError
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.lock import WriterLock
from personactl_ledger.lost_erasures import erase_again
from personactl_ledger.merkle import leaf_hash, range_root
from personactl_ledger.note import Vkey
from personactl_ledger.placing import discard, place_instead, place_new
from personactl_ledger.renewal import Refrozen, begin_again
from personactl_ledger.set_aside import aside_name, ended_name, files_beside
from personactl_ledger.signed_heads import signed_heads
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.trust import LedgerTrust

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreKeys:
    """Who signs. `root` is only asked for when a new ledger has to be founded."""

    root: Callable[[], Signer]
    operator: Signer
    log: LogSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What somebody remembers of the ledger that was lost: its size, and the hash (hex) of its last leaf or ""."""

    size: int
    last_leaf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a restore could know of later entries: the sizes of the trees that `anchors` are over, how many entries the
    project remembers (None when nobody does), and the files that were read for signed checkpoints."""

    anchors: tuple[int, ...]
    remembered: int | None
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A ledger stands at `path`. `ended` is the origin of the ledger that could not go on, None when it goes on;
    `kept` is then the read-only file with what is left of it, `kept_size` its entries. `newest` is the size of the
    largest tree that is known to have been signed, `aside` where the file went that stood at `path`. `erased` are
    sealed values of the backup that had been erased later, and went again. `doubtful` are files with sealed values of
    which some may have been erased in entries that nobody has any more. `checkpoint` is the size of the latest signed
    tree of what stands at `path`."""

    path: Path
    origin: str
    size: int
    replayed: int
    newest: int
    aside: Path | None
    known: Known
    erased: dict[int, tuple[str, ...]] = field(default_factory=dict)
    doubtful: tuple[Path, ...] = ()
    ended: str | None = None
    kept: Path | None = None
    kept_size: int = 0
    personas: tuple[Refrozen, ...] = ()
    checkpoint: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """The copy of the backup when it is as long as it gets: its origin and size, and what is known. `heads` are the
    signed trees that were found, as anchors."""

    origin: str
    size: int
    replayed: int
    newest: int
    behind: bool
    known: Known
    erased: dict[int, tuple[str, ...]]
    sealed: bool
    heads: tuple[bytes, ...]


def restore(
    backup: Path | str,
    target: Path | str,
    *,
    anchors: Sequence[bytes] = (),
    replay: Iterable[bytes] = (),
    seen: Seen | None = None,
    trust: LedgerTrust | None = None,
    reason: str,
    keys: RestoreKeys,
    now: str,
) -> Restored:
    """Make `target` a ledger again from `backup`. `replay` yields exact leaves; those that the backup has are skipped.
    `trust` is what a trust file of the project says: ledger keys that were enrolled after the backup, and revocations.

    Raises LedgerCorrupt (codes ledger.backup-broken, ledger.fork, ledger.replay), LedgerConflict (code
    ledger.replay-short) when leaves were brought and do not reach the newest signed tree, (ledger.restore-needless)
    when a whole ledger stands at `target` that is longer, (conflict.other-ledger) when `keys` are not of this ledger,
    FormatError (code ledger.anchor), LedgerLocked, LedgerStorage. Then nothing was changed.
    """
    backup, target = Path(backup), Path(target)
    require_time(now)
    require_file(backup)
    whole = _whole(target)
    report = check(backup)
    if set(report.errors) - {"ledger.erased-present"}:  # that one is mended here
        raise broken(backup, report.first_error)
    lock = WriterLock(target)
    work = _Work(target, whole, anchors, trust, reason, keys, now)
    try:
        return work.run(backup, replay, seen)
    finally:
        with storage_errors(target):
            work.clean()
        lock.release()


def _whole(target: Path) -> CheckReport | None:
    """The check of what stands at `target` when it is good. Asked before the lock is taken: whoever holds it looks like
    a writer at work, for whom a check is lenient."""
    if not (target.exists() or target.is_symlink()):
        return None
    require_file(target)
    with suppress(LedgerError):
        Ledger.open_reader(target).close()  # rolls back what a crash left half done
        report = check(target)
        return None if report.exit_code else report
    return None


class _Work:
    """One restore: `draft` is the copy of the backup, `fresh` a new ledger if one is needed, `whole` the check of what
    stands there if it is good."""

    def __init__(
        self, target: Path, whole: CheckReport | None, anchors: Sequence[bytes], trust: LedgerTrust | None, reason: str,
        keys: RestoreKeys, now: str,
    ):  # fmt: skip
        self.target, self.whole, self.anchors, self.trust = target, whole, anchors, trust
        self.reason, self.keys, self.now = reason, keys, now
        self.draft = target.with_name(target.name + ".restoring")
        self.fresh = target.with_name(target.name + ".beginning")

    def clean(self) -> None:
        for path in (self.draft, self.fresh):
            discard(path)

    def run(self, backup: Path, replay: Iterable[bytes], seen: Seen | None) -> Restored:
        with storage_errors(self.target):
            self.clean()  # what a crash left
        with Ledger.open_reader(backup) as book:
            copy_rows(book, self.draft)
        with Ledger.open_writer(self.draft) as book:
            draft = self._complete(book, replay, seen)
        return self._begin_again(draft) if draft.behind else self._go_on(draft)

    def _complete(self, book: Ledger, replay: Iterable[bytes], seen: Seen | None) -> _Draft:
        files = files_beside(self.target)
        before = book.size
        brought = _replay(book, replay, self.now)
        later, revoked = _known_keys(book.origin, self.keys.log, self.trust)
        heads = signed_heads(book, self.anchors, files, later=later, revoked=revoked)
        newest = _require_same_history(book, heads)
        behind = newest > book.size or (seen is not None and not _reaches(book, seen))
        if behind and brought:
            raise _too_short(book.size, max(newest, seen.size if seen is not None else 0))
        listed = any(self.keys.log.public_key == keys[0].public_key for keys in later[1:])
        _require_own(book, self.keys, in_use=not behind, known=seen is not None or listed)
        self._require_needed(book)
        if not behind:
            _keep_checkpoints(book, heads, self.now)
        erased = erase_again(book, files, operator=None if behind else self.keys.operator, now=self.now)
        if not behind:
            book.checkpoint(self.keys.log, now=self.now)  # what was brought, or said again here
        sizes = tuple(parse_anchor(anchor).size for anchor in self.anchors)
        known = Known(anchors=sizes, remembered=None if seen is None else seen.size, files=files)
        return _Draft(
            origin=book.origin, size=book.size, replayed=book.size - before, newest=newest, behind=behind, known=known,
            erased=erased, sealed=any(True for _ in book.store.all_sealed()),
            heads=tuple(head.note.encode() for head in heads),
        )  # fmt: skip

    def _require_needed(self, book: Ledger) -> None:
        """A whole ledger that is longer must not be taken back to a shorter one."""
        live = self.whole
        if live is not None and live.origin == book.origin and live.size > book.size:
            raise LedgerConflict(
                f"the ledger here is whole and has {live.size} entries, and this would leave {book.size}: there is"
                " nothing to restore",
                where=str(self.target),
                hint="work on with it; if it must go, move it away first: then a new ledger begins and says so",
                code="ledger.restore-needless",
            )

    def _go_on(self, draft: _Draft) -> Restored:
        self._require_good(self.draft, draft.heads)
        aside = self._swap(self.draft)
        unknown = draft.known.remembered is None and not draft.replayed  # nobody knows how far the ledger went
        return Restored(
            path=self.target, origin=draft.origin, size=draft.size, replayed=draft.replayed, newest=draft.newest,
            aside=aside, known=draft.known, erased=draft.erased, doubtful=(self.target,) * (unknown and draft.sealed),
            checkpoint=draft.size,
        )  # fmt: skip

    def _begin_again(self, draft: _Draft) -> Restored:
        with Ledger.open_reader(self.draft) as old:
            root = range_root(0, draft.size, old.store.subtree)
            subject = hashlib.sha256(checkpoint_body(draft.origin, draft.size, root).encode()).hexdigest()
            restores = {"origin": draft.origin, "size": draft.size, "root": root.hex()}
            origin, personas, entries = begin_again(
                self.fresh, old, restores=restores, subject=subject, reason=self.reason, root=self.keys.root(),
                operator=self.keys.operator, log=self.keys.log, now=self.now,
            )  # fmt: skip
        self._require_good(self.fresh, ())
        kept = ended_name(self.target, draft.origin, draft.size)
        with storage_errors(kept):
            self.draft.chmod(0o444)
            self.draft.replace(kept)
        named = any(item.sealed for item in personas)
        aside = self._swap(self.fresh)
        return Restored(
            path=self.target, origin=origin, size=entries, replayed=draft.replayed, newest=draft.newest, aside=aside,
            known=draft.known, erased=draft.erased, ended=draft.origin, kept=kept, kept_size=draft.size,
            personas=personas, doubtful=(*(kept,) * draft.sealed, *(self.target,) * named), checkpoint=entries,
        )  # fmt: skip

    def _require_good(self, path: Path, anchors: Sequence[bytes]) -> None:
        report = check(path, anchors=anchors)
        if report.exit_code:
            raise broken(path, report.first_error)

    def _swap(self, path: Path) -> Path | None:
        with ExitStack() as stack:
            stack.enter_context(storage_errors(self.target))
            if not self.target.exists():
                place_new(path, self.target)
                return None
            aside = aside_name(self.target, self.now)
            place_instead(path, self.target, aside)
            return aside


def _replay(book: Ledger, leaves: Iterable[bytes], now: str) -> bool:
    """Append leaves that are not there yet; whether any was brought. Raises LedgerCorrupt (code ledger.replay)."""
    batch: list[Draft] = []
    number = 0
    try:
        for leaf in leaves:
            number += 1
            if not book.store.has_leaf(leaf_hash(leaf)):
                parse_entry(leaf)
                batch.append(Draft(leaf))
            if len(batch) == BATCH:
                book.append(batch, now=now)
                batch = []
        if batch:
            book.append(batch, now=now)
    except (EntryRefused, FormatError, LedgerConflict) as error:
        raise LedgerCorrupt(
            f"the leaves that were brought do not continue the backup (up to line {number}): {error.message}",
            hint="bring every leaf after those of the backup, in order, one exact leaf a line",
            code="ledger.replay",
        ) from None
    return number > 0


def _require_same_history(book: Ledger, heads: Sequence[Checkpoint]) -> int:
    """The size of the largest signed tree. Raises LedgerCorrupt (code ledger.fork) for one of another history."""
    for head in heads:
        if 0 < head.size <= book.size and range_root(0, head.size, book.store.subtree) != head.root:
            raise LedgerCorrupt(
                f"a signed checkpoint over {head.size} entries has another root: the backup is of another history",
                hint="keep both files: personactl ledger compare shows where they part",
                code="ledger.fork",
            )
    last = book.latest_checkpoint()
    return max([head.size for head in heads], default=0 if last is None else last.size)


def _known_keys(
    origin: str, log: LogSigner, trust: LedgerTrust | None
) -> tuple[tuple[tuple[Vkey, ...], ...], dict[str, int]]:
    """Ledger keys that the backup need not know yet, and revocations: of whoever restores, and of the trust file."""
    own = log.verifier_keys(origin)
    if trust is None or trust.origin != origin:
        return (own,), {}
    return (own, *trust.ledger_keys()), trust.revoked_from()


def _require_own(book: Ledger, keys: RestoreKeys, *, in_use: bool, known: bool) -> None:
    """The keys that sign from here on must be those of the ledger. One that ended need only have enrolled one of them,
    not even that when the project is `known` to have written it, by its memory or its trust file: they may have been
    rotated after the backup."""
    mine = (("operator", keys.operator.key_id), ("ledger", keys.log.key_id))
    if in_use:
        own = all(kid in book.in_use(role) for role, kid in mine)
    else:
        own = known or any(kid in book.rules.keyring.keys for _, kid in mine)
    if not own:
        raise LedgerConflict(
            f"the project's operator and ledger keys are not in use in the backup, a ledger of {book.origin}",
            hint="name a backup of the project's own ledger; where keys were rotated after it, bring the newer leaves"
            " with --replay",
            code="conflict.other-ledger",
        )


def _reaches(book: Ledger, seen: Seen) -> bool:
    if seen.size > book.size:
        return False
    return not seen.last_leaf or book.store.leaf_hash(seen.size - 1).hex() == seen.last_leaf


def _keep_checkpoints(book: Ledger, heads: Sequence[Checkpoint], now: str) -> None:
    """Store the later checkpoints that were found, so that the file reaches as far as it ever signed (SPEC 12.7)."""
    last = book.latest_checkpoint()
    covered = 0 if last is None else last.size
    with book.write() as store:
        for head in heads:
            if head.size > covered:
                store.insert_checkpoint(head, now)
                covered = head.size


def _too_short(size: int, newest: int) -> LedgerConflict:
    return LedgerConflict(
        f"with the leaves that were brought the ledger has {size} entries, and {newest} are known to have been there",
        hint="bring the rest with --replay, or leave --replay out: then a new ledger begins and says so",
        code="ledger.replay-short",
    )
