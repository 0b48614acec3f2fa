"""A project after its ledger was restored: what it remembers, and its frozen personas, follow the ledger.

Only this lets a project forget that its ledger was longer, or was another one (`continuity`). It happens after the
ledger stands; whoever is interrupted in between restores once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from personactl_ledger import Ledger
from personactl_ledger.restore import Restored, RestoreKeys, Seen, restore

from personactl import persona as personas
from personactl.config import Config
from personactl.errors import UsageProblem
from personactl.keys import KeySet
from personactl.run import state as states
from personactl.run.recovery import learn_spent
from personactl.run.state import RunState


def restore_ledger(
    config: Config, keyset: KeySet, backup: Path, target: Path, *, anchors: Sequence[bytes], replay: Iterable[bytes],
    reason: str, now: str,
) -> Restored:  # fmt: skip
    """Restore `target` from `backup` (ledger SPEC 17.4); when it is the project's ledger, the project follows.

    Raises LedgerError, KeyProblem (the root key is needed for a new ledger), StorageError.
    """
    own = target.absolute() == config.ledger_path.absolute()
    keys = RestoreKeys(root=lambda: keyset.root, operator=keyset.operator, log=keyset.log)
    done = restore(
        backup, target, anchors=anchors, replay=replay, seen=_seen(config, backup) if own else None, reason=reason,
        keys=keys, now=now,
    )  # fmt: skip
    if own:
        _follow(config, done)
    return done


def _seen(config: Config, backup: Path) -> Seen | None:
    """How far the project read the ledger that the backup is of."""
    state = RunState.open_reader(config.project)
    if state is None:
        return None
    try:
        seen = state.seen()
    finally:
        state.close()
    with Ledger.open_reader(backup) as book:
        if seen is None or seen.origin != book.origin:
            return None
    return Seen(size=seen.size, last_leaf=seen.last_leaf)


def _follow(config: Config, done: Restored) -> None:
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
    try:
        with Ledger.open_reader(done.path) as book:
            state.learn(states.Seen(origin="", size=0, last_leaf=""), [], afresh=True)
            learn_spent(book, state)
    finally:
        state.close()
