"""AVIF, TIFF and MP4 under `verify`: whole, broken in many places, and holding what this version does not look at."""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import studio
from personactl_ledger import Ed25519Signer, Ledger
from PIL import Image
from studio import Studio

from personactl import disclose, policy
from personactl.disclose import C2paSigner, bmff, exif, formats, xmp
from personactl.disclose.clip import disclose_clip
from personactl.verdict import Verdict
from personactl.verify import verify_file

sys.path.insert(0, str(Path(__file__).parents[1] / "disclose"))

from tiny_clips import PROPERTIES, encoded

KINDS = ("avif", "tiff", "mp4")
BASELINE = policy.load_all(())
CLIP_ENTRY = "e7" * 16


@dataclass(frozen=True, slots=True)
class Delivered:
    """A signed file and its receipt, and a place to try it at."""

    data: bytes
    receipt: bytes
    ours: Studio
    folder: Path
    kind: str

    def judge(self, data: bytes, *, receipt: bool = False, **asked: bool | tuple[policy.Policy, ...]) -> Verdict:
        path = self.folder / f"a.{self.kind}"
        path.write_bytes(data)
        beside = path.with_name(path.name + ".receipt")
        beside.unlink(missing_ok=True)
        if receipt:
            beside.write_bytes(self.receipt)
        return verify_file(path, [self.ours.trust], **asked)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def clip(ours: Studio, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A signed clip that is in a ledger, and its receipt."""
    said = {**PROPERTIES, "Iptc4xmpExt:DigImageGUID": CLIP_ENTRY}
    data = disclose_clip(
        encoded(), properties=said, definition=studio.claim(ours, CLIP_ENTRY), signer=C2paSigner(ours.keyset.c2pa)
    ).data
    path, run_key = tmp_path_factory.mktemp("clip") / "ledger.sqlite", Ed25519Signer.generate()
    shutil.copyfile(ours.ledger_path, path)
    run = "clips-00000000"
    opened = {**studio.run_open(ours.origin, run_key), "run": run}
    predicate = {
        "origin": ours.origin, "run": run, "entryId": CLIP_ENTRY, "jobKey": "9a" * 32,
        "persona": {"id": "lira", "version": 2}, "generatedAt": studio.NOW,
    }  # fmt: skip
    with Ledger.open_writer(path) as ledger:
        ledger.append([studio.entry("run-open", ("plan", "55" * 32), opened, ours.keyset.operator)], now=studio.NOW)
        subject = ("clip.mp4", hashlib.sha256(data).hexdigest())
        (index,) = ledger.append([studio.entry("output", subject, predicate, run_key)], now=studio.NOW)
        ledger.checkpoint(ours.keyset.log, now=studio.NOW)
        return data, ledger.prove(index)


@pytest.fixture
def delivered(ours: Studio, clip: tuple[bytes, bytes], tmp_path: Path) -> Callable[[str], Delivered]:
    def deliver(kind: str) -> Delivered:
        data, receipt = clip if kind == "mp4" else (ours.works[kind].data, ours.works[kind].receipt)
        return Delivered(data, receipt, ours, tmp_path, kind)

    return deliver


def codes(verdict: Verdict) -> set[str]:
    return {item.code for item in verdict.findings}


def shown(verdict: Verdict) -> tuple[object, ...]:
    """What a reader is told, but for the digest of the bytes and the note on the name."""
    return (verdict.axes, verdict.persona, verdict.entry, codes(verdict) - {"verify.wrong-extension"})


# --- whole --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_untouched_file_is_exact_with_its_receipt_and_intact_without(
    delivered: Callable[[str], Delivered], kind: str
) -> None:
    file = delivered(kind)
    exact = file.judge(file.data, receipt=True, require_exact=True)
    assert (exact.verdict, exact.axes.integrity, exact.axes.ledger) == ("pass", "exact", "exact")
    content = file.judge(file.data)
    assert (content.verdict, content.axes.integrity, content.axes.disclosure) == ("pass", "content", "synthetic")
    assert "verify.wrong-extension" not in codes(exact) | codes(content)


@pytest.mark.parametrize("kind", ["avif", "tiff"])
def test_a_picture_meets_the_baseline(delivered: Callable[[str], Delivered], kind: str) -> None:
    file = delivered(kind)
    verdict = file.judge(file.data, pixels=True, policies=BASELINE)
    assert (verdict.verdict, verdict.axes.watermark) == ("pass", "present")
    assert verdict.layers_found == ("signed-metadata", "watermark")


@pytest.mark.parametrize("kind", ["avif", "tiff"])
def test_a_stripped_picture_still_carries_its_watermark(delivered: Callable[[str], Delivered], kind: str) -> None:
    file, buffer = delivered(kind), io.BytesIO()
    with Image.open(io.BytesIO(file.data)) as opened:
        opened.convert("RGB").save(buffer, formats.named(kind).pillow)
    verdict = file.judge(buffer.getvalue())
    assert (verdict.verdict, verdict.exit_code, verdict.axes.watermark) == ("unproven", 6, "present")
    assert codes(verdict) >= {"credential.absent", "verify.watermark-only"}


# --- what is not looked at ----------------------------------------------------------------------------------------


def test_a_clip_says_that_no_watermark_was_looked_for(delivered: Callable[[str], Delivered]) -> None:
    file = delivered("mp4")
    verdict = file.judge(file.data, receipt=True)
    assert (verdict.verdict, verdict.axes.watermark, verdict.media_type) == ("pass", "not-checked", "video/mp4")
    assert "verify.watermark-not-read" in codes(verdict)
    stripped = file.judge(encoded())
    assert (stripped.verdict, stripped.exit_code, stripped.axes.watermark) == ("unproven", 6, "not-checked")
    assert codes(stripped) == {"credential.absent", "verify.watermark-not-read"}


def test_a_watermark_that_is_demanded_of_a_clip_leaves_it_unproven(delivered: Callable[[str], Delivered]) -> None:
    """Neither shown nor found missing: it must not pass, and nothing says that it fails."""
    file = delivered("mp4")
    verdict = file.judge(file.data, receipt=True, policies=BASELINE)
    assert (verdict.verdict, verdict.exit_code) == ("unproven", 7)
    assert (verdict.axes.watermark, verdict.axes.disclosure) == ("not-checked", "synthetic")
    assert codes(verdict) >= {"verify.watermark-unchecked", "policy.watermark"}
    assert not codes(verdict) & {"verify.watermark-required", "verify.watermark-not-read"}
    (told,) = [item for item in file.judge(file.data, require_layers=2).findings if item.severity == "error"]
    assert told.code == "verify.watermark-unchecked"
    assert "clip" in told.message


def test_pages_beside_the_first_are_not_vouched_for_by_its_watermark(
    ours: Studio, delivered: Callable[[str], Delivered]
) -> None:
    file, buffer = delivered("tiff"), io.BytesIO()
    rgb = disclose.pixels.decode(file.data)
    Image.fromarray(rgb).save(buffer, "TIFF", save_all=True, append_images=[Image.new("RGB", (192, 192))])
    stripped = file.judge(buffer.getvalue())
    assert (stripped.verdict, stripped.exit_code, stripped.axes.watermark) == ("unproven", 6, "not-checked")
    signed = C2paSigner(ours.keyset.c2pa).sign(studio.claim(ours), "image/tiff", buffer.getvalue()).data
    assert file.judge(signed).verdict == "pass"
    asked = file.judge(signed, pixels=True, policies=BASELINE)
    assert (asked.verdict, asked.exit_code, asked.axes.watermark) == ("fail", 7, "not-checked")  # there is no XMP
    assert "verify.watermark-unchecked" in codes(asked)


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_of_another_type_is_reported(ours: Studio, delivered: Callable[[str], Delivered], kind: str) -> None:
    file = delivered(kind)
    path = file.folder / "a.png"
    path.write_bytes(file.data)
    assert "verify.wrong-extension" in codes(verify_file(path, [ours.trust]))


# --- broken -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_fails_with_a_receipt_and_changes_nothing_shown_without(
    delivered: Callable[[str], Delivered], kind: str
) -> None:
    file = delivered(kind)
    whole = shown(file.judge(file.data))
    passed = 0
    for place in range(0, len(file.data), max(1, len(file.data) // 150)):
        changed = bytearray(file.data)
        changed[place] ^= 1 << place % 8
        exact = file.judge(bytes(changed), receipt=True)
        assert (exact.verdict in ("fail", "error")) and exact.exit_code == 4, place
        alone = file.judge(bytes(changed))
        if alone.verdict == "pass":
            passed += 1
            assert shown(alone) == whole, place
    assert passed < 40  # the padding of the signature and the file type box


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_at_every_kibibyte_fails_or_errs(delivered: Callable[[str], Delivered], kind: str) -> None:
    file = delivered(kind)
    for length in range(0, len(file.data), 1024):
        for receipt in (True, False):
            verdict = file.judge(file.data[:length], receipt=receipt)
            assert (verdict.verdict in ("fail", "error")) and verdict.exit_code == 4, length


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "addition",
    [
        b"x",
        b"PK\3\4\x14\0\0\0" + bytes(200),
        box(b"ftyp", b"isom\0\0\0\0"),
        box(b"uuid", bmff.C2PA_UUID + bytes(4) + b"anything\0" + bytes(90)),
        box(b"uuid", bmff.XMP_UUID + xmp.build({xmp.DIGITAL_SOURCE_TYPE: "http://example.org/photograph"})),
        box(b"mdat", b"anything"),
        box(b"meta", bytes(4)),
        box(b"moov"),
    ],
)
def test_appended_and_prepended_data_is_noticed(
    delivered: Callable[[str], Delivered], kind: str, addition: bytes
) -> None:
    file = delivered(kind)
    for data in (file.data + addition, addition + file.data):
        verdict = file.judge(data)
        assert (verdict.verdict in ("fail", "error")) and verdict.exit_code == 4, verdict.axes


@pytest.mark.parametrize("kind", ["avif", "mp4"])
def test_appended_padding_fails_with_a_receipt_and_is_named_without(
    delivered: Callable[[str], Delivered], kind: str
) -> None:
    """C2PA leaves boxes of padding out of its hash, so that the credential of the longer file is sound."""
    file = delivered(kind)
    longer = file.data + box(b"free", b"PK\3\4" * 50)
    exact = file.judge(longer, receipt=True)
    assert (exact.verdict, exact.exit_code) == ("fail", 4)
    alone = file.judge(longer)
    assert (alone.verdict, alone.axes.integrity) == ("pass", "content")
    assert "disclosure.trailing-data" in codes(alone)


@pytest.mark.parametrize("kind", ["avif", "mp4"])
def test_what_is_hidden_where_no_signature_looks_is_refused(delivered: Callable[[str], Delivered], kind: str) -> None:
    file, junk = delivered(kind), random.Random(7).randbytes(5 << 20)  # noqa: S311, no secret
    merkle = b"\xa4huniqueId\0glocalId\0hlocation\0fhashes\x81\x5a" + struct.pack(">I", len(junk)) + junk
    for hidden in (
        box(b"free", b"PK\3\4" + junk),
        box(b"skip", junk),
        box(b"mfra", box(b"free", junk)),
        box(b"uuid", bmff.C2PA_UUID + bytes(4) + b"merkle\0" + merkle),
        box(b"free", bytes(5 << 20)),
    ):
        verdict = file.judge(file.data + hidden)
        assert (verdict.verdict, verdict.exit_code) == ("error", 4)
        assert "verify.unreadable" in codes(verdict)
        assert any("padding" in item.message for item in verdict.findings)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_written_over_at_random_end_in_a_verdict(delivered: Callable[[str], Delivered], kind: str) -> None:
    file, source = delivered(kind), random.Random(7)  # noqa: S311, places to break and no secret
    for _ in range(100):
        changed = bytearray(file.data)
        for _ in range(source.randint(1, 4)):
            place, length = source.randrange(len(changed)), source.choice((1, 2, 4, 8, 64))
            changed[place : place + length] = source.choice(
                (bytes(length), b"\xff" * length, source.randbytes(length), b"")
            )
        verdict = file.judge(bytes(changed), receipt=True, pixels=True)
        if bytes(changed) != file.data:
            assert verdict.verdict in ("fail", "error", "unproven")


@pytest.mark.parametrize("kind", ["avif", "tiff"])
def test_a_manifest_of_another_file_is_noticed(ours: Studio, delivered: Callable[[str], Delivered], kind: str) -> None:
    file = delivered(kind)
    (store,) = formats.named(kind).parts(file.data).c2pa
    other = formats.named(kind).encode(
        studio.picture(99), xmp=b"", exif=exif.build(software="x", description="x", created_at=studio.NOW)
    )
    donor = C2paSigner(ours.keyset.c2pa).sign(studio.claim(ours), f"image/{kind}", other)
    length = len(donor.manifest_store)
    moved = donor.data.replace(donor.manifest_store, store[:length].ljust(length, b"\0"))
    assert moved != donor.data
    verdict = file.judge(moved)
    assert (verdict.verdict in ("fail", "error")) and verdict.exit_code == 4
