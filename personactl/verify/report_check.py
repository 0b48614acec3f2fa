"""Checking a signed report: who signed it, and whether files at hand are those that it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from personactl_ledger import key_id

from personactl.errors import EXIT_INTEGRITY, EXIT_OK, UsageProblem
from personactl.keys.trust import TrustFile
from personactl.verify import signed_report
from personactl.verify.limits import MAX_BYTES
from personactl.verify.opening import RefusedError, read_plain
from personactl.verify.signed_report import Report, Reporter
from personactl.verify.walking import Target, targets

SCHEMA = "personactl.report-check/1"
_GRAVITY = {"pass": 0, "unproven": 1, "error": 2, "fail": 3}
"""The same bytes may stand in a report under several names, with several verdicts: the gravest is told."""
Outcome = Literal["in-report", "not-in-report", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A file at hand. `found` is what the report says about these bytes; `problem` why there are no bytes."""

    path: str
    sha256: str
    outcome: Outcome
    found: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A report whose signature holds under an accepted key, and the files that were compared with it."""

    path: str
    report: Report
    by: Reporter
    compared: tuple[Compared, ...]

    @property
    def key_id(self) -> str:
        return key_id(self.by.public_key)

    @property
    def exit_code(self) -> int:
        """That of the check: what the report says about its files is another matter."""
        return EXIT_OK if all(item.outcome == "in-report" for item in self.compared) else EXIT_INTEGRITY


def check_report(path: Path, files: Sequence[Path], trust: Sequence[TrustFile], public: Sequence[bytes]) -> Checked:
    """Read the report at `path`, find out who signed it, and look for each file (also in folders) by its SHA-256.

    Where keys are given by themselves (`public`, raw) they count alone, else those of the trust files. Raises
    UsageProblem (report.unreadable), IntegrityError (report.malformed, report.signature), TrustError (report.no-key,
    report.untrusted).
    """
    named = [Reporter(public_key=key, name=item.name) for item in trust for key in item.report_keys]
    accepted = [Reporter(public_key=key) for key in public] or named
    report, by = signed_report.read(_read(path), accepted, str(path))
    worst_last = sorted(report.files, key=lambda item: _GRAVITY.get(item["verdict"], len(_GRAVITY)))
    known: dict[str, Mapping[str, Any]] = {item["sha256"]: item for item in worst_last if item["sha256"]}
    compared = tuple(_compare(target, known) for target in targets(files))
    return Checked(path=str(path), report=report, by=by, compared=compared)


def _read(path: Path) -> bytes:
    try:
        return read_plain(path, signed_report.MAX_BYTES + 1)
    except RefusedError as refusal:
        raise UsageProblem(
            f"the report cannot be read: {refusal.message}", where=str(path), hint="check the path and its permissions",
            code="report.unreadable",
        ) from None  # fmt: skip


def _compare(target: Target, known: Mapping[str, Mapping[str, Any]]) -> Compared:
    path = target.path
    if target.empty_folder:
        problem = "the folder holds no file that could be compared"
        return Compared(path=str(path), sha256="", outcome="unreadable", problem=problem)
    try:
        sha256 = hashlib.sha256(read_plain(path, MAX_BYTES)).hexdigest()
    except RefusedError as refusal:
        return Compared(path=str(path), sha256="", outcome="unreadable", problem=refusal.message)
    found = known.get(sha256)
    outcome: Outcome = "not-in-report" if found is None else "in-report"
    return Compared(path=str(path), sha256=sha256, outcome=outcome, found=found)


def document(checked: Checked) -> dict[str, Any]:
    """`personactl.report-check/1`."""
    report = checked.report
    return {
        "schema": SCHEMA,
        "report": checked.path,
        "sha256": report.sha256,
        "signer": {"keyId": checked.key_id, "name": checked.by.name or None},
        "verifiedAt": report.verified_at,
        "detector": dict(report.detector),
        "asked": dict(report.asked),
        "trust": list(report.trust),
        "summary": dict(report.summary),
        "files": [dict(item) for item in report.files],
        "compared": [
            {
                "path": item.path,
                "sha256": item.sha256,
                "outcome": item.outcome,
                "name": None if item.found is None else item.found["name"],
                "verdict": None if item.found is None else item.found["verdict"],
            }
            for item in checked.compared
        ],
    }
