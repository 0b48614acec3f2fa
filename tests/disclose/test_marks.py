"""`read_marks`: what it says of every file that a stranger may send, without ever raising."""

from __future__ import annotations

import io
import socket
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from signed_pictures import delivered, disclosed, picture, signer

from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA
from personactl.disclose import Marks, formats, read_marks, xmp

FORMS = ("png", "jpeg", "webp", "avif", "tiff")


def read(data: bytes) -> Marks:
    return read_marks(data, anchors=signer().anchors)


def codes(marks: Marks) -> set[str]:
    return {finding.code for finding in marks.findings}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_chunk(data: bytes, kind: bytes) -> tuple[int, int]:
    """Start and end of the first chunk of a kind."""
    position = 8
    while True:
        length = int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] == kind:
            return position, position + 12 + length
        position += 12 + length


@pytest.mark.parametrize("form", FORMS)
def test_a_delivered_file_is_trusted_by_its_anchor_alone(form: str) -> None:
    assert read(delivered(form)).c2pa.state == "Trusted"
    for anchors in ((), signer(1).anchors):
        reading = read_marks(delivered(form), anchors=anchors).c2pa
        assert reading.state == "Valid"
        assert "signingCredential.untrusted" in reading.failures


def test_an_impostor_of_the_same_name_is_not_trusted() -> None:
    forged = disclosed(by=signer(1)).data
    reading = read(forged).c2pa
    assert reading.issuer == read(delivered()).c2pa.issuer
    assert reading.state == "Valid"
    assert reading.leaf_sha256 == signer(1).leaf_sha256 != signer().leaf_sha256


@pytest.mark.parametrize("form", FORMS)
def test_one_flipped_bit_of_the_picture_is_noticed(form: str) -> None:
    data = bytearray(delivered(form))
    place = {
        "png": data.rfind(b"IDAT") + 900,
        "jpeg": len(data) - 300,
        "webp": data.find(b"VP8 ") + 400,
        "avif": len(data) - 300,
        "tiff": 4000,
    }[form]
    data[place] ^= 1
    reading = read(bytes(data)).c2pa
    assert reading.state == "Invalid"
    binding = "bmffHash" if form == "avif" else "dataHash"
    assert f"assertion.{binding}.mismatch" in reading.failures


@pytest.mark.parametrize("form", FORMS)
def test_a_stripped_file_has_no_credential(form: str) -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(delivered(form))) as opened:
        opened.convert("RGB").save(buffer, format=formats.named(form).pillow)
    marks = read(buffer.getvalue())
    assert marks.c2pa.state == "Absent"
    assert marks.media_type == f"image/{form}"


