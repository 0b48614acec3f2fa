"""Evidence → Verdict: put the axes together and look up the table. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from personactl.errors import EXIT_OK, WORST_FIRST
from personactl.model import Finding
from personactl.policy import MACHINE_LAYERS, Policy, check_layers, demanded_layers, required_layers
from personactl.policy.checks import CHECKS
from personactl.verdict import Axes, Verdict
from personactl.verify import axes as rules
from personactl.verify import disclosure as disclosure_rules
from personactl.verify import label
from personactl.verify.candidates import leading
from personactl.verify.evidence import Evidence, Source
from personactl.verify.findings import CODES, PASSED_ON, Conclusion, finding
from personactl.verify.table import Condition, judge

_CODES = PASSED_ON.union(CODES, (check.code for check in CHECKS.values()))
"""Every code that a finding of a verdict can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What the verifier asks for beyond the plain rules. `policies`: none, or those whose rules on files are asked;
    `count`: so many of `MACHINE_LAYERS`, in their order, whatever policies say."""

    policies: tuple[Policy, ...] = ()
    count: int = 0
    exact: bool = False
    approval: bool = False

    @property
    def layers(self) -> frozenset[str]:
        """The marks without which a file fails: those of policies and of the count together. Without both nothing is
        demanded, not even by the baseline."""
        return frozenset(MACHINE_LAYERS[: self.count]) | (
            demanded_layers(self.policies) if self.policies else frozenset()
        )

    @property
    def required(self) -> int:
        """How many machine-readable layers are demanded: the stricter of policies and count."""
        return max(self.count, required_layers(self.policies) if self.policies else 0)

    @property
    def decoding(self) -> bool:
        """Whether the pixels must be decoded, since a mark in them is asked for."""
        return bool(self.policies) or "watermark" in self.layers


def conclude(evidence: Evidence, demands: Demands) -> Verdict:
    """The verdict on one file. Pure: the same evidence gives the same verdict."""
    claim = evidence.credential
    conclusions, lacking = _conclusions(evidence, demands)
    values: dict[str, Any] = {name: conclusion.value for name, conclusion in conclusions.items()}
    axes = Axes(**values)
    findings = tuple(dict.fromkeys(item for conclusion in conclusions.values() for item in conclusion.findings))
    outcome, exit_code = judge(axes, _conditions(evidence, demands, findings))
    development = claim.development or any(record.development for record in evidence.records)
    known = axes.integrity not in ("altered", "unreadable") and axes.trust not in ("untrusted", "expired")
    believed = _believed(axes.trust, evidence)
    return Verdict(
        path=evidence.source.path,
        sha256=evidence.source.sha256,
        media_type=evidence.source.media_type,
        verdict=outcome,
        exit_code=exit_code,
        axes=axes,
        layers_required=demands.required,
        layers_found=_layers(axes.integrity, axes.credential, axes.watermark),
        basis=_basis(axes),
        persona=_persona(evidence, believed=believed) if known else None,
        entry=_entry(evidence, believed=believed) if known else None,
        development=development,
        candidates=evidence.candidates,
        findings=(
            *findings,
            *lacking,
            *evidence.notes,
            *_closing(axes, demands, outcome, development),
        ),
    )


def _conclusions(evidence: Evidence, demands: Demands) -> tuple[dict[str, Conclusion], tuple[Finding, ...]]:
    """The axes in their order, and what the policies demand and the file lacks, by the ids of the rules."""
    claim, demanded = evidence.credential, demands.layers
    integrity, trust = rules.integrity(evidence), rules.trust(claim)
    credential = rules.credential(claim) if evidence.source.problem is None else Conclusion("absent")
    watermark = rules.watermark(evidence.pixels, claim, required="watermark" in demanded)
    labels: tuple[Finding, ...] = ()
    marks: tuple[Finding, ...] = ()
    if demands.policies and integrity.value != "unreadable":  # a file that was not read lacks nothing
        repeated = integrity.value != "altered" and _believed(trust.value, evidence)
        labels = label.findings(claim, demands.policies, repeated=repeated)
        layers = _layers(integrity.value, credential.value, watermark.value)
        marks = check_layers(demands.policies, (*layers, *evidence.metadata.layers), received=True)
    disclosure = disclosure_rules.disclosure(
        claim, evidence.metadata, evidence.pixels, demanded=demanded,
        unlabelled=any(item.severity == "error" for item in labels),
    )  # fmt: skip
    found = {
        "integrity": integrity,
        "credential": credential,
        "trust": trust,
        "disclosure": disclosure,
        "watermark": watermark,
        "ledger": rules.ledger(evidence),
        "approval": rules.approval(evidence.approval, required=demands.approval),
    }
    return found, (*marks, *labels)


def unread(path: str, code: str, message: str, demands: Demands) -> Verdict:
    """The verdict on what could not be read at all; `path` as it is shown."""
    return conclude(Evidence(source=Source(path=path, problem=finding(code, message))), demands)


def is_conceivable(verdict: Verdict) -> bool:
    """Whether `conclude` could have said this: codes that exist, an exit code of the table that fits the verdict.

    A worker that a file has taken over can lie about files, and must not put words of its own before people.
    """
    fits = verdict.exit_code in WORST_FIRST if verdict.verdict != "pass" else verdict.exit_code == EXIT_OK
    return fits and _CODES.issuperset(item.code for item in verdict.findings)


def _conditions(evidence: Evidence, demands: Demands, findings: tuple[Finding, ...]) -> frozenset[Condition]:
    claim, codes = evidence.credential, {item.code for item in findings}
    holds: dict[Condition, bool] = {
        "signed": claim.presence == "embedded" and claim.problem is None,
        "watermark-required": "watermark" in demands.layers,
        "label-required": bool(demands.policies) and label.required(demands.policies),
        "record-contradicts": bool(
            codes
            & {
                "verify.receipt-contradicts",
                "verify.receipt-refuted",
                "verify.ledger-contradicts",
                "verify.entry-voided",
                "verify.bytes-differ",
            }
        ),
        "record-broken": any(record.state in ("invalid", "broken") for record in evidence.records),
        "record-unreadable": any(record.state == "unreadable" for record in evidence.records),
        "record-untrusted": any(record.state == "untrusted" for record in evidence.records),
        "record-distrusted": any(record.state == "distrusted" for record in evidence.records),
        "require-exact": demands.exact,
        "require-approval": demands.approval,
    }
    return frozenset(name for name, true in holds.items() if true)


def _layers(integrity: str, credential: str, watermark: str) -> tuple[str, ...]:
    """The layers that count towards the required number. XMP and EXIF lie under the signature and count with it."""
    signed = credential == "embedded" and integrity in ("exact", "content")
    return (("signed-metadata",) if signed else ()) + (("watermark",) if watermark == "present" else ())


def _basis(axes: Axes) -> tuple[str, ...]:
    """What the verdict rests on."""
    used = {
        "metadata": axes.credential == "embedded" and axes.integrity != "unreadable",
        "watermark": axes.watermark != "not-checked",
        "ledger": axes.ledger != "not-checked",
    }
    return tuple(name for name, true in used.items() if true)


def _believed(trust: str, evidence: Evidence) -> bool:
    """Whether what the file claims of persona, entry and visible label may be repeated.

    Without a signer whom a trust file accepts it is the word of a stranger, also of one on a public list; where the
    ledger lacks the entry it is not true.
    """
    unheld = any(
        record.state == "refuted" or (record.state == "absent" and rules.claims_entry_of(evidence.credential, record))
        for record in evidence.records
    )
    return trust == "trusted" and not unheld


def _persona(evidence: Evidence, *, believed: bool) -> tuple[str, int] | None:
    proven = [record.persona for record in evidence.records if record.state == "proven" and record.persona]
    alike = {near.persona for near in evidence.candidates}
    near = alike.pop() if len(alike) == 1 else None
    claimed = evidence.credential.persona if believed else None
    return proven[0] if proven else claimed or near


def _entry(evidence: Evidence, *, believed: bool) -> tuple[str, str, int | None] | None:
    """The entry by the ledger's own word where it is proven, else as the file or the watermark claims it.

    `believed`: the file's claim may be repeated.
    """
    for record in evidence.records:
        if record.state == "proven" and record.entry_id:
            return record.entry_id, record.origin, record.index
    claim, near = evidence.credential, leading(evidence.candidates)
    if believed and claim.entry_id:
        return claim.entry_id, claim.ledger_origin, None
    return (near.entry_id, near.origin, near.index) if near else None


def _closing(axes: Axes, demands: Demands, outcome: str, development: bool) -> tuple[Finding, ...]:
    found = []
    if demands.exact and axes.integrity in ("content", "not-checked"):
        found.append(finding("verify.not-exact", "exact bytes were asked for, and no receipt or entry shows them"))
    if development and outcome == "pass":
        message = "the signer's keys are marked as development keys: not for release"
        found.append(finding("verify.development-keys", message))
    return tuple(found)
