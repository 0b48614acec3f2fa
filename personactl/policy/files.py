"""Policies from TOML data. A rule whose source nobody on the project has read first-hand can warn, never block."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import personactl
from personactl.document import Fault, Key, PolicyProblems, Section, did_you_mean, parse_toml
from personactl.document.keys import Rows
from personactl.document.kinds import IDENT_REGEX, Choice, Flag, Ident, Number, Pattern, Several, Text, Version
from personactl.document.numbers import decimal_text
from personactl.document.source import Unparsable
from personactl.errors import PolicyError
from personactl.model import PolicyLock, Severity
from personactl.policy.checks import CHECKS
from personactl.visible_label import LabelPlace

BASELINE = "baseline"
LABEL_CHECK = "visible-label"
"""The check by which a rule asks for a visible label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One demand. `source` is a title, `url` its address ("" for none), `read_on` the date on which we read it."""

    id: str
    text: str
    binds: Literal["provider", "deployer", "both"]
    severity: Severity
    check: str
    source: str
    url: str
    read_on: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDemand:
    """What a policy asks of a visible label: see `model.LabelSpec`. `languages` are those of its words, en or zh."""

    languages: tuple[str, ...] = ("en",)
    height: str = "0.03"
    least_height: str = "0.02"
    margin: str = "0.04"
    places: tuple[LabelPlace, ...] = ("top-right", "top-left", "bottom-right", "bottom-left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A regime as data. `sha256` is that of the file's exact bytes."""

    id: str
    title: str
    summary: str
    sha256: str
    rules: tuple[Rule, ...]
    label: LabelDemand = LabelDemand()

    @property
    def lock(self) -> PolicyLock:
        return PolicyLock(id=self.id, sha256=self.sha256)


_DATE = Pattern(regex=r"\d{4}-\d\d-\d\d", means='a date as text, "2026-11-21"')
_SOURCE = Section(
    name="source",
    keys=(
        Key(name="title", kind=Text(most=300, least=1), required=True, doc="What was read."),
        Key(name="url", kind=Text(most=500), doc="Where it stands."),
        Key(name="read", kind=_DATE, required=True, doc="When it was read."),
    ),
)
_RULE = Section(
    name="[[rule]]",
    doc="One demand.",
    keys=(
        Key(
            name="id",
            kind=Pattern(regex=r"[a-z0-9][a-z0-9.-]{0,63}", means="a rule id"),
            required=True,
            doc="Id of the rule in this policy.",
        ),
        Key(name="text", kind=Text(most=600, least=1), required=True, doc="The demand in plain words."),
        Key(name="binds", kind=Choice(now=("provider", "deployer", "both")), required=True, doc="Who must meet it."),
        Key(name="severity", kind=Choice(now=("error", "warning", "info")), required=True, doc="When it is not met."),
        Key(name="check", kind=Choice(now=tuple(CHECKS)), required=True, doc="Check that answers it."),
        Key(name="confirmed", kind=Flag(), required=True, doc="Was the source read first-hand?"),
        Key(name="source", kind=_SOURCE, required=True, doc="Where the demand comes from."),
    ),
)
_FRACTION = Number(least=0, most=1, places=4)
_PLACES = ("top-right", "top-left", "bottom-right", "bottom-left")
_LABEL = Section(
    name="[label]",
    doc="How the visible label looks where a rule of this policy asks for one. Fractions are of the shorter side.",
    keys=(
        Key(name="languages", kind=Several(item=Choice(now=("en", "zh")), least=1, most=2), doc="Of its words (en)."),
        Key(name="height", kind=_FRACTION, doc="Height of the capital letters (0.03)."),
        Key(name="least_height", kind=_FRACTION, doc="Down to which they may shrink to clear the face (0.02)."),
        Key(name="margin", kind=_FRACTION, doc="Distance from the picture's edges (0.04)."),
        Key(name="places", kind=Several(item=Choice(now=_PLACES), least=1, most=4), doc="Permitted, best first (all)."),
    ),
)
POLICY = Section(
    name="the policy",
    doc="A regime as data.",
    keys=(
        Key(name="schema", kind=Version(value=1), required=True, doc="Version of the file's format."),
        Key(name="id", kind=Ident(), required=True, doc="Id, the file's name without .toml."),
        Key(name="title", kind=Text(most=200, least=1), required=True, doc="Title."),
        Key(name="summary", kind=Text(most=1000, least=1), required=True, doc="What it is, in plain words."),
        Key(name="label", kind=_LABEL, doc="The visible label."),
        Key(name="rule", kind=Rows(section=_RULE, least=1, most=200), required=True, doc="Demands."),
    ),
)


