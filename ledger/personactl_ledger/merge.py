"""Taking in the entries of another writer's ledger (SPEC 17.6, 17.7).

An entry of another origin cannot stand here (SPEC 6.3). So this ledger says of each that it was taken in, by one
`merged` entry each, in order; a `merge` entry says to which signed tree they lead. A merge that was cut short has no
`merge` entry, and the next one goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personactl_ledger.check import check
from personactl_ledger.check_entries import Progress
from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.entry import sign_entry
from personactl_ledger.errors import LedgerConflict, LedgerCorrupt, LedgerError, LedgerMissing
from personactl_ledger.findings import CheckReport
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.merkle import range_root
from personactl_ledger.signer import Signer
from personactl_ledger.statement import statement
from personactl_ledger.store import StoredEntry
from personactl_ledger.trust import LedgerTrust

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """`size` entries of `origin` stand here by now. `first` and `count` are those that the merge entry `index` closes;
    `index` is None and `count` 0 when there was nothing new. `resumed`: an earlier merge was cut short."""

    origin: str
    size: int
    first: int
    count: int
    index: int | None
    resumed: bool


def merge(
    ledger: Ledger, other: Path | str, *, trust: LedgerTrust, operator: Signer, reason: str, now: str,
    checking: Progress | None = None, progress: Progress | None = None,
) -> Merged:  # fmt: skip
    """Take in every entry that the latest checkpoint of `other` covers and that is not here yet.

    `other` is checked in full first, against `trust`. `checking` is told of the entries that were checked, `progress`
    of those that were taken in, (done, total). Raises LedgerError (code ledger.merge-untrusted, exit 5), LedgerCorrupt
    (codes ledger.merge-broken, ledger.merge-moved), LedgerMissing (code ledger.no-checkpoint), LedgerConflict (code
    ledger.merge-refused), LedgerStorage. Batches that stand then are no merge yet.
    """
    other = Path(other)
    require_time(now)
    report = check(other, trust=trust, progress=checking)
    _require_whole(report, other)
    with Ledger.open_reader(other) as source:
        head = _signed_head(source, report.signed_size)
        _require_mergeable(ledger, source, report)
        taken = ledger.rules.book.taken(source.origin)
        start, resumed = taken.size, taken.since > 0
        _require_continuation(source, start, taken.frontier.root(), head)
        if start == head.size and not resumed:
            return Merged(origin=source.origin, size=start, first=0, count=0, index=None, resumed=False)
        first = ledger.size if taken.first is None else taken.first
        count = taken.since + head.size - start
        drafts: list[Draft] = []
        for stored in source.entries(start, head.size):
            if len(drafts) == BATCH:
                ledger.append(drafts, now=now)
                drafts = []
                if progress is not None:
                    progress(stored.index - start, head.size - start)
            drafts.append(_merged(ledger, source.origin, stored, operator, now))
        drafts.append(_merge(ledger, head, first, count, operator, reason, now))
        index = ledger.append(drafts, now=now)[-1]
    return Merged(origin=head.origin, size=head.size, first=first, count=count, index=index, resumed=resumed)


def _require_whole(report: CheckReport, path: Path) -> None:
    if report.exit_code == 5:
        raise LedgerError(
            f"the other ledger is not from a signer that you trust: {report.first_error}",
            where=str(path),
            hint="bring the trust file that belongs to it",
            code="ledger.merge-untrusted",
            exit_code=5,
        )
    if report.exit_code:
        raise LedgerCorrupt(
            f"the other ledger does not check: {report.first_error}",
            where=str(path),
            hint="personactl ledger check --ledger FILE",
            code="ledger.merge-broken",
        )
    if report.signed_size == 0:
        raise LedgerMissing(
            "the other ledger has no signed checkpoint",
            where=str(path),
            hint="sign one there: personactl ledger checkpoint",
            code="ledger.no-checkpoint",
        )


def _signed_head(source: Ledger, size: int) -> Checkpoint:
    """The checkpoint that was checked; a writer that is at work may have signed later ones since."""
    with storage_errors(source.path):
        head = source.store.checkpoint(size)
    if head is None:
        raise LedgerCorrupt("the other ledger changed while it was read", code="ledger.merge-broken")
    return head


def _require_mergeable(ledger: Ledger, source: Ledger, report: CheckReport) -> None:
    """Another ledger, none that took in this one, and no development keys behind what is not development here."""
    reason = ""
    if source.origin == ledger.origin:
        reason = "this is a copy of the same ledger; personactl ledger compare compares copies"
    elif report.development and not ledger.development:
        reason = "the other ledger was made with development keys, and this one was not"
    elif next(source.store.merges(ledger.origin), None) is not None:
        reason = "the other ledger took in entries of this one: a merge goes one way, or it never ends"
    if reason:
        raise LedgerConflict(reason, where=str(source.path), code="ledger.merge-refused")


def _require_continuation(source: Ledger, size: int, root: bytes, head: Checkpoint) -> None:
    """The entries that were taken in before are the first ones of the other ledger still."""
    if size > head.size or (size and range_root(0, size, source.store.subtree) != root):
        raise LedgerCorrupt(
            f"{size} entries of the other ledger were taken in before, and its signed tree does not begin with them",
            where=str(source.path),
            hint="it was cut back or changed; personactl ledger compare tells, with a receipt from then",
            code="ledger.merge-moved",
        )


def _merged(ledger: Ledger, origin: str, stored: StoredEntry, operator: Signer, now: str) -> Draft:
    entry = stored.entry
    source = {"origin": origin, "index": stored.index, "leafHash": entry.leaf_hash.hex(), "kind": entry.kind}
    said: dict[str, Any] = {"origin": ledger.origin, "source": source, "mergedAt": now}
    payload = statement("merged", subject=(entry.subject_name, entry.subject_sha256), predicate=said)
    return Draft(sign_entry(payload, operator))


def _merge(ledger: Ledger, head: Checkpoint, first: int, count: int, operator: Signer, reason: str, now: str) -> Draft:
    said: dict[str, Any] = {
        "origin": ledger.origin,
        "merges": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
        "first": first,
        "count": count,
        "reason": reason,
        "mergedAt": now,
    }
    subject = ("checkpoint", hashlib.sha256(head.body.encode()).hexdigest())
    return Draft(sign_entry(statement("merge", subject=subject, predicate=said), operator))
