"""XMP and EXIF blocks that are attacks: what they may say beside a good claim, and what they may cost."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import claims
import pytest
import studio
from attacks import Attack, Studios, judge, names, run, run_command

from personactl.disclose import C2paSigner, exif, formats, jpeg, xmp

UNREADABLE, MISSING = "verify.xmp-unreadable", "verify.xmp-missing"
CONTRADICTS, TWICE, EXIF = (
    "verify.disclosure-contradicts",
    "verify.disclosure-contradicts",
    "disclosure.exif-unreadable",
)
OPENING = (
    f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{xmp.RDF}' xmlns:e='{xmp.NAMESPACES['Iptc4xmpExt']}'>"
)
CLOSING = "</rdf:RDF></x:xmpmeta>"
CAPTURE = claims.CAPTURE


def packet(body: str) -> bytes:
    return (OPENING + body + CLOSING).encode()


def says(source_type: str) -> str:
    return f"<rdf:Description rdf:about='' e:DigitalSourceType='{source_type}'/>"


def with_xmp(studios: Studios, written: bytes) -> bytes:
    return claims.signed(studios.ours, claims.usual(studios.ours), plain=claims.picture(packet=written))


def with_exif(studios: Studios, block: bytes) -> bytes:
    return claims.signed(studios.ours, claims.usual(studios.ours), plain=claims.picture(block=block))


def with_chunk(studios: Studios, chunk: bytes) -> bytes:
    """A further chunk before the picture data, under the signature."""
    plain = claims.picture()
    at = plain.index(b"IDAT") - 4
    return claims.signed(studios.ours, claims.usual(studios.ours), plain=plain[:at] + chunk + plain[at:])


def extended(studios: Studios) -> bytes:
    """A JPEG whose packet is ours, with a further one that readers of extended XMP put in its place."""
    more, ours = packet(says(CAPTURE)), xmp.build({xmp.DIGITAL_SOURCE_TYPE: claims.SYNTHETIC})
    digest = hashlib.md5(more, usedforsecurity=False).hexdigest().upper().encode()
    noted = b' xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="' + digest + b'"'
    body = b"http://ns.adobe.com/xmp/extension/\0" + digest + struct.pack(">II", len(more), 0) + more
    encoded = jpeg.encode(studio.picture(3, 16), xmp=ours.replace(b'about=""', b'about=""' + noted), exif=tiff())
    plain = encoded[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + encoded[2:]
    return C2paSigner(studios.ours.keyset.c2pa).sign(studio.claim(studios.ours), "image/jpeg", plain).data


def tiff(*fields: tuple[int, int, int, int], next_directory: int = 0, tail: bytes = b"") -> bytes:
    """A TIFF structure whose first directory has fields of (tag, type, count, value or offset)."""
    listed = b"".join(struct.pack("<HHII", *item) for item in fields)
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + listed + struct.pack("<I", next_directory) + tail


SOFTWARE, EXIF_POINTER, GPS_POINTER = 0x131, 0x8769, 0x8825
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
LONG_NAMES = (
    f"<r:RDF xmlns:r='{xmp.RDF}' xmlns:a='{'u' * 500_000}'><r:Description "
    + " ".join(f'a:a{number}=""' for number in range(900)) + "/>" + "<a:b/>" * 60_000 + "</r:RDF>"
)  # fmt: skip

XMP = (
    Attack("the same as the claim", lambda s: with_xmp(s, packet(says(claims.SYNTHETIC))), "pass", 0),
    Attack("captured by a camera", lambda s: with_xmp(s, packet(says(CAPTURE))), "fail", 7, (CONTRADICTS,), CAPTURE),
    Attack("captured by a camera, as an element", lambda s: with_xmp(s, packet(
        f"<rdf:Description><e:DigitalSourceType>{CAPTURE}</e:DigitalSourceType></rdf:Description>")), "fail", 7,
        (CONTRADICTS,)),
    Attack("captured by a camera, as a link", lambda s: with_xmp(s, packet(
        f"<rdf:Description><e:DigitalSourceType rdf:resource='{CAPTURE}'/></rdf:Description>")), "fail", 7,
        (CONTRADICTS,)),
    Attack("captured by a camera, in a list", lambda s: with_xmp(s, packet(
        f"<rdf:Description><e:DigitalSourceType><rdf:Bag><rdf:li>{CAPTURE}</rdf:li></rdf:Bag></e:DigitalSourceType>"
        "</rdf:Description>")), "fail", 7, (CONTRADICTS,)),
    Attack("captured by a camera, about another thing", lambda s: with_xmp(s, packet(
        says(CAPTURE).replace("about=''", "about='uuid:1'"))), "fail", 7, (CONTRADICTS,)),
    Attack("two descriptions that differ", lambda s: with_xmp(s, packet(says(claims.SYNTHETIC) + says(CAPTURE))),
           "fail", 7, (CONTRADICTS,), "several answers"),
    Attack("two descriptions that differ in what nobody compares", lambda s: with_xmp(s, packet(
        says(claims.SYNTHETIC) + "<rdf:Description e:a='1'/><rdf:Description e:a='2'/>")), "fail", 7, (CONTRADICTS,)),
    Attack("a source type of 10,000 characters", lambda s: with_xmp(s, packet(says("\u202e" * 10_000))), "fail", 7,
           (CONTRADICTS,)),
    Attack("nothing about the source", lambda s: with_xmp(s, packet("<rdf:Description/>")), "pass", 0, (MISSING,)),
    Attack("a second packet", lambda s: with_chunk(s, studio.chunk(
        b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet(says(claims.SYNTHETIC)))), "fail", 7, (CONTRADICTS,)),
    Attack("a second packet that is compressed", lambda s: with_chunk(s, studio.chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\1" + bytes(3) + b"x\x9c\3\0\0\0\0\1")), "error", 4, ("verify.unreadable",),
        "compressed"),
    Attack("a second packet in a plain text chunk", lambda s: with_chunk(s, studio.chunk(
        b"tEXt", b"XML:com.adobe.xmp\0" + packet(says(CAPTURE)))), "fail", 7, (CONTRADICTS,)),
    Attack("a second packet as ImageMagick writes it", lambda s: with_chunk(s, studio.chunk(
        b"zTXt", b"Raw profile type xmp\0\0" + b"x\x9c\3\0\0\0\0\1")), "fail", 7, (CONTRADICTS,)),
    Attack("an extension of the packet of a JPEG", extended, "fail", 7, (CONTRADICTS,), suffix=".jpg"),
    Attack("UTF-16", lambda s: with_xmp(s, packet(says(CAPTURE)).decode().encode("utf-16")), "pass", 0, (UNREADABLE,)),
    Attack("billion laughs", lambda s: with_xmp(s, f"<!DOCTYPE x [{LAUGHS}]><x>&l11;</x>".encode()), "pass", 0,
           (UNREADABLE,), "document type"),
    Attack("an external entity", lambda s: with_xmp(
        s, b"<!DOCTYPE x [<!ENTITY e SYSTEM 'http://198.51.100.7/x'>]><x>&e;</x>"), "pass", 0, (UNREADABLE,)),
    Attack("a namespace of half a megabyte", lambda s: with_xmp(s, LONG_NAMES.encode()), "pass", 0, (UNREADABLE,),
           "namespace"),
    Attack("a quarter of a million elements", lambda s: with_xmp(s, b"<x>" + b"<a/>" * 250_000 + b"</x>"), "pass", 0,
           (UNREADABLE,), "elements"),
    Attack("a tower of elements", lambda s: with_xmp(s, b"<x>" * 300_000), "pass", 0, (UNREADABLE,), "deeper"),
    Attack("two megabytes", lambda s: with_xmp(s, b"<x>" + b" " * (2 << 20) + b"</x>"), "pass", 0, (UNREADABLE,),
           "larger"),
    Attack("not a packet at all", lambda s: with_xmp(s, b"\0\xff" * 99), "pass", 0, (UNREADABLE,)),
)  # fmt: skip

EXIF_BLOCKS = (
    Attack("no field", lambda s: with_exif(s, tiff()), "pass", 0),
    Attack("a count of four billion bytes", lambda s: with_exif(s, tiff((SOFTWARE, 1, 0xFFFFFFFF, 8))), "pass", 0),
    Attack("a text of four billion characters", lambda s: with_exif(s, tiff((SOFTWARE, 2, 0xFFFFFFFF, 8))), "pass", 0,
           (EXIF,), "outside"),
    Attack("a thousand fields over one megabyte", lambda s: with_exif(
        s, tiff(*[(0x10F, 1, 900_000, 8)] * 1_000, tail=bytes(1_000_000))), "pass", 0),
    Attack("too many fields", lambda s: with_exif(s, tiff(*[(0x10F, 1, 1, 0)] * 5_000)), "pass", 0, (EXIF,), "fields"),
    Attack("a directory that follows itself", lambda s: with_exif(s, tiff((SOFTWARE, 2, 2, 65), next_directory=8)),
           "pass", 0),
    Attack("directories that point to each other", lambda s: with_exif(
        s, tiff((EXIF_POINTER, 4, 1, 8), (GPS_POINTER, 4, 1, 8), (SOFTWARE, 2, 2, 65))), "pass", 0),
    Attack("a directory that begins in the header", lambda s: with_exif(s, b"II*\0\0\0\0\0" + bytes(40)), "pass", 0,
           (EXIF,)),
    Attack("the software twice", lambda s: with_exif(s, tiff((SOFTWARE, 2, 2, 65), (SOFTWARE, 2, 2, 66))), "pass", 0,
           (EXIF,), "twice"),
    Attack("two blocks", lambda s: with_chunk(s, studio.chunk(b"eXIf", tiff())), "pass", 0, ("disclosure.exif-twice",)),
    Attack("two megabytes of EXIF", lambda s: with_exif(s, b"II*\0" + bytes(2 << 20)), "pass", 0, (EXIF,), "larger"),
)  # fmt: skip


@pytest.mark.parametrize("attack", XMP, ids=names(XMP))
def test_xmp_beside_a_claim(attack: Attack, studios: Studios, tmp_path: Path) -> None:
    run(attack, studios, tmp_path)


@pytest.mark.parametrize("attack", EXIF_BLOCKS, ids=names(EXIF_BLOCKS))
def test_exif_beside_a_claim(attack: Attack, studios: Studios, tmp_path: Path) -> None:
    run(attack, studios, tmp_path)


def test_the_command_says_the_same(studios: Studios, tmp_path: Path) -> None:
    run_command([*XMP, *EXIF_BLOCKS], studios, tmp_path)


def test_a_message_stays_short_whatever_the_file_says(studios: Studios, tmp_path: Path) -> None:
    """A megabyte of somebody's words would scroll the verdict out of sight."""
    path = tmp_path / "a.png"
    path.write_bytes(with_xmp(studios, packet(says("x" * 900_000))))
    verdict = judge(path, studios.ours)
    assert verdict.exit_code == 7
    assert max(len(item.message) for item in verdict.findings) < 2_000


def test_one_flipped_bit_of_a_count_in_the_exif_block_of_a_delivered_file(studios: Studios, tmp_path: Path) -> None:
    """It made verify reserve gigabytes and compute for minutes, in a file that looked like any other."""
    data = bytearray(studios.ours.works["jpeg"].data)
    block = formats.named("jpeg").parts(bytes(data)).exif[0]
    at = data.index(block)
    assert exif.software(block).startswith("personactl")
    (count,) = struct.unpack_from(">H", block, 8)
    for number in range(count):
        changed = bytearray(data)
        changed[at + 10 + 12 * number + 4] ^= 0x10  # the highest byte of the count: 268 million more
        path = tmp_path / "a.jpg"
        path.write_bytes(changed)
        verdict = judge(path, studios.ours)
        assert (verdict.verdict, verdict.exit_code) == ("fail", 4)
