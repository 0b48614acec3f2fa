"""Putting a backup in place of a ledger that was lost (SPEC 17.3, 17.4).

1. the backup is checked in full and copied beside the target
2. leaves that were brought are appended to the copy, by the rules
3. what anchors and the lost file show of later trees decides: the copy goes on, or it ended and a new ledger begins
4. the result is checked in full, the old file gets a name that says what it is, the new one takes its place
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger.backup import broken, copy_rows
from personactl_ledger.check import check
from personactl_ledger.checkpoint import Checkpoint, checkpoint_body
from personactl_ledger.database import require_file, storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import EntryRefused, FormatError, LedgerConflict, LedgerCorrupt
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.lock import WriterLock
from personactl_ledger.merkle import leaf_hash, range_root
from personactl_ledger.placing import discard, place_instead, place_new
from personactl_ledger.renewal import Refrozen, begin_again
from personactl_ledger.signed_heads import signed_heads
from personactl_ledger.signer import LogSigner, Signer

BATCH = 500
MAX_LEAF = 65_535


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
class Restored:
    """A ledger stands at `path`. `ended` is the origin of the ledger that could not go on, None when it goes on;
    `kept` is then the read-only file with what is left of it, `kept_size` its entries. `newest` is the size of the
    largest tree that is known to have been signed, `aside` where the file went that stood at `path`."""

    path: Path
    origin: str
    size: int
    replayed: int
    newest: int
    aside: Path | None
    ended: str | None = None
    kept: Path | None = None
    kept_size: int = 0
    personas: tuple[Refrozen, ...] = ()


def restore(
    backup: Path | str,
    target: Path | str,
    *,
    anchors: Sequence[bytes] = (),
    replay: Iterable[bytes] = (),
    seen: Seen | None = None,
    reason: str,
    keys: RestoreKeys,
    now: str,
) -> Restored:
    """Make `target` a ledger again from `backup`. `replay` yields exact leaves; those that the backup has are skipped.

    Raises LedgerCorrupt (codes ledger.backup-broken, ledger.fork, ledger.replay), LedgerConflict (code
    ledger.replay-short) when leaves were brought and do not reach the newest signed tree, FormatError (code
    ledger.anchor), LedgerLocked, LedgerStorage. Then nothing was changed.
    """
    backup, target = Path(backup), Path(target)
    require_time(now)
    require_file(backup)
    if target.exists() or target.is_symlink():
        require_file(target)
    report = check(backup)
    if report.exit_code:
        raise broken(backup, report.first_error)
    lock = WriterLock(target)
    work = _Work(target, anchors, reason, keys, now)
    try:
        return work.run(backup, replay, seen)
    finally:
        with storage_errors(target):
            work.clean()
        lock.release()


class _Work:
    """One restore: `draft` is the copy of the backup, `fresh` a new ledger if one is needed."""

    def __init__(self, target: Path, anchors: Sequence[bytes], reason: str, keys: RestoreKeys, now: str):
        self.target, self.anchors, self.reason, self.keys, self.now = target, anchors, reason, keys, now
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
            before = book.size
            brought = _replay(book, replay, self.now)
            heads = signed_heads(book, self.anchors, (self.target,) if self.target.exists() else ())
            newest = _require_same_history(book, heads)
            behind = newest > book.size or (seen is not None and not _reaches(book, seen))
            if behind and brought:
                raise _too_short(book.size, max(newest, seen.size if seen is not None else 0))
            found = (book.origin, book.size, book.size - before, newest)
            if not behind:
                _keep_checkpoints(book, heads, self.now)
        return self._begin_again(*found) if behind else self._go_on(*found)

    def _go_on(self, origin: str, size: int, replayed: int, newest: int) -> Restored:
        self._require_good(self.draft, self.anchors)
        aside = self._swap(self.draft)
        return Restored(path=self.target, origin=origin, size=size, replayed=replayed, newest=newest, aside=aside)

    def _begin_again(self, ended: str, size: int, replayed: int, newest: int) -> Restored:
        with Ledger.open_reader(self.draft) as old:
            root = range_root(0, size, old.store.subtree)
            subject = hashlib.sha256(checkpoint_body(ended, size, root).encode()).hexdigest()
            restores = {"origin": ended, "size": size, "root": root.hex()}
            origin, personas, entries = begin_again(
                self.fresh, old, restores=restores, subject=subject, reason=self.reason, root=self.keys.root(),
                operator=self.keys.operator, log=self.keys.log, now=self.now,
            )  # fmt: skip
        self._require_good(self.fresh, ())
        kept = self.target.with_name(f"{self.target.stem}.ended-{ended[-16:]}-{size}{self.target.suffix}")
        with storage_errors(kept):
            self.draft.chmod(0o444)
            self.draft.replace(kept)
        aside = self._swap(self.fresh)
        return Restored(
            path=self.target, origin=origin, size=entries, replayed=replayed, newest=newest, aside=aside, ended=ended,
            kept=kept, kept_size=size, personas=personas,
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
            stamp = "".join(character for character in self.now[:19] if character.isdigit() or character == "T")
            name = f"{self.target.stem}.before-restore-{stamp}Z"
            aside = self.target.with_name(name + self.target.suffix)
            number = 2
            while aside.exists():
                aside, number = self.target.with_name(f"{name}-{number}{self.target.suffix}"), number + 1
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


def exact_leaves(paths: Iterable[Path]) -> Iterator[bytes]:
    """The leaves in JSONL exports, one a line, byte for byte. Raises LedgerCorrupt (code ledger.replay)."""
    for path in paths:
        require_file(path)
        with storage_errors(path), path.open("rb") as stream:
            while line := stream.readline(MAX_LEAF + 2):
                leaf = line.rstrip(b"\r\n")
                if len(leaf) > MAX_LEAF:
                    raise LedgerCorrupt("a line is longer than a leaf can be", where=str(path), code="ledger.replay")
                if leaf:
                    yield leaf
