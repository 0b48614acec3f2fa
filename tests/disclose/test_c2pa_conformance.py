"""Every rule of C2PA's conformance rubric for specification 2.4, on files of every format and every way of making one.

`docs/credentials.md` says where each rule is met, and which parts of the programme are out of our hands.
"""

from __future__ import annotations

import copy
import io
import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import labels
import pytest
from conformance_rules import RULES, Json, Rule, actions, assertions, ingredients
from signed_pictures import CLAIMED_AT, ENTRY_ID, MODEL, ORIGIN, disclosed, picture, signer

from personactl.claim_terms import COMPOSITE, TRAINED_ALGORITHMIC_MEDIA, VOCABULARY
from personactl.disclose import C2paSigner, c2pa_manifest, enrol_picture, exif, formats, read_marks, xmp
from personactl.disclose import c2pa as room
from personactl.model import OutputSpec

FORMS = tuple(row.name for row in formats.FORMATS)


def encoded(form: str, seed: int = 3) -> bytes:
    """A picture of the format with XMP and EXIF, not signed."""
    packet = xmp.build({xmp.DIGITAL_SOURCE_TYPE: VOCABULARY + "algorithmicMedia"})
    block = exif.build(software="test", description="test", created_at=CLAIMED_AT)
    return formats.named(form).encode(picture(128, 128, seed), xmp=packet, exif=block)


@cache
def enrolled(form: str, declared: str = "algorithmicMedia") -> bytes:
    return enrol_picture(encoded(form), signer(), declared=declared, at=CLAIMED_AT, longest=200).data


@cache
def edited(form: str) -> bytes:
    """A picture that was opened and changed by a model, with a reference."""
    generation = c2pa_manifest.assertion(
        entry_id=ENTRY_ID, persona_id="lira", persona_version=2, origin=ORIGIN, policies=(), output=OutputSpec()
    )
    definition = c2pa_manifest.definition(
        title="a", created_at=CLAIMED_AT, model=MODEL, generation=generation, watermarked=True, ingredients=("in",),
        parent="before",
    )  # fmt: skip
    media_type = formats.named(form).media_type
    return signer().sign(
        definition, media_type, encoded(form, 4), references={"in": enrolled(form)}, parent={"before": made(form)}
    ).data  # fmt: skip


@cache
def made(form: str, *, watermark: bool = True, references: tuple[str, ...] = (), labelled: bool = False) -> bytes:
    output = OutputSpec(format=form, watermark=watermark)  # type: ignore[arg-type]
    held = tuple(enrolled(form, declared) for declared in references)
    label = labels.spec() if labelled else None
    return disclosed(form, output=output, references=held, visible_label=label).data


KINDS: dict[str, Callable[[str], bytes]] = {
    "created": lambda form: made(form, watermark=False),
    "created and watermarked": made,
    "created with references": lambda form: made(form, references=("algorithmicMedia", "")),
    "created and labelled": lambda form: made(form, labelled=True),
    "edited": edited,
    "reference declared": enrolled,
    "reference undeclared": lambda form: enrolled(form, ""),
}


@cache
def text(kind: str, form: str) -> str:
    data, media_type = KINDS[kind](form), formats.named(form).media_type
    with room.c2pa.Reader(media_type, io.BytesIO(data), context=room._context(signer().anchors)) as reader:
        found: str = reader.crjson()
    if "CRJSON_FOLDER" in os.environ:  # for the rubric's own evaluator
        (Path(os.environ["CRJSON_FOLDER"]) / f"{kind}-{form}.json".replace(" ", "-")).write_text(found)
    return found


def crjson(kind: str, form: str = "png") -> Json:
    found: Json = json.loads(text(kind, form))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule(rule: Rule) -> None:
    """On every kind of file in every format; and the rule speaks when a good document is broken."""
    for form in FORMS:
        for kind in KINDS:
            assert rule.wrong(crjson(kind, form)) == [], (kind, form)
    broken = copy.deepcopy(crjson("created with references"))
    rule.breaking(broken)
    assert rule.wrong(broken)


@pytest.mark.parametrize("form", FORMS)
def test_signals_of_the_active_manifest(form: str) -> None:
    """What the rubric makes of a file for people: wholly made by a model, or changed by one; nothing left open."""
    for kind in ("created", "created and watermarked", "created with references"):
        first = actions(crjson(kind, form))[0]
        assert (first["action"], first["digitalSourceType"]) == ("c2pa.created", TRAINED_ALGORITHMIC_MEDIA)
    perceptible = [item for item in actions(crjson("edited", form)) if item["action"] == "c2pa.edited"]
    assert [item["digitalSourceType"] for item in perceptible] == [COMPOSITE]
    for kind in KINDS:
        document = crjson(kind, form)
        if kind.startswith("reference"):
            continue
        assert assertions(document)["c2pa.actions.v2"]["allActionsIncluded"] is True
        assert not [item for item in document["manifests"][0]["claim.v2"]["gathered_assertions"] if "actions" in item]
        assert all(item.get("activeManifest") for item in ingredients(document)), "media of unknown provenance"


def test_of_the_references_only_the_undeclared_one_is_of_unknown_provenance() -> None:
    """`signal_mediaUnknownProvenance`, in every manifest that a file carries."""

    def unknown(document: Json) -> list[str]:
        return [
            label
            for manifest in document["manifests"]
            for label, data in manifest["assertions"].items()
            if data.get("relationship") is not None and not data.get("activeManifest")
        ]

    assert unknown(crjson("reference declared")) == []
    assert unknown(crjson("edited")) == []
    assert len(unknown(crjson("reference undeclared"))) == 1
    assert len(unknown(crjson("created with references"))) == 1


@pytest.mark.parametrize("form", FORMS)
def test_an_edited_file_carries_its_parent_and_the_parents_word(form: str) -> None:
    found = read_marks(edited(form), anchors=signer().anchors).c2pa
    assert (found.state, found.failures, found.ingredient_failures) == ("Trusted", (), ())
    assert [item["action"] for item in found.actions] == ["c2pa.opened", "c2pa.edited", "c2pa.watermarked.unbound"]
    relationships = sorted(item["relationship"] for item in ingredients(crjson("edited", form)))
    assert relationships == ["inputTo", "parentOf"]
    labels = [manifest["label"] for manifest in crjson("edited", form)["manifests"]]
    assert read_marks(made(form), anchors=()).c2pa.active_label in labels


def test_the_page_names_every_rule(repository: Path) -> None:
    page = (repository / "docs" / "credentials.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([a-z_0-9]+)` \|", page, re.MULTILINE)
    assert named == [rule.id for rule in RULES]


def test_a_signer_of_another_kind_meets_the_rules_too() -> None:
    from test_c2pa_signing import KINDS as ALGORITHMS
    from test_c2pa_signing import root

    by = C2paSigner(root().credential(ALGORITHMS["es384"]()))
    data = disclosed(by=by).data
    with room.c2pa.Reader("image/png", io.BytesIO(data), context=room._context(by.anchors)) as reader:
        document: Any = json.loads(reader.crjson())
    assert [rule.id for rule in RULES if rule.wrong(document)] == []
