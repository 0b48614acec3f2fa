"""The visible label under policies: what the signed claim says of it, put to their rules. No pixel is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from personactl.model import Finding
from personactl.policy import Policy, check_label, label_rules
from personactl.verify.evidence import Credential
from personactl.verify.findings import finding


def findings(claim: Credential, policies: Sequence[Policy], *, repeated: bool) -> tuple[Finding, ...]:
    """What the label lacks by the claim. `repeated`: the claim is believed; otherwise nothing is said of the label but
    that it was not checked, and that only where a policy asks."""
    if repeated:
        return check_label(policies, claim.label)
    if not label_rules(policies):
        return ()
    message = "policies ask for a visible label; it was not checked, for what this file says of it cannot be relied on"
    return (finding("verify.label-unchecked", message),)


def required(policies: Sequence[Policy]) -> bool:
    """Whether a rule of severity error asks something of the label."""
    return any(rule.severity == "error" for rule in label_rules(policies))
