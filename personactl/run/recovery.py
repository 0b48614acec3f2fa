"""What the last start left behind, put right before anything new is made.

Every open intent, and every staged file, belongs to an entryId. What the ledger says of it decides:

    entry, visible file with its hash     the picture was finished: remove the staged name, close the intent
    entry, staged file with its hash      publish it now
    entry, neither of them                void the entry; the picture is made again (a later step: it needs a run key)
    entry of a reject, or a voided one    nothing to publish: remove the staged file, close the intent
    no entry                              the work does not count: remove the staged file, drop the intent

A picture in out/<run> that no standing entry vouches for is moved to quarantine and reported, once the run was opened.
An entry whose file was once visible and is gone now is never voided: the file may have been delivered.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

from personactl_ledger import Ledger, StoredEntry

from personactl.model import Finding
from personactl.run.folders import Folder
from personactl.run.staging import MEDIA_SUFFIXES, OUT, Staging, file_sha256
from personactl.run.state import Closing, RunState, Seen, Spent

VOID_REASON = "the recorded file was lost before it became visible"


@dataclass(slots=True, kw_only=True)
class Recovered:
    """`lost` are standing outputs, of any run, whose file never became visible; they await a void."""

    published: int = 0
    lost: list[StoredEntry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def recover(project: Path, run: str, *, ledger: Ledger, state: RunState, staging: Staging) -> Recovered:
    """Put everything right that needs no signature. Raises StorageError, ConflictError (conflict.name-taken)."""
    found = Recovered()
    staging.sweep()
    if ledger.run_state(run) is not None:  # before that the folder is not this run's: what lies there is its owner's
        _quarantine(project, run, ledger, staging, found)
    entry_ids = {intent.entry_id for intent in state.open_intents()} | set(staging.staged())
    for entry_id in sorted(entry_ids):
        _settle(entry_id, project, ledger, state, staging, found)
    return found


def standing_output(ledger: Ledger, entry: StoredEntry) -> bool:
    """Whether `entry` is an output that was not voided."""
    if entry.entry.kind != "output":
        return False
    standing = ledger.by_job_key(entry.entry.predicate["jobKey"])
    return standing is not None and standing.index == entry.index


def learn_spent(ledger: Ledger, state: RunState, *, afresh: bool = False) -> None:
    """Bring the spent attempts in the state up to date with the ledger's reject entries, and note how far it was read.
    `continuity` has asked whether it is the ledger that was seen before; `afresh` reads all of it."""
    seen, now = state.seen(), Seen(origin=ledger.origin, size=ledger.size, last_leaf=_last_leaf(ledger))
    afresh = afresh or seen is None or seen.origin != now.origin  # another ledger
    start = 0 if seen is None or afresh else seen.size
    spent = [
        (stored.entry.predicate["jobKey"], spent_attempt(stored))
        for stored in ledger.entries(start, now.size, kind="reject")
    ]
    if afresh or seen != now:
        state.learn(now, spent, afresh=afresh)


def _last_leaf(ledger: Ledger) -> str:
    return ledger.entry(ledger.size - 1).entry.leaf_hash.hex()


def confirmed_spent(
    ledger: Ledger, state: RunState, job_key: str, *, distrusted: Container[int] = ()
) -> tuple[Spent, ...]:
    """The spent attempts of a job that this very ledger confirms: the state may be older or newer than the ledger.
    Those in `distrusted` entries are not spent."""
    size = ledger.size

    def confirmed(item: Spent) -> bool:
        if item.entry_index >= size or item.entry_index in distrusted:
            return False
        entry = ledger.entry(item.entry_index).entry
        said = entry.predicate
        return entry.kind == "reject" and (said["jobKey"], said["attempt"]) == (job_key, item.attempt)

    return tuple(item for item in state.spent(job_key) if confirmed(item))


def spent_attempt(stored: StoredEntry) -> Spent:
    """What a reject entry says about its attempt."""
    said = stored.entry.predicate
    return Spent(
        attempt=said["attempt"], entry_index=stored.index, verdict=said["reason"], score=said["identity"]["score"]
    )


def _settle(entry_id: str, project: Path, ledger: Ledger, state: RunState, staging: Staging, found: Recovered) -> None:
    stored = ledger.by_entry_id(entry_id)
    if stored is None or not standing_output(ledger, stored):
        staging.discard(entry_id)
        state.close_intent(entry_id, "dropped" if stored is None else _closing(stored))
        return
    name, sha256, run = stored.entry.subject_name, stored.entry.subject_sha256, stored.entry.predicate["run"]
    with Folder.open(project, OUT, run) as out:
        visible = file_sha256(out, name) == sha256
        if staging.sha256(entry_id) == sha256:
            staging.publish(entry_id, sha256, out, name)
        elif visible:
            out.sync()  # the crash may have come between link and fsync
        else:
            found.lost.append(stored)
            return
        found.published += not visible
    staging.discard(entry_id)
    state.close_intent(entry_id, "published")


def _closing(stored: StoredEntry) -> Closing:
    return "rejected" if stored.entry.kind == "reject" else "voided"


def _quarantine(project: Path, run: str, ledger: Ledger, staging: Staging, found: Recovered) -> None:
    try:
        out = Folder.open(project, OUT, run, create=False)
    except FileNotFoundError:
        return
    with out:
        for name in out.names():
            if not name.lower().endswith(MEDIA_SUFFIXES):
                continue
            sha256 = file_sha256(out, name)
            if sha256 is not None and any(standing_output(ledger, entry) for entry in ledger.by_subject(sha256)):
                continue
            place = staging.quarantine(out, name)
            found.findings.append(
                Finding(
                    code="integrity.no-entry",
                    severity="error",
                    message=f"{out.name}/{name} is not a file that the ledger vouches for; it is now {place}",
                    hint="somebody changed or added it: restore the original from a backup or a delivery",
                )
            )
