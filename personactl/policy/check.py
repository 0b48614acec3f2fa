"""Asking policies: facts in, findings out. Pure apart from loading the baseline when the caller left it out.

The baseline is always asked, last, and no policy can switch a rule off: policies only add demands, so adding one can
tighten and never loosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from personactl.model import Finding
from personactl.policy.checks import CHECKS, LABEL_CHECKS, MACHINE_LAYERS, LabelFacts, PlanFacts
from personactl.policy.files import BASELINE, Policy, Rule, load


def load_all(policy_ids: Iterable[str]) -> tuple[Policy, ...]:
    """The named policies in their order, each once, and the baseline last. Raises PolicyError."""
    return with_baseline([load(policy_id) for policy_id in policy_ids])


def with_baseline(policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies, each once, with the shipped baseline at the end, whatever else calls itself so."""
    kept = {policy.id: policy for policy in policies if policy.id != BASELINE}
    return (*kept.values(), load(BASELINE))


def check_plan(policies: Sequence[Policy], facts: PlanFacts) -> tuple[Finding, ...]:
    """What the plan does not meet, and what no program can check, in the order of policies and rules."""
    findings: list[Finding] = []
    for policy in with_baseline(policies):
        for rule in policy.rules:
            check = CHECKS[rule.check]
            if not binds(rule, facts.role):
                continue
            if check.stage == "manual":
                findings.append(_finding(policy, rule, prefix="to check by hand: "))
            elif check.met is not None and not check.met(facts):
                findings.append(_finding(policy, rule))
    return tuple(findings)


def check_layers(policies: Sequence[Policy], layers: Sequence[str], *, received: bool = False) -> tuple[Finding, ...]:
    """The marks that the policies demand and that `layers`, the marks found in a file, lack. The hints are for whoever
    makes the file, or with `received` for whoever got it."""
    return tuple(
        _finding(policy, rule, received=received)
        for policy in with_baseline(policies)
        for rule in policy.rules
        if CHECKS[rule.check].stage == "file" and rule.check not in layers
    )


def check_label(policies: Sequence[Policy], facts: LabelFacts) -> tuple[Finding, ...]:
    """What the policies demand of the visible label and a received file does not have, by `facts`."""
    return tuple(
        _finding(policy, rule, received=True)
        for policy in with_baseline(policies)
        for rule in policy.rules
        if rule.check in LABEL_CHECKS and not LABEL_CHECKS[rule.check](facts)
    )


def label_rules(policies: Sequence[Policy]) -> tuple[Rule, ...]:
    """The rules about the visible label. Whom they bind is not asked: a file does not tell the sender's part."""
    return tuple(rule for policy in with_baseline(policies) for rule in policy.rules if rule.check in LABEL_CHECKS)


def demanded_layers(policies: Sequence[Policy]) -> frozenset[str]:
    """The marks without which a file does not meet the policies: those that a rule of severity error demands."""
    rules = [rule for policy in with_baseline(policies) for rule in policy.rules]
    return frozenset(rule.check for rule in rules if rule.severity == "error" and CHECKS[rule.check].stage == "file")


def required_layers(policies: Sequence[Policy]) -> int:
    """How many machine-readable marks a file must carry: those of `MACHINE_LAYERS` among the demanded ones."""
    return len(demanded_layers(policies).intersection(MACHINE_LAYERS))


def binds(rule: Rule, role: str) -> bool:
    return "both" in (rule.binds, role) or rule.binds == role


def _finding(policy: Policy, rule: Rule, *, prefix: str = "", received: bool = False) -> Finding:
    # A reminder that nothing can answer is no warning about this plan.
    severity = "info" if prefix else rule.severity
    message = f"{prefix}{rule.text} ({policy.id}, {rule.id})"
    check = CHECKS[rule.check]
    return Finding(code=check.code, severity=severity, message=message, hint=check.ask if received else check.hint)