def test_a_tiff_that_another_program_saved_with_its_fields_has_a_broken_credential() -> None:
    """Pillow copies fields that it does not know, the manifest among them, and changes its type."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(delivered("tiff"))) as opened:
        opened.save(buffer, format="TIFF")
    assert read(buffer.getvalue()).c2pa.state == "Unreadable"


@pytest.mark.parametrize("form", FORMS)
def test_appended_bytes_are_noticed_twice(form: str) -> None:
    marks = read(delivered(form) + b"PK\3\4\x14\0\0\0 hidden")
    assert marks.c2pa.state == "Invalid"
    assert f"assertion.{'bmff' if form == 'avif' else 'data'}Hash.mismatch" in marks.c2pa.failures
    assert "disclosure.trailing-data" in codes(marks)


def test_a_manifest_moved_to_another_picture_is_noticed() -> None:
    donor = delivered("png")
    start, end = png_chunk(donor, b"caBX")
    plain = io.BytesIO()
    Image.fromarray(picture(128, 128, seed=5)).save(plain, format="PNG")
    host = plain.getvalue()
    reading = read(host[:33] + donor[start:end] + host[33:]).c2pa
    assert reading.state == "Invalid"
    assert "assertion.dataHash.mismatch" in reading.failures


def test_two_manifests_are_no_manifest() -> None:
    data = delivered("png")
    start, end = png_chunk(data, b"caBX")
    reading = read(data[:end] + data[start:end] + data[end:]).c2pa
    assert reading.state == "Unreadable"
    assert reading.leaf_sha256 == ""


def test_xmp_edited_after_signing_is_noticed() -> None:
    data = delivered("jpeg")
    edited = data.replace(
        TRAINED_ALGORITHMIC_MEDIA.encode() + b'"', TRAINED_ALGORITHMIC_MEDIA.encode()[:-5] + b'Photo"', 1
    )
    assert edited != data
    marks = read(edited)
    assert marks.c2pa.state == "Invalid"
    assert marks.xmp[xmp.DIGITAL_SOURCE_TYPE].endswith("Photo")
    assert marks.c2pa.digital_source_type == TRAINED_ALGORITHMIC_MEDIA


def test_an_edited_assertion_is_noticed() -> None:
    data = delivered("png")
    start, end = png_chunk(data, b"caBX")
    store = data[start + 8 : end - 4]
    assert b'"id":"lira"' in store
    edited = data[:start] + chunk(b"caBX", store.replace(b'"id":"lira"', b'"id":"lyra"')) + data[end:]
    reading = read(edited).c2pa
    assert reading.state == "Invalid"
    assert "assertion.hashedURI.mismatch" in reading.failures


def test_a_second_xmp_packet_is_not_believed() -> None:
    data = delivered("png")
    _, end = png_chunk(data, b"iTXt")
    twin = chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp.build({xmp.DIGITAL_SOURCE_TYPE: "http://example.org/photo"})
    )
    marks = read(data[:end] + twin + data[end:])
    assert "disclosure.xmp-twice" in codes(marks)
    assert marks.xmp == {}


@pytest.mark.parametrize("packet", [b"<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>", b"", b"\xff\xfe<\0", b"<x>"])
def test_a_hostile_packet_is_a_finding(packet: bytes) -> None:
    data = formats.named("png").encode(picture(64, 64), xmp=packet, exif=b"garbage")
    marks = read(data)
    assert marks.xmp == {}
    assert marks.exif_software == ""
    assert codes(marks) == {"disclosure.xmp-unreadable", "disclosure.exif-unreadable"}
    assert marks.c2pa.state == "Absent"


@pytest.mark.parametrize("form", FORMS)
def test_a_remote_manifest_is_named_and_never_fetched(form: str) -> None:
    """A listening socket takes the place of the server that the file names: nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        packet = xmp.build({"dcterms:provenance": f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"})
        plain = formats.named(form).encode(picture(64, 64), xmp=packet, exif=b"MM\0*\0\0\0\x08\0\0\0\0\0\0")
        reading = read(plain).c2pa
        with pytest.raises(BlockingIOError):
            server.accept()
    assert reading.state == "Remote"


@pytest.mark.parametrize(
    "data", [b"", b"x", b"%PDF-1.7", b"GIF89a" + bytes(99), b"\0\0\0\x20ftypheic" + bytes(99), b"<svg/>"]
)
def test_other_types_are_not_read(data: bytes) -> None:
    marks = read(data)
    assert (marks.media_type, marks.c2pa.state) == ("", "Unreadable")


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_file_is_never_trusted(form: str) -> None:
    data = delivered(form)
    for length in range(12, len(data), 371):
        assert read(data[:length]).c2pa.state != "Trusted"


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=120, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), run=st.integers(1, 8))
def test_a_changed_file_never_raises_and_never_says_something_else(
    form: str, place: float, value: int, run: int
) -> None:
    data = bytearray(delivered(form))
    start = int(place * len(data))
    data[start : start + run] = bytes([value]) * run
    marks = read(bytes(data))
    if marks.c2pa.state == "Trusted":  # some bytes of a manifest are padding: only the ledger knows the exact bytes
        good = read(delivered(form)).c2pa
        assert (marks.c2pa.assertion, marks.c2pa.actions) == (good.assertion, good.actions)
        assert marks.c2pa.leaf_sha256 in (good.leaf_sha256, "")


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_random_bytes_behind_a_signature_never_raise(tail: bytes) -> None:
    heads = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"RIFF\x90\1\0\0WEBP", b"II*\0", b"MM\0+\0\x08\0\0"]
    heads += [b"\0\0\0\x14ftyp" + brand + b"\0\0\0\0avif" for brand in (b"avif", b"mif1", b"isom", b"qt  ")]
    for head in heads:
        assert read(head + tail).c2pa.state != "Trusted"


def test_reading_needs_no_order_and_keeps_no_state() -> None:
    first = read(delivered("png"))
    read(b"\x89PNG\r\n\x1a\n garbage")
    read_marks(delivered("png"), anchors=())
    assert read(delivered("png")) == first
