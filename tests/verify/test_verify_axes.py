"""Each rule on evidence made by hand: one thing wrong at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_by_hand import (
    BASELINE,
    CLAIM,
    ENTRY,
    GENERATION,
    GOOD,
    ORIGIN,
    OTHER,
    RECEIPT,
    STRIPPED,
    UNMARKED,
    XMP,
)

from personactl import policy
from personactl.claim_terms import COMPOSITE
from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA as SYNTHETIC
from personactl.model import Finding
from personactl.verdict import EntryCandidate
from personactl.verify import axes
from personactl.verify.disclosure import disclosure
from personactl.verify.evidence import Action, Evidence, Metadata, Pixels, Record, Signer, Source
from personactl.verify.findings import CODES, finding
from personactl.verify.judgement import Demands, conclude, is_conceivable


def verdict_of(evidence: Evidence, **demands: Any) -> tuple[str, int, set[str]]:
    verdict = conclude(evidence, Demands(**demands))
    return verdict.verdict, verdict.exit_code, {item.code for item in verdict.findings}


def test_a_file_with_everything_in_order_passes_without_findings() -> None:
    verdict = conclude(GOOD, Demands())
    assert (verdict.verdict, verdict.exit_code, verdict.findings) == ("pass", 0, ())
    assert verdict.axes.integrity == "exact"
    assert verdict.persona == ("lira", 2)
    assert verdict.entry == (ENTRY, ORIGIN, 7)
    assert verdict.basis == ("metadata", "ledger")
    assert verdict.layers_found == ("signed-metadata",)


def test_without_a_record_the_content_binding_passes_with_a_note() -> None:
    assert verdict_of(replace(GOOD, records=())) == ("pass", 0, {"verify.content-only"})


def test_without_a_record_exact_bytes_on_demand_are_unproven() -> None:
    outcome, code, codes = verdict_of(replace(GOOD, records=()), exact=True)
    assert (outcome, code) == ("unproven", 6)
    assert "verify.not-exact" in codes


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"state": "Invalid", "failures": ("assertion.dataHash.mismatch",)}, ("fail", 4, "verify.altered")),
        ({"state": "Invalid", "failures": ("claimSignature.mismatch",)}, ("fail", 4, "verify.altered")),
        ({"state": "Invalid", "failures": ()}, ("fail", 4, "verify.altered")),
        ({"problem": finding("credential.broken", "two stores")}, ("error", 4, "credential.broken")),
        (
            {"ingredient_failures": ("assertion.dataHash.mismatch",)},
            ("fail", 4, "verify.ingredient-altered"),
        ),
        (
            {"ingredient_failures": ("signingCredential.untrusted",)},
            ("fail", 5, "verify.ingredient-untrusted"),
        ),
        (
            {"state": "Valid", "signer": "unknown", "failures": ("signingCredential.untrusted",)},
            ("fail", 5, "verify.untrusted"),
        ),
        ({"signer": "not-allowed"}, ("fail", 5, "verify.leaf-not-allowed")),
        (
            {
                "state": "Invalid",
                "signer": "expired",
                "failures": ("signingCredential.expired", "signingCredential.untrusted"),
            },
            ("fail", 5, "verify.expired"),
        ),
        ({"signer": "not-asked", "trust_origin": ""}, ("unproven", 5, "verify.no-trust-file")),
        ({"actions": ()}, ("fail", 7, "verify.disclosure-missing")),
        ({"actions": (Action(name="c2pa.created"),)}, ("fail", 7, "verify.disclosure-missing")),
        ({"actions": (Action(name="c2pa.published"),)}, ("fail", 7, "verify.disclosure-missing")),
        (
            {"actions": (Action(name="c2pa.created", source_type=SYNTHETIC + "X"),)},
            ("fail", 7, "verify.source-type-unknown"),
        ),
        (
            {"actions": (Action(name="c2pa.created", source_type=SYNTHETIC.replace("http:", "https:")),)},
            ("fail", 7, "verify.source-type-unknown"),
        ),
        (
            {"actions": (Action(name="c2pa.opened", source_type=SYNTHETIC),)},
            ("fail", 7, "verify.source-type-unknown"),
        ),
        (
            {"actions": (Action(name="c2pa.opened"), Action(name="c2pa.edited"))},
            ("fail", 7, "verify.disclosure-missing"),
        ),
        ({"model_type": ""}, ("fail", 7, "verify.ai-disclosure-missing")),
        ({"generation": {}}, ("fail", 7, "verify.assertion-missing")),
        ({"generation": {**GENERATION, "schema": "other/1"}}, ("fail", 7, "verify.assertion-missing")),
        (
            {"generation": {**GENERATION, "persona": {"id": "lira", "version": True}}},
            ("fail", 7, "verify.assertion-missing"),
        ),
        ({"generation": {**GENERATION, "entryId": "ff" * 16}}, ("fail", 4, "verify.receipt-contradicts")),
    ],
)
def test_one_thing_wrong_in_the_claim(claim: dict[str, Any], expected: tuple[str, int, str]) -> None:
    outcome, code, codes = verdict_of(replace(GOOD, credential=replace(CLAIM, **claim)))
    assert (outcome, code) == expected[:2]
    assert expected[2] in codes


def test_an_expired_certificate_does_not_make_the_bytes_altered() -> None:
    codes = ("signingCredential.expired", "signingCredential.untrusted")
    claim = replace(CLAIM, state="Invalid", signer="expired", failures=codes)
    assert axes.integrity(replace(GOOD, credential=claim)).value == "exact"


def test_an_edited_file_needs_opened_first_and_the_composite_type() -> None:
    actions = (Action(name="c2pa.opened"), Action(name="c2pa.edited", source_type=COMPOSITE))
    edited = replace(GOOD, credential=replace(CLAIM, actions=actions), metadata=replace(XMP, source_type=COMPOSITE))
    verdict = conclude(edited, Demands())
    assert (verdict.verdict, verdict.axes.disclosure) == ("pass", "edited")


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"source_type": COMPOSITE}, "verify.disclosure-contradicts"),
        ({"source_type": "digitalCapture"}, "verify.disclosure-contradicts"),
        ({"source_type": "", "twice": True}, "verify.disclosure-contradicts"),
        ({"image_guid": "ff" * 16}, "verify.entry-id-differs"),
    ],
)
def test_xmp_that_contradicts_the_credential(metadata: dict[str, Any], code: str) -> None:
    outcome, exit_code, codes = verdict_of(replace(GOOD, metadata=replace(XMP, **metadata)))
    assert (outcome, exit_code) == ("fail", 7)
    assert code in codes


def test_xmp_that_is_missing_or_unreadable_is_a_warning_because_the_credential_speaks() -> None:
    assert verdict_of(replace(GOOD, metadata=Metadata())) == ("pass", 0, {"verify.xmp-missing"})
    assert verdict_of(replace(GOOD, metadata=Metadata(problem="DTD"))) == ("pass", 0, {"verify.xmp-unreadable"})


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"subject_sha256": "cc" * 32}, ("fail", 4, "verify.bytes-differ")),
        ({"entry_id": "ff" * 16}, ("fail", 4, "verify.receipt-contradicts")),
        ({"origin": OTHER}, ("fail", 4, "verify.receipt-contradicts")),
        ({"persona": ("lira", 1)}, ("fail", 4, "verify.receipt-contradicts")),
        ({"state": "invalid", "reason": "step 5"}, ("fail", 4, "verify.receipt-invalid")),
        ({"state": "untrusted"}, ("unproven", 5, "verify.receipt-untrusted")),
        ({"source": "ledger", "state": "broken"}, ("fail", 4, "verify.ledger-broken")),
        ({"source": "ledger", "state": "untrusted"}, ("unproven", 5, "verify.ledger-untrusted")),
        ({"source": "ledger", "state": "voided"}, ("fail", 4, "verify.entry-voided")),
        ({"source": "ledger", "state": "absent"}, ("fail", 4, "verify.ledger-contradicts")),
        ({"source": "ledger", "state": "absent", "origin": OTHER}, ("pass", 0, "verify.ledger-absent")),
        ({"state": "refuted", "reason": "entry #7 is another one"}, ("fail", 4, "verify.receipt-refuted")),
        ({"state": "unreadable", "reason": "no permission"}, ("unproven", 6, "verify.receipt-unreadable")),
        ({"source": "ledger", "state": "distrusted"}, ("fail", 5, "verify.entry-distrusted")),
        ({"source": "ledger", "state": "pending"}, ("pass", 0, "verify.entry-pending")),
        ({"source": "ledger", "entry_id": "ff" * 16}, ("fail", 4, "verify.ledger-contradicts")),
    ],
)
def test_one_thing_wrong_in_the_record(record: dict[str, Any], expected: tuple[str, int, str]) -> None:
    outcome, code, codes = verdict_of(replace(GOOD, records=(replace(RECEIPT, **record),)))
    assert (outcome, code) == expected[:2]
    assert expected[2] in codes


def test_a_receipt_that_the_ledger_refutes_shows_no_exact_bytes_and_names_nobody() -> None:
    missing = Record(source="ledger", state="absent", origin=ORIGIN)
    verdict = conclude(replace(GOOD, records=(replace(RECEIPT, state="refuted"), missing)), Demands())
    assert (verdict.axes.integrity, verdict.axes.ledger) == ("content", "absent")
    assert (verdict.persona, verdict.entry) == (None, None)


def test_a_file_without_a_claim_is_not_contradicted_by_a_ledger_that_lacks_it() -> None:
    missing = Record(source="ledger", state="absent", origin=ORIGIN)
    assert verdict_of(replace(STRIPPED, records=(missing,))) == (
        "unproven", 6, {"credential.absent", "verify.ledger-absent"},
    )  # fmt: skip


def test_without_a_trust_file_what_the_file_claims_of_persona_and_entry_is_withheld() -> None:
    claim = replace(CLAIM, signer="not-asked", trust_origin="")
    unasked = replace(RECEIPT, state="unchecked", entry_id="", persona=None, index=None)
    for records in ((), (unasked,)):
        verdict = conclude(replace(GOOD, credential=claim, records=records), Demands())
        assert (verdict.verdict, verdict.exit_code) == ("unproven", 5)
        assert (verdict.persona, verdict.entry) == (None, None)


def test_altered_bytes_lend_no_persona_and_no_entry() -> None:
    claim = replace(CLAIM, state="Invalid", failures=("assertion.dataHash.mismatch",), signer="not-established")
    verdict = conclude(replace(GOOD, credential=claim, records=()), Demands())
    assert verdict.persona is None
    assert verdict.entry is None
    assert verdict.layers_found == ()


@pytest.mark.parametrize("signer", ["accepted", "listed", "not-established"])
@pytest.mark.parametrize("code", ["timeStamp.mismatch", "signingCredential.ocsp.revoked", "signingCredential.invalid"])
def test_a_signature_whose_certificate_or_stamp_fails_is_refused_and_the_verdict_says_why(
    code: str, signer: Signer
) -> None:
    claim = replace(CLAIM, state="Invalid", failures=(code,), signer=signer)
    verdict = conclude(replace(GOOD, credential=claim), Demands())
    assert (verdict.verdict, verdict.exit_code, verdict.axes.trust) == ("fail", 5, "untrusted")
    (told,) = [item for item in verdict.findings if item.code == "verify.untrusted"]
    assert code in told.message


def test_an_unsigned_picture_is_unproven_and_never_a_failed_disclosure() -> None:
    outcome, code, codes = verdict_of(STRIPPED)
    assert (outcome, code, codes) == ("unproven", 6, {"credential.absent"})
    assert conclude(STRIPPED, Demands()).axes.integrity == "not-checked"


def test_an_unsigned_picture_without_watermark_stays_unproven_even_when_a_policy_demands_one() -> None:
    outcome, code, codes = verdict_of(replace(STRIPPED, pixels=Pixels(state="absent")), policies=BASELINE)
    assert (outcome, code) == ("unproven", 6)
    assert {"credential.absent", "verify.watermark-absent", "policy.signed-metadata", "policy.watermark"} <= codes


def test_a_stripped_picture_whose_watermark_leads_to_an_entry_is_a_candidate_with_its_distance() -> None:
    near = EntryCandidate(
        entry_id=ENTRY, origin=ORIGIN, index=9, by="watermark", distance=1, of=64, persona=("lira", 2)
    )  # fmt: skip
    pixels = Pixels(state="present", payload=ENTRY[:16], score="0.91")
    verdict = conclude(replace(STRIPPED, pixels=pixels, candidates=(near,)), Demands())
    assert (verdict.verdict, verdict.exit_code) == ("unproven", 6)
    assert (verdict.axes.ledger, verdict.axes.watermark) == ("similar", "present")
    assert verdict.entry == (ENTRY, ORIGIN, 9)
    assert "1 of 64" in next(item.message for item in verdict.findings if item.code == "verify.candidate")


def test_a_missing_watermark_fails_where_a_policy_demands_it() -> None:
    bare = replace(GOOD, pixels=Pixels(state="absent"))
    outcome, code, codes = verdict_of(bare, policies=BASELINE)
    assert (outcome, code) == ("fail", 7)
    assert {"verify.watermark-required", "policy.watermark"} <= codes
    assert verdict_of(bare) == ("pass", 0, {"verify.watermark-absent"})


@pytest.mark.parametrize("demands", [{"count": 2}, {"policies": BASELINE}])
def test_a_mark_that_another_program_reads_is_neither_shown_nor_missing(demands: dict[str, Any]) -> None:
    claim = replace(CLAIM, generation={**CLAIM.generation, "watermark": "trustmark/Q"})
    looked = replace(GOOD, credential=claim, pixels=Pixels(state="absent", scheme="personactl-mark/2"))
    assert verdict_of(looked) == ("pass", 0, {"verify.watermark-other-scheme"})
    verdict = conclude(looked, Demands(**demands))
    assert (verdict.verdict, verdict.exit_code, verdict.axes.watermark) == ("unproven", 7, "not-checked")
    assert verdict.layers_found == ("signed-metadata",)
    assert "trustmark/Q" in next(item.message for item in verdict.findings if "other-scheme" in item.code)
    ours = replace(looked, pixels=replace(looked.pixels, state="present", payload=ENTRY[:16]))
    assert conclude(ours, Demands(**demands)).axes.watermark == "present"


@pytest.mark.parametrize("said", ["personactl-mark/2", "", 7, None, "trustmark", "\x1b[31m/2", "a/" + "b" * 10_000])
def test_only_the_name_of_another_scheme_excuses_a_mark_that_is_not_found(said: object) -> None:
    claim = replace(CLAIM, generation={**CLAIM.generation, "watermark": said})
    bare = replace(GOOD, credential=claim, pixels=Pixels(state="absent", scheme="personactl-mark/2"))
    assert verdict_of(bare, count=2) == ("fail", 7, {"verify.watermark-required"})


def test_as_many_layers_as_were_asked_for_and_the_stricter_of_count_and_policy_wins() -> None:
    marked, bare = (replace(GOOD, pixels=pixels) for pixels in (Pixels(state="present", payload=ENTRY[:16]), UNMARKED))
    assert verdict_of(marked, count=2) == ("pass", 0, set())
    assert verdict_of(bare, count=2) == ("fail", 7, {"verify.watermark-required"})
    assert verdict_of(bare, count=1) == ("pass", 0, {"verify.watermark-absent"})
    assert verdict_of(bare, count=1, policies=BASELINE)[:2] == ("fail", 7)
    wanted = [Demands(), Demands(count=1), Demands(count=2), Demands(count=1, policies=BASELINE)]
    assert [conclude(marked, demands).layers_required for demands in wanted] == [0, 1, 2, 2]
    assert [demands.decoding for demands in wanted] == [False, False, True, True]


@pytest.mark.parametrize("demands", [{"count": 2}, {"policies": BASELINE}])
def test_a_file_whose_watermark_was_not_looked_at_does_not_pass_where_one_is_asked_for(demands: dict[str, Any]) -> None:
    outcome, code, codes = verdict_of(GOOD, **demands)
    assert (outcome, code) == ("unproven", 7)
    assert "verify.watermark-unchecked" in codes


def test_an_unsigned_picture_lacks_both_layers_and_stays_unproven() -> None:
    verdict = conclude(replace(STRIPPED, pixels=UNMARKED), Demands(count=2))
    assert (verdict.verdict, verdict.exit_code, verdict.layers_required, verdict.layers_found) == ("unproven", 6, 2, ())


def test_a_demanded_metadata_mark_that_is_missing_is_a_missing_disclosure() -> None:
    bare = replace(GOOD, metadata=Metadata(software="x"), pixels=Pixels(state="present", payload=ENTRY[:16]))
    assert verdict_of(bare, policies=BASELINE) == ("fail", 7, {"verify.xmp-missing", "policy.xmp"})
    assert disclosure(CLAIM, Metadata(), Pixels(), demanded=frozenset({"xmp"})).value == "missing"
    assert disclosure(CLAIM, replace(XMP, software=""), Pixels(), demanded=frozenset({"exif"})).value == "missing"
    twice = replace(XMP, twice=True)
    assert disclosure(CLAIM, twice, Pixels(), demanded=frozenset({"xmp"})).value == "contradictory"


LABEL_RULE = replace(policy.load("us-ny-gbl-396b").rules[0], severity="error", confirmed=True)
INSISTING = (replace(BASELINE[0], id="house", rules=(LABEL_RULE,)), *BASELINE)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"decision": "drawn", "text": "AI MODIFIED"}, ("MODIFIED",)),
        ({"decision": "drawn", "text": "AI"}, ()),
        ({"decision": "drawn", "text": "GENERATED BY HAND"}, ()),
        ({"decision": "drawn", "text": ["AI"]}, ()),
        ({"decision": "none", "text": "AI GENERATED"}, None),
        ({"decision": ["drawn"]}, None),
        ("drawn", None),
    ],
)
def test_what_the_claim_says_of_the_label(said: object, words: tuple[str, ...] | None) -> None:
    label = replace(CLAIM, generation={**GENERATION, "label": said}).label
    assert (label.visible_label, label.label_words) == (words is not None, words or ())
    assert not CLAIM.label.visible_label


def test_a_label_that_a_policy_insists_on_is_not_taken_from_a_signer_on_a_public_list() -> None:
    listed = replace(CLAIM, signer="listed", trust_origin="", lists=("list",))
    marked = replace(GOOD, credential=listed, pixels=Pixels(state="present", payload=ENTRY[:16]))
    assert verdict_of(marked, policies=INSISTING) == ("unproven", 7, {"verify.listed", "verify.label-unchecked"})
    assert verdict_of(marked, policies=BASELINE) == ("pass", 0, {"verify.listed"})


def test_altered_bytes_lend_no_label() -> None:
    claim = replace(CLAIM, state="Invalid", failures=("assertion.dataHash.mismatch",))
    outcome, code, codes = verdict_of(replace(GOOD, credential=claim, records=()), policies=INSISTING)
    assert (outcome, code) == ("fail", 4)
    assert "verify.label-unchecked" in codes
    assert "policy.visible-label" not in codes


def test_an_unread_file_is_not_said_to_lack_marks() -> None:
    refused = replace(GOOD, pixels=Pixels(state="refused", problem="too large"))
    assert verdict_of(refused, policies=BASELINE) == ("error", 4, {"verify.pixels-refused"})


def test_a_watermark_of_another_entry_contradicts_a_created_file() -> None:
    outcome, code, codes = verdict_of(replace(GOOD, pixels=Pixels(state="present", payload="ff" * 8)))
    assert (outcome, code, codes) == ("fail", 7, {"verify.watermark-differs"})


def test_the_watermark_of_the_same_entry_counts_as_the_second_layer() -> None:
    found = Pixels(state="present", payload=ENTRY[:16])
    verdict = conclude(replace(GOOD, pixels=found), Demands(policies=BASELINE))
    assert (verdict.verdict, verdict.findings) == ("pass", ())
    assert verdict.layers_found == ("signed-metadata", "watermark")


def test_pixels_that_do_not_decode_are_an_error() -> None:
    refused = Pixels(state="refused", problem="DecompressionBombError: too large")
    outcome, code, codes = verdict_of(replace(GOOD, pixels=refused))
    assert (outcome, code, codes) == ("error", 4, {"verify.pixels-refused"})


def test_a_pass_under_development_keys_says_so() -> None:
    verdict = conclude(replace(GOOD, credential=replace(CLAIM, development=True)), Demands())
    assert verdict.development
    assert [item.code for item in verdict.findings] == ["verify.development-keys"]


def test_an_accepted_signer_who_names_another_ledger_is_not_trusted_for_it() -> None:
    other = {**GENERATION, "ledgerOrigin": "studio.example/personactl/ffffffffffffffff"}
    verdict = conclude(replace(GOOD, credential=replace(CLAIM, generation=other), records=()), Demands())
    assert (verdict.verdict, verdict.exit_code, verdict.axes.trust) == ("fail", 5, "untrusted")
    assert (verdict.persona, verdict.entry) == (None, None)
    assert "verify.other-origin" in {item.code for item in verdict.findings}


def test_required_approval_is_not_assumed() -> None:
    assert verdict_of(GOOD, approval=True) == ("fail", 3, {"verify.not-approved"})


def test_an_unreadable_file_reports_why_and_nothing_else() -> None:
    problem = finding("verify.unreadable", "it is empty")
    assert verdict_of(Evidence(source=Source(path="e", problem=problem))) == ("error", 4, {"verify.unreadable"})


def test_every_code_is_emitted_by_some_rule_or_reader(repository: Any) -> None:
    room = repository / "personactl" / "verify"
    text = "\n".join(path.read_text() for path in room.glob("*.py") if path.name != "findings.py")
    states = {
        "receipt": ("invalid", "untrusted", "unchecked", "contradicts", "refuted", "unreadable"),
        "ledger": ("broken", "untrusted", "unchecked", "absent", "contradicts"),
        "entry": ("pending", "distrusted"),
    }
    composed = {f"verify.{subject}-{state}" for subject, found in states.items() for state in found}
    assert set(CODES) == {code for code in CODES if f'"{code}"' in text} | composed


@pytest.mark.parametrize(
    "change",
    [
        {"exit_code": 4}, {"exit_code": 999}, {"verdict": "fail"}, {"verdict": "fail", "exit_code": 1},
        {"findings": (Finding(code="verify.altered; curl example.org", severity="error", message=""),)},
    ],
)  # fmt: skip
def test_a_verdict_that_no_rule_gives_is_not_conceivable(change: dict[str, Any]) -> None:
    assert is_conceivable(conclude(GOOD, Demands()))
    assert is_conceivable(conclude(STRIPPED, Demands(policies=BASELINE, count=2, exact=True, approval=True)))
    assert not is_conceivable(replace(conclude(GOOD, Demands()), **change))
