"""What was taken in from one other ledger so far (SPEC 17.6, 17.7): its leaf hashes in order, as a growing tree."""

from __future__ import annotations

from personactl_ledger.entry import Entry
from personactl_ledger.merkle import Frontier


class Taken:
    """`size` entries of the other ledger stand here. `first` is the place of the first that no merge entry covers yet,
    `since` how many those are."""

    __slots__ = ("first", "frontier", "since")

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.first: int | None = None
        self.since = 0

    @property
    def size(self) -> int:
        return self.frontier.size

    def record(self, index: int, entry: Entry) -> None:
        """Take over a merged or merge entry about this origin. A merged entry out of order counts for nothing."""
        if entry.kind == "merge":
            self.first, self.since = None, 0
        elif entry.predicate["source"]["index"] == self.size:
            self.frontier.append(bytes.fromhex(entry.predicate["source"]["leafHash"]))
            self.first = index if self.first is None else self.first
            self.since += 1


def other_origin(entry: Entry) -> str:
    """The ledger that a merged or merge entry speaks of."""
    said = entry.predicate
    return str(said["source" if entry.kind == "merged" else "merges"]["origin"])
