"""Files that an accepted key really signed and that still must not pass: the signature is good, what it says is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import studio
from studio import Studio

from personactl import keys, policy
from personactl.claim_terms import COMPOSITE, VOCABULARY
from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA as SYNTHETIC
from personactl.disclose import label as visible_label
from personactl.disclose import watermark, xmp
from personactl.verdict import Verdict
from personactl.verify import summary_line, verify_file
from personactl.visible_label import LabelRecord

ACTIONS = "c2pa.actions.v2"
ENTRY = "d1" * 16
CAPTURE = VOCABULARY + "digitalCapture"
BASELINE = policy.load_all(())
EU = policy.load_all(["eu-ai-act-art50"])
EXTENSION = 'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'


def judge(ours: Studio, folder: Path, data: bytes, **asked: Any) -> Verdict:
    path = folder / "a.png"
    path.write_bytes(data)
    return verify_file(path, [ours.trust], **asked)


def expect(verdict: Verdict, outcome: str, code: int, *findings: str) -> None:
    found = {item.code for item in verdict.findings}
    assert (verdict.verdict, verdict.exit_code) == (outcome, code), (verdict.axes, found)
    assert set(findings) <= found, found


def test_the_plain_claim_of_these_tests_passes(ours: Studio, tmp_path: Path) -> None:
    verdict = judge(ours, tmp_path, studio.sign(ours, studio.claim(ours)))
    expect(verdict, "pass", 0, "verify.content-only")
    assert verdict.axes.disclosure == "synthetic"


@pytest.mark.parametrize(
    "source_type",
    [
        "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
        "https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia#",
        "http://example.org/synthetic",
    ],
)
def test_a_digital_source_type_that_is_not_the_exact_term(ours: Studio, tmp_path: Path, source_type: str) -> None:
    definition = studio.claim(ours)
    studio.assertion_data(definition, ACTIONS)["actions"][0]["digitalSourceType"] = source_type
    verdict = judge(ours, tmp_path, studio.sign(ours, definition))
    expect(verdict, "fail", 7, "verify.source-type-unknown")
    assert verdict.axes.trust == "trusted"
    assert verdict.axes.integrity == "content"


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("c2pa.ai-disclosure", "verify.ai-disclosure-missing"),
        ("org.personactl.generation", "verify.assertion-missing"),
    ],
)
def test_an_assertion_that_is_missing(ours: Studio, tmp_path: Path, label: str, code: str) -> None:
    expect(judge(ours, tmp_path, studio.sign(ours, studio.without(studio.claim(ours), label))), "fail", 7, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "personactl.generation/2"},
        {"persona": "lira@2"},
        {"persona": {"id": "lira", "version": "2"}},
        {"persona": {"id": ["lira"], "version": 2}},
        {"entryId": 7},
        {"ledgerOrigin": None},
    ],
)
def test_an_assertion_of_another_form(ours: Studio, tmp_path: Path, changes: dict[str, Any]) -> None:
    data = studio.sign(ours, studio.claim(ours, **changes))
    expect(judge(ours, tmp_path, data), "fail", 7, "verify.assertion-missing")


def test_a_ledger_that_the_trust_file_does_not_name(ours: Studio, tmp_path: Path) -> None:
    data = studio.sign(ours, studio.claim(ours, ledgerOrigin="other.example/personactl/0011223344556677"))
    verdict = judge(ours, tmp_path, data)
    expect(verdict, "fail", 5, "verify.other-origin")
    assert verdict.axes.trust == "untrusted"
    assert (verdict.persona, verdict.entry) == (None, None)


@pytest.mark.parametrize("accepted", ["both", "signer only"])
def test_an_accepted_signer_who_speaks_for_another_accepted_studio(
    ours: Studio, theirs: Studio, tmp_path: Path, accepted: str
) -> None:
    """Their key, our ledger, our persona and an entry that exists: nothing of ours may stand in the verdict."""
    lie = studio.claim(theirs, entry_id=ours.works["png"].entry_id, ledgerOrigin=ours.origin)
    path = tmp_path / "a.png"
    path.write_bytes(studio.sign(theirs, lie, properties={"Iptc4xmpExt:DigImageGUID": ours.works["png"].entry_id}))
    trust = [ours.trust, theirs.trust] if accepted == "both" else [theirs.trust]
    for order in (trust, trust[::-1]):
        verdict = verify_file(path, order)
        expect(verdict, "fail", 5, "verify.other-origin")
        assert verdict.axes.trust == "untrusted"
        assert (verdict.persona, verdict.entry) == (None, None)
        assert "lira" not in summary_line(verdict)
        assert "entry" not in summary_line(verdict)


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"Iptc4xmpExt:DigitalSourceType": COMPOSITE}, "verify.disclosure-contradicts"),
        ({"Iptc4xmpExt:DigitalSourceType": "digitalCapture"}, "verify.disclosure-contradicts"),
        ({"Iptc4xmpExt:DigImageGUID": "ee" * 16}, "verify.entry-id-differs"),
    ],
)
def test_xmp_that_contradicts_the_claim(ours: Studio, tmp_path: Path, properties: dict[str, str], code: str) -> None:
    data = studio.sign(ours, studio.claim(ours), properties=properties)
    verdict = judge(ours, tmp_path, data)
    expect(verdict, "fail", 7, code)
    assert verdict.axes.disclosure == "contradictory"


@pytest.mark.parametrize("label", ["c2pa.metadata", "cawg.metadata"])
def test_metadata_inside_the_claim_that_contradicts_it(ours: Studio, tmp_path: Path, label: str) -> None:
    for said, outcome in ((SYNTHETIC, ("pass", 0)), (CAPTURE, ("fail", 7, "verify.disclosure-contradicts"))):
        claim = studio.claim(ours)
        context = {"Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"}
        data = {"@context": context, "Iptc4xmpExt:DigitalSourceType": said}
        claim["assertions"].append({"label": label, "data": data})
        expect(judge(ours, tmp_path, studio.sign(ours, claim)), *outcome)


def test_a_later_step_of_a_created_picture_that_is_a_capture(ours: Studio, tmp_path: Path) -> None:
    for said, outcome in (
        (COMPOSITE, ("pass", 0)),
        (VOCABULARY + "humanEdits", ("pass", 0)),
        (CAPTURE, ("fail", 7, "verify.disclosure-contradicts")),
    ):
        claim = studio.claim(ours)
        studio.assertion_data(claim, "c2pa.actions.v2")["actions"].append(
            {"action": "c2pa.edited", "when": studio.NOW, "digitalSourceType": said}
        )
        expect(judge(ours, tmp_path, studio.sign(ours, claim)), *outcome)


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        b'<!DOCTYPE x SYSTEM "http://198.51.100.1/x.dtd"><x/>',
        b"<x",
        b"\xff\xfe\x00",
    ],
)
def test_xmp_that_is_an_attack_or_broken_is_a_warning_because_the_claim_speaks(
    ours: Studio, tmp_path: Path, packet: bytes
) -> None:
    data = studio.sign(ours, studio.claim(ours), packet=packet)
    expect(judge(ours, tmp_path, data), "pass", 0, "verify.xmp-unreadable")


def test_xmp_that_gives_two_source_types_is_not_believed(ours: Studio, tmp_path: Path) -> None:
    def packet(first: str, second: str) -> bytes:
        return (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description {EXTENSION} e:DigitalSourceType="{first}"/>'
            f'<rdf:Description {EXTENSION} e:DigitalSourceType="{second}"/></rdf:RDF></x:xmpmeta>'
        ).encode()

    data = studio.sign(ours, studio.claim(ours), packet=packet(SYNTHETIC, "digitalCapture"))
    expect(judge(ours, tmp_path, data), "fail", 7, "verify.disclosure-contradicts")


def test_two_xmp_packets_are_not_believed_even_when_both_are_signed(ours: Studio, tmp_path: Path) -> None:
    data = studio.sign(ours, studio.claim(ours), second_packet=xmp.build({xmp.DIGITAL_SOURCE_TYPE: "digitalCapture"}))
    expect(judge(ours, tmp_path, data), "fail", 7, "verify.disclosure-contradicts")


def test_the_watermark_of_another_entry(ours: Studio, tmp_path: Path) -> None:
    rgb = watermark.embed(studio.picture(8), bytes.fromhex("ee" * 8))
    data = studio.sign(ours, studio.claim(ours), rgb=rgb)
    expect(judge(ours, tmp_path, data, pixels=True), "fail", 7, "verify.watermark-differs")


def test_no_watermark_where_a_policy_demands_one(ours: Studio, tmp_path: Path) -> None:
    data = studio.sign(ours, studio.claim(ours))
    demanded = judge(ours, tmp_path, data, policies=BASELINE)
    expect(demanded, "fail", 7, "verify.watermark-required", "policy.watermark")
    assert (demanded.axes.watermark, demanded.layers_required) == ("absent", 2)
    looked = judge(ours, tmp_path, data, pixels=True)
    expect(looked, "pass", 0, "verify.watermark-absent")
    assert looked.layers_required == 0


def test_nothing_is_required_of_a_file_of_which_nothing_was_asked(ours: Studio, tmp_path: Path) -> None:
    verdict = judge(ours, tmp_path, studio.sign(ours, studio.claim(ours), properties={xmp.DIGITAL_SOURCE_TYPE: ""}))
    expect(verdict, "pass", 0, "verify.xmp-missing")
    assert (verdict.layers_required, verdict.layers_found) == (0, ("signed-metadata",))
    assert not [item for item in verdict.findings if item.code.startswith("policy.")]


def marked() -> Any:
    return watermark.embed(studio.picture(8), bytes.fromhex("d1" * 8))


def test_xmp_that_a_policy_demands_and_the_file_lacks(ours: Studio, tmp_path: Path) -> None:
    data = studio.sign(ours, studio.claim(ours), properties={xmp.DIGITAL_SOURCE_TYPE: ""}, rgb=marked())
    verdict = judge(ours, tmp_path, data, policies=EU)
    expect(verdict, "fail", 7, "policy.xmp")
    assert (verdict.axes.disclosure, verdict.axes.watermark) == ("missing", "present")
    told = [(item.severity, item.message) for item in verdict.findings if item.code == "policy.xmp"]
    assert [severity for severity, _ in told] == ["error"]
    assert "(baseline, base-4)" in told[0][1]
    assert {item.code: item.severity for item in verdict.findings}["policy.alt-text"] == "warning"


def test_exif_that_a_policy_asks_for_is_a_warning(ours: Studio, tmp_path: Path) -> None:
    data = studio.sign(ours, studio.claim(ours), rgb=marked(), software="")
    verdict = judge(ours, tmp_path, data, policies=BASELINE)
    expect(verdict, "pass", 0, "policy.exif")
    assert [item.severity for item in verdict.findings if item.code == "policy.exif"] == ["warning"]


def test_a_file_with_every_mark_meets_every_policy(ours: Studio, tmp_path: Path) -> None:
    every = policy.load_all(policy.builtin_ids())
    said = {
        xmp.ALT_TEXT: "AI-generated picture", "photoshop:Credit": "Example Studio", "xmp:CreateDate": studio.NOW,
        "Iptc4xmpExt:AISystemUsed": "pocket", "Iptc4xmpExt:AISystemVersionUsed": "1",
        "personactl:Detector": "https://example.org", "TC260:AIGC": xmp.china_label("example.org", "d1" * 16),
    }  # fmt: skip
    claim = labelled(studio.claim(ours), "AI GENERATED 生成")
    signed = studio.sign(ours, claim, rgb=marked(), properties=said)
    verdict = judge(ours, tmp_path, signed, policies=every)
    expect(verdict, "pass", 0)
    assert (verdict.layers_required, verdict.layers_found) == (2, ("signed-metadata", "watermark"))
    assert not [item for item in verdict.findings if item.code.startswith("policy.")]


def labelled(definition: dict[str, Any], text: str) -> dict[str, Any]:
    """The claim says of the visible label what a delivered file says where one was drawn."""
    drawn = visible_label.decision(
        LabelRecord(setting="auto", decision="drawn", reason="", text=text, place="top-right", box=(100, 8, 184, 22))
    )
    studio.assertion_data(definition, "org.personactl.generation")["label"] = drawn
    return definition


LABEL_CODES = ("policy.visible-label", "policy.label-words", "policy.label-placement", "policy.label-chinese")


def about_the_label(verdict: Verdict) -> list[tuple[str, str]]:
    return [(item.code, item.severity) for item in verdict.findings if item.code in (*LABEL_CODES, UNCHECKED)]


UNCHECKED = "verify.label-unchecked"
ASKING = ("in-it-rules-2026", "kr-ai-basic-act", "eu-ai-act-art50", "us-ny-gbl-396b", "cn-gb45438")


@pytest.mark.parametrize("text", ["", "AI GENERATED", "AI GENERATED 生成"])
def test_policies_that_ask_for_a_label_are_answered_from_the_signed_claim(
    ours: Studio, tmp_path: Path, text: str
) -> None:
    claim = labelled(studio.claim(ours), text) if text else studio.claim(ours)
    data = studio.sign(ours, claim, rgb=marked())
    for name in ASKING:
        verdict = judge(ours, tmp_path, data, policies=policy.load_all([name]))
        expect(verdict, "pass", 0)
        told = about_the_label(verdict)
        assert {severity for _, severity in told} <= {"warning"}
        codes = {code for code, _ in told}
        assert ("policy.visible-label" in codes) == (not text)
        assert ("policy.label-chinese" in codes) == (name == "cn-gb45438" and "生成" not in text)
        assert ("policy.label-words" in codes) == (name == "eu-ai-act-art50" and not text)


def test_a_claim_without_the_member_says_that_there_is_no_label(ours: Studio, tmp_path: Path) -> None:
    claim = studio.claim(ours)
    del studio.assertion_data(claim, "org.personactl.generation")["label"]
    verdict = judge(ours, tmp_path, studio.sign(ours, claim, rgb=marked()), policies=policy.load_all(ASKING[:1]))
    expect(verdict, "pass", 0)
    assert about_the_label(verdict) == [("policy.visible-label", "warning")]


def test_without_a_policy_that_asks_nothing_is_said_of_the_label(ours: Studio, tmp_path: Path) -> None:
    data = studio.sign(ours, studio.claim(ours), rgb=marked())
    for asked in ({}, {"policies": BASELINE}, {"policies": policy.load_all(["us-ca-sb942"])}):
        assert about_the_label(judge(ours, tmp_path, data, **asked)) == []


def insisting() -> tuple[policy.Policy, ...]:
    """A policy of somebody who read the rule, and insists on the label."""
    own = policy.load("us-ny-gbl-396b")
    rules = tuple(
        replace(rule, severity="error", confirmed=True) for rule in own.rules if rule.check == "visible-label"
    )
    return (replace(own, id="house", rules=rules), *BASELINE)


def test_a_label_that_a_rule_insists_on_is_a_missing_disclosure(ours: Studio, tmp_path: Path) -> None:
    bare = judge(ours, tmp_path, studio.sign(ours, studio.claim(ours), rgb=marked()), policies=insisting())
    expect(bare, "fail", 7)
    assert about_the_label(bare) == [("policy.visible-label", "error")]
    assert bare.axes.disclosure == "missing"
    good = studio.sign(ours, labelled(studio.claim(ours), "AI GENERATED"), rgb=marked())
    expect(judge(ours, tmp_path, good, policies=insisting()), "pass", 0)


def test_what_a_stranger_says_of_the_label_is_not_repeated(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    for text in ("", "AI GENERATED"):
        claim = labelled(studio.claim(theirs), text) if text else studio.claim(theirs)
        data = studio.sign(theirs, claim, rgb=marked())
        for policies in (policy.load_all(ASKING), insisting()):
            verdict = judge(ours, tmp_path, data, policies=policies)
            expect(verdict, "fail", 5)
            assert about_the_label(verdict) == [(UNCHECKED, "warning")]


def edited_claim(ours: Studio, edited_type: str) -> dict[str, Any]:
    definition = studio.claim(ours)
    actions = studio.assertion_data(definition, ACTIONS)
    actions["actions"] = [
        {"action": "c2pa.opened", "when": studio.NOW, "parameters": {"ingredientIds": ["parent"]}},
        {"action": "c2pa.edited", "when": studio.NOW, "digitalSourceType": edited_type},
    ]
    definition["ingredients"] = [
        {"title": "parent", "format": "image/png", "relationship": "parentOf", "label": "parent", "instance_id": "x:1"}
    ]
    return definition


def test_an_edited_file_discloses_that_a_model_edited_it(ours: Studio, tmp_path: Path) -> None:
    properties = {"Iptc4xmpExt:DigitalSourceType": COMPOSITE}
    verdict = judge(ours, tmp_path, studio.sign(ours, edited_claim(ours, COMPOSITE), properties=properties))
    expect(verdict, "pass", 0)
    assert verdict.axes.disclosure == "edited"
    other = studio.sign(ours, edited_claim(ours, SYNTHETIC), properties=properties)
    expect(judge(ours, tmp_path, other), "fail", 7, "verify.source-type-unknown")


def with_reference(ours: Studio, reference: bytes) -> bytes:
    definition = studio.claim(ours)
    created = studio.assertion_data(definition, ACTIONS)["actions"][0]
    created["parameters"] = {"ingredientIds": ["reference-1"]}
    return studio.sign(ours, definition, references={"reference-1": reference})


def test_a_reference_that_was_sound_when_it_went_in(ours: Studio, tmp_path: Path) -> None:
    expect(judge(ours, tmp_path, with_reference(ours, ours.works["png"].data)), "pass", 0)


def test_a_reference_that_had_been_altered_before_it_went_in(ours: Studio, tmp_path: Path) -> None:
    data = bytearray(ours.works["png"].data)
    data[-200] ^= 1
    verdict = judge(ours, tmp_path, with_reference(ours, bytes(data)))
    expect(verdict, "fail", 4, "verify.ingredient-altered")


def test_a_reference_that_a_stranger_signed(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    verdict = judge(ours, tmp_path, with_reference(ours, theirs.works["png"].data))
    expect(verdict, "fail", 5, "verify.ingredient-untrusted")


def test_hostile_strings_in_a_claim_come_back_as_they_are_and_break_nothing(ours: Studio, tmp_path: Path) -> None:
    persona = {"id": "li\x1b[2Jra\u202e</script>", "version": 2}
    verdict = judge(ours, tmp_path, studio.sign(ours, studio.claim(ours, persona=persona)))
    expect(verdict, "pass", 0)
    assert verdict.persona == ("li\x1b[2Jra\u202e</script>", 2)


def test_a_certificate_that_expired_after_it_signed(tmp_path: Path) -> None:
    """The file is kept in the repository, see `expired/make.py`: an expired certificate cannot sign a new one."""
    folder = Path(__file__).parent / "expired"
    trust = keys.trust.parse((folder / "trust.json").read_bytes(), "trust.json")
    verdict = verify_file(folder / "file.png", [trust])
    expect(verdict, "fail", 5, "verify.expired")
    assert verdict.axes.trust == "expired"
    assert verdict.axes.integrity == "content"
    assert verdict.persona is None


def test_an_expired_certificate_of_a_stranger_is_untrusted(ours: Studio) -> None:
    verdict = verify_file(Path(__file__).parent / "expired" / "file.png", [ours.trust])
    expect(verdict, "fail", 5, "verify.untrusted")
    assert verdict.axes.trust == "untrusted"
