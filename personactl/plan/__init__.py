"""The plan: everything that will be done, decided before anything is done. Pure.

plan.expand(manifest, persona, policies, model, scorer, capabilities) → Plan
plan.to_json(plan), plan.from_json(data, project=…)     personactl.plan/1, keys compared on reading
plan.attempt_seed(shot, attempt)                        see `plan.keys` for the exact bytes
plan.require_clean(plan), plan.require_current(saved, fresh)
"""

from __future__ import annotations

from personactl.plan.document import SCHEMA, from_json, plan_digest, require_clean, require_current, run_id, to_json
from personactl.plan.expansion import alt_text, expand
from personactl.plan.keys import attempt_seed

__all__ = [
    "SCHEMA",
    "alt_text",
    "attempt_seed",
    "expand",
    "from_json",
    "plan_digest",
    "require_clean",
    "require_current",
    "run_id",
    "to_json",
]
