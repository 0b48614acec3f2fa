"""What reaches stderr, the events and the screen besides verdicts: our own words, and nothing that a library says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from studio import Studio, picture

from personactl.verify import Limits, Workers, verify_paths, worker_process

TALKATIVE = """
import sys, warnings; sys.path[:] = {path!r}
from personactl.verify.limits import Limits
from personactl.verify import inspection, worker
def opening(path, *given, **named):
    import os
    os.write(2, b"\\x1b[31m raw from a library\\n" * 50000)
    warnings.warn("and from Python")
    os._exit(9)
inspection.open_source = opening
worker.main(Limits(**{limits}))
"""


def verify(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "personactl", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False)


def test_what_libraries_say_of_broken_pictures_stays_with_their_worker(ours: Studio, tmp_path: Path) -> None:
    """libtiff writes to descriptor 2 by itself, and Pillow warns of a palette with transparency."""
    whole = tmp_path / "whole.tiff"
    Image.fromarray(picture(3)).save(whole, compression="tiff_deflate")
    content = bytearray(whole.read_bytes())
    with Image.open(whole) as opened:
        where = opened.tag_v2[273][0]  # StripOffsets
    content[where + 40 : where + 400] = b"\xff" * 360
    (tmp_path / "broken.tiff").write_bytes(content)
    palette = Image.fromarray(picture(4)).convert("P")
    palette.save(tmp_path / "palette.png", transparency=bytes(range(256)))
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    files = [tmp_path / name for name in ("broken.tiff", "palette.png", "whole.tiff")]
    done = verify(*files, "--pixels", "--trust", tmp_path / "trust.json", "--json")
    assert done.stderr == b""
    verdicts = [item["verdict"] for item in json.loads(done.stdout)["files"]]
    assert verdicts == ["error", "unproven", "unproven"]


def test_a_worker_that_floods_stderr_is_heard_and_not_quoted(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker_process, "_START", TALKATIVE)
    with Workers(1, Limits()) as processes:
        (verdict,) = verify_paths([ours.deliver(tmp_path)], [ours.trust], workers=processes)
    (found,) = (item for item in verdict.findings if item.severity == "error")
    assert found.code == "verify.worker-crashed"
    assert found.message == "the process that read it ended with status 9"
    assert capfd.readouterr() == ("", "")


def test_the_events_of_a_check_stand_in_their_file_one_a_line(ours: Studio, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    good, text = ours.deliver(tmp_path), tmp_path / "text.png"
    text.write_text("no picture")
    log = tmp_path / "events.jsonl"
    done = verify(good, text, "--trust", tmp_path / "trust.json", "--events", log)
    rows = [json.loads(row) for row in log.read_text(encoding="ascii").splitlines()]
    told = [(row["event"], row.get("path"), row.get("verdict")) for row in rows]
    assert told == [("verdict", str(good), "pass"), ("verdict", str(text), "error"), ("finish", None, None)]
    assert rows[-1]["files"] == 2
    assert done.stderr == b""
