"""One start of a run in the ledger: run-open, what the run key signs, run-close."""

from __future__ import annotations

from collections.abc import Callable

from personactl_ledger import Draft, Ed25519Signer, Ledger, Signer, StoredEntry

from personactl.keys import KeySet
from personactl.run import entries
from personactl.run.entries import RunIdentity


class Session:
    """Signs and appends for one run, each call durable when it returns. All methods raise LedgerError.

    The run key is made here, certified by the run-open entry, held in memory and forgotten with this object: whoever
    takes the operator's key later cannot add outputs to a run that is over.
    """

    def __init__(self, ledger: Ledger, identity: RunIdentity, keyset: KeySet, clock: Callable[[], str]) -> None:
        self._ledger = ledger
        self._identity = identity
        self._operator = keyset.operator
        self._clock = clock
        self.run_key: Signer = Ed25519Signer.generate()
        self.first_index = self._open()

    def append(self, draft: Draft) -> int:
        """Append one entry of the run and return its index."""
        return self._ledger.append([draft], now=self._clock())[0]

    def void(self, target: StoredEntry, reason: str) -> int:
        return self.append(entries.void(target, reason=reason, run_key=self.run_key))

    def close(self, *, done: int, failed: int, rejected: int, skipped: int, taken_over: int = 0) -> entries.Counts:
        """Append the run-close; how many entries this start made, the ledger says itself."""
        now = self._clock()
        state = self._ledger.run_state(self._identity.run)
        if state is None:
            raise RuntimeError("a run without run-open cannot be closed")
        counts = entries.Counts(
            done=done,
            failed=failed,
            rejected=rejected,
            skipped=skipped,
            taken_over=taken_over,
            outputs=state.outputs,
            rejects=state.rejects,
        )
        draft = entries.run_close(
            self._identity,
            counts,
            first_index=state.open_index,
            last_index=state.last_index,
            now=now,
            operator=self._operator,
        )
        self.last_index = self._ledger.append([draft], now=now)[0]
        return counts

    def _open(self) -> int:
        now = self._clock()
        starts = sum(1 for _ in self._ledger.entries(kind="run-open", run=self._identity.run))
        draft = entries.run_open(
            self._identity,
            run_key=self.run_key,
            started=starts + 1,
            checkpoint=self._ledger.latest_checkpoint(),
            now=now,
            operator=self._operator,
        )
        return self._ledger.append([draft], now=now)[0]


def void_elsewhere(ledger: Ledger, target: StoredEntry, reason: str, keyset: KeySet, clock: Callable[[], str]) -> None:
    """Void an output of another run, whose plan may be gone: open that run once more, void, close it.

    Only entries of the same run may void (ledger SPEC 6.8), signed by a key that was certified for it.
    """
    run = target.entry.predicate["run"]
    *_, opened = ledger.entries(kind="run-open", run=run)
    identity = RunIdentity.again(opened)
    session = Session(ledger, identity, keyset, clock)
    session.void(target, reason)
    session.close(done=0, failed=0, rejected=0, skipped=identity.planned)
