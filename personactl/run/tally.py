"""What became of each planned picture, counted so that the numbers always add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from personactl.model import Finding, Plan, Shot
from personactl.run.summary import SKIPPED, RunSummary, ShotOutcome, State


@dataclass(slots=True, kw_only=True)
class Tally:
    """Every shot begins as "left"; `settle` replaces that. The order of the plan is kept."""

    plan: Plan
    outcomes: dict[str, ShotOutcome] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    rejected_before: int = 0
    recovered: int = 0
    voided: int = 0

    def __post_init__(self) -> None:
        for shot in self.plan.shots:
            self.settle(shot, "left", reason="not reached")

    def settle(self, shot: Shot, state: State, **more: Any) -> ShotOutcome:
        """`more`: the other fields of ShotOutcome."""
        outcome = ShotOutcome(
            shot_id=shot.shot_id,
            index=shot.index,
            file_name=shot.file_name,
            job_key=shot.job_key,
            state=state,
            **more,
        )
        self.outcomes[shot.job_key] = outcome
        return outcome

    def count(self, *states: State) -> int:
        return sum(1 for outcome in self.outcomes.values() if outcome.state in states)

    @property
    def skipped(self) -> int:
        return self.count(*SKIPPED)

    def summary(
        self, *, outputs: int = 0, rejects: int = 0, first_index: int | None = None, last_index: int | None = None,
        checkpoint: int | None = None,
    ) -> RunSummary:  # fmt: skip
        """The summary as things stand."""
        return RunSummary(
            run_id=self.plan.run_id,
            planned=len(self.plan.shots),
            done=self.count("done"),
            failed=self.count("failed"),
            rejected=self.count("rejected"),
            skipped=self.skipped,
            taken_over=self.count("taken-over"),
            left=self.count("left"),
            rejected_before=self.rejected_before,
            recovered=self.recovered,
            voided=self.voided,
            outputs=outputs,
            rejects=rejects,
            first_index=first_index,
            last_index=last_index,
            checkpoint=checkpoint,
            outcomes=tuple(self.outcomes[shot.job_key] for shot in self.plan.shots),
            findings=tuple(self.findings),
        )
