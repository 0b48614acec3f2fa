"""A signed file whose mark another program reads: not checked, and never called absent or stripped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import studio
from studio import Studio

from personactl import policy
from personactl.disclose.watermark import Extraction
from personactl.verify import verify_file


@dataclass(frozen=True, slots=True)
class Invisible:
    """A scheme that leaves the pixels alone and remembers: no reader but itself can find its mark."""

    name: str = "trustmark"
    version: str = "Q"
    weights: tuple[()] = ()

    def embed(self, rgb: np.ndarray[Any, Any], payload: bytes) -> np.ndarray[Any, Any]:
        return rgb

    def extract(self, rgb: np.ndarray[Any, Any]) -> Extraction:
        return Extraction(payload=bytes.fromhex("c3" * 8), score=1.0, present=True)


def test_the_mark_of_another_scheme_is_not_called_absent(ours: Studio, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    made = studio.output_of(ours.keyset, ours.origin, "c3" * 16, "png", 3, watermarker=Invisible())
    path.write_bytes(made.data)
    assert made.watermark is not None
    assert (made.watermark.scheme, made.layers[:2]) == ("trustmark/Q", ("signed-metadata", "watermark"))
    assert verify_file(path, [ours.trust]).verdict == "pass"
    looked = verify_file(path, [ours.trust], pixels=True)
    demanded = verify_file(path, [ours.trust], policies=policy.load_all(()))
    assert (looked.verdict, looked.exit_code) == ("pass", 0)
    assert (demanded.verdict, demanded.exit_code) == ("unproven", 7)
    for verdict in (looked, demanded):
        assert verdict.axes.watermark == "not-checked"
        codes = {item.code for item in verdict.findings}
        assert "verify.watermark-other-scheme" in codes
        assert not codes & {"verify.watermark-absent", "verify.watermark-required"}
