"""Which visible label a campaign's pictures get: the demands of all its policies in one, the strictest of each.

Words of every language that one of them asks for, the largest letters, the widest margin, and the places that all of
them permit, in the order of the policy whose id comes first. The order in which a manifest names policies decides
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from personactl.document.numbers import decimal_text
from personactl.errors import PolicyError
from personactl.model import OutputSpec
from personactl.policy.check import binds
from personactl.policy.files import LABEL_CHECK, LabelDemand, Policy, Rule
from personactl.visible_label import LabelPlace, LabelSpec

LABEL_WORDS = {"en": ("GENERATED", "MODIFIED"), "zh": ("生成", "合成")}
"""By language: the word for a picture that was generated, and for one that was made from another picture."""


def label_spec(
    policies: Sequence[Policy], output: OutputSpec, *, role: str, generated: bool = True
) -> LabelSpec | None:
    """The label that is drawn, or None. `generated` is False for an edited picture.

    A rule with the check `visible-label` that binds `role` asks for one under `label = "auto"`. "always" draws one in
    any case, "never" none. Raises PolicyError (policy.label-places) when the policies permit no common place.
    """
    asking = {policy.id: (policy, tuple(_asking(policy, role))) for policy in policies}
    found = [asking[name] for name in sorted(asking) if asking[name][1]]
    if output.label == "never" or (output.label == "auto" and not found):
        return None
    demands = [policy.label for policy, _ in found] or [LabelDemand()]
    languages = {language for demand in demands for language in demand.languages}
    return LabelSpec(
        words=tuple(words[0 if generated else 1] for language, words in LABEL_WORDS.items() if language in languages),
        height=_most(demand.height for demand in demands),
        least_height=_most(demand.least_height for demand in demands),
        margin=_most(demand.margin for demand in demands),
        places=_common_places([policy for policy, _ in found], demands),
        asked_by=tuple(f"{policy.id}/{rule.id}" for policy, rules in found for rule in rules),
    )


def _asking(policy: Policy, role: str) -> Iterator[Rule]:
    for rule in policy.rules:
        if rule.check == LABEL_CHECK and rule.severity != "info" and binds(rule, role):
            yield rule


def _most(values: Iterator[str]) -> str:
    return decimal_text(max(Decimal(value) for value in values))


def _common_places(policies: Sequence[Policy], demands: Sequence[LabelDemand]) -> tuple[LabelPlace, ...]:
    common = tuple(place for place in demands[0].places if all(place in demand.places for demand in demands))
    if not common:
        names = ", ".join(policy.id for policy in policies)
        raise PolicyError(
            f"there is no place for the visible label that all policies permit: {names}",
            hint="look at their [label] tables: personactl policy show ID",
            code="policy.label-places",
        )
    return common
