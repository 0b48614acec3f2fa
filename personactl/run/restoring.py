"""A project after its ledger was restored: what it remembers, and its frozen personas, follow the ledger.

Only this lets a project go on with a ledger of another origin (`continuity`). It happens after the ledger stands;
whoever is interrupted in between restores once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger import Ledger, LedgerError
from personactl_ledger.restore import Restored, RestoreKeys, Seen, restore

from personactl import continuity
from personactl import persona as personas
from personactl.config import Config
from personactl.errors import UsageProblem
from personactl.keys import KeySet, ended_trust, project_trust
from personactl.keys.ended_trust import TrustFiles
from personactl.run.recovery import learn_spent
from personactl.run.state import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredProject:
    """What became of the ledger, and of the project's trust file where a new ledger began."""

    ledger: Restored
    trust: TrustFiles | None = None


def restore_ledger(
    config: Config, keyset: KeySet, backup: Path, target: Path, *, anchors: Sequence[bytes], replay: Iterable[bytes],
    reason: str, now: str,
) -> RestoredProject:  # fmt: skip
    """Restore `target` from `backup` (ledger SPEC 17.4); when it is the project's ledger, the project follows;
    where a new ledger begins, the project's trust.json too.

    Raises UsageProblem without a reason, or when the backup is the target itself, ConflictError (conflict.other-ledger)
    for a backup of another ledger than the project's, LedgerError, KeyProblem (the root key is needed for a new
    ledger), StorageError.
    """
    _require_sense(backup, target, reason)
    own = continuity.is_own(config, target)
    keys = RestoreKeys(root=lambda: keyset.root, operator=keyset.operator, log=keyset.log)
    done = restore(
        backup, target, anchors=anchors, replay=replay, seen=_seen(config, backup) if own else None,
        trust=project_trust.ledger_part(config.trust_path), reason=reason, keys=keys, now=now,
    )  # fmt: skip
    files = _follow(config, keyset, done, now) if own else None
    return RestoredProject(ledger=done, trust=files)


def _require_sense(backup: Path, target: Path, reason: str) -> None:
    if not reason.strip():
        raise UsageProblem("--reason is empty, and a new ledger has to say why", hint="--reason 'the disk failed'")
    with suppress(OSError):
        if backup.samefile(target):
            raise UsageProblem(
                "the backup is the ledger itself",
                where=str(backup),
                hint="name the copy that is to take its place; personactl ledger check says how the ledger is",
            )


def _seen(config: Config, backup: Path) -> Seen | None:
    """How long the project saw the ledger that the backup is of. Raises ConflictError (conflict.other-ledger)."""
    memory = continuity.load(config.project)
    with Ledger.open_reader(backup) as book:
        origin = book.origin
    if memory.current not in ("", origin):
        hint = _finished(config, origin) or (
            "name a backup of the ledger that this project works with; nothing was written"
        )
        raise continuity.other_ledger(origin, memory.current, backup, hint=hint)
    seen = memory.ledgers.get(origin)
    return None if seen is None else Seen(size=seen.size, last_leaf=seen.last_leaf)


def _finished(config: Config, origin: str) -> str:
    """A hint, where the project's ledger says that the one of `origin` ended: whoever restores again need not."""
    with suppress(LedgerError), Ledger.open_reader(config.ledger_path) as book:
        for item in book.entries(kind="restore"):
            restores = item.entry.predicate.get("restores")
            if isinstance(restores, dict) and restores.get("origin") == origin:
                return (
                    f"the restore was done already: entry {item.index} of the ledger here says that this one ended;"
                    " to restore anew, name a backup of the ledger here; nothing was written"
                )
    return ""


def _follow(config: Config, keyset: KeySet, done: Restored, now: str) -> TrustFiles | None:
    for item in done.personas:
        try:
            persona = personas.load(config.project, item.persona, item.version)
            marked = personas.marker(config.project, persona)
        except UsageProblem:  # gone or changed since: nothing to mark, and a run says so
            continue
        if marked is not None and marked.record_sha256 == item.record_sha256:
            personas.mark_refrozen(
                config.project, persona, entry_index=item.index, origin=done.origin, frozen_at=item.frozen_at
            )
    state = RunState.open(config.project)
    files = None
    try:
        with Ledger.open_reader(done.path) as book:
            if done.ended is not None:  # first: with `continuity.begin` the restore cannot be run again
                files = ended_trust.begin(config.trust_path, keyset, book, ended=done.ended, now=now)
            continuity.begin(config.project, book)
            learn_spent(book, state, afresh=True)
    finally:
        state.close()
    return files
