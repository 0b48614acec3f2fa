"""What the rules need to know of earlier entries, apart from keys (SPEC 6.5 to 6.9): a protocol, and one in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from personactl_ledger.encoding import from_base64
from personactl_ledger.entry import Entry
from personactl_ledger.key_table import KeyTable
from personactl_ledger.predicates import ROOT_KINDS
from personactl_ledger.taken import Taken, other_origin

EntryAt = Callable[[int], Entry | None]


def _no_entry(index: int) -> Entry | None:
    """For the few entries of a receipt, whose rules ask for none of them again."""
    return None


@dataclass(slots=True, kw_only=True)
class RunState:
    """The latest start of a run. `open_index` is its run-open entry, `last_index` the last entry of the start so far,
    `outputs` and `rejects` count entries of this start."""

    run: str
    open_index: int
    key_id: str
    public_key: bytes
    plan_sha256: str
    planned: int
    open: bool = True
    outputs: int = 0
    rejects: int = 0
    last_index: int = 0

    @classmethod
    def opened(cls, index: int, entry: Entry) -> RunState:
        """The state right after a run-open entry."""
        said = entry.predicate
        return cls(
            run=said["run"],
            open_index=index,
            key_id=said["runKey"]["kid"],
            public_key=from_base64(said["runKey"]["publicKey"]),
            plan_sha256=said["planSha256"],
            planned=said["planned"],
            last_index=index,
        )

    def record(self, index: int, kind: str) -> None:
        """Take over one later entry of the run."""
        if kind == "run-close":
            self.open = False
            return
        self.last_index = index
        if kind == "output":
            self.outputs += 1
        elif kind == "reject":
            self.rejects += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRecord:
    """The part of an output entry that a void must repeat, and whether it was voided already."""

    run: str
    entry_id: str
    job_key: str
    subject_sha256: str
    voided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionRecord:
    """The part of an adoption entry that a withdrawal must repeat, and whether it was withdrawn already."""

    entry_id: str
    subject_sha256: str
    withdrawn: bool


class Book(Protocol):
    """Look-ups over all entries below the one that is being judged."""

    def run(self, run: str) -> RunState | None:
        """The latest start of a run."""

    def entry_id(self, entry_id: str) -> int | None:
        """The output, reject or adoption with this entryId."""

    def standing(self, job_key: str) -> int | None:
        """The output of this jobKey that was not voided."""

    def output(self, index: int) -> OutputRecord | None:
        """The output entry at `index`."""

    def adoption(self, index: int) -> AdoptionRecord | None:
        """The adoption entry at `index`."""

    def frozen(self, persona: str, version: int) -> int | None:
        """The persona-freeze entry of a persona's version."""

    def committed(self, index: int) -> frozenset[str]:
        """The sealed fields that entry `index` commits to."""

    def taken(self, origin: str) -> Taken:
        """What was taken in from another ledger."""

    def begun(self) -> bool:
        """Whether an entry of another kind than those that root keys sign stands here."""

    def certified(self, key: str) -> bool:
        """Whether a run-open entry certified this key id."""

    def record(self, index: int, entry: Entry) -> None:
        """Take over an entry."""


