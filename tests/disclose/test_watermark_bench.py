"""The benchmark of the watermark runs, and its quick form says what it must."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "watermark.py"


def test_the_quick_form_reports_survival_and_false_positives() -> None:
    for needed in ("skimage", "skia"):
        pytest.importorskip(needed)
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick"],
        capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| JPEG 50 | 0 of 1 | 0 of 1 |" in done.stdout
    assert "| cropped to 80 % | 1 of 1 | 0 of 1 |" in done.stdout
    assert "wrong payloads called present: 0" in done.stdout
    assert "unmarked pairs of picture and key called marked: 0 of 100" in done.stdout
