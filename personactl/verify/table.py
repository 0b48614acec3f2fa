"""The verdict table of the product contract, as data. Nothing else decides a verdict or an exit code.

Each row that applies is an outcome. The verdict of the file is the gravest outcome (error, fail, unproven, pass); its
exit code is the worst of all outcomes in the order of `errors.WORST_FIRST`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args, get_type_hints

from personactl.errors import (
    EXIT_CREDENTIAL,
    EXIT_DISCLOSURE,
    EXIT_GATE,
    EXIT_INTEGRITY,
    EXIT_OK,
    EXIT_TRUST,
    worst_exit,
)
from personactl.verdict import Axes

Outcome = Literal["error", "fail", "unproven", "pass"]
Condition = Literal[
    "signed",  # the file carries a credential of its own
    "watermark-required",  # a policy or --require-layers demands it
    "label-required",  # a rule of severity error asks something of the visible label
    "record-contradicts",  # a proven receipt or entry, or a checked ledger, says something else than the file
    "record-unreadable",  # a receipt that the system does not let be read
    "record-broken",  # a receipt does not verify, or the ledger does not check
    "record-untrusted",  # a receipt or ledger of a log that no trust file names
    "record-distrusted",  # the entry was signed by a key that was revoked from before it
    "require-exact",
    "require-approval",
]

GRAVEST_FIRST: tuple[Outcome, ...] = ("error", "fail", "unproven")
ANY = "*"

VALUES: dict[str, tuple[str, ...]] = {name: get_args(kind) for name, kind in get_type_hints(Axes).items()}
"""Every value of every axis."""


@dataclass(frozen=True, slots=True)
class Row:
    """When `axis` has `value` (and every condition in `when` holds), this is an outcome."""

    axis: str
    value: str
    outcome: Outcome
    exit_code: int
    when: tuple[Condition, ...] = ()


TABLE: tuple[Row, ...] = (
    Row("integrity", "unreadable", "error", EXIT_INTEGRITY),
    Row("integrity", "altered", "fail", EXIT_INTEGRITY),
    Row("integrity", "content", "unproven", EXIT_CREDENTIAL, ("require-exact",)),
    Row("integrity", "not-checked", "unproven", EXIT_CREDENTIAL, ("require-exact",)),
    Row("credential", "absent", "unproven", EXIT_CREDENTIAL),
    Row("credential", "remote", "unproven", EXIT_CREDENTIAL),
    Row("trust", "untrusted", "fail", EXIT_TRUST),
    Row("trust", "expired", "fail", EXIT_TRUST),
    Row("trust", "not-checked", "unproven", EXIT_TRUST, ("signed",)),
    Row("trust", "listed", "unproven", EXIT_DISCLOSURE, ("label-required",)),
    Row("disclosure", "missing", "fail", EXIT_DISCLOSURE, ("signed",)),
    Row("disclosure", "contradictory", "fail", EXIT_DISCLOSURE, ("signed",)),
    Row("watermark", "absent", "fail", EXIT_DISCLOSURE, ("signed", "watermark-required")),
    Row("watermark", "not-checked", "unproven", EXIT_DISCLOSURE, ("signed", "watermark-required")),
    Row("ledger", ANY, "fail", EXIT_INTEGRITY, ("record-contradicts",)),
    Row("ledger", ANY, "fail", EXIT_INTEGRITY, ("record-broken",)),
    Row("ledger", ANY, "fail", EXIT_TRUST, ("record-distrusted",)),
    Row("ledger", ANY, "unproven", EXIT_TRUST, ("record-untrusted",)),
    Row("ledger", ANY, "unproven", EXIT_CREDENTIAL, ("record-unreadable",)),
    Row("approval", "rejected", "fail", EXIT_GATE),
    Row("approval", "pending", "fail", EXIT_GATE, ("require-approval",)),
    Row("approval", "not-checked", "fail", EXIT_GATE, ("require-approval",)),
)


@lru_cache(maxsize=256)
def judge(axes: Axes, conditions: frozenset[Condition]) -> tuple[Outcome, int]:
    """The verdict and exit code of one file. The files of a delivery have few different ones."""
    outcomes = [row for row in TABLE if _applies(row, axes, conditions)]
    for outcome in GRAVEST_FIRST:
        if any(row.outcome == outcome for row in outcomes):
            return outcome, worst_exit([row.exit_code for row in outcomes])
    return "pass", EXIT_OK


def _applies(row: Row, axes: Axes, conditions: frozenset[Condition]) -> bool:
    return row.value in (ANY, getattr(axes, row.axis)) and conditions.issuperset(row.when)
