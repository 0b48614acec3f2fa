"""`disclose`: what leaves the room carries every layer, says what it must and nothing it must not."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from signed_pictures import (
    CLAIMED_AT,
    ENTRY_ID,
    ORIGIN,
    POLICIES,
    SECRETS,
    delivered,
    disclosed,
    keyset,
    picture,
    saved,
    signer,
)

from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA
from personactl.disclose import C2paSigner, exif, pixels, read_marks, sequence, watermark, xmp
from personactl.errors import DisclosureError, KeyProblem, NotAvailable
from personactl.model import OutputSpec, PolicyLock

FORMS = ("png", "jpeg", "webp", "avif", "tiff")


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_reads_back_from_the_final_bytes(form: str) -> None:
    result = disclosed(form)
    marks = read_marks(result.data, anchors=signer().anchors)
    assert result.layers == ("signed-metadata", "watermark", "xmp", "exif")
    assert result.media_type == f"image/{form}" == marks.media_type
    assert result.sha256 == hashlib.sha256(result.data).hexdigest()
    assert marks.c2pa.state == "Trusted"
    assert marks.c2pa.failures == ()
    assert marks.c2pa.manifest_sha256 == result.c2pa_manifest_sha256
    assert marks.findings == ()
    found = watermark.extract(pixels.decode(result.data))
    assert found.payload.hex() == ENTRY_ID[:16]
    assert result.watermark is not None
    assert result.watermark.payload == ENTRY_ID[:16]
    assert float(result.watermark.psnr) > 39.9
    assert re.fullmatch(r"ISCC:EE[A-Z2-7]{53}", result.iscc)


@pytest.mark.parametrize("form", FORMS)
def test_the_manifest_says_what_the_specification_asks_for(form: str) -> None:
    reading = read_marks(delivered(form), anchors=signer().anchors).c2pa
    assert reading.first_action == "c2pa.created"
    assert reading.digital_source_type == TRAINED_ALGORITHMIC_MEDIA
    assert reading.actions[0]["when"] == CLAIMED_AT
    assert reading.actions[0]["softwareAgent"]["name"] == "personactl"
    assert [action["action"] for action in reading.actions] == ["c2pa.created", "c2pa.watermarked.unbound"]
    assert reading.actions[1]["when"] == CLAIMED_AT
    assert "digitalSourceType" not in reading.actions[1]
    assert reading.ai_disclosure == {
        "modelType": "c2pa.types.model.pytorch",
        "modelName": "pocket",
        "modelIdentifier": "sha256:" + "ab" * 32,
        "contentProfile": {"humanOversightLevel": "prompt_guided"},
    }
    assert reading.assertion == {
        "schema": "personactl.generation/1",
        "persona": {"id": "lira", "version": 2},
        "ledgerOrigin": ORIGIN,
        "entryId": ENTRY_ID,
        "policies": [{"id": "baseline", "sha256": "cd" * 32}],
        "label": {"setting": "auto", "decision": "none", "reason": "no policy asks for a visible label"},
    }
    assert reading.issuer == "Example Studio"
    assert reading.leaf_sha256 == signer().leaf_sha256
    assert reading.ingredients == 0
    assert reading.state != "Remote"


@pytest.mark.parametrize("form", FORMS)
def test_the_metadata_says_what_the_iptc_asks_for(form: str) -> None:
    marks = read_marks(delivered(form), anchors=())
    assert marks.xmp[xmp.DIGITAL_SOURCE_TYPE] == TRAINED_ALGORITHMIC_MEDIA
    assert marks.xmp["Iptc4xmpExt:AISystemUsed"] == "pocket"
    assert marks.xmp["Iptc4xmpExt:AISystemVersionUsed"] == "sha256:" + "ab" * 32
    assert marks.xmp["Iptc4xmpExt:DigImageGUID"] == ENTRY_ID
    assert marks.xmp[xmp.ALT_TEXT] == "AI-generated picture, in the rain"
    assert marks.xmp["personactl:Detector"] == "https://example.org/verify"
    assert marks.xmp["xmp:CreatorTool"] == marks.exif_software == sequence.SOFTWARE
    with Image.open(io.BytesIO(delivered(form))) as read:
        assert read.getexif().get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"


@pytest.mark.parametrize("form", FORMS)
def test_prompt_seed_score_and_persona_record_stay_out(form: str) -> None:
    data = delivered(form)
    assert not [secret for secret in SECRETS if secret.encode() in data]
    assert b"PRIVATE" not in data


def test_png_pixels_are_those_that_were_marked() -> None:
    original = picture(128, 128)
    expected = watermark.embed(original, bytes.fromhex(ENTRY_ID)[:8])
    assert np.array_equal(pixels.decode(disclosed("png", pixels=original).data), expected)


def test_without_a_watermark_the_pixels_are_untouched_and_the_layer_is_not_claimed() -> None:
    original = picture(128, 128)
    result = disclosed(pixels=original, output=OutputSpec(format="png", watermark=False))
    assert result.layers == ("signed-metadata", "xmp", "exif")
    assert result.watermark is None
    assert np.array_equal(pixels.decode(result.data), original)
    actions = read_marks(result.data, anchors=signer().anchors).c2pa.actions
    assert [action["action"] for action in actions] == ["c2pa.created"]


def test_the_same_call_gives_the_same_marks_but_a_fresh_manifest() -> None:
    first, second = disclosed(), disclosed()
    assert first.sha256 != second.sha256  # the claim has a random label and the signature a random nonce
    assert (first.iscc, first.watermark) == (second.iscc, second.watermark)


@pytest.mark.parametrize("alt_text", ["", "in the rain", "said quickly", "  .", "Said AIRPORT"])
def test_an_alternative_text_that_does_not_say_ai_is_completed(alt_text: str) -> None:
    read = read_marks(disclosed(alt_text=alt_text).data, anchors=()).xmp[xmp.ALT_TEXT]
    assert read.startswith("AI-generated picture of a synthetic person")
    assert alt_text.strip(" .") in read


@pytest.mark.parametrize("text", ["a\x1b[31mb", "</x>&\"'", "\u202egnp.exe", "ü" * 200, "a\0b"])
def test_odd_texts_travel_without_breaking_anything(text: str) -> None:
    result = disclosed(title=text, alt_text=text, organisation=text, detector=text)
    marks = read_marks(result.data, anchors=signer().anchors)
    assert marks.c2pa.state == "Trusted"
    assert marks.c2pa.title == text
    assert marks.xmp["photoshop:Credit"] == xmp.clean(text)


def test_the_chinese_policy_adds_its_label_and_no_other_policy_does() -> None:
    chinese = disclosed(policies=(*POLICIES, PolicyLock(id="cn-gb45438", sha256="ee" * 32)))
    assert ENTRY_ID in read_marks(chinese.data, anchors=()).xmp["TC260:AIGC"]
    assert "TC260:AIGC" not in read_marks(delivered(), anchors=()).xmp


def test_without_a_detector_address_the_signpost_names_the_tool() -> None:
    assert read_marks(disclosed(detector="").data, anchors=()).xmp["personactl:Detector"] == "personactl verify"


def test_what_is_not_made_yet_is_refused() -> None:
    with pytest.raises(NotAvailable):
        disclosed(output=OutputSpec(format="heic"))  # type: ignore[arg-type]


@pytest.mark.parametrize("entry_id", ["", "00", "0" * 31 + "g", "A" * 32])
def test_an_entry_id_that_is_none_is_a_bug_of_the_caller(entry_id: str) -> None:
    with pytest.raises(ValueError, match="entryId"):
        disclosed(entry_id=entry_id)


def test_a_picture_too_small_for_the_watermark_is_withheld() -> None:
    with pytest.raises(DisclosureError) as caught:
        disclosed(pixels=picture(40, 40))
    assert caught.value.code == "watermark.too-small"


def _break(monkeypatch: pytest.MonkeyPatch, layer: str) -> str:
    """Make one layer fail between writing and reading back; the code that must name it."""
    if layer == "watermark":
        monkeypatch.setattr(watermark.LayeredWatermarker, "embed", lambda _scheme, rgb, _payload: rgb)
        return "watermark.not-read-back"
    if layer == "xmp":
        build = xmp.build
        monkeypatch.setattr(xmp, "build", lambda fields: build({**fields, "xmp:CreatorTool": "other"}))
        return "disclosure.xmp-lost"
    if layer == "exif":
        build_exif = exif.build
        monkeypatch.setattr(exif, "build", lambda **fields: build_exif(**{**fields, "software": "other"}))
        return "disclosure.exif-lost"
    if layer == "assertion":
        monkeypatch.setattr(sequence.c2pa_manifest, "ASSERTION_LABEL", "org.example.other")
        return "c2pa.assertion-changed"
    decode = pixels.decode
    monkeypatch.setattr(pixels, "decode", lambda data: decode(data) ^ np.uint8(1))
    return "disclosure.pixels-changed"


@pytest.mark.parametrize("layer", ["watermark", "xmp", "exif", "assertion", "pixels"])
def test_a_layer_that_does_not_read_back_is_named_and_the_output_withheld(
    monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    code = _break(monkeypatch, layer)
    with pytest.raises(DisclosureError) as caught:
        disclosed()
    assert caught.value.code == code
    assert caught.value.exit_code == 7


def test_a_signature_that_is_not_trusted_by_its_own_anchor_is_withheld() -> None:
    foreign = replace(keyset().c2pa, anchor_pem=keyset(number=1).c2pa.anchor_pem)
    with pytest.raises(DisclosureError) as caught:
        disclosed(by=C2paSigner(foreign))
    assert caught.value.code == "c2pa.not-trusted"
    assert "signingCredential.untrusted" in caught.value.message


@pytest.mark.parametrize("fault", ["key of another leaf", "no key", "no chain", "a chain of text"])
def test_a_credential_that_cannot_sign_is_a_key_problem_without_secrets(fault: str) -> None:
    good, other = keyset().c2pa, keyset(number=1).c2pa
    changes: dict[str, Any] = {
        "key of another leaf": {"private_key_pem": other.private_key_pem},
        "no key": {"private_key_pem": b""},
        "no chain": {"chain_pem": b""},
        "a chain of text": {"chain_pem": b"hello"},
    }[fault]
    with pytest.raises(KeyProblem) as caught:
        disclosed(by=C2paSigner(replace(good, **changes)))
    assert caught.value.code == "c2pa.signing-failed"
    secrets = [line for line in (good.private_key_pem + other.private_key_pem).decode().splitlines() if "-" not in line]
    assert not [secret for secret in secrets if secret in f"{caught.value!r} {caught.value.message}"]


def test_a_signer_shows_no_secret() -> None:
    assert "PRIVATE" not in repr(signer())
    assert not hasattr(signer(), "__dict__")


def test_references_become_ingredients() -> None:
    plain = io.BytesIO()
    Image.fromarray(picture(64, 64)).save(plain, format="PNG")
    result = disclosed(references=(delivered("jpeg"), plain.getvalue()))
    reading = read_marks(result.data, anchors=signer().anchors).c2pa
    assert (reading.state, reading.ingredients, reading.failures) == ("Trusted", 2, ())


def test_a_reference_whose_own_credential_is_broken_is_refused() -> None:
    broken = bytearray(delivered("jpeg"))
    broken[-200] ^= 1
    with pytest.raises(DisclosureError) as caught:
        disclosed(references=(bytes(broken),))
    assert caught.value.code == "c2pa.ingredient-broken"


def test_the_fingerprint_of_a_recompressed_copy_is_near() -> None:
    from personactl.disclose import fingerprint

    original = picture(256, 256)
    codes = [
        fingerprint.image_code(item) for item in (original, saved(original, "JPEG", quality=60), picture(256, 256, 9))
    ]
    bits = [_bits(code) for code in codes]
    assert bin(bits[0] ^ bits[1]).count("1") < 24
    assert bin(bits[0] ^ bits[2]).count("1") > 60


def _bits(code: str) -> int:
    import base64

    body = code.removeprefix("ISCC:")
    return int.from_bytes(base64.b32decode(body + "=" * (-len(body) % 8)), "big")
