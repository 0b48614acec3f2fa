"""Policies: regimes as data, and the questions they put to plans and files.

policy.load_all(ids) → tuple[Policy, …]           baseline always last
policy.check_plan(policies, facts) → findings     before anything is made
policy.check_layers(policies, layers) → findings  about the marks of a file
"""

from __future__ import annotations

from personactl.policy.check import check_layers, check_plan, demanded_layers, load_all, required_layers, with_baseline
from personactl.policy.checks import CHECKS, FILE_LAYERS, MACHINE_LAYERS, PlanFacts
from personactl.policy.files import BASELINE, Policy, Rule, builtin, builtin_ids, load, parse

__all__ = [
    "BASELINE",
    "CHECKS",
    "FILE_LAYERS",
    "MACHINE_LAYERS",
    "PlanFacts",
    "Policy",
    "Rule",
    "builtin",
    "builtin_ids",
    "check_layers",
    "check_plan",
    "demanded_layers",
    "load",
    "load_all",
    "parse",
    "required_layers",
    "with_baseline",
]
