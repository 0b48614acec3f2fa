"""Files that are more, less or other than one picture with one manifest, or that cost more than they weigh."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import claims
import pytest
import studio
from attacks import Attack, Studios, judge, names, run, run_command
from PIL import Image

from personactl.disclose import formats, png, xmp

ALTERED, BROKEN, UNREAD = "verify.altered", "credential.broken", "verify.unreadable"
ABSENT, TRAILING = "credential.absent", "disclosure.trailing-data"
SUFFIX = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
JFIF = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def store_span(data: bytes) -> tuple[int, int]:
    """Where the chunk or segment of the manifest lies, from its header to its end."""
    row = formats.sniff(data)
    assert row is not None
    (whole,) = row.parts(data).c2pa
    start = data.index(whole)
    if row.name == "png":
        return start - 8, start + len(whole) + 4
    if row.name == "webp":
        return start - 8, start + len(whole) + len(whole) % 2
    return start - 12, start + len(whole)


def moved(host: bytes, donor: bytes) -> bytes:
    """The manifest of `donor` in the place of the one of `host`, of the same format."""
    (start, end), (begin, stop) = store_span(host), store_span(donor)
    return resized(host[:start] + donor[begin:stop] + host[end:])


def without_manifest(data: bytes) -> bytes:
    start, end = store_span(data)
    return resized(data[:start] + data[end:])


def with_manifest_twice(data: bytes) -> bytes:
    start, end = store_span(data)
    return resized(data[:end] + data[start:end] + data[end:])


def resized(data: bytes) -> bytes:
    """A RIFF container says how long it is."""
    return data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:] if data[:4] == b"RIFF" else data


def resaved(data: bytes, form: str) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(data)).save(out, form)
    return out.getvalue()


def archive(*, before: bytes = b"") -> bytes:
    out = io.BytesIO(before)
    out.seek(0, 2)
    with zipfile.ZipFile(out, "a") as opened:
        opened.writestr("hidden.txt", "hidden")
    return out.getvalue()


def shrunk(data: bytes, by: int) -> bytes:
    """The store of a PNG with its COSE padding, which nothing covers, shorter by so many bytes."""
    (whole,) = formats.named("png").parts(data).c2pa
    pad = whole.rindex(b"\x63pad\x59")
    length = int.from_bytes(whole[pad + 5 : pad + 7], "big")
    cut = bytearray(whole[: pad + 5] + (length - by).to_bytes(2, "big") + whole[pad + 7 + by :])

    def fit(start: int, end: int) -> None:
        while start < end:
            size = int.from_bytes(whole[start : start + 4], "big")
            if start < pad < start + size:
                cut[start : start + 4] = (size - by).to_bytes(4, "big")
                if whole[start + 4 : start + 8] == b"jumb":
                    fit(start + 8, start + size)
                return
            start += size

    fit(0, len(whole))
    return bytes(cut)


def smuggled(studios: Studios, chunks: bytes, *, behind: bool) -> bytes:
    """Chunks in the place that the hard binding leaves out for the manifest, which is made smaller by as much."""
    data = studios.ours.works["png"].data
    start, end = store_span(data)
    manifest = studio.chunk(b"caBX", shrunk(data, len(chunks)))
    both = manifest + chunks if behind else chunks + manifest
    assert len(both) == end - start
    return data[:start] + both + data[end:]


def red() -> bytes:
    return studio.chunk(b"IDAT", zlib.compress(b"".join(b"\0" + b"\xff\0\0" * 192 for _ in range(192)), 9))


def frame() -> bytes:
    """A second frame that browsers show instead (APNG), all red."""
    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * 192 for _ in range(192)), 9)
    control = struct.pack(">IIIIIHHBB", 0, 192, 192, 0, 0, 1, 1, 0, 0)
    return (
        studio.chunk(b"acTL", struct.pack(">II", 1, 0))
        + studio.chunk(b"fcTL", control)
        + studio.chunk(b"fdAT", b"\0\0\0\1" + rows)
    )


def header(width: int, height: int) -> bytes:
    return png.SIGNATURE + studio.chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def small(*chunks: bytes) -> bytes:
    """A whole PNG of 16x16 with these chunks before its picture data."""
    return header(16, 16) + b"".join(chunks) + studio.chunk(b"IDAT", zlib.compress(bytes(49 * 16))) + END


END = studio.chunk(b"IEND", b"")
_BOMB = b"".join([zlib.compress(bytes(64 << 20), 9)])


def text_of(studios: Studios, kind: str) -> bytes:
    del studios
    body = {
        "iCCP": b"a\0\0" + _BOMB, "zTXt": b"a\0\0" + _BOMB, "iTXt": b"a\0\1\0\0\0" + _BOMB,
        "XMP": b"XML:com.adobe.xmp\0\1\0\0\0" + _BOMB,
    }[kind]  # fmt: skip
    return small(studio.chunk(b"iTXt" if kind == "XMP" else kind.encode(), body))


def many_scans() -> bytes:
    """A progressive JPEG of 4000x4000 whose 20,000 scans have a few bytes each: half a minute of decoding in 700 kB."""
    out = io.BytesIO()
    Image.new("L", (4000, 4000), 90).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    first = data.index(b"\xff\xda")
    end = next(at for at in range(first + 2, len(data)) if data[at] == 0xFF and data[at + 1] not in (0, 0xFF))
    table = b"\xff\xc4\0\x15\x10" + bytes([0, 2, *[0] * 14]) + bytes([0xE0, 0xF0])
    bits = "".join("00" + f"{min(32767, 250_000 - done) - 16384:014b}" for done in range(0, 250_000 - 16384, 32767))
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return data[:end] + table + (b"\xff\xda\0\x08\1\1\0\1\x3f\0" + scan) * 20_000 + b"\xff\xd9"


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def canvas_lies(studios: Studios) -> bytes:
    """A WebP whose header says 16383x16383 and whose picture has 192x192."""
    data = bytearray(studios.ours.works["webp"].data)
    assert data[12:16] == b"VP8X"
    data[24:30] = (16382).to_bytes(3, "little") * 2
    return bytes(data)


def size_lies(studios: Studios) -> bytes:
    """A JPEG whose frame header says 65535x65535."""
    data = bytearray(studios.ours.works["jpeg"].data)
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff" * 4
    return bytes(data)


def filled(studios: Studios, at: int) -> bytes:
    """A JPEG with two million fill bytes, which a decoder takes one by one."""
    data = studios.ours.works["jpeg"].data
    return data[:at] + b"\xff" * 2_000_000 + data[at:]


def with_manifest(data: bytes, times: int) -> bytes:
    start, end = store_span(data)
    return data[:start] + data[start:end] * times + data[end:]


def other(form: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(studio.picture(99)).save(out, form.upper(), **({"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}
                                                                   if form == "webp" else {}))  # fmt: skip
    return out.getvalue()


def into_other(data: bytes, form: str) -> bytes:
    """The manifest of `data` in a picture that never had one."""
    start, end = store_span(data)
    host = other(form)
    at = {"png": claims.PLACE, "jpeg": 2, "webp": len(host)}[form]
    return resized(host[:at] + data[start:end] + host[at:])


def _for_each_format() -> list[Attack]:
    rows = []
    for form, suffix in SUFFIX.items():

        def work(s: Studios, form: str = form) -> bytes:
            return s.ours.works[form].data

        rows += [
            Attack(f"{form}: as delivered", work, "pass", 0, ("verify.content-only",), suffix=suffix),
            Attack(f"{form}: resaved", lambda s, w=work, f=form: resaved(w(s), f), "unproven", 6,
                   (ABSENT, "verify.watermark-only"), suffix=suffix),
            Attack(f"{form}: only the manifest removed", lambda s, w=work: without_manifest(w(s)), "unproven", 6,
                   (ABSENT, "verify.watermark-only"), suffix=suffix),
            Attack(f"{form}: the manifest twice", lambda s, w=work: with_manifest_twice(w(s)),
                   *(("error", 4, (BROKEN,)) if form == "png" else ("fail", 4, (ALTERED,))), suffix=suffix),
            Attack(f"{form}: the manifest in another picture", lambda s, w=work, f=form: into_other(w(s), f), "fail", 4,
                   (ALTERED,), suffix=suffix),
            Attack(f"{form}: a zip file behind it", lambda s, w=work: archive(before=w(s)), "fail", 4,
                   (ALTERED, TRAILING), suffix=suffix),
            Attack(f"{form}: another picture behind it", lambda s, w=work, f=form: w(s) + other(f), "fail", 4,
                   (ALTERED, TRAILING), suffix=suffix),
            Attack(f"{form}: one byte behind it", lambda s, w=work: w(s) + b"\0", "fail", 4, (ALTERED,), suffix=suffix),
            Attack(f"{form}: HTML before it", lambda s, w=work: b"<html><!--" + w(s), "error", 4,
                   ("verify.unsupported-type",), suffix=suffix),
            Attack(f"{form}: a zip file before it", lambda s, w=work: archive() + w(s), "error", 4,
                   ("verify.unsupported-type",), suffix=suffix),
            Attack(f"{form}: its first 40 bytes", lambda s, w=work: w(s)[:40], "error", 4, (UNREAD,), suffix=suffix),
            Attack(f"{form}: under another name", work, "pass", 0, ("verify.wrong-extension",), suffix=".gif"),
            Attack(f"{form}: as a text file", work, "pass", 0, ("verify.wrong-extension",), suffix=".txt"),
        ]  # fmt: skip
    return rows


CONTAINERS = (
    *_for_each_format(),
    Attack("the manifest of another file of ours", lambda s: moved(
        s.ours.works["png"].data, claims.signed(s.ours, claims.usual(s.ours))), "fail", 4, (ALTERED,)),
    Attack("the manifest of a stranger's file", lambda s: moved(
        s.ours.works["png"].data, s.theirs.works["png"].data), "fail", 4, (ALTERED, "verify.untrusted")),
    Attack("our manifest in a stranger's file", lambda s: moved(
        s.theirs.works["png"].data, s.ours.works["png"].data), "fail", 4, (ALTERED,)),
    Attack("a stranger's manifest behind ours", lambda s: (lambda data, span, begin, stop: data[: span[1]]
           + s.theirs.works["png"].data[begin:stop] + data[span[1] :])(
               s.ours.works["png"].data, store_span(s.ours.works["png"].data),
               *store_span(s.theirs.works["png"].data)), "error", 4, (BROKEN,), "more than one manifest"),
    Attack("the manifest forty times", lambda s: with_manifest(s.ours.works["png"].data, 40), "error", 4, (BROKEN,),
           "40 manifest stores"),
    Attack("a manifest behind the end of the picture", lambda s: small() + s.ours.works["png"].data[
        slice(*store_span(s.ours.works["png"].data))], "unproven", 6, (ABSENT, TRAILING)),
    Attack("another picture smuggled in before the manifest", lambda s: smuggled(s, red() + END, behind=False),
           "unproven", 6, (ABSENT, TRAILING)),
    Attack("another picture smuggled in behind the manifest", lambda s: smuggled(s, red() + END, behind=True),
           "fail", 4, (ALTERED, TRAILING)),
    Attack("picture data smuggled in", lambda s: smuggled(s, red(), behind=True), "fail", 4, (ALTERED,)),
    Attack("an animation smuggled in", lambda s: smuggled(s, frame(), behind=True), "fail", 4, (ALTERED,)),
    Attack("the end of the picture twice", lambda s: s.ours.works["png"].data + END, "fail", 4, (ALTERED, TRAILING)),
    Attack("a picture without data", lambda s: header(16, 16) + END, "error", 4, ("verify.pixels-refused",)),
    Attack("an empty file", lambda s: b"", "error", 4, (UNREAD,), "empty"),
    Attack("a text file", lambda s: b"hello\n", "error", 4, ("verify.unsupported-type",)),
    Attack("a signature and nothing else", lambda s: png.SIGNATURE, "error", 4, (UNREAD,)),
)  # fmt: skip

COST = (
    Attack("60000 x 60000", lambda s: header(60_000, 60_000) + studio.chunk(b"IDAT", zlib.compress(bytes(100_000)))
           + END, "error", 4, ("verify.pixels-refused", ABSENT)),
    *(Attack(f"a bomb in {kind}", lambda s, k=kind: text_of(s, k), "error", 4, (code,), says)
      for kind, code, says in (
          ("iCCP", "verify.pixels-refused", "too large"), ("zTXt", "verify.pixels-refused", "too large"),
          ("iTXt", "verify.pixels-refused", "too large"), ("XMP", UNREAD, "compressed"))),
    Attack("a million empty chunks", lambda s: small(studio.chunk(b"prVt", b"") * 1_000_000), "error", 4, (UNREAD,),
           "parts"),
    Attack("15,000 empty chunks", lambda s: small(studio.chunk(b"prVt", b"") * 15_000), "unproven", 6, (ABSENT,)),
    Attack("two million empty WebP chunks", lambda s: riff(*[(b"abcd", b"")] * 2_000_000), "error", 4, (UNREAD,),
           "parts", ".webp"),
    Attack("four million JPEG segments", lambda s: JFIF + b"\xff\xfe\0\2" * 4_000_000 + b"\xff\xd9", "error", 4,
           (UNREAD,), "parts", ".jpg"),
    Attack("four million restarts", lambda s: JFIF + b"\xff\xd0" * 4_000_000 + b"\xff\xd9", "error", 4, (UNREAD,),
           "parts", ".jpg"),
    Attack("64 MB of fill bytes", lambda s: JFIF + b"\xff" * (64 << 20), "error", 4, (UNREAD,), "fill bytes", ".jpg"),
    Attack("64 MB of fill bytes, the pixels asked for", lambda s: JFIF + b"\xff" * (64 << 20), "error", 4, (UNREAD,),
           "fill bytes", ".jpg", {"pixels": True}),
    Attack("fill bytes before a segment", lambda s: filled(s, 2), "error", 4, (UNREAD,), "fill bytes", ".jpg",
           {"pixels": True}),
    Attack("fill bytes before the end", lambda s: filled(s, -2), "error", 4, (UNREAD,), "fill bytes", ".jpg",
           {"pixels": True}),
    Attack("20,000 scans", lambda s: many_scans(), "error", 4, (UNREAD,), "scans", ".jpg"),
    Attack("20,000 scans, with the pixels asked for", lambda s: many_scans(), "error", 4, (UNREAD,), "scans", ".jpg",
           {"pixels": True}),
    Attack("a JPEG that says 65535 x 65535", size_lies, "fail", 4, (ALTERED,), suffix=".jpg", options={"pixels": True}),
    Attack("a WebP canvas that lies", canvas_lies, "fail", 4, (ALTERED,), suffix=".webp", options={"pixels": True}),
    Attack("a WebP chunk that says 4 GB", lambda s: riff((b"VP8 ", b"x" * 20))[:-24] + b"\xff" * 4 + bytes(20), "error",
           4, (UNREAD,), suffix=".webp"),
    Attack("a PNG chunk that says 4 GB", lambda s: header(16, 16) + b"\xff\xff\xff\xffIDAT" + bytes(40), "error", 4,
           (UNREAD,)),
    Attack("a JPEG segment that says 64 kB", lambda s: JFIF + b"\xff\xe1\xff\xffExif", "error", 4, (UNREAD,),
           suffix=".jpg"),
)  # fmt: skip


@pytest.mark.parametrize("attack", CONTAINERS, ids=names(CONTAINERS))
def test_what_a_container_may_hold(attack: Attack, studios: Studios, tmp_path: Path) -> None:
    run(attack, studios, tmp_path)


@pytest.mark.parametrize("attack", COST, ids=names(COST))
def test_what_a_container_may_cost(attack: Attack, studios: Studios, tmp_path: Path) -> None:
    run(attack, studios, tmp_path)


def test_the_command_says_the_same(studios: Studios, tmp_path: Path) -> None:
    run_command([row for row in (*CONTAINERS, *COST) if row.suffix != ".txt"], studios, tmp_path)


@pytest.mark.parametrize("form", SUFFIX)
@pytest.mark.parametrize("receipt", [True, False], ids=["with a receipt", "without"])
def test_a_file_cut_at_every_kilobyte_never_passes(studios: Studios, tmp_path: Path, form: str, receipt: bool) -> None:
    path = studios.ours.deliver(tmp_path, form, receipt=receipt)
    data = path.read_bytes()
    for length in range(0, len(data), 1024):
        path.write_bytes(data[:length])
        verdict = judge(path, studios.ours)
        codes = {item.code for item in verdict.findings}
        assert (verdict.verdict in ("fail", "error")) and verdict.exit_code == 4, length
        assert codes & {"verify.unreadable", "verify.unsupported-type", "verify.altered"}, (length, codes)
        assert ("verify.bytes-differ" in codes) == (receipt and length > 0), (length, codes)


def test_only_the_xmp_removed_is_noticed_with_and_without_a_receipt(studios: Studios, tmp_path: Path) -> None:
    data = studios.ours.works["png"].data
    packet = formats.named("png").parts(data).xmp[0]
    start = data.index(packet) - len("XML:com.adobe.xmp") - 5 - 8
    path = tmp_path / "a.png"
    path.write_bytes(data[:start] + data[data.index(packet) + len(packet) + 4 :])
    assert xmp.DIGITAL_SOURCE_TYPE.partition(":")[2].encode() not in path.read_bytes()
    verdict = judge(path, studios.ours)
    assert (verdict.verdict, verdict.exit_code, verdict.axes.integrity) == ("fail", 4, "altered")
    assert {"verify.altered", "verify.xmp-missing"} <= {item.code for item in verdict.findings}
