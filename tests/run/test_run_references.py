"""Reference pictures are read in every format in which they can be enrolled."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from personactl.disclose import exif, formats, xmp
from personactl.model import Persona, Reference
from personactl.run.references import References


class Shapes:
    """A scorer that only says what pictures it was given."""

    def template(self, pictures: list[Any], _names: list[str]) -> Any:
        return [(picture.shape, str(picture.dtype)) for picture in pictures]


@pytest.mark.parametrize("form", [row.name for row in formats.FORMATS])
def test_a_reference_is_read_in_every_format_that_can_be_enrolled(form: str, tmp_path: Path) -> None:
    block = exif.build(software="test", description="test", created_at="2026-01-02T03:04:05Z")
    pixels = np.full((64, 96, 3), 120, np.uint8)
    data = formats.named(form).encode(pixels, xmp=xmp.build({"xmp:CreatorTool": "test"}), exif=block)
    (tmp_path / "hero").write_bytes(data)
    reference = Reference(role="hero", path="hero", sha256=hashlib.sha256(data).hexdigest())
    persona = Persona(
        id="lira", version=1, name="Lira", origin="synthetic", record={}, record_sha256="", folder="",
        references=(reference,), frozen=True,
    )  # fmt: skip
    scorer: Any = Shapes()
    assert References(tmp_path, persona).template(scorer) == [((64, 96, 3), "uint8")]
