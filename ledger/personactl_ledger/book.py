"""What the rules need to know of earlier entries, apart from keys (SPEC 6.5 to 6.9): a protocol, and one in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import Protocol

from personactl_ledger.encoding import from_base64
from personactl_ledger.entry import Entry
from personactl_ledger.predicates import KINDS, ROOT
from personactl_ledger.taken import Taken, other_origin


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


@dataclass(slots=True)
class MemoryBook:
    """All of it in dictionaries, for a pass over the whole ledger."""

    runs: dict[str, RunState] = field(default_factory=dict)
    _entry_ids: dict[str, int] = field(default_factory=dict)
    _standing: dict[str, int] = field(default_factory=dict)
    _outputs: dict[int, OutputRecord] = field(default_factory=dict)
    _adoptions: dict[int, AdoptionRecord] = field(default_factory=dict)
    _frozen: dict[tuple[str, int], int] = field(default_factory=dict)
    _certified: set[str] = field(default_factory=set)
    _committed: dict[frozenset[str], array[int]] = field(default_factory=dict)
    _taken: dict[str, Taken] = field(default_factory=dict)
    _begun: bool = False

    def run(self, run: str) -> RunState | None:
        return self.runs.get(run)

    def entry_id(self, entry_id: str) -> int | None:
        return self._entry_ids.get(entry_id)

    def standing(self, job_key: str) -> int | None:
        return self._standing.get(job_key)

    def output(self, index: int) -> OutputRecord | None:
        return self._outputs.get(index)

    def adoption(self, index: int) -> AdoptionRecord | None:
        return self._adoptions.get(index)

    def frozen(self, persona: str, version: int) -> int | None:
        return self._frozen.get((persona, version))

    def committed(self, index: int) -> frozenset[str]:
        for fields, indexes in self._committed.items():
            place = bisect_left(indexes, index)
            if place < len(indexes) and indexes[place] == index:
                return fields
        return frozenset()

    def taken(self, origin: str) -> Taken:
        return self._taken.setdefault(origin, Taken())

    def begun(self) -> bool:
        return self._begun

    def certified(self, key: str) -> bool:
        return key in self._certified

    def record(self, index: int, entry: Entry) -> None:
        kind, said = entry.kind, entry.predicate
        self._begun = self._begun or KINDS.get(kind) != ROOT
        if said.get("sealed"):
            self._committed.setdefault(frozenset(said["sealed"]), array("Q")).append(index)
        if kind in ("merged", "merge"):
            self.taken(other_origin(entry)).record(index, entry)
        if kind == "run-open":
            self.runs[said["run"]] = RunState.opened(index, entry)
            self._certified.add(said["runKey"]["kid"])
            return
        if kind in ("persona-freeze", "adoption", "withdrawal"):
            self._record_statement(index, entry)
        if kind not in ("output", "reject", "void", "run-close"):
            return
        if said["run"] in self.runs:
            self.runs[said["run"]].record(index, kind)
        if kind in ("output", "reject"):
            self._entry_ids.setdefault(said["entryId"], index)
        if kind == "output":
            self._standing.setdefault(said["jobKey"], index)
            self._outputs[index] = output_record(entry, voided=False)
        elif kind == "void":
            self._void(said["voids"])

    def _record_statement(self, index: int, entry: Entry) -> None:
        """What the operator says outside runs."""
        said = entry.predicate
        if entry.kind == "persona-freeze":
            self._frozen.setdefault((said["persona"]["id"], said["persona"]["version"]), index)
        elif entry.kind == "adoption":
            self._entry_ids.setdefault(said["entryId"], index)
            self._adoptions[index] = adoption_record(entry, withdrawn=False)
        elif (found := self._adoptions.get(said["withdraws"])) is not None:
            self._adoptions[said["withdraws"]] = replace(found, withdrawn=True)

    def _void(self, index: int) -> None:
        found = self._outputs.get(index)
        if found is None:
            return
        if self._standing.get(found.job_key) == index:
            del self._standing[found.job_key]
        self._outputs[index] = replace(found, voided=True)


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