def builtin() -> Traversable:
    """The folder of the shipped policies: inside the installed package, else beside pyproject.toml of a checkout.

    Nowhere else, so that a folder that happens to be called "policies" in site-packages or in the working directory
    is never taken for ours. Raises PolicyError when neither is there.
    """
    packaged = resources.files(personactl) / "policies"
    if (packaged / f"{BASELINE}.toml").is_file():
        return packaged
    root = Path(personactl.__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file() and (root / "policies" / f"{BASELINE}.toml").is_file():
        return root / "policies"
    raise PolicyError(
        "the policies are not installed with the package",
        hint="install personactl again",
        code="policy.not-installed",
    )


def builtin_ids() -> tuple[str, ...]:
    """The ids of the shipped policies, sorted."""
    names = (entry.name for entry in builtin().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@lru_cache(maxsize=64)
def load(policy_id: str) -> Policy:
    """A shipped policy. Raises PolicyError (unknown), PolicyProblems (malformed)."""
    if re.fullmatch(IDENT_REGEX, policy_id) is None or policy_id not in builtin_ids():
        raise PolicyError(
            f'there is no policy "{policy_id[:64]}"',
            hint=did_you_mean(policy_id, builtin_ids()) or "see `personactl policy list`",
            code="policy.unknown",
        )
    policy = parse((builtin() / f"{policy_id}.toml").read_bytes(), f"policies/{policy_id}.toml")
    if policy.id != policy_id:
        raise PolicyError(f'policies/{policy_id}.toml says that its id is "{policy.id}"', code="policy.invalid")
    return policy


def parse(data: bytes, path: str) -> Policy:
    """The policy in `data`. Raises PolicyProblems with every problem and its position."""
    try:
        document = parse_toml(data, path=path, room="policy")
    except Unparsable as error:
        raise PolicyProblems(error.problems) from None
    faults = [*POLICY.faults(document.value), *_rule_faults(document.value)]
    problems = document.problems([*faults, *([] if faults else _label_faults(document.value))])
    if problems:
        raise PolicyProblems(problems)
    value: dict[str, Any] = document.value
    return Policy(
        id=value["id"],
        title=value["title"],
        summary=value["summary"],
        sha256=hashlib.sha256(data).hexdigest(),
        rules=tuple(_rule(row) for row in value["rule"]),
        label=_label(value.get("label", {})),
    )


def _label(table: dict[str, Any]) -> LabelDemand:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else decimal_text(value) for name, value in table.items()
    }
    return LabelDemand(**values)


def _rule(row: dict[str, Any]) -> Rule:
    source = row["source"]
    return Rule(
        id=row["id"],
        text=row["text"],
        binds=row["binds"],
        severity=row["severity"],
        check=row["check"],
        source=source["title"],
        url=source.get("url", ""),
        read_on=source["read"],
        confirmed=row["confirmed"],
    )


def _label_faults(value: dict[str, Any]) -> list[Fault]:
    """A label that no rule asks for, or whose measures leave no room for it, or shrink to more than they are."""
    label = _label(value.get("label", {}))
    wanted, least, margin = (Decimal(text) for text in (label.height, label.least_height, label.margin))
    faults: list[Fault] = []
    if "label" in value and all(row["check"] != LABEL_CHECK for row in value["rule"]):
        message = f'no rule of this policy asks for a label: none has the check "{LABEL_CHECK}"'
        faults.append(Fault(path=("label",), code="label-unasked", message=message, hint="remove [label]", at="key"))
    if not 0 < least <= wanted:
        message = f"letters of {wanted} cannot shrink to {least}"
        faults.append(Fault(path=("label", "least_height"), code="label-measures", message=message))
    if wanted > Decimal("0.2") or margin > Decimal("0.2"):
        message = "the letters, or the margin, take more than a fifth of the picture"
        faults.append(Fault(path=("label",), code="label-measures", message=message, hint="use fractions like 0.03"))
    return faults


def _rule_faults(value: dict[str, Any]) -> list[Fault]:
    """Rules with the same id, and rules that would block on hearsay."""
    faults: list[Fault] = []
    seen: set[str] = set()
    rows = value.get("rule")
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            continue
        if row.get("severity") == "error" and row.get("confirmed") is not True:
            message = "a rule whose source was not read first-hand may warn, not block"
            hint = 'set severity = "warning", or read the source and set confirmed = true'
            faults.append(Fault(path=("rule", index, "severity"), code="unconfirmed", message=message, hint=hint))
        ident = row.get("id")
        if isinstance(ident, str) and ident in seen:
            message = f'two rules have the id "{ident}"'
            faults.append(Fault(path=("rule", index, "id"), code="duplicate-id", message=message))
        seen.add(str(ident))
    return faults
