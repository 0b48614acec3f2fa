"""A picture that was opened and changed by a model: it verifies as edited, and its parent comes along with its word."""

from __future__ import annotations

from pathlib import Path

import pytest
import studio
from studio import Studio

from personactl import claim_terms
from personactl.claim_terms import COMPOSITE
from personactl.disclose import C2paSigner, c2pa_manifest, exif, png, read_marks, xmp
from personactl.errors import DisclosureError
from personactl.model import OutputSpec
from personactl.verdict import Verdict
from personactl.verify import verify_file


def edited(ours: Studio, parent: bytes, *, source_type: str = COMPOSITE) -> bytes:
    """Our picture, edited from `parent`, with XMP that says `source_type`."""
    generation = c2pa_manifest.assertion(
        entry_id="d1" * 16, persona_id="lira", persona_version=2, origin=ours.origin, policies=(), output=OutputSpec()
    )  # fmt: skip
    definition = c2pa_manifest.definition(
        title="a.png", created_at=studio.NOW, model=studio.MODEL, generation=generation, parent="before"
    )
    packet = xmp.build({xmp.DIGITAL_SOURCE_TYPE: source_type, "Iptc4xmpExt:DigImageGUID": "d1" * 16})
    block = exif.build(software="test", description="test", created_at=studio.NOW)
    encoded = png.encode(studio.picture(9), xmp=packet, exif=block)
    return C2paSigner(ours.keyset.c2pa).sign(definition, "image/png", encoded, parent={"before": parent}).data


def judge(ours: Studio, folder: Path, data: bytes) -> Verdict:
    path = folder / "a.png"
    path.write_bytes(data)
    return verify_file(path, [ours.trust])


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_an_edited_picture_passes_as_edited_and_keeps_the_manifest_of_its_parent(
    ours: Studio, tmp_path: Path, form: str
) -> None:
    parent = ours.works[form].data
    data = edited(ours, parent)
    verdict = judge(ours, tmp_path, data)
    assert (verdict.verdict, verdict.axes.disclosure, verdict.axes.trust) == ("pass", "edited", "trusted")
    assert read_marks(parent, anchors=()).c2pa.active_label.encode() in data


def test_an_edited_picture_of_a_parent_without_a_credential_passes_as_edited(ours: Studio, tmp_path: Path) -> None:
    plain = png.encode(studio.picture(2), xmp=xmp.build({}), exif=exif.build(
        software="test", description="test", created_at=studio.NOW))  # fmt: skip
    verdict = judge(ours, tmp_path, edited(ours, plain))
    assert (verdict.verdict, verdict.axes.disclosure) == ("pass", "edited")


def test_the_xmp_of_an_edited_picture_must_say_so_too(ours: Studio, tmp_path: Path) -> None:
    data = edited(ours, ours.works["png"].data, source_type=claim_terms.TRAINED_ALGORITHMIC_MEDIA)
    verdict = judge(ours, tmp_path, data)
    assert (verdict.exit_code, verdict.axes.disclosure) == (7, "contradictory")


def test_a_parent_of_a_stranger_is_named(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    verdict = judge(ours, tmp_path, edited(ours, theirs.works["png"].data))
    assert (verdict.exit_code, verdict.axes.trust) == (5, "untrusted")
    assert "verify.ingredient-untrusted" in {item.code for item in verdict.findings}


def test_a_parent_that_was_altered_is_refused(ours: Studio) -> None:
    data = bytearray(ours.works["png"].data)
    data[data.index(b"IDAT") + 40] ^= 1
    with pytest.raises(DisclosureError) as caught:
        edited(ours, bytes(data))
    assert (caught.value.code, caught.value.exit_code) == ("c2pa.ingredient-broken", 7)
