"""Which pictures are decoded: a file of a few bytes must not take the machine's memory, nor end the command."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
import studio
from studio import Studio

from personactl import policy
from personactl.disclose import pixels, watermark
from personactl.verify import verify_file, verify_paths
from personactl.verify.pixels import ASKED_PIXELS, UNASKED_PIXELS


def claimed_size(width: int, height: int) -> bytes:
    """A PNG of fewer than a hundred bytes whose header claims this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = studio.chunk(b"IHDR", header) + studio.chunk(b"IDAT", b"") + studio.chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_large_picture_that_nobody_asked_to_decode_stays_unproven(ours: Studio, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(claimed_size(UNASKED_PIXELS // 4000 + 1, 4000))
    verdict = verify_file(path, [ours.trust])
    assert (verdict.verdict, verdict.exit_code, verdict.axes.watermark) == ("unproven", 6, "not-checked")
    assert {item.code for item in verdict.findings} == {"credential.absent", "verify.pixels-skipped"}


@pytest.mark.parametrize("asked", [{"pixels": True}, {"policies": policy.load_all(())}])
def test_a_picture_over_the_limit_is_refused_where_it_was_asked_for(
    ours: Studio, tmp_path: Path, asked: dict[str, Any]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(claimed_size(ASKED_PIXELS // 8000 + 1, 8000))
    verdict = verify_file(path, [ours.trust], **asked)
    assert (verdict.verdict, verdict.exit_code) == ("error", 4)
    (refused,) = [item for item in verdict.findings if item.code == "verify.pixels-refused"]
    assert str(ASKED_PIXELS) in refused.message


@pytest.mark.parametrize("step", ["decode", "extract"])
def test_memory_that_runs_out_is_a_verdict_and_the_next_file_is_judged(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_given: Any, **_named: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(pixels if step == "decode" else watermark, step, full)
    paths = [ours.deliver(tmp_path), ours.deliver(tmp_path, "jpeg")]
    verdicts = list(verify_paths(paths, [ours.trust], pixels=True))
    assert [(item.verdict, item.exit_code) for item in verdicts] == [("error", 4)] * 2
    assert all("verify.out-of-memory" in {found.code for found in item.findings} for item in verdicts)


def test_a_signed_picture_is_not_decoded_unless_it_is_asked_for(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "decode", None)
    assert verify_file(ours.deliver(tmp_path), [ours.trust]).verdict == "pass"
