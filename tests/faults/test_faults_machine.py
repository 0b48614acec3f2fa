"""Any sequence of deaths, lost working state and edited manifests: what is visible stays on record, to a good end."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from personactl_ledger import Ledger, check
from workshop import Workshop, sha256, text

from personactl.run import folders, staging
from personactl.run.recovery import standing_output

PLANS = (
    text("rain: in the rain", "park: in a park", threshold="0.9", attempts=2, seed=4),
    text("rain: in the rain", "park: in a park at night", threshold="0.9", attempts=2, seed=4),
)
CALLS = ("open", "write", "fsync", "link", "unlink", "rename", "append")


class Died(BaseException):
    """The process is gone."""


class Deaths:
    """Counts the calls of a run, and dies before or after the n-th of them."""

    def __init__(self, number: int, after: bool) -> None:
        self.left, self.after = number, after

    def wrap(self, real: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Died
            result = real(*arguments, **keywords)
            if self.left == 0:
                raise Died
            return result

        return call

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self.wrap(real) if name in CALLS else real


def machine(template: Path) -> type[RuleBasedStateMachine]:
    class Project(RuleBasedStateMachine):
        @initialize()
        def found(self) -> None:
            memory = Path("/dev/shm")  # noqa: S108
            self.folder = Path(tempfile.mkdtemp(prefix="personactl-", dir=memory if memory.is_dir() else None))
            self.shop = Workshop.copy(template, self.folder / "project")
            self.seen: dict[Path, str] = {}

        @rule(plan=st.sampled_from(PLANS), number=st.integers(1, 60), after=st.booleans())
        def die(self, plan: str, number: int, after: bool) -> None:
            deaths = Deaths(number, after)
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(staging, "os", deaths)
                patched.setattr(folders, "os", deaths)
                patched.setattr(Ledger, "append", deaths.wrap(Ledger.append))
                with contextlib.suppress(Died):
                    self.complete(self.shop.run(plan))

        @rule(plan=st.sampled_from(PLANS))
        def finish(self, plan: str) -> None:
            self.complete(self.shop.run(plan))

        @rule()
        def lose_the_state(self) -> None:
            (self.shop.folder / ".personactl/run.sqlite").unlink(missing_ok=True)

        @invariant()
        def what_is_visible_is_on_record_and_stays(self) -> None:
            with Ledger.open_reader(self.shop.config.ledger_path) as ledger:
                for path in (self.shop.folder / "out").rglob("*.png"):
                    digest = sha256(path)
                    assert self.seen.setdefault(path, digest) == digest
                    assert any(standing_output(ledger, stored) for stored in ledger.by_subject(digest))
            assert all(path.is_file() for path in self.seen)

        def complete(self, summary: Any) -> None:
            assert summary.planned == summary.done + summary.rejected + summary.skipped == 2
            assert (summary.left, summary.findings) == (0, ())

        def teardown(self) -> None:
            if not hasattr(self, "shop"):
                return
            for plan in PLANS:
                summary = self.shop.run(plan)
                self.complete(summary)
                pictures = self.shop.pixels(summary.run_id)
                assert self.shop.visible(summary.run_id) == sorted(pictures)
            attempts = [
                (said["jobKey"], said["attempt"])
                for stored in self.shop.ledger(kind="reject")
                for said in (stored.entry.predicate,)
            ]
            assert len(attempts) == len(set(attempts))
            assert check(self.shop.config.ledger_path).ok
            shutil.rmtree(self.folder)

    return Project


@pytest.mark.slow
def test_no_sequence_of_deaths_breaks_the_invariant(template: Path) -> None:
    run_state_machine_as_test(
        machine(template),
        settings=settings(
            max_examples=25,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