class MemoryBook:
    """Kept in memory, for a pass over a whole ledger: about 40 bytes an entry.

    `entry_at` reads an entry below the one that is judged again, None where it cannot be parsed: only a digest of each
    entryId and jobKey is kept, and a digest that was seen before is compared with the entry itself. `older` answers for
    the entries below `start` that the pass does not read.
    """

    def __init__(self, entry_at: EntryAt = _no_entry, older: Book | None = None, start: int = 0):
        self._entry_at = entry_at
        self._older = older
        self._start = start
        self._runs: dict[str, RunState] = {}
        self._entry_ids = KeyTable()
        self._outputs = KeyTable()
        self._taken_back = bytearray()
        self._taken: dict[str, Taken] = {}
        self._begun = False
        self._frozen: dict[tuple[str, int], int] = {}
        self._certified: set[str] = set()

    def run(self, run: str) -> RunState | None:
        state = self._runs.get(run)
        if state is None and self._older is not None and (state := self._older.run(run)) is not None:
            self._runs[run] = state
        return state

    def entry_id(self, entry_id: str) -> int | None:
        found = self._entry_ids.find(entry_id, lambda index: self._said(index, "entryId") == entry_id)
        return self._older.entry_id(entry_id) if found is None and self._older is not None else found

    def standing(self, job_key: str) -> int | None:
        found = self._outputs.find(job_key, lambda index: self._said(index, "jobKey") == job_key)
        if found is None and self._older is not None:
            found = self._older.standing(job_key)
        return None if found is None or self._was_taken_back(found) else found

    def output(self, index: int) -> OutputRecord | None:
        if index < self._start:
            found = None if self._older is None else self._older.output(index)
            return replace(found, voided=True) if found is not None and self._was_taken_back(index) else found
        entry = self._of_kind(index, "output")
        return None if entry is None else output_record(entry, voided=self._was_taken_back(index))

    def adoption(self, index: int) -> AdoptionRecord | None:
        if index < self._start:
            found = None if self._older is None else self._older.adoption(index)
            return replace(found, withdrawn=True) if found is not None and self._was_taken_back(index) else found
        entry = self._of_kind(index, "adoption")
        return None if entry is None else adoption_record(entry, withdrawn=self._was_taken_back(index))

    def frozen(self, persona: str, version: int) -> int | None:
        found = self._frozen.get((persona, version))
        return self._older.frozen(persona, version) if found is None and self._older is not None else found

    def committed(self, index: int) -> frozenset[str]:
        if index < self._start:
            return frozenset() if self._older is None else self._older.committed(index)
        entry = self._entry_at(index)
        return frozenset() if entry is None else frozenset(entry.predicate.get("sealed", {}))

    def taken(self, origin: str) -> Taken:
        if origin not in self._taken:
            self._taken[origin] = Taken() if self._older is None else self._older.taken(origin)
        return self._taken[origin]

    def begun(self) -> bool:
        return self._begun or (self._older is not None and self._older.begun())

    def certified(self, key: str) -> bool:
        return key in self._certified or (self._older is not None and self._older.certified(key))

    def record(self, index: int, entry: Entry) -> None:
        kind, said = entry.kind, entry.predicate
        self._begun = self._begun or kind not in ROOT_KINDS
        if kind == "run-open":
            self._runs[said["run"]] = RunState.opened(index, entry)
            self._certified.add(said["runKey"]["kid"])
        elif kind == "persona-freeze":
            self._frozen.setdefault((said["persona"]["id"], said["persona"]["version"]), index)
        elif kind == "adoption":
            self._record_entry_id(index, said["entryId"])
        elif kind == "withdrawal" and self.adoption(said["withdraws"]) is not None:
            self._take_back(said["withdraws"])
        elif kind in ("merged", "merge"):
            self.taken(other_origin(entry)).record(index, entry)
        if kind in ("output", "reject", "void", "run-close"):
            self._record_run_entry(index, entry)

    def _record_run_entry(self, index: int, entry: Entry) -> None:
        kind, said = entry.kind, entry.predicate
        if (state := self.run(said["run"])) is not None:
            state.record(index, kind)
        if kind in ("output", "reject"):
            self._record_entry_id(index, said["entryId"])
        if kind == "output":
            if self.standing(said["jobKey"]) is None:
                job_key = said["jobKey"]
                self._outputs.put(job_key, index, lambda other: self._said(other, "jobKey") == job_key)
        elif kind == "void" and self.output(said["voids"]) is not None:
            self._take_back(said["voids"])

    def _record_entry_id(self, index: int, entry_id: str) -> None:
        if self.entry_id(entry_id) is None:
            self._entry_ids.put(entry_id, index, lambda other: self._said(other, "entryId") == entry_id)

    def _said(self, index: int, name: str) -> object:
        entry = self._entry_at(index)
        return None if entry is None else entry.predicate.get(name)

    def _of_kind(self, index: int, kind: str) -> Entry | None:
        entry = self._entry_at(index)
        return entry if entry is not None and entry.kind == kind else None

    def _was_taken_back(self, index: int) -> bool:
        place, bit = divmod(index, 8)
        return place < len(self._taken_back) and self._taken_back[place] >> bit & 1 == 1

    def _take_back(self, index: int) -> None:
        place, bit = divmod(index, 8)
        if place >= len(self._taken_back):
            self._taken_back.extend(bytes(place + 1 - len(self._taken_back)))
        self._taken_back[place] |= 1 << bit


def output_record(entry: Entry, *, voided: bool) -> OutputRecord:
    """The record of an output entry."""
    said = entry.predicate
    return OutputRecord(
        run=said["run"],
        entry_id=said["entryId"],
        job_key=said["jobKey"],
        subject_sha256=entry.subject_sha256,
        voided=voided,
    )


def adoption_record(entry: Entry, *, withdrawn: bool) -> AdoptionRecord:
    """The record of an adoption entry."""
    return AdoptionRecord(entry_id=entry.predicate["entryId"], subject_sha256=entry.subject_sha256, withdrawn=withdrawn)
