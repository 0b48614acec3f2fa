"""The one sequence: plan → pictures that are scored, disclosed, on record and visible, whatever happens in between.

run.execute(plan, context, observer=…) → RunSummary     resumes; see `sequence` for a start, `making` for one picture
run.local_context(plan, …) → RunContext                 model and scorer of this machine
run.status(config, run_id), run.why(config, plan, shot), run.outstanding(config, plan)      questions; they only read
"""

from __future__ import annotations

from personactl.run.context import Observer, RunContext, Unobserved, local_context
from personactl.run.sequence import execute
from personactl.run.status import PictureStatus, RunStatus, outstanding, status
from personactl.run.summary import Interrupted, RunSummary, ShotOutcome
from personactl.run.why import why

__all__ = [
    "Interrupted",
    "Observer",
    "PictureStatus",
    "RunContext",
    "RunStatus",
    "RunSummary",
    "ShotOutcome",
    "Unobserved",
    "execute",
    "local_context",
    "outstanding",
    "status",
    "why",
]
