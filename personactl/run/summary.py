"""What a start of a run came to: counts that add up, and what happened to each picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from personactl.errors import EXIT_GATE, EXIT_INTERRUPTED, EXIT_PARTIAL, worst_exit
from personactl.model import Finding

State = Literal["done", "failed", "rejected", "standing", "taken-over", "left"]
SKIPPED: tuple[State, ...] = ("standing", "taken-over", "left")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotOutcome:
    """One planned picture. `reason`: why it failed, was rejected or is left, "" else; `code`: the explain page of a
    failure or rejection; `where`: the file, relative to the project, "" when there is none; `entry_index`: its entry
    in the ledger; `exit_code`: what its failure means."""

    shot_id: str
    index: int
    file_name: str
    job_key: str
    state: State
    reason: str = ""
    code: str = ""
    where: str = ""
    entry_index: int | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The end of one start. planned = done + failed + rejected + skipped, always.

    `done`: made by this start; `skipped`: standing before, taken over from another run, or not reached (`left`);
    `rejected_before`: of the rejected, those whose attempts were spent by an earlier start; `recovered`: files made
    visible that an earlier start had recorded; `outputs`, `rejects`: entries of this start; `first_index` and
    `last_index`: range of this start in the ledger, None when there was nothing to do; `checkpoint`: size of the
    ledger at the signed checkpoint that covers this start.
    """

    run_id: str
    planned: int
    done: int
    failed: int
    rejected: int
    skipped: int
    taken_over: int
    left: int
    rejected_before: int
    recovered: int
    voided: int
    outputs: int
    rejects: int
    first_index: int | None
    last_index: int | None
    checkpoint: int | None
    outcomes: tuple[ShotOutcome, ...]
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.planned != self.done + self.failed + self.rejected + self.skipped:
            raise ValueError("the counts of a run do not add up")

    @property
    def exit_code(self) -> int:
        """The worst of what happened, in the order of the exit code table."""
        codes = [outcome.exit_code for outcome in self.outcomes if outcome.state == "failed"]
        codes += [EXIT_GATE] * (self.rejected > 0) + [EXIT_PARTIAL] * (self.left > 0)
        codes += [finding_exit(finding) for finding in self.findings]
        return worst_exit([code for code in codes if code])


def finding_exit(finding: Finding) -> int:
    """Exit code of one finding of a run: only an error counts, and a run's only errors are about integrity."""
    return 4 if finding.severity == "error" else 0


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, SIGTERM or SIGHUP: everything that was finished is on record. `resume` is the command that goes on.

    `exit_code` is 130, or 143 for the other two; `__cause__` is the KeyboardInterrupt that arrived.
    """

    code = "run.interrupted"

    def __init__(self, summary: RunSummary, resume: str, exit_code: int = EXIT_INTERRUPTED) -> None:
        super().__init__("interrupted; what was finished is kept")
        self.summary = summary
        self.resume = resume
        self.exit_code = exit_code
