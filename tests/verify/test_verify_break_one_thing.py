"""Real signed files, a real ledger and real receipts; each test breaks one thing and names what must come of it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import studio
from personactl_ledger import Draft, Ed25519Signer, Ledger, LedgerMissing
from PIL import Image
from studio import Studio

from personactl import keys, policy
from personactl.disclose import formats
from personactl.errors import UsageProblem
from personactl.model import Disclosed
from personactl.verdict import Verdict
from personactl.verify import exit_code, verify_file, verify_paths

KINDS = ("png", "jpeg", "webp", "avif", "tiff")
BASELINE = policy.load_all(())
RUN = "second-00000000"


def expect(verdict: Verdict, outcome: str, code: int, *findings: str) -> None:
    """The verdict, its exit code, and that each of these findings is there."""
    found = {item.code for item in verdict.findings}
    assert (verdict.verdict, verdict.exit_code) == (outcome, code), (verdict.axes, found)
    assert set(findings) <= found, found


def manifest_store_at(data: bytes) -> tuple[int, int]:
    """Where the C2PA manifest store lies in a file, as start and end."""
    row = formats.sniff(data)
    assert row is not None
    (store,) = row.parts(data).c2pa
    start = data.index(store) if store in data else -1
    assert start >= 0
    return start, start + len(store)


# --- nothing is broken --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_untouched_file_with_its_receipt_is_exact(ours: Studio, tmp_path: Path, kind: str) -> None:
    verdict = verify_file(ours.deliver(tmp_path, kind), [ours.trust], pixels=True, policies=BASELINE)
    expect(verdict, "pass", 0, "verify.development-keys")
    assert verdict.axes.integrity == "exact"
    assert verdict.axes.trust == "trusted"
    assert verdict.axes.watermark == "present"
    assert verdict.axes.ledger == "exact"
    assert verdict.development
    assert verdict.persona == ("lira", 2)
    assert verdict.entry == (ours.works[kind].entry_id, ours.origin, ours.works[kind].index)
    assert verdict.layers_found == ("signed-metadata", "watermark")
    assert verdict.basis == ("metadata", "watermark", "ledger")


def test_without_a_receipt_the_content_holds_and_exact_bytes_can_be_demanded(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, receipt=False)
    expect(verify_file(path, [ours.trust]), "pass", 0, "verify.content-only")
    expect(verify_file(path, [ours.trust], require_exact=True), "unproven", 6, "verify.not-exact")


def test_the_ledger_shows_exact_bytes_without_a_receipt(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, receipt=False)
    verdict = verify_file(path, [ours.trust], ledger=ours.ledger_path, require_exact=True)
    expect(verdict, "pass", 0)
    assert (verdict.axes.integrity, verdict.axes.ledger) == ("exact", "exact")


def test_receipts_are_found_in_a_folder_of_their_own_and_in_a_bundle(ours: Studio, tmp_path: Path) -> None:
    for folder in ("files", "receipts"):
        (tmp_path / folder).mkdir()
    path = ours.deliver(tmp_path / "files", receipt=False)
    (tmp_path / "receipts" / f"{path.name}.receipt").write_bytes(ours.works["png"].receipt)
    assert verify_file(path, [ours.trust], receipts=tmp_path / "receipts").axes.integrity == "exact"
    (verdict,) = verify_paths([tmp_path], [ours.trust])
    assert verdict.axes.integrity == "exact"


def test_a_receipts_folder_that_is_not_there_is_refused(ours: Studio, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        verify_file(ours.deliver(tmp_path), [ours.trust], receipts=tmp_path / "typo")
    assert caught.value.code == "usage.no-receipts"


def test_approval_that_is_demanded_and_not_shown_fails(ours: Studio, tmp_path: Path) -> None:
    expect(verify_file(ours.deliver(tmp_path), [ours.trust], require_approval=True), "fail", 3, "verify.not-approved")


# --- bytes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("receipt", [True, False])
def test_a_flipped_bit_in_the_pixels(ours: Studio, tmp_path: Path, kind: str, receipt: bool) -> None:
    path = ours.deliver(tmp_path, kind, receipt=receipt)
    data = bytearray(path.read_bytes())
    start = manifest_store_at(bytes(data))[0]
    data[start - 500 if kind in ("webp", "tiff") else -200] ^= 1  # these end with their manifest, others with pixels
    path.write_bytes(data)
    verdict = verify_file(path, [ours.trust])
    expect(verdict, "fail", 4)
    assert verdict.persona is None
    assert verdict.entry is None


def test_a_flipped_bit_that_c2pa_does_not_cover_is_caught_by_the_receipt_and_by_the_ledger(
    ours: Studio, tmp_path: Path
) -> None:
    """COSE padding lies outside both the hard binding and the signature."""
    path = ours.deliver(tmp_path, "jpeg")
    data = bytearray(path.read_bytes())
    start, end = manifest_store_at(bytes(data))
    pad = data.rindex(b"\x63pad", start, end) + 100
    data[pad] ^= 1
    path.write_bytes(data)
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.bytes-differ")
    path.with_name(path.name + ".receipt").unlink()
    without = verify_file(path, [ours.trust])
    expect(without, "pass", 0, "verify.content-only")
    expect(verify_file(path, [ours.trust], ledger=ours.ledger_path), "fail", 4, "verify.bytes-differ")


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_appended_after_the_picture(ours: Studio, tmp_path: Path, kind: str) -> None:
    path = ours.deliver(tmp_path, kind, receipt=False)
    path.write_bytes(path.read_bytes() + b"more")
    assert verify_file(path, [ours.trust]).exit_code == 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.05, 0.5, 0.99])
def test_a_truncated_file(ours: Studio, tmp_path: Path, kind: str, keep: float) -> None:
    path = ours.deliver(tmp_path, kind, receipt=False)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    verdict = verify_file(path, [ours.trust])
    assert verdict.verdict in ("fail", "error")
    assert verdict.exit_code == 4


def test_xmp_that_is_edited_after_signing(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "webp", receipt=False)
    data = path.read_bytes()
    assert data.count(b"trainedAlgorithmicMedia") >= 1
    path.write_bytes(
        data.replace(b"digitalsourcetype/trainedAlgorithmicMedia", b"digitalsourcetype/trainedAlgorithmicMediA")
    )
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.altered")


def test_a_manifest_on_another_picture(ours: Studio, tmp_path: Path) -> None:
    signed = ours.works["jpeg"].data
    start, end = manifest_store_at(signed)
    segment = signed.rindex(b"\xff\xeb", 0, start)
    length = int.from_bytes(signed[segment + 2 : segment + 4], "big")
    assert segment + 2 + length == end, "the store fits one APP11 segment"
    other = io.BytesIO()
    Image.fromarray(studio.picture(99)).save(other, "JPEG")
    path = tmp_path / "a.jpeg"
    path.write_bytes(other.getvalue()[:2] + signed[segment:end] + other.getvalue()[2:])
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.altered")


def test_two_manifests_in_one_file(ours: Studio, tmp_path: Path) -> None:
    signed = ours.works["png"].data
    chunk = signed.index(b"caBX") - 4
    length = int.from_bytes(signed[chunk : chunk + 4], "big") + 12
    path = tmp_path / "a.png"
    path.write_bytes(signed[: chunk + length] + signed[chunk:])
    verdict = verify_file(path, [ours.trust])
    assert verdict.verdict in ("fail", "error")
    assert verdict.exit_code == 4


# --- no credential ------------------------------------------------------------------------------------------------


def resaved(data: bytes, kind: str) -> bytes:
    """What a platform makes of a file: the pixels, without any metadata."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as opened:
        opened.convert("RGB").save(out, kind.upper(), **({} if formats.named(kind).lossless else {"quality": 90}))
    return out.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_stripped_file_is_unproven_and_the_ledger_names_a_candidate(ours: Studio, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(resaved(ours.works[kind].data, kind))
    alone = verify_file(path, [ours.trust])
    expect(alone, "unproven", 6, "credential.absent", "verify.watermark-only")
    assert alone.axes.watermark == "present"
    found = verify_file(path, [ours.trust], ledger=ours.ledger_path)
    expect(found, "unproven", 6, "credential.absent", "verify.candidate", "verify.ledger-absent")
    assert found.axes.ledger == "similar"
    assert found.entry == (ours.works[kind].entry_id, ours.origin, ours.works[kind].index)
    assert found.persona == ("lira", 2)


def test_a_stripped_file_beside_its_receipt_fails_and_still_names_the_candidate(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path)
    path.write_bytes(resaved(path.read_bytes(), "png"))
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.bytes-differ", "verify.candidate")


def test_a_picture_that_never_had_a_mark_is_unproven_whatever_is_asked_for(ours: Studio, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(studio.picture(98)).save(path)
    for trust in ([ours.trust], []):
        verdict = verify_file(path, trust, pixels=True, policies=BASELINE)
        expect(verdict, "unproven", 6, "credential.absent", "verify.watermark-absent")
        assert verdict.axes.integrity == "not-checked"


# --- trust --------------------------------------------------------------------------------------------------------


def test_no_trust_file_is_unproven(ours: Studio, tmp_path: Path) -> None:
    verdict = verify_file(ours.deliver(tmp_path), [], ledger=ours.ledger_path)
    expect(verdict, "unproven", 5, "verify.no-trust-file", "verify.receipt-unchecked", "verify.ledger-unchecked")
    assert verdict.axes.trust == "not-checked"
    assert verdict.axes.ledger == "not-checked"
    assert (verdict.persona, verdict.entry) == (None, None)


def test_a_stranger_with_our_name_fails(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    verdict = verify_file(theirs.deliver(tmp_path, receipt=False), [ours.trust])
    expect(verdict, "fail", 5, "verify.untrusted")
    assert verdict.axes.trust == "untrusted"
    assert verdict.persona is None


def test_several_trust_files_and_only_the_right_one_counts(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    for name, who in (("a.png", ours), ("b.png", theirs)):
        path = who.deliver(tmp_path, called=name)
        expect(verify_file(path, [theirs.trust, ours.trust]), "pass", 0)
        expect(verify_file(path, [ours.trust, theirs.trust], require_exact=True), "pass", 0)


def test_a_leaf_that_the_trust_file_does_not_list(ours: Studio, tmp_path: Path) -> None:
    document = json.loads(ours.trust_bytes)
    document["leafFingerprints"] = ["00" * 32]
    pinned = keys.trust.parse(json.dumps(document).encode(), "t")
    expect(verify_file(ours.deliver(tmp_path), [pinned]), "fail", 5, "verify.leaf-not-allowed")


def test_a_trust_file_in_the_folder_under_test_or_in_the_working_directory_has_no_effect(
    theirs: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = theirs.deliver(tmp_path)
    (tmp_path / "trust.json").write_bytes(theirs.trust_bytes)
    (tmp_path / "personactl.toml").write_text('trust = "trust.json"\n')
    monkeypatch.chdir(tmp_path)
    loaded = keys.trust_store.load_all([], dict(os.environ))
    (verdict,) = verify_paths([tmp_path / path.name], loaded)
    expect(verdict, "unproven", 5, "verify.no-trust-file")


# --- receipts and ledger ------------------------------------------------------------------------------------------


def put_receipt(path: Path, receipt: bytes) -> None:
    path.with_name(path.name + ".receipt").write_bytes(receipt)


def test_the_receipt_of_another_file(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png")
    put_receipt(path, ours.works["jpeg"].receipt)
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.bytes-differ")


def test_the_receipt_of_a_ledger_that_nobody_trusts_is_not_proof(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png")
    put_receipt(path, theirs.works["png"].receipt)
    verdict = verify_file(path, [ours.trust])
    expect(verdict, "unproven", 5, "verify.receipt-untrusted")
    assert verdict.axes.ledger == "not-checked"
    assert any(theirs.origin in item.message for item in verdict.findings)


@pytest.mark.parametrize(
    "breaking",
    [
        lambda receipt: b"",
        lambda receipt: b"not json",
        lambda receipt: receipt[: len(receipt) // 2],
        lambda receipt: studio.edited_receipt(receipt, keys=[]),
        lambda receipt: studio.edited_receipt(receipt, schema="personactl.receipt/9"),
        lambda receipt: studio.edited_receipt(receipt, extra="x"),
        lambda receipt: b"[" * 5000,
        lambda receipt: b" " * (1024 * 1024 + 1),
    ],
)
def test_a_broken_receipt_fails(ours: Studio, tmp_path: Path, breaking: Callable[[bytes], bytes]) -> None:
    path = ours.deliver(tmp_path, "png")
    put_receipt(path, breaking(ours.works["png"].receipt))
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.receipt-invalid")


def test_the_leaf_of_one_receipt_with_the_proof_of_another(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png")
    other = json.loads(ours.works["jpeg"].receipt)
    put_receipt(path, studio.edited_receipt(ours.works["png"].receipt, proof=other["proof"]))
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.receipt-invalid")


def test_a_receipt_that_is_a_link_or_a_pipe_is_not_followed(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png", receipt=False)
    place = path.with_name(path.name + ".receipt")
    (tmp_path / "elsewhere").write_bytes(ours.works["png"].receipt)
    place.symlink_to(tmp_path / "elsewhere")
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.receipt-invalid")
    place.unlink()
    os.mkfifo(place)
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.receipt-invalid")


def test_a_receipt_of_an_entry_that_is_about_no_file(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png")
    with Ledger.open_reader(ours.ledger_path) as ledger:
        put_receipt(path, ledger.prove(3))
        assert ledger.entry(3).entry.kind == "run-open"
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.receipt-invalid")


def test_a_ledger_that_nobody_trusts_and_one_that_is_missing(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png", receipt=False)
    verdict = verify_file(path, [ours.trust], ledger=theirs.ledger_path)
    expect(verdict, "unproven", 5, "verify.ledger-untrusted")
    with pytest.raises(LedgerMissing):
        verify_file(path, [ours.trust], ledger=tmp_path / "none.sqlite")


def test_a_ledger_whose_bytes_were_edited(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png", receipt=False)
    copy = tmp_path / "copy.sqlite"
    data = ours.ledger_path.read_bytes()
    digest = hashlib.sha256(ours.works["png"].data).digest()
    assert digest in data or digest.hex().encode() in data
    old = digest if digest in data else digest.hex().encode()
    copy.write_bytes(data.replace(old, bytes(reversed(old))))
    expect(verify_file(path, [ours.trust], ledger=copy), "fail", 4, "verify.ledger-broken")


def test_a_file_that_is_no_ledger_says_nothing_about_the_picture(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "png", receipt=False)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(b"SQLite format 3\0" + b"\0" * 5000)
    with pytest.raises(UsageProblem) as caught:
        verify_file(path, [ours.trust], ledger=copy)
    assert caught.value.code == "ledger.other-application"


def second_run(
    ours: Studio, path: Path, seed: int, name: str, *, again: Disclosed | None = None, **changes: Any
) -> tuple[Disclosed, Ed25519Signer, int]:
    """A copy of the ledger at `path` with another run and one more output (`again`), without a checkpoint."""
    shutil.copyfile(ours.ledger_path, path)
    run_key = Ed25519Signer.generate()
    output = again or studio.output_of(ours.keyset, ours.origin, f"{seed:02x}" * 16, "png", seed)
    path.with_name(name).write_bytes(output.data)
    with Ledger.open_writer(path) as ledger:
        opened = {**studio.run_open(ours.origin, run_key), "run": RUN}
        ledger.append([studio.entry("run-open", ("plan", "55" * 32), opened, ours.keyset.operator)], now=studio.NOW)
        drafts = [studio.output_entry(output, ours.origin, run_key, run=RUN, **changes)]
        (index,) = ledger.append(drafts, now=studio.NOW)
    return output, run_key, index


def add(ours: Studio, path: Path, *drafts: Draft, checkpoint: bool = True) -> None:
    with Ledger.open_writer(path) as ledger:
        if drafts:
            ledger.append(drafts, now=studio.NOW)
        if checkpoint:
            ledger.checkpoint(ours.keyset.log, now=studio.NOW)


def receipt_of(path: Path, index: int) -> bytes:
    with Ledger.open_reader(path) as ledger:
        return ledger.prove(index)


def test_an_entry_that_no_checkpoint_covers_yet(ours: Studio, tmp_path: Path) -> None:
    copy, path = tmp_path / "ledger.sqlite", tmp_path / "a.png"
    second_run(ours, copy, 0xC1, path.name)
    expect(verify_file(path, [ours.trust], ledger=copy), "pass", 0, "verify.entry-pending", "verify.content-only")
    add(ours, copy)
    expect(verify_file(path, [ours.trust], ledger=copy, require_exact=True), "pass", 0)


def test_an_entry_that_was_withdrawn_is_known_to_the_ledger_and_not_to_the_receipt(
    ours: Studio, tmp_path: Path
) -> None:
    copy, path = tmp_path / "ledger.sqlite", tmp_path / "a.png"
    output, run_key, index = second_run(ours, copy, 0xC2, path.name)
    add(ours, copy)
    put_receipt(path, receipt_of(copy, index))
    said = {
        "origin": ours.origin, "run": RUN, "entryId": output.entry_id, "voids": index,
        "jobKey": output.scored.candidate.shot.job_key, "reason": "made again",
    }  # fmt: skip
    add(ours, copy, studio.entry("void", ("shot-0.png", output.sha256), said, run_key))
    expect(verify_file(path, [ours.trust]), "pass", 0, "verify.record-limits")
    expect(verify_file(path, [ours.trust], ledger=copy), "fail", 4, "verify.entry-voided")


def test_an_entry_whose_key_was_revoked_from_before_it(ours: Studio, tmp_path: Path) -> None:
    copy, path = tmp_path / "ledger.sqlite", tmp_path / "a.png"
    _, _, index = second_run(ours, copy, 0xC3, path.name)
    said = {
        "origin": ours.origin, "kid": ours.keyset.operator.key_id, "fromIndex": index - 1, "revokedAt": studio.NOW,
        "reason": "leaked",
    }  # fmt: skip
    add(ours, copy, studio.entry("key-revoke", ("key", "55" * 32), said, ours.keyset.root))
    expect(verify_file(path, [ours.trust], ledger=copy), "fail", 5, "verify.entry-distrusted")
    earlier = ours.deliver(tmp_path, receipt=False, called="b.png")
    expect(verify_file(earlier, [ours.trust], ledger=copy, require_exact=True), "pass", 0)


def test_an_entry_about_these_bytes_that_names_another_entry_and_persona(ours: Studio, tmp_path: Path) -> None:
    copy, path = tmp_path / "ledger.sqlite", tmp_path / "a.png"
    wrong = {"entryId": "c5" * 16, "persona": {"id": "lira", "version": 1}}
    _, _, index = second_run(ours, copy, 0xC4, path.name, **wrong)
    add(ours, copy)
    expect(verify_file(path, [ours.trust], ledger=copy), "fail", 4, "verify.ledger-contradicts")
    put_receipt(path, receipt_of(copy, index))
    expect(verify_file(path, [ours.trust]), "fail", 4, "verify.receipt-contradicts")


def test_a_file_that_names_a_rejected_candidate(ours: Studio, tmp_path: Path) -> None:
    copy, path = tmp_path / "ledger.sqlite", tmp_path / "a.png"
    _, run_key, _ = second_run(ours, copy, 0xC6, "other.png")
    path.write_bytes(studio.sign(ours, studio.claim(ours)))
    said = {"origin": ours.origin, "run": RUN, "entryId": "d1" * 16, "jobKey": "99" * 32, "reason": "drift"}
    add(ours, copy, studio.entry("reject", ("pixels", "88" * 32), said, run_key))
    expect(verify_file(path, [ours.trust], ledger=copy), "fail", 4, "verify.entry-voided")


def test_a_file_that_was_signed_and_never_recorded(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    """It names this ledger and an entry that the ledger does not have: it says nothing true about the ledger."""
    path = tmp_path / "a.png"
    path.write_bytes(studio.sign(ours, studio.claim(ours)))
    expect(verify_file(path, [ours.trust]), "pass", 0, "verify.content-only")
    verdict = verify_file(path, [ours.trust], ledger=ours.ledger_path)
    expect(verdict, "fail", 4, "verify.ledger-contradicts")
    assert verdict.axes.ledger == "absent"
    assert (verdict.persona, verdict.entry) == (None, None)
    elsewhere = verify_file(path, [ours.trust, theirs.trust], ledger=theirs.ledger_path)
    expect(elsewhere, "pass", 0, "verify.ledger-absent", "verify.content-only")


def test_a_receipt_of_an_entry_that_the_ledger_does_not_have(ours: Studio, tmp_path: Path) -> None:
    """The same keys, another history: the receipt holds by itself, and the ledger ends before its entry."""
    fork, path = tmp_path / "fork.sqlite", tmp_path / "a.png"
    _, _, index = second_run(ours, fork, 0xC7, path.name)
    add(ours, fork)
    put_receipt(path, receipt_of(fork, index))
    expect(verify_file(path, [ours.trust], require_exact=True), "pass", 0)
    expect(verify_file(path, [ours.trust], ledger=fork, require_exact=True), "pass", 0)
    verdict = verify_file(path, [ours.trust], ledger=ours.ledger_path)
    expect(verdict, "fail", 4, "verify.receipt-refuted", "verify.ledger-contradicts")
    assert (verdict.axes.integrity, verdict.axes.ledger) == ("content", "absent")
    assert (verdict.persona, verdict.entry) == (None, None)


def test_a_receipt_whose_place_in_the_ledger_holds_another_entry(ours: Studio, tmp_path: Path) -> None:
    fork, copy, path = tmp_path / "fork.sqlite", tmp_path / "copy.sqlite", tmp_path / "a.png"
    _, _, index = second_run(ours, fork, 0xC8, path.name)
    add(ours, fork)
    put_receipt(path, receipt_of(fork, index))
    assert second_run(ours, copy, 0xC9, "b.png")[2] == index
    for checkpoint in (False, True):
        add(ours, copy, checkpoint=checkpoint)
        expect(verify_file(path, [ours.trust], ledger=copy), "fail", 4, "verify.receipt-refuted")


def test_bytes_that_the_ledger_holds_beside_a_receipt_that_it_refutes(ours: Studio, tmp_path: Path) -> None:
    """Both cannot be true, so the file fails although the ledger knows its bytes."""
    fork, copy, path = tmp_path / "fork.sqlite", tmp_path / "copy.sqlite", tmp_path / "a.png"
    output, _, index = second_run(ours, fork, 0xCA, path.name)
    add(ours, fork)
    second_run(ours, copy, 0xCA, path.name, again=output)
    add(ours, copy)
    put_receipt(path, receipt_of(fork, index))
    verdict = verify_file(path, [ours.trust], ledger=copy)
    expect(verdict, "fail", 4, "verify.receipt-refuted")
    assert (verdict.axes.integrity, verdict.axes.ledger) == ("exact", "exact")


def test_a_receipt_of_another_ledger_is_not_compared_with_this_one(
    ours: Studio, theirs: Studio, tmp_path: Path
) -> None:
    path = theirs.deliver(tmp_path)
    verdict = verify_file(path, [ours.trust, theirs.trust], ledger=ours.ledger_path)
    expect(verdict, "pass", 0, "verify.ledger-absent")
    assert (verdict.axes.integrity, verdict.axes.ledger) == ("exact", "exact")


def test_a_receipt_that_may_not_be_read_leaves_the_file_unproven(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the tests may be allowed everything, hence the refusal of the system by hand."""
    path, opened = ours.deliver(tmp_path), os.open

    def forbidding(name: Any, *how: Any, **where: Any) -> int:
        if str(name).endswith(".receipt"):
            raise PermissionError(13, "Permission denied")
        return opened(name, *how, **where)

    monkeypatch.setattr(os, "open", forbidding)
    verdict = verify_file(path, [ours.trust])
    expect(verdict, "unproven", 6, "verify.receipt-unreadable", "verify.content-only")
    assert verdict.axes.ledger == "not-checked"
    held = verify_file(path, [ours.trust], ledger=ours.ledger_path)
    expect(held, "unproven", 6, "verify.receipt-unreadable")
    assert held.axes.integrity == "exact"


# --- names and places ---------------------------------------------------------------------------------------------


def test_a_wrong_extension_is_reported_and_does_not_change_the_verdict(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, "jpeg", called="a.png")
    expect(verify_file(path, [ours.trust]), "pass", 0, "verify.wrong-extension")


def test_what_cannot_be_judged_is_an_error(ours: Studio, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    os.mkfifo(tmp_path / "pipe.png")
    ours.deliver(tmp_path, called="real.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    (tmp_path / "folder").mkdir()
    wanted = {
        "empty.png": "verify.unreadable",
        "text.png": "verify.unsupported-type",
        "pipe.png": "verify.not-a-plain-file",
        "link.png": "verify.not-a-plain-file",
        "none.png": "verify.not-found",
        "folder": "verify.empty-folder",
    }
    for name, code in wanted.items():
        expect(verify_file(tmp_path / name, [ours.trust]), "error", 4, code)


def test_one_bad_file_does_not_keep_the_others_from_being_judged(ours: Studio, tmp_path: Path) -> None:
    ours.deliver(tmp_path, "png", called="a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\xff" * 100)
    ours.deliver(tmp_path, "webp", called="c.webp")
    verdicts = list(verify_paths([tmp_path], [ours.trust]))
    assert [item.verdict for item in verdicts] == ["pass", "error", "pass"]
    assert exit_code(verdicts) == 4


def test_names_with_escapes_and_bidi_and_bytes_that_are_no_text_stay_as_they_are(ours: Studio, tmp_path: Path) -> None:
    for name in ("a\x1b[2Jb.png", "a\u202egnp.png", os.fsdecode(b"a\xff.png"), "a\nb.png"):
        path = ours.deliver(tmp_path, called=name)
        verdict = verify_file(path, [ours.trust])
        expect(verdict, "pass", 0)
        assert verdict.path == str(path)


def test_a_picture_that_unfolds_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    header = studio.chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    rows = studio.chunk(b"IDAT", zlib.compress(b"\0" * 100000))
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + rows + studio.chunk(b"IEND", b""))
    verdict = verify_file(path, [])
    expect(verdict, "error", 4, "verify.pixels-refused")
    assert any("more than 16000000 pixels, the limit here" in item.message for item in verdict.findings)


def test_a_name_that_leaves_no_room_for_a_receipt_is_no_failure(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, receipt=False, called="x" * 251 + ".png")
    expect(verify_file(path, [ours.trust]), "pass", 0, "verify.content-only")


def test_a_receipts_folder_that_cannot_hold_the_place_is_no_failure(ours: Studio, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "sub").write_bytes(b"a file where a folder would be")
    ours.deliver(tmp_path / "in" / "sub", receipt=False)
    (verdict,) = verify_paths([tmp_path / "in"], [ours.trust], receipts=tmp_path / "receipts")
    expect(verdict, "pass", 0, "verify.content-only")


def test_a_path_that_no_file_can_have_gets_a_verdict_and_the_next_is_judged(ours: Studio, tmp_path: Path) -> None:
    paths = [tmp_path / ("x" * 300), ours.deliver(tmp_path)]
    assert [item.verdict for item in verify_paths(paths, [ours.trust])] == ["error", "pass"]
    with pytest.raises(UsageProblem):
        next(verify_paths(paths, [ours.trust], receipts=tmp_path / ("x" * 300)))


@pytest.mark.parametrize("stale_first", [True, False])
def test_a_ledger_is_checked_under_each_trust_file_of_its_origin(
    ours: Studio, theirs: Studio, tmp_path: Path, stale_first: bool
) -> None:
    """A trust file of the same ledger with other keys, as after a change of keys, does not stand in the way."""
    stale = replace(ours.trust, log_keys=theirs.trust.log_keys, root_keys=theirs.trust.root_keys, sha256="00" * 32)
    trust = [stale, ours.trust] if stale_first else [ours.trust, stale]
    path = ours.deliver(tmp_path, receipt=False)
    verdict = verify_file(path, trust, ledger=ours.ledger_path)
    expect(verdict, "pass", 0)
    assert (verdict.axes.integrity, verdict.axes.ledger) == ("exact", "exact")
    alone = verify_file(path, [stale], ledger=ours.ledger_path)
    assert alone.axes.ledger == "not-checked"
    assert alone.exit_code != 0
