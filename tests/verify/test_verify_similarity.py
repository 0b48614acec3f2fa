"""Stripped and re-encoded pictures: which entries of a ledger they may come from, by watermark and by ISCC."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import studio
from personactl_ledger import Ed25519Signer, Ledger
from PIL import Image, ImageOps
from studio import Studio

from personactl import keys
from personactl.disclose import fingerprint
from personactl.keys.trust import TrustFile
from personactl.verdict import EntryCandidate, Verdict
from personactl.verify import candidates, document, similarity, summary_line, verify_file
from personactl.verify.evidence import Pixels
from personactl.verify.similarity import CODE_BYTES, MAX_TIES, Table

Picture = Image.Image


def scenery(seed: int, side: int = 240) -> Picture:
    """Blots of every size, other ones for each seed; no watermark."""
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """A ledger about pictures that carry no mark: entry `first + n` is about `scenery(n)`, two are about scenery(0)."""

    path: Path
    trust: TrustFile
    first: int
    keyset: keys.KeySet
    run_key: Ed25519Signer

    def judge(self, picture: Picture, place: Path, *, ledger: Path | None = None, **options: Any) -> Verdict:
        picture.save(place, **options)
        return verify_file(place, [self.trust], ledger=ledger or self.path)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return make(tmp_path_factory.mktemp("gallery"), [*range(12), 0])


def make(folder: Path, seeds: list[int], *, without: int = -1) -> Gallery:
    """`without`: the place of an entry that is taken back again."""
    keys.create_development(folder / "keys", organisation="G", domain="studio.example", now=studio.NOW)
    keyset, run_key = keys.load(folder / "keys"), Ed25519Signer.generate()
    path = folder / "ledger.sqlite"
    with Ledger.create(
        path, domain="studio.example", development=True, root=keyset.root, operator_public=keyset.operator.public_key,
        log=keyset.log, now=studio.NOW,
    ) as ledger:  # fmt: skip
        opened = studio.entry("run-open", ("plan", "55" * 32), studio.run_open(ledger.origin, run_key), keyset.operator)
        ledger.append([opened], now=studio.NOW)
        said = [said_of(ledger.origin, place, seed) for place, seed in enumerate(seeds)]
        indexes = ledger.append(
            [studio.entry("output", ("a.png", f"{n + 1:064x}"), words, run_key) for n, words in enumerate(said)],
            now=studio.NOW,
        )
        if without >= 0:
            kept = {key: said[without][key] for key in ("origin", "run", "entryId", "jobKey")}
            words = {**kept, "voids": indexes[without], "reason": "made again"}
            ledger.append([studio.entry("void", ("a.png", f"{without + 1:064x}"), words, run_key)], now=studio.NOW)
        ledger.checkpoint(keyset.log, now=studio.NOW)
        origin = ledger.origin
    data = keys.export_trust(keyset, name="G", origin=origin, detector="", now=studio.NOW)
    return Gallery(
        path=path, trust=keys.trust.parse(data, "t"), first=indexes[0], keyset=keyset, run_key=run_key
    )  # fmt: skip


def said_of(origin: str, place: int, seed: int) -> dict[str, Any]:
    return {
        "origin": origin, "run": "spring-00000000", "entryId": f"{place + 1:032x}", "jobKey": f"{place + 1:064x}",
        "persona": {"id": "lira", "version": 2 if seed else 1}, "generatedAt": studio.NOW,
        "iscc": fingerprint.image_code(np.asarray(scenery(seed))),
    }  # fmt: skip


def bordered(picture: Picture) -> Picture:
    return ImageOps.expand(picture, border=40, fill=(255, 255, 255))


@pytest.mark.parametrize(
    ("alter", "options"),
    [
        (lambda p: p, {"format": "PNG"}),
        (lambda p: p, {"format": "JPEG", "quality": 40}),
        (lambda p: p.resize((130, 130)), {"format": "WEBP", "quality": 60}),
        (lambda p: p.resize((480, 480)), {"format": "PNG"}),
        (ImageOps.mirror, {"format": "JPEG", "quality": 70}),
        (bordered, {"format": "PNG"}),
        (lambda p: bordered(ImageOps.mirror(p)), {"format": "PNG"}),
    ],
)
def test_a_copy_without_any_mark_is_found_by_its_looks(
    gallery: Gallery, tmp_path: Path, alter: Callable[[Picture], Picture], options: dict[str, Any]
) -> None:
    verdict = gallery.judge(alter(scenery(5)), tmp_path / f"a.{options['format'].lower()}", **options)
    (near,) = verdict.candidates
    assert (near.index, near.by, near.of) == (gallery.first + 5, "iscc", 256)
    assert near.distance <= similarity.MAX_ISCC_DISTANCE
    assert (verdict.verdict, verdict.exit_code, verdict.axes.ledger) == ("unproven", 6, "similar")
    assert verdict.entry == (near.entry_id, gallery.trust.origin, near.index)
    assert verdict.persona == ("lira", 2)
    assert "ledger" in verdict.basis


def test_the_document_and_the_words_name_the_candidate_with_its_distance(gallery: Gallery, tmp_path: Path) -> None:
    verdict = gallery.judge(scenery(5), tmp_path / "a.png")
    (file,) = document([verdict], [gallery.trust], studio.NOW)["files"]
    assert file["candidates"] == [
        {"entryId": f"{6:032x}", "origin": gallery.trust.origin, "index": gallery.first + 5, "by": "iscc",
         "distance": 0, "of": 256}
    ]  # fmt: skip
    (told,) = [item.message for item in verdict.findings if item.code == "verify.candidate"]
    assert f"entry #{gallery.first + 5}" in told
    assert "0 of 256 ISCC bits differ" in told
    assert "candidate in the ledger (0 of 256 ISCC bits differ) · lira@2 · entry #" in summary_line(verdict)


@pytest.mark.parametrize("seed", [99, 100, 101])
def test_another_picture_is_no_candidate(gallery: Gallery, tmp_path: Path, seed: int) -> None:
    verdict = gallery.judge(scenery(seed), tmp_path / "a.png")
    assert (verdict.candidates, verdict.axes.ledger) == ((), "absent")


@pytest.mark.parametrize("colour", [(0, 0, 0), (200, 30, 30), (255, 255, 255)])
def test_a_picture_without_structure_looks_like_nothing(
    gallery: Gallery, tmp_path: Path, colour: tuple[int, int, int]
) -> None:
    assert gallery.judge(Image.new("RGB", (64, 64), colour), tmp_path / "a.png").candidates == ()


def test_equally_near_entries_are_all_told_and_none_is_named_as_the_one(gallery: Gallery, tmp_path: Path) -> None:
    verdict = gallery.judge(scenery(0), tmp_path / "a.png")
    assert [near.index for near in verdict.candidates] == [gallery.first, gallery.first + 12]
    assert verdict.entry is None
    assert verdict.persona == ("lira", 1)  # on this they agree
    assert [item.code for item in verdict.findings].count("verify.candidate") == 2
    entries = f"#{gallery.first}, #{gallery.first + 12}"
    assert f"candidates in the ledger: {entries} (the first: 0 of 256 ISCC bits differ)" in summary_line(verdict)


def test_an_entry_that_was_taken_back_leaves_the_place_to_the_one_that_replaced_it(tmp_path: Path) -> None:
    made = make(tmp_path, [0, 1, 0], without=0)
    assert [near.index for near in made.judge(scenery(0), tmp_path / "a.png").candidates] == [made.first + 2]


def test_a_ledger_that_is_not_trusted_points_to_nothing(gallery: Gallery, ours: Studio, tmp_path: Path) -> None:
    scenery(5).save(tmp_path / "a.png")
    assert verify_file(tmp_path / "a.png", [ours.trust], ledger=gallery.path).candidates == ()
    assert verify_file(tmp_path / "a.png", [], ledger=gallery.path).candidates == ()
    assert verify_file(tmp_path / "a.png", [gallery.trust]).candidates == ()


def test_watermark_and_looks_together_stand_first(ours: Studio, tmp_path: Path) -> None:
    Image.open(io.BytesIO(ours.works["png"].data)).save(tmp_path / "a.png")
    verdict = verify_file(tmp_path / "a.png", [ours.trust], ledger=ours.ledger_path)
    work = ours.works["png"]
    ways = [(near.by, near.distance, near.of) for near in verdict.candidates if near.entry_id == work.entry_id]
    assert ways == [("watermark", 0, 64), ("iscc", 0, 256)]
    assert [near.entry_id for near in verdict.candidates[:2]] == [work.entry_id] * 2
    assert verdict.entry == (work.entry_id, ours.origin, work.index)
    (told, *_) = [item.message for item in verdict.findings if item.code == "verify.candidate"]
    assert told.endswith("0 of 64 watermark bits differ; 0 of 256 ISCC bits differ")


def test_a_signed_file_is_not_looked_up(ours: Studio, tmp_path: Path) -> None:
    assert verify_file(ours.deliver(tmp_path), [ours.trust], ledger=ours.ledger_path).candidates == ()


# --- the table -----------------------------------------------------------------------------------------------------


def brute(words: list[bytes], wanted: list[bytes], limit: int) -> list[tuple[int, int]]:
    apart = [(min(similarity.distance(word, one) for one in wanted), place) for place, word in enumerate(words)]
    least = min(apart, default=(limit + 1, 0))[0]
    return [pair for pair in apart if pair[0] == least][:MAX_TIES] if least <= limit else []


@pytest.mark.parametrize("chunk", [1, 3, 1 << 16])
@pytest.mark.parametrize("width", [8, 32])
def test_the_nearest_are_those_of_a_plain_search(chunk: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_CHUNK", chunk)
    random = np.random.default_rng(chunk + width)
    for size in (0, 1, 2, 7, 40):
        words = [bytes(row) for row in random.integers(0, 3, (size, width), dtype=np.uint8)]
        table = Table(b"".join(words), width, range(size))
        wanted = [bytes(row) for row in random.integers(0, 3, (2, width), dtype=np.uint8)]
        for limit in (0, width, 8 * width):
            assert table.nearest(wanted, limit) == brute(words, wanted, limit)
        assert table.nearest([], 8 * width) == []


def test_no_more_ties_are_told_than_a_reader_can_use() -> None:
    table = Table(bytes(CODE_BYTES * 50), CODE_BYTES, range(50))
    assert table.nearest([bytes(CODE_BYTES)], 0) == [(0, place) for place in range(MAX_TIES)]


def test_what_is_no_entry_id_and_no_code_is_left_out() -> None:
    code = fingerprint.image_code(np.asarray(scenery(1)))
    odd: list[tuple[int, object, object, bool]] = [
        (0, None, None, False), (1, "x" * 32, "ISCC:EED", False), (2, 5, 7, False), (3, "ab" * 16, code[:-1], False),
        (4, "AB" * 16, "ISCC:É" + code[6:], False), (5, "ab" * 15, code.lower(), False), (6, "cd" * 16, code, True),
        (7, "ef" * 16, code, False),
    ]  # fmt: skip
    payloads, codes = similarity.tables(odd)
    assert (len(payloads), len(codes)) == (3, 1)
    assert codes.nearest([fingerprint.bits_of(code)], 0) == [(0, 7)]


# --- the order of candidates ---------------------------------------------------------------------------------------

MARK = EntryCandidate(entry_id="aa" * 16, origin="o", index=4, by="watermark", distance=1, of=64)
LOOK = replace(MARK, entry_id="bb" * 16, index=2, by="iscc", distance=0, of=256)


def test_the_order_is_both_then_watermark_then_looks_then_distance() -> None:
    both = replace(LOOK, entry_id=MARK.entry_id, index=MARK.index, distance=9)
    assert candidates.ranked([LOOK, MARK]) == (MARK, LOOK)
    assert candidates.ranked([LOOK, both, MARK]) == (MARK, both, LOOK)
    assert candidates.ranked([replace(LOOK, distance=3), LOOK])[0] is LOOK


def test_one_leads_unless_another_is_equally_likely() -> None:
    rival = replace(LOOK, entry_id="cc" * 16, index=9)
    assert candidates.leading([]) is None
    assert candidates.leading([MARK, LOOK]) is MARK
    assert candidates.leading([LOOK, rival]) is None
    assert candidates.leading([LOOK, replace(rival, distance=1)]) is LOOK


def test_pixels_without_a_watermark_and_without_a_ledger_lead_nowhere() -> None:
    assert candidates.find(Pixels(state="absent", codes=(bytes(32),)), (), None) == ()
