"""Every value of every axis, from evidence, with the verdict, the exit code and the finding that goes with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_by_hand import BASELINE, CLAIM, ENTRY, GOOD, ORIGIN, RECEIPT, SOURCE, STRIPPED, UNMARKED, XMP
from personactl_ledger import Approval, Word

from personactl.claim_terms import COMPOSITE
from personactl.verdict import EntryCandidate
from personactl.verify.evidence import Action, Credential, Evidence, Metadata, Pixels, Record, Source
from personactl.verify.findings import finding
from personactl.verify.judgement import Demands, conclude
from personactl.verify.table import VALUES

PLAIN = replace(GOOD, records=())
ALTERED = replace(CLAIM, state="Invalid", failures=("assertion.dataHash.mismatch",), signer="not-established")
EXPIRED = replace(CLAIM, state="Invalid", signer="expired", failures=("signingCredential.expired",))
STRANGER = replace(CLAIM, state="Valid", signer="unknown", failures=("signingCredential.untrusted",))
EDITED = replace(CLAIM, actions=(Action(name="c2pa.opened"), Action(name="c2pa.edited", source_type=COMPOSITE)))
MARKED = Pixels(state="present", payload=ENTRY[:16], score="0.9")
NEAR = EntryCandidate(entry_id=ENTRY, origin=ORIGIN, index=9, by="iscc", distance=4, of=256, persona=("lira", 2))
LACKING = Record(source="ledger", state="absent", origin="other.example/personactl/0011223344556677")


def approval(verdict: Any, *words: Any) -> Approval:
    said = tuple(Word(f"key-{number}", word, number, "") for number, word in enumerate(words))
    return Approval(
        verdict=verdict, threshold=1, approvers=("key-0", "key-1"), counted=said, by_trust_entry=None
    )  # fmt: skip


Case = tuple[str, str, Evidence, dict[str, Any], tuple[str, int, str]]
CASES: list[Case] = [
    ("integrity", "exact", GOOD, {}, ("pass", 0, "")),
    ("integrity", "exact", GOOD, {"exact": True}, ("pass", 0, "")),
    ("integrity", "content", PLAIN, {}, ("pass", 0, "verify.content-only")),
    ("integrity", "content", PLAIN, {"exact": True}, ("unproven", 6, "verify.not-exact")),
    ("integrity", "not-checked", STRIPPED, {}, ("unproven", 6, "credential.absent")),
    ("integrity", "not-checked", STRIPPED, {"exact": True}, ("unproven", 6, "verify.not-exact")),
    ("integrity", "altered", replace(PLAIN, credential=ALTERED), {}, ("fail", 4, "verify.altered")),
    ("integrity", "unreadable", Evidence(source=replace(SOURCE, problem=finding("verify.unreadable", "it is empty"))),
     {}, ("error", 4, "verify.unreadable")),
    ("credential", "embedded", GOOD, {}, ("pass", 0, "")),
    ("credential", "absent", STRIPPED, {}, ("unproven", 6, "credential.absent")),
    ("credential", "remote", replace(STRIPPED, credential=Credential(presence="remote")), {},
     ("unproven", 6, "credential.remote")),
    ("trust", "trusted", GOOD, {}, ("pass", 0, "")),
    ("trust", "untrusted", replace(PLAIN, credential=STRANGER), {}, ("fail", 5, "verify.untrusted")),
    ("trust", "expired", replace(PLAIN, credential=EXPIRED), {}, ("fail", 5, "verify.expired")),
    ("trust", "not-checked", replace(PLAIN, credential=replace(CLAIM, signer="not-asked", trust_origin="")), {},
     ("unproven", 5, "verify.no-trust-file")),
    ("disclosure", "synthetic", GOOD, {}, ("pass", 0, "")),
    ("disclosure", "edited", replace(GOOD, credential=EDITED, metadata=replace(XMP, source_type=COMPOSITE)), {},
     ("pass", 0, "")),
    ("disclosure", "missing", replace(GOOD, credential=replace(CLAIM, actions=())), {},
     ("fail", 7, "verify.disclosure-missing")),
    ("disclosure", "contradictory", replace(GOOD, metadata=replace(XMP, source_type=COMPOSITE)), {},
     ("fail", 7, "verify.disclosure-contradicts")),
    ("watermark", "present", replace(GOOD, pixels=MARKED), {"count": 2}, ("pass", 0, "")),
    ("watermark", "absent", replace(GOOD, pixels=UNMARKED), {}, ("pass", 0, "verify.watermark-absent")),
    ("watermark", "absent", replace(GOOD, pixels=UNMARKED), {"count": 2}, ("fail", 7, "verify.watermark-required")),
    ("watermark", "absent", replace(GOOD, pixels=UNMARKED), {"policies": BASELINE}, ("fail", 7, "policy.watermark")),
    ("watermark", "not-checked", GOOD, {}, ("pass", 0, "")),
    ("watermark", "not-checked", GOOD, {"count": 2}, ("unproven", 7, "verify.watermark-unchecked")),
    ("ledger", "exact", GOOD, {}, ("pass", 0, "")),
    ("ledger", "similar", replace(STRIPPED, candidates=(NEAR,)), {}, ("unproven", 6, "verify.candidate")),
    ("ledger", "absent", replace(PLAIN, records=(LACKING,)), {}, ("pass", 0, "verify.ledger-absent")),
    ("ledger", "absent", replace(GOOD, records=(replace(RECEIPT, subject_sha256="cc" * 32),)), {},
     ("fail", 4, "verify.bytes-differ")),
    ("ledger", "not-checked", PLAIN, {}, ("pass", 0, "verify.content-only")),
    ("approval", "approved", replace(GOOD, approval=approval("approved", "approved")), {"approval": True},
     ("pass", 0, "verify.approved")),
    ("approval", "rejected", replace(GOOD, approval=approval("rejected", "rejected", "rejected")), {},
     ("fail", 3, "verify.rejected")),
    ("approval", "pending", replace(GOOD, approval=approval("pending")), {}, ("pass", 0, "")),
    ("approval", "pending", replace(GOOD, approval=approval("pending")), {"approval": True},
     ("fail", 3, "verify.not-approved")),
    ("approval", "not-checked", GOOD, {}, ("pass", 0, "")),
    ("approval", "not-checked", GOOD, {"approval": True}, ("fail", 3, "verify.not-approved")),
]  # fmt: skip


@pytest.mark.parametrize(("axis", "value", "evidence", "demands", "expected"), CASES)
def test_the_value_the_verdict_the_exit_code_and_the_finding(
    axis: str, value: str, evidence: Evidence, demands: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    verdict = conclude(evidence, Demands(**demands))
    outcome, code, told = expected
    assert getattr(verdict.axes, axis) == value
    assert (verdict.verdict, verdict.exit_code) == (outcome, code)
    codes = {item.code for item in verdict.findings}
    assert told in codes if told else not codes


def test_no_value_is_left_out() -> None:
    reached = {(axis, value) for axis, value, *_ in CASES}
    elsewhere = {("trust", "listed")}  # by a list that the verifier gave: test_verify_table.py has its verdict
    assert {(axis, value) for axis, values in VALUES.items() for value in values} == reached | elsewhere


@pytest.mark.parametrize(
    ("evidence", "basis", "layers"),
    [
        (GOOD, ("metadata", "ledger"), ("signed-metadata",)),
        (PLAIN, ("metadata",), ("signed-metadata",)),
        (replace(GOOD, pixels=MARKED), ("metadata", "watermark", "ledger"), ("signed-metadata", "watermark")),
        (replace(PLAIN, pixels=UNMARKED), ("metadata", "watermark"), ("signed-metadata",)),
        (replace(PLAIN, credential=ALTERED, pixels=MARKED), ("metadata", "watermark"), ("watermark",)),
        (STRIPPED, (), ()),
        (replace(STRIPPED, pixels=MARKED), ("watermark",), ("watermark",)),
        (replace(STRIPPED, pixels=UNMARKED, candidates=(NEAR,)), ("watermark", "ledger"), ()),
        (replace(STRIPPED, metadata=Metadata(source_type=COMPOSITE)), (), ()),
        (Evidence(source=Source(path="e", problem=finding("verify.unreadable", "it is empty"))), (), ()),
    ],
)
def test_what_a_verdict_rests_on_and_which_layers_were_found(
    evidence: Evidence, basis: tuple[str, ...], layers: tuple[str, ...]
) -> None:
    verdict = conclude(evidence, Demands())
    assert (verdict.basis, verdict.layers_found) == (basis, layers)


@pytest.mark.parametrize(
    ("evidence", "persona", "entry"),
    [
        (GOOD, ("lira", 2), (ENTRY, ORIGIN, 7)),  # the record's own word, with its index
        (PLAIN, ("lira", 2), (ENTRY, ORIGIN, None)),  # the claim of an accepted signer
        (replace(PLAIN, credential=STRANGER), None, None),
        (replace(PLAIN, credential=EXPIRED), None, None),
        (replace(PLAIN, credential=ALTERED), None, None),
        (STRIPPED, None, None),
        (replace(STRIPPED, candidates=(NEAR,)), ("lira", 2), (ENTRY, ORIGIN, 9)),
        (replace(STRIPPED, candidates=(NEAR, replace(NEAR, entry_id="ff" * 16, index=11))), ("lira", 2), None),
        (replace(STRIPPED, candidates=(NEAR, replace(NEAR, entry_id="ff" * 16, persona=("nova", 1)))), None, None),
    ],
)
def test_whose_persona_and_entry_are_repeated(evidence: Evidence, persona: Any, entry: Any) -> None:
    verdict = conclude(evidence, Demands())
    assert (verdict.persona, verdict.entry) == (persona, entry)


@pytest.mark.parametrize("what", ["claim", "receipt"])
def test_development_keys_of_the_signer_or_of_the_ledger_show_in_a_pass(what: str) -> None:
    claim = replace(CLAIM, development=what == "claim")
    record = replace(RECEIPT, development=what == "receipt")
    verdict = conclude(replace(GOOD, credential=claim, records=(record,)), Demands())
    assert (verdict.verdict, verdict.exit_code, verdict.development) == ("pass", 0, True)
    failed = conclude(replace(GOOD, credential=replace(claim, actions=()), records=(record,)), Demands())
    assert "verify.development-keys" not in {item.code for item in failed.findings}
