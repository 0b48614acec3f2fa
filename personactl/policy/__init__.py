"""Policies: regimes as data, and the questions they put to plans and files.

policy.load_all(ids) → tuple[Policy, …]           baseline always last
policy.check_plan(policies, facts) → findings     before anything is made
policy.label_spec(policies, output, role=…)       the visible label they ask for together, or None
policy.check_layers(policies, layers) → findings  about the marks of a file
policy.check_label(policies, facts) → findings    about the visible label of a received file, as its claim describes it
"""

from __future__ import annotations

from personactl.policy.check import (
    check_label,
    check_layers,
    check_plan,
    demanded_layers,
    label_rules,
    load_all,
    required_layers,
    with_baseline,
)
from personactl.policy.checks import (
    CHECKS,
    FILE_LAYERS,
    FILE_STATEMENTS,
    LABEL_CHECKS,
    MACHINE_LAYERS,
    LabelFacts,
    PlanFacts,
)
from personactl.policy.files import BASELINE, LABEL_CHECK, LabelDemand, Policy, Rule, builtin, builtin_ids, load, parse
from personactl.policy.label import LABEL_WORDS, label_spec

__all__ = [
    "BASELINE",
    "CHECKS",
    "FILE_LAYERS",
    "FILE_STATEMENTS",
    "LABEL_CHECK",
    "LABEL_CHECKS",
    "LABEL_WORDS",
    "MACHINE_LAYERS",
    "LabelDemand",
    "LabelFacts",
    "PlanFacts",
    "Policy",
    "Rule",
    "builtin",
    "builtin_ids",
    "check_label",
    "check_layers",
    "check_plan",
    "demanded_layers",
    "label_rules",
    "label_spec",
    "load",
    "load_all",
    "parse",
    "required_layers",
    "with_baseline",
]
