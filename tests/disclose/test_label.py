"""The visible label on a picture: readable on any background, the same every time, and there in the final file."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from labels import PLACES, backgrounds, plain, spec
from signed_pictures import disclosed, picture, saved, signer

from personactl.claim_terms import ALGORITHMIC_MEDIA
from personactl.disclose import badge, contrast, label, pixels, read_marks, sequence, watermark
from personactl.errors import DisclosureError
from personactl.model import OutputSpec

FACE = (36, 25, 95, 99)


@pytest.mark.parametrize("name", sorted(backgrounds()))
def test_letters_and_badge_stand_out_on_any_background(name: str) -> None:
    labelled, drawing = label.draw(backgrounds()[name], spec())
    assert drawing.contrast >= 15
    assert drawing.edge >= SHAPE
    box = drawing.placed.box
    assert np.array_equal(label.region(labelled, box), drawing.pixels)
    assert label.measured(drawing.pixels, drawing.badge) == drawing.contrast


SHAPE = 3.0
"""Least contrast of a graphical object to what lies beside it (WCAG 2.2, 1.4.11)."""


def test_the_contrast_is_that_of_the_pixels_and_not_of_a_constant() -> None:
    labelled, drawing = label.draw(plain(118), spec())
    faint = (118 + (labelled.astype(int) - 118) // 8).astype(np.uint8)
    there = label.region(faint, drawing.placed.box)
    assert label.measured(there, drawing.badge) < 1.7
    with pytest.raises(DisclosureError) as caught:
        label.require_drawn(faint, drawing)
    assert caught.value.code == "disclosure.label-lost"


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [(0, 255, 21.0), (255, 255, 1.0), (119, 255, 4.478), (118, 255, 4.542)]
)
def test_contrast_ratios_are_those_of_wcag(one: int, other: int, ratio: float) -> None:
    """#777 on white is the well-known grey that fails at 4.48:1, #767676 the one that passes at 4.54:1."""
    values = [contrast.luminance(np.array([level] * 3)) for level in (one, other)]
    assert float(contrast.ratio(*values)) == pytest.approx(ratio, abs=0.001)


@pytest.mark.parametrize(("level", "dark"), [(255, True), (150, True), (90, True), (40, False), (0, False)])
def test_the_plate_is_dark_unless_it_would_vanish(level: int, dark: bool) -> None:
    assert label.draw(plain(level), spec())[1].dark == dark


def test_only_the_badge_is_drawn_and_the_original_is_left_alone() -> None:
    original = picture(256, 256)
    before = original.copy()
    labelled, drawing = label.draw(original, spec())
    assert np.array_equal(original, before)
    left, top, right, bottom = drawing.placed.box
    labelled[top:bottom, left:right] = original[top:bottom, left:right]
    assert np.array_equal(labelled, original)


FROZEN = "507d3799f6ca368c5514210a6a1a67313c1180ea6cfdea40555e942cca720d1d"


def test_the_same_label_every_time_on_every_machine() -> None:
    """A change of the drawing changes delivered pixels: it must be meant."""
    badge.draw.cache_clear()
    first = label.draw(plain(240), spec())[0]
    badge.draw.cache_clear()
    assert np.array_equal(label.draw(plain(240), spec())[0], first)
    assert hashlib.sha256(first.tobytes()).hexdigest() == FROZEN


@pytest.mark.parametrize("words", [("GENERATED",), ("MODIFIED",), ("生成",), ("合成",), ("GENERATED", "生成")])
@pytest.mark.parametrize("side", [192, 512, 1024])
def test_every_wording_is_drawn_at_every_size(words: tuple[str, ...], side: int) -> None:
    labelled, drawing = label.draw(plain(200, side, side), spec(words))
    assert drawing.badge.text == " ".join(("AI", *words))
    assert drawing.placed.cap >= badge.least_cap(words)
    assert drawing.contrast > 10
    assert labelled.shape == (side, side, 3)


