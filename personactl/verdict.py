"""What a stranger may conclude about a file: the last of the types that flow (`model.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from personactl.model import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The axes of `verify` with every value of each, in the words of the product contract.

    `integrity: not-checked`: neither a credential nor a record, see ADR 0601.
    """

    integrity: Literal["exact", "content", "not-checked", "altered", "unreadable"] = "content"
    credential: Literal["embedded", "absent", "remote"] = "absent"
    trust: Literal["trusted", "listed", "untrusted", "expired", "not-checked"] = "not-checked"
    disclosure: Literal["synthetic", "edited", "missing", "contradictory"] = "missing"
    watermark: Literal["present", "absent", "not-checked"] = "not-checked"
    ledger: Literal["exact", "similar", "absent", "not-checked"] = "not-checked"
    approval: Literal["approved", "rejected", "pending", "not-checked"] = "not-checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCandidate:
    """An entry that a stripped file may come from: `distance` of `of` bits of watermark or ISCC differ. No proof."""

    entry_id: str
    origin: str
    index: int
    by: Literal["watermark", "iscc"]
    distance: int
    of: int
    persona: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a stranger may conclude about one file. `exit_code` is this file's contribution to the exit code."""

    path: str
    sha256: str
    media_type: str
    verdict: Literal["pass", "fail", "unproven", "error"]
    exit_code: int
    axes: Axes
    layers_required: int
    layers_found: tuple[str, ...]
    basis: tuple[str, ...]
    persona: tuple[str, int] | None
    entry: tuple[str, str, int | None] | None
    development: bool
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    candidates: tuple[EntryCandidate, ...] = ()
