"""What a check found (SPEC 12): findings with codes, and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["tree", "index", "full"]
MAX_FINDINGS = 200
"""A damaged file can yield one finding an entry; more than this say nothing new."""

TRUST_CODES = frozenset({"ledger.trust-origin", "ledger.trust-root", "ledger.trust-log-key", "ledger.trust-witness"})
"""Findings about who signed, not about whether the ledger is whole: exit 5."""


@dataclass(frozen=True, slots=True)
class LedgerFinding:
    """One thing that does not hold. `index` is the entry, or None; a warning leaves the check good."""

    code: str
    message: str
    index: int | None = None
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The result of a check. `root_hex` is the tree head over all `size` entries, `anchored` whether an outside
    checkpoint was found in this tree, `distrusted` entries signed by a key that was later revoked from before them,
    `notes` what this check could not see, `shown` what time stamps show. `since` is the size of the kept checkpoint
    whose entries were not read again, None when all were read. `latest` is the newest stored checkpoint that holds, as
    its note, "" where the check is not good or none is stored."""

    ok: bool
    size: int
    root_hex: str
    origin: str
    findings: tuple[LedgerFinding, ...]
    anchored: bool
    level: Level
    checkpoints: int
    signed_size: int
    development: bool
    distrusted: tuple[int, ...]
    notes: tuple[str, ...]
    shown: tuple[str, ...] = ()
    since: int | None = None
    latest: str = ""

    @property
    def first_error(self) -> str:
        """What broke first, in words; "" for a good ledger."""
        return next((finding.message for finding in self.findings if finding.severity == "error"), "")

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes of all errors, in their order."""
        return tuple(finding.code for finding in self.findings if finding.severity == "error")

    @property
    def exit_code(self) -> int:
        """0 good, 4 broken, 5 whole but not by signers that the trust file names."""
        errors = {finding.code for finding in self.findings if finding.severity == "error"}
        if not errors:
            return 0
        return 5 if errors <= TRUST_CODES else 4


@dataclass(slots=True)
class Findings:
    """Collects findings up to MAX_FINDINGS; the rest are counted."""

    items: list[LedgerFinding] = field(default_factory=list)
    left_out: int = 0

    def add(
        self, code: str, message: str, index: int | None = None, severity: Literal["error", "warning"] = "error"
    ) -> None:
        """Remember one finding."""
        if len(self.items) < MAX_FINDINGS:
            self.items.append(LedgerFinding(code, message, index, severity))
        else:
            self.left_out += 1
            if severity == "error" and all(item.severity == "warning" for item in self.items):
                self.items[-1] = LedgerFinding(code, message, index, severity)

    def copy(self) -> Findings:
        return Findings(self.items.copy(), self.left_out)

    @property
    def broken(self) -> bool:
        return any(item.severity == "error" for item in self.items)
