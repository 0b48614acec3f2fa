"""Clips: XMP and a credential that are read back, and a clip that still plays."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
import tiny_clips
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_pictures import ENTRY_ID, SECRETS, delivered, signer

from personactl.disclose import bmff, formats, mp4, read_marks, sequence, xmp
from personactl.disclose.clip import disclose_clip
from personactl.disclose.parts import ContainerError, OverLimitError, Parts
from personactl.errors import DisclosureError

PACKET = xmp.build(tiny_clips.PROPERTIES)


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


@pytest.mark.parametrize(("form", "media_type"), [("mp4", "video/mp4"), ("mov", "video/quicktime")])
def test_a_clip_says_what_was_put_into_it_and_still_plays(form: str, media_type: str) -> None:
    data = tiny_clips.signed(form)
    marks = read_marks(data, anchors=signer().anchors)
    assert (marks.media_type, marks.c2pa.state, marks.c2pa.failures) == (media_type, "Trusted", ())
    assert marks.xmp == tiny_clips.PROPERTIES
    assert marks.c2pa.assertion is not None
    assert marks.c2pa.assertion["entryId"] == ENTRY_ID
    assert marks.c2pa.leaf_sha256 == signer().leaf_sha256
    assert (marks.exif_software, marks.findings) == ("", ())
    if form == "mp4":
        frames = tiny_clips.decoded(data)
        assert len(frames) == 4
        assert all(map(np.array_equal, frames, tiny_clips.decoded(tiny_clips.encoded())))


def test_a_stranger_is_not_trusted() -> None:
    assert read_marks(tiny_clips.signed(), anchors=signer(1).anchors).c2pa.state == "Valid"


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (lambda: delivered("png"), "neither"),
        (lambda: b"", "neither"),
        (lambda: b"\x1aE\xdf\xa3" + bytes(100), "neither"),
        (lambda: tiny_clips.signed(), "already"),
        (lambda: mp4.with_xmp(tiny_clips.encoded(), PACKET), "already"),
        (lambda: tiny_clips.encoded()[:-1], "longer"),
        (lambda: tiny_clips.encoded() + box(b"mfra"), "behind"),
        (lambda: tiny_clips.encoded() + b"x", "behind"),
    ],
)
def test_a_clip_that_cannot_carry_marks_is_refused(clip: Any, reason: str) -> None:
    with pytest.raises(DisclosureError, match=reason) as caught:
        disclose_clip(clip(), properties=tiny_clips.PROPERTIES, definition=tiny_clips.definition(), signer=signer())
    assert (caught.value.code, caught.value.exit_code) == ("disclosure.clip-unfit", 7)


def test_metadata_that_does_not_read_back_withholds_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    build = xmp.build
    monkeypatch.setattr(xmp, "build", lambda fields: build({**fields, "xmp:CreatorTool": "other"}))
    with pytest.raises(DisclosureError) as caught:
        disclose_clip(
            tiny_clips.encoded(), properties=tiny_clips.PROPERTIES, definition=tiny_clips.definition(), signer=signer()
        )
    assert caught.value.code == "disclosure.xmp-lost"


def test_nothing_secret_is_in_a_clip() -> None:
    assert not [secret for secret in SECRETS if secret.encode() in tiny_clips.signed()]
    assert sequence.SOFTWARE.encode() not in tiny_clips.encoded()


# --- the walker and the writer ------------------------------------------------------------------------------------


def test_the_packet_goes_behind_the_last_box_and_moves_nothing() -> None:
    plain = tiny_clips.encoded()
    carrying = mp4.with_xmp(plain, PACKET)
    assert carrying[: len(plain)] == plain
    assert mp4.parts(carrying) == Parts(xmp=[PACKET])


def test_a_last_box_that_goes_on_to_the_end_of_the_file_gets_its_length() -> None:
    boxes, _ = bmff.top_level(tiny_clips.encoded())
    last = boxes[-1]
    unended = tiny_clips.encoded()[: last.start] + bytes(4) + tiny_clips.encoded()[last.start + 4 :]
    assert mp4.parts(unended) == Parts()
    assert mp4.with_xmp(unended, PACKET) == mp4.with_xmp(tiny_clips.encoded(), PACKET)


@pytest.mark.parametrize("end", [b"", bytes(4)])
def test_the_packet_of_quicktime_is_found_in_the_user_data(end: bytes) -> None:
    data = box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", box(b"udta", box(b"XMP_", PACKET) + end)) + box(b"mdat")
    row = formats.sniff(data)
    assert row is not None
    assert row.media_type == "video/quicktime"
    assert row.parts(data) == Parts(xmp=[PACKET])


def test_every_packet_and_store_is_counted() -> None:
    start = box(b"ftyp", b"isom\0\0\0\0")
    packet = box(b"uuid", bmff.XMP_UUID + b"one")
    stores = [box(b"uuid", bmff.C2PA_UUID + bytes(4) + purpose + b"\0" + bytes(8) + b"jumbf") for purpose in
              (b"manifest", b"update", b"merkle")]  # fmt: skip
    movie = box(b"moov", box(b"udta", box(b"XMP_", b"two")))
    data = start + packet + b"".join(stores) + movie + packet + box(b"uuid", bytes(16) + b"other")
    assert mp4.parts(data) == Parts(xmp=[b"one", b"one", b"two"], c2pa=[b"jumbf", b"jumbf"])


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        (b"", "moov"),
        (box(b"moov") + box(b"moov"), "moov"),
        (box(b"moov") + struct.pack(">I4s", 9, b"mdat"), "longer"),
        (box(b"moov") + struct.pack(">I4s", 7, b"mdat"), "shorter"),
        (box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 2**63), "longer"),
        (box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 15), "shorter"),
        (box(b"moov") + struct.pack(">I4sI", 1, b"mdat", 0), "header"),
        (box(b"moov") + box(b"uuid", bytes(15)), "short"),
        (box(b"uuid", bmff.C2PA_UUID + bytes(4) + b"manifest\0" + bytes(7)) + box(b"moov"), "short"),
        (box(b"moov", box(b"udta", b"\0\0\0\x10XMP_")), "longer"),
        (box(b"moov", b"\0\0\0\0udta"), "shorter"),
        (box(b"uuid", bmff.C2PA_UUID + bytes(4) + b"anything\0" + bytes(90)) + box(b"moov"), "purpose"),
        (box(b"moov") + box(b"ftyp", b"avif\0\0\0\0"), "second"),
        (box(b"moov") + box(b"free") * bmff.MAX_BOXES, "more than"),
        (box(b"moov", box(b"trak") * (bmff.MAX_BOXES + 1)), "more than"),
        (box(b"moov") + box(b"\x80abc") * bmff.MAX_BOXES, "more than"),
        (box(b"moov", b"".join(box(b"trak", box(b"mdia") * 90) for _ in range(90))), "more than"),
    ],
)
def test_a_malformed_clip_is_refused(boxes: bytes, reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        mp4.parts(box(b"ftyp", b"isom\0\0\0\0") + boxes)


PADDING = box(b"free", b"A" * 90) + box(b"skip") + box(b"free")


@pytest.mark.parametrize("tail", [b"x", b"PK\3\4\x14\0\0\0" * 9, bytes(64), b"\xff\xd9", PADDING, PADDING + b"x"])
def test_what_is_no_box_and_padding_at_the_end_trail(tail: bytes) -> None:
    assert mp4.parts(tiny_clips.signed() + tail).trailing == len(tail)


def test_padding_that_a_signature_does_not_cover_is_a_finding() -> None:
    marks = read_marks(tiny_clips.signed() + PADDING, anchors=signer().anchors)
    assert marks.c2pa.state == "Trusted"
    assert [item.code for item in marks.findings] == ["disclosure.trailing-data"]


FILM = box(b"ftyp", b"isom\0\0\0\0") + box(b"moov")
MERKLE = bmff.C2PA_UUID + bytes(4) + b"merkle\0"
HELD = "padding that no signature covers hold something"


@pytest.mark.parametrize(
    "boxes",
    [
        box(b"free", b"A" * 256) + box(b"skip", bytes(60_000)),
        box(b"skip", b"Encoded by a program with a long name") + box(b"free", bytes(1000)),
        box(b"moof") * 20 + box(b"mfra", b"\1" * 20 * 64),
        box(b"uuid", MERKLE + b"\1" * 200),
    ],
)
def test_the_padding_that_encoders_write_is_read(boxes: bytes) -> None:
    assert mp4.parts(FILM + boxes).xmp == []
    assert mp4.parts(box(b"ftyp", b"isom\0\0\0\0") + boxes + box(b"moov")).trailing == 0


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        (box(b"free", b"PK\3\4" * 65), HELD),
        (box(b"free", b"A" * 200) + box(b"skip", b"A" * 200), HELD),
        (box(b"mfra", box(b"free", b"A" * 300)), HELD),
        (box(b"moof") + box(b"mfra", b"A" * 400), HELD),
        (box(b"uuid", MERKLE + b"A" * 300), HELD),
        (box(b"free", bytes(65_536)), "more than 65536 bytes of padding"),
        (box(b"free", bytes(40_000)) + box(b"skip", bytes(40_000)), "more than 65536 bytes of padding"),
    ],
)
def test_padding_that_could_hide_something_is_refused_wherever_it_stands(boxes: bytes, reason: str) -> None:
    for data in (FILM + boxes, FILM[:16] + boxes + FILM[16:]):
        with pytest.raises(OverLimitError, match=reason):
            mp4.parts(data)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (box(b"ftyp", b"isom\0\0\0\0" + b"iso2" * 300), "1024"),
        (box(b"ftyp", b"isom\0\0\0\0" + b"iso2PK\3\4"), "brand"),
        (box(b"ftyp", b"isom\0\0\0\0" + b"iso"), "brand"),
        (box(b"ftyp", b"iso"), "brand"),
        (struct.pack(">I4sQ", 1, b"ftyp", 24) + b"isom\0\0\0\0", "length"),
        (box(b"free") + box(b"ftyp", b"isom\0\0\0\0"), "second"),
        (b"", "begin"),
    ],
)
def test_a_file_type_box_that_could_hide_something_is_refused(start: bytes, reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        mp4.parts(start + box(b"moov"))


def test_the_file_type_box_of_quicktime_has_places_without_a_brand() -> None:
    assert mp4.parts(box(b"ftyp", b"qt  \x20\5\3\0qt  " + bytes(12)) + box(b"moov")) == Parts()


@pytest.mark.parametrize("junk", [b"", b"PK\3\4" * 1000])
def test_a_manifest_behind_all_that_it_signs_is_refused(junk: bytes) -> None:
    """Nothing bounds its length there, while in front of the content a hash covers where the content begins."""
    data = tiny_clips.signed()
    (store,) = [item for item in bmff.top_level(data)[0] if data[item.body : item.body + 16] == bmff.C2PA_UUID]
    instead = box(b"free", bytes(store.end - store.start - 8))
    moved = data[: store.start] + instead + data[store.end :] + box(b"uuid", data[store.body : store.end] + junk)
    with pytest.raises(ContainerError, match="behind all"):
        mp4.parts(moved)


@pytest.mark.parametrize("tail", [box(b"mfra", b"A" * 90), box(b"uuid", MERKLE + b"A" * 90)])
def test_what_no_signature_covers_trails_without_fragments(tail: bytes) -> None:
    assert mp4.parts(FILM + tail).trailing == len(tail)
    fragmented = FILM + box(b"moof") + box(b"mdat") + box(b"mfra", b"A" * 90)
    assert mp4.parts(fragmented).trailing == 0


def test_a_cut_clip_never_shows_another_packet() -> None:
    data = mp4.with_xmp(tiny_clips.encoded(), PACKET)
    for length in range(0, len(data), 7):
        try:
            found = mp4.parts(data[:length])
        except ContainerError:
            continue
        assert found.xmp == []


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (box(b"ftyp", b"isom\0\0\0\0"), "mp4"),
        (box(b"ftyp", b"iso6\0\0\0\0"), "mp4"),
        (box(b"ftyp", b"mp42\0\0\0\0avif"), "mp4"),
        (box(b"ftyp", b"qt  \0\0\0\0"), "mov"),
        (box(b"ftyp", b"avif\0\0\0\0"), "avif"),
        (box(b"ftyp", b"mif1\0\0\0\0miafavif"), "avif"),
        (box(b"ftyp", b"mif1\0\0\0\0heic"), ""),
        (box(b"ftyp", b"mif1\0\0\0\0") + b"avif", ""),
        (box(b"ftyp", b"heic\0\0\0\0mif1"), ""),
        (box(b"ftyp", b"crx \0\0\0\0"), ""),
        (b"\0\0\0\x08ftyp", ""),
    ],
)
def test_the_brand_tells_the_type(start: bytes, name: str) -> None:
    row = formats.sniff(start)
    assert (row.name if row else "") == name


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), run=st.integers(1, 8))
def test_a_changed_clip_never_raises_and_never_says_something_else(place: float, value: int, run: int) -> None:
    data = bytearray(tiny_clips.signed())
    start = int(place * len(data))
    data[start : start + run] = bytes([value]) * run
    marks = read_marks(bytes(data), anchors=signer().anchors)
    if marks.c2pa.state == "Trusted":
        good = read_marks(tiny_clips.signed(), anchors=signer().anchors)
        assert (marks.c2pa.assertion, marks.c2pa.actions) == (good.c2pa.assertion, good.c2pa.actions)
        assert marks.xmp in (good.xmp, {})
