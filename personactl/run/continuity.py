"""Is this ledger the one that the project has seen, and no shorter? A ledger that was cut back still checks as whole.

Signatures and hashes cannot tell an older copy from the ledger itself; only somebody who remembers more can. Working
on would record other entries under indices that receipts already prove.
"""

from __future__ import annotations

from pathlib import Path

from personactl_ledger import Ledger

from personactl.errors import ConflictError
from personactl.run.folders import STATE
from personactl.run.state import FILE_NAME, RunState, Seen


def last_seen(ledger: Ledger) -> Seen:
    """What to remember of a ledger that was read to its end."""
    return Seen(origin=ledger.origin, size=ledger.size, last_leaf=_leaf_hash(ledger, ledger.size - 1))


def require_continuation(ledger: Ledger, state: RunState, path: Path) -> None:
    """Refuse a ledger of the remembered origin that is shorter than it was, or holds another entry at the last index
    that was seen. `path` is the ledger's. Raises ConflictError (conflict.ledger-moved)."""
    seen = state.seen()
    if seen is None or seen.origin != ledger.origin or seen.size == 0:
        return
    if ledger.size < seen.size:
        raise _moved(
            f"the ledger is older than what this project has seen: {ledger.size} entries, and there were {seen.size}",
            path,
        )
    if seen.last_leaf and _leaf_hash(ledger, seen.size - 1) != seen.last_leaf:
        raise _moved(f"the ledger has another entry {seen.size - 1} than the one that this project has seen", path)


def require_same_origin(ledger: Ledger, state: RunState, path: Path, *, frozen_in: str | None) -> None:
    """Refuse a ledger of another origin than the project's state, or the marker of its persona (`frozen_in`), names.

    Raises ConflictError (conflict.other-ledger).
    """
    seen = state.seen()
    known = {origin for origin in (seen.origin if seen else None, frozen_in) if origin is not None}
    if known and ledger.origin not in known:
        raise ConflictError(
            f"this is another ledger ({ledger.origin}) than the one that this project works with ({min(known)})",
            where=str(path),
            hint="put the project's own ledger back; nothing was written",
            code="conflict.other-ledger",
        )


def check_ledger(ledger: Ledger, project: Path, path: Path) -> None:
    """`require_continuation` for somebody who only asks. Raises ConflictError, StorageError."""
    state = RunState.open_reader(project)
    if state is None:
        return
    try:
        require_continuation(ledger, state, path)
    finally:
        state.close()


def _leaf_hash(ledger: Ledger, index: int) -> str:
    return ledger.entry(index).entry.leaf_hash.hex() if index >= 0 else ""


def _moved(message: str, path: Path) -> ConflictError:
    return ConflictError(
        message,
        where=str(path),
        hint=f"put the newer ledger back; {STATE}/{FILE_NAME} remembers it, and nothing was written",
        code="conflict.ledger-moved",
    )