@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {"quality": 75}), ("JPEG", {"quality": 40}), ("WEBP", {"quality": 80}), ("AVIF", {"quality": 60})],
)
@pytest.mark.parametrize("side", [128, 512])
def test_the_label_survives_what_encoders_do(form: str, options: dict[str, Any], side: int) -> None:
    labelled, drawing = label.draw(picture(side, side), spec())
    label.require_drawn(saved(labelled, form, **options), drawing)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_delivered_file_shows_its_label_and_says_so(form: str) -> None:
    original = picture(128, 128)
    result = disclosed(form, pixels=original, visible_label=spec(asked_by=("eu-ai-act-art50/art-50.4",)))
    final, box = pixels.decode(result.data), result.label.box
    assert box is not None
    _, drawing = label.draw(original, spec(), faces=[(1, 2, 3, 4)])
    assert box == drawing.placed.box
    assert label.likeness_of(label.region(final, box), drawing.pixels) > 0.95
    assert label.likeness_of(label.region(original, box), drawing.pixels) < 0.5
    assert watermark.extract(final).present
    reading = read_marks(result.data, anchors=signer().anchors).c2pa
    assert reading.assertion["label"] == {
        "setting": "auto",
        "decision": "drawn",
        "reason": "policies ask for a visible label",
        "askedBy": ["eu-ai-act-art50/art-50.4"],
        "text": "AI GENERATED",
        "place": "top-right",
        "box": {"left": box[0], "top": box[1], "right": box[2], "bottom": box[3]},
        "capHeight": 7,
        "contrast": f"{drawing.contrast:.2f}",
        "edgeContrast": f"{drawing.edge:.2f}",
    }
    assert [action["action"] for action in reading.actions] == [
        "c2pa.created", "c2pa.addedText", "c2pa.watermarked.unbound",
    ]  # fmt: skip
    assert reading.actions[1]["digitalSourceType"] == ALGORITHMIC_MEDIA


def test_the_watermark_lies_over_the_label() -> None:
    original = picture(128, 128)
    labelled, drawing = label.draw(original, spec(), faces=[(1, 2, 3, 4)])
    result = disclosed(pixels=original, visible_label=spec())
    expected = watermark.embed(labelled, bytes.fromhex(result.entry_id)[:8])
    assert np.array_equal(pixels.decode(result.data), expected)
    assert result.watermark is not None
    assert float(result.watermark.psnr) == pytest.approx(watermark.psnr(labelled, expected), abs=0.01)
    assert drawing.placed.place == "top-right"


def test_a_label_that_the_encoder_loses_withholds_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    original = picture(128, 128)
    monkeypatch.setattr(sequence, "_mark", lambda rgb, payload, scheme: watermark.embed(original, payload))
    with pytest.raises(DisclosureError) as caught:
        disclosed("jpeg", pixels=original, visible_label=spec())
    assert caught.value.code == "disclosure.label-lost"


def test_without_room_beside_the_face_the_output_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DisclosureError) as caught:
        label.draw(picture(128, 128), spec(), faces=[(4, 4, 124, 124)])
    assert caught.value.code == "disclosure.label-no-room"
    assert "at least 7 pixels" in caught.value.message


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (OutputSpec(), "no policy asks for a visible label"),
        (OutputSpec(label="never", label_reason="printed beside it"), "printed beside it"),
    ],
)
def test_a_file_without_a_label_says_why(output: OutputSpec, reason: str) -> None:
    result = disclosed(output=output)
    said = read_marks(result.data, anchors=()).c2pa.assertion["label"]
    assert said == {"setting": output.label, "decision": "none", "reason": reason}
    assert (result.label.decision, result.label.box) == ("none", None)


def test_a_label_that_only_the_manifest_asks_for_says_so() -> None:
    output = OutputSpec(label="always")
    result = disclosed(output=output, visible_label=spec(places=PLACES[2:]))
    assert (result.label.reason, result.label.place) == ("the manifest asks for a visible label", "bottom-right")
