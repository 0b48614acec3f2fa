"""Enrolment: every reference gets a credential, nothing that it says is lost, and a crash leaves nothing half done."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from workshop import NOW, Workshop, png, text

from personactl import casting, config, keys, persona
from personactl.casting import Enrolment
from personactl.claim_terms import VOCABULARY
from personactl.disclose import C2paSigner, read_marks, xmp
from personactl.errors import KeyProblem, PersonactlError, PersonaError
from personactl.model import Persona

sys.path += [str(Path(__file__).parents[1] / name) for name in ("disclose", "ledger")]

from signed_pictures import actions_definition, keyset
from tsa_bench import OPENSSL, Authority, serving

MANIFEST = text("a: p", attempts=1, extra='[reference]\nroles = ["hero", "three-quarter"]')
LATER = "2026-11-22T08:00:00Z"


def draft(shop: Workshop) -> Persona:
    return persona.load(shop.folder, "lira", 1)


def enrol(shop: Workshop, now: str = NOW) -> Enrolment:
    return casting.enrol(shop.config, shop.keyset, draft(shop), now=now)


def with_reference(shop: Workshop, data: bytes, name: str = "refs/own.png", **row: Any) -> None:
    """Give the version one more reference."""
    item = {"role": "other", "path": name, "sha256": hashlib.sha256(data).hexdigest(), **row}
    current = draft(shop)
    rows = [*current.record["references"], item]
    persona.update(shop.folder, current, {**current.record, "references": rows}, {name: data})


def row(shop: Workshop, place: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = draft(shop).record["references"][place]
    return found


def reading(shop: Workshop, place: int = -1) -> Any:
    path = shop.folder / "personas/lira/1" / row(shop, place)["path"]
    return read_marks(path.read_bytes(), anchors=[shop.keyset.c2pa.anchor_pem])


def picture(form: str, **options: Any) -> bytes:
    data = io.BytesIO()
    Image.open(io.BytesIO(png(7))).save(data, form, **options)
    return data.getvalue()


def signed(number: int, *, content: bytes | None = None) -> bytes:
    """A picture with the credential of other keys."""
    created = {"action": "c2pa.created", "digitalSourceType": VOCABULARY + "digitalCapture"}
    signer = C2paSigner(keyset(number=number).c2pa)
    return signer.sign(actions_definition((created,)), "image/png", content or png(8)).data


def altered(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[data.index(b"IDAT") + 30] ^= 1
    return bytes(changed)


def test_a_picture_without_a_credential_is_signed_beside_the_original(shop: Workshop) -> None:
    before = draft(shop)
    done = enrol(shop)
    assert len(done.signed) == 2
    for old, new in zip(before.references, done.persona.references, strict=True):
        folder = Path(done.persona.folder)
        original, copy = (folder / old.path).read_bytes(), (folder / new.path).read_bytes()
        assert hashlib.sha256(original).hexdigest() == old.sha256
        assert new.path.startswith(old.path.removesuffix(".png") + ".signed-")
        assert np.array_equal(*(np.asarray(Image.open(io.BytesIO(data))) for data in (original, copy)))
        marks = read_marks(copy, anchors=[shop.keyset.c2pa.anchor_pem])
        assert (marks.c2pa.state, marks.c2pa.failures, marks.c2pa.signer_accepted) == ("Trusted", (), True)
        assert 2_000 < len(copy) - len(original) < 4_000
    entry = row(shop)
    assert (entry["originalPath"], entry["originalSha256"]) == (
        before.references[-1].path,
        before.references[-1].sha256,
    )
    assert entry["marks"] == ["C2PA: none"]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("term", ["algorithmicMedia", "digitalCapture", ""])
def test_only_what_the_record_declares_is_claimed(shop: Workshop, form: str, term: str) -> None:
    declared = {"digitalSourceType": term} if term else {}
    with_reference(shop, picture(form), f"refs/own.{form.lower()}", **declared)
    enrol(shop)
    found = reading(shop).c2pa
    assert found.sound
    assert found.source_types == ((VOCABULARY + term,) if term else ())
    assert found.first_action == ("c2pa.created" if term else "c2pa.opened")
    assert ("ingredient.unknownProvenance" in found.informational) == (not term)


def test_the_texts_of_the_record_stay_out_of_what_travels(shop: Workshop) -> None:
    with_reference(shop, picture("PNG"), "refs/SECRET-name.png", source="SECRET source", license="SECRET licence")
    enrol(shop)
    assert b"SECRET" not in (shop.folder / "personas/lira/1" / row(shop)["path"]).read_bytes()


def test_marks_in_the_metadata_are_noted_and_kept(shop: Workshop) -> None:
    said = {xmp.DIGITAL_SOURCE_TYPE: VOCABULARY + "trainedAlgorithmicMedia", "TC260:AIGC": '{"AIGC":{"Label":"1"}}'}
    exif = Image.Exif()
    exif[0x0131] = "Other \x1b[31mTool 1.0"
    with_reference(shop, picture("JPEG", xmp=xmp.build(said), exif=exif.tobytes()), "refs/own.jpeg")
    enrol(shop)
    assert row(shop)["marks"] == [
        "C2PA: none",
        f"XMP DigitalSourceType: {VOCABULARY}trainedAlgorithmicMedia",
        'XMP TC260:AIGC: {"AIGC":{"Label":"1"}}',
        "EXIF Software: Other \ufffd[31mTool 1.0",
    ]
    marks = reading(shop)
    assert marks.xmp == said
    assert marks.exif_software == "Other \x1b[31mTool 1.0"


def test_a_mark_is_as_long_as_a_record_allows(shop: Workshop) -> None:
    with_reference(shop, picture("JPEG", xmp=xmp.build({"TC260:AIGC": "x" * 900})), "refs/own.jpeg")
    enrol(shop)
    assert [len(mark) for mark in row(shop)["marks"]] == [10, 200]


def test_a_picture_with_a_credential_of_ours_stays_as_it_is(shop: Workshop) -> None:
    created = {"action": "c2pa.created", "digitalSourceType": VOCABULARY + "trainedAlgorithmicMedia"}
    own = C2paSigner(shop.keyset.c2pa).sign(actions_definition((created,)), "image/png", png(8)).data
    with_reference(shop, own)
    done = enrol(shop)
    assert (done.kept, done.findings) == (("refs/own.png",), ())
    assert row(shop)["sha256"] == hashlib.sha256(own).hexdigest()
    assert row(shop)["marks"] == [
        "C2PA: c2pa.created (trainedAlgorithmicMedia), signed by Example Studio (accepted by the project's own anchor)"
    ]


def test_a_picture_with_a_credential_of_a_stranger_stays_as_it_is_and_is_warned_of(shop: Workshop) -> None:
    with_reference(shop, signed(1))
    done = enrol(shop)
    assert done.kept == ("refs/own.png",)
    assert [item.code for item in done.findings] == ["c2pa.reference-foreign"]
    assert "Example Studio" in done.findings[0].message
    assert row(shop)["marks"][0].endswith("(not the project's own)")


@pytest.mark.parametrize(
    ("data", "declared", "code"),
    [
        (altered(signed(1)), {}, "c2pa.ingredient-broken"),
        (picture("PNG")[:-40], {}, "c2pa.reference-unreadable"),
        (b"GIF89a and so on", {}, "c2pa.reference-unreadable"),
        (signed(1), {"digitalSourceType": "algorithmicMedia"}, "c2pa.reference-contradicts"),
        (
            picture("JPEG", xmp=xmp.build({xmp.DIGITAL_SOURCE_TYPE: VOCABULARY + "digitalCapture"})),
            {"digitalSourceType": "algorithmicMedia"},
            "c2pa.reference-contradicts",
        ),
        (picture("JPEG", xmp=xmp.build({"dcterms:provenance": "https://example.org/m"})), {}, "c2pa.ingredient-broken"),
    ],
    ids=["altered", "truncated", "no picture", "credential contradicts", "xmp contradicts", "remote"],
)
def test_a_picture_that_cannot_be_enrolled_is_named_and_nothing_is_written(
    shop: Workshop, data: bytes, declared: dict[str, str], code: str
) -> None:
    with_reference(shop, data, **declared)
    before = tree(shop)
    for step in (enrol, freeze):
        with pytest.raises(PersonaError) as caught:
            step(shop)
        assert (caught.value.code, caught.value.exit_code) == (code, 2)
        assert "refs/own.png" in (caught.value.where or "")
    assert tree(shop) == before
    assert shop.ledger(kind="persona-freeze") == []


def freeze(shop: Workshop) -> casting.FreezeResult:
    return casting.freeze(shop.config, shop.keyset, draft(shop), now=NOW)


def tree(shop: Workshop) -> dict[str, bytes]:
    root = shop.folder / "personas"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_enrolling_again_changes_nothing(shop: Workshop) -> None:
    enrol(shop)
    before = tree(shop)
    again = enrol(shop, LATER)
    assert (again.signed, len(again.kept)) == ((), 2)
    assert tree(shop) == before


def test_words_about_marks_that_stood_in_the_record_stay(shop: Workshop) -> None:
    with_reference(shop, png(9), marks=["bought from an agency"])
    enrol(shop)
    assert row(shop)["marks"] == ["bought from an agency", "C2PA: none"]
    enrol(shop)
    assert row(shop)["marks"] == ["bought from an agency", "C2PA: none"]


def test_freezing_enrols_first_and_the_ledger_names_the_signed_pictures(shop: Workshop) -> None:
    done = freeze(shop)
    assert done.enrolment is not None
    assert len(done.enrolment.signed) == 2
    (entry,) = shop.ledger(kind="persona-freeze")
    assert entry.entry.subject_sha256 == done.persona.record_sha256
    assert [item["sha256"] for item in entry.entry.predicate["references"]] == [
        item.sha256 for item in done.persona.references
    ]
    with pytest.raises(PersonaError) as caught:
        enrol(shop)
    assert caught.value.code == "persona.frozen"


def test_a_version_that_was_frozen_without_enrolment_still_runs(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            "personactl.casting.freezing.enrol", lambda config, keyset, persona, **_: Enrolment(persona=persona)
        )
        freeze(shop)
    shop.persona = draft(shop)
    assert freeze(shop).already
    summary = shop.run(MANIFEST)
    assert summary.exit_code == 0


def test_what_a_run_delivers_holds_the_references_and_no_unknown_provenance(shop: Workshop) -> None:
    """Also what it costs: the bytes that two references add to a picture."""
    current = draft(shop)
    rows = [{**item, "digitalSourceType": "algorithmicMedia"} for item in current.record["references"]]
    persona.update(shop.folder, current, {**current.record, "references": rows}, {})
    freeze(shop)
    shop.persona = draft(shop)
    summary = shop.run(MANIFEST)
    assert summary.exit_code == 0
    (path,) = shop.out(summary.run_id).glob("*.png")
    found = read_marks(path.read_bytes(), anchors=[shop.keyset.c2pa.anchor_pem]).c2pa
    assert (found.state, found.ingredients, found.failures, found.ingredient_failures) == ("Trusted", 2, (), ())
    assert "ingredient.unknownProvenance" not in found.informational


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed-but-persisted"])
@pytest.mark.parametrize("name", ["write", "fsync", "link", "replace"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failing_call_leaves_a_version_that_can_be_enrolled(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, name: str, at: int, persisted: bool
) -> None:
    real, calls = getattr(os, name), [0]

    def failing(*arguments: Any, **keywords: Any) -> Any:
        calls[0] += 1
        if calls[0] < at:
            return real(*arguments, **keywords)
        if persisted:
            real(*arguments, **keywords)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing)
        with contextlib.suppress(PersonactlError, OSError):
            enrol(shop)
    draft(shop)  # its record names only pictures that are there, byte for byte
    done = enrol(shop, LATER)
    assert all(reading(shop, place).c2pa.sound for place in range(2))
    assert json.loads((Path(done.persona.folder) / "persona.json").read_text()) == done.persona.record


def test_a_time_stamp_service_that_fails_stops_the_enrolment(shop: Workshop) -> None:
    unreachable = replace(shop.config, c2pa_tsa="http://127.0.0.1:1/tsa")
    before = tree(shop)
    with pytest.raises(PersonactlError) as caught:
        casting.enrol(unreachable, shop.keyset, draft(shop), now=NOW)
    assert (caught.value.code, caught.value.exit_code) == ("c2pa.time-stamp-failed", 9)
    assert tree(shop) == before


def configured(shop: Workshop, url: str) -> None:
    """Name a time-stamp service in personactl.toml."""
    path = shop.folder / config.FILE_NAME
    path.write_text(f'{path.read_text()}[c2pa]\ntsa = "{url}"\n')
    shop.config = config.find(shop.folder)


@pytest.mark.skipif(OPENSSL is None, reason="needs the Debian package openssl")
def test_references_and_outputs_are_stamped_by_the_service_that_the_configuration_names(
    shop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority.make(tmp_path_factory.mktemp("tsa"))
    with serving(lambda query: (200, {}, authority.reply(query))) as url:
        configured(shop, url)
        freeze(shop)
        shop.persona = draft(shop)
        summary = shop.run(MANIFEST)
    assert summary.exit_code == 0
    assert all(reading(shop, place).c2pa.signed_at for place in range(2))
    (path,) = shop.out(summary.run_id).glob("*.png")
    assert read_marks(path.read_bytes(), anchors=[shop.keyset.c2pa.anchor_pem]).c2pa.signed_at


def test_a_run_whose_time_stamp_service_fails_delivers_nothing_and_says_why(shop: Workshop) -> None:
    freeze(shop)
    shop.persona = draft(shop)
    configured(shop, "http://127.0.0.1:1/tsa")
    with pytest.raises(KeyProblem) as caught:
        shop.run(MANIFEST)
    assert (caught.value.code, caught.value.exit_code) == ("c2pa.time-stamp-failed", 9)
    assert list(shop.folder.glob("out/*/*.png")) == []


def test_a_blank_version_needs_no_enrolment(shop: Workshop) -> None:
    blank = persona.create(shop.folder, "nova")
    assert casting.enrol(shop.config, shop.keyset, blank, now=NOW).persona == blank


def test_the_next_version_takes_the_signed_pictures_along(shop: Workshop) -> None:
    freeze(shop)
    second = persona.create(shop.folder, "lira", from_version=1)
    done = casting.enrol(shop.config, keys.load(shop.config.keys_path), second, now=LATER)
    assert (done.signed, done.persona.record_sha256) == ((), second.record_sha256)
    originals = [Path(second.folder) / item["originalPath"] for item in second.record["references"]]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in originals] == [
        item["originalSha256"] for item in second.record["references"]
    ]


def test_an_original_that_is_gone_or_changed_stays_behind(shop: Workshop) -> None:
    """The signed picture is what counts from enrolment on."""
    done = freeze(shop)
    first, other = (Path(done.persona.folder) / item["originalPath"] for item in done.persona.record["references"])
    first.unlink()
    other.write_bytes(b"changed")
    second = persona.create(shop.folder, "lira", from_version=1)
    assert sorted(path.name for path in (Path(second.folder) / "refs").iterdir()) == sorted(
        Path(item.path).name for item in second.references
    )
