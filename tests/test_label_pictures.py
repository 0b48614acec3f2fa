"""The pictures of docs/labels.md show what is drawn today."""

from __future__ import annotations

import io

import label_pictures
import numpy as np
import pytest
from PIL import Image

from personactl.disclose import label


@pytest.mark.parametrize("name", label_pictures.PICTURES)
def test_a_picture_of_the_page_is_what_the_program_draws(name: str) -> None:
    """Not byte by byte: encoders of other versions write other bytes for the same pixels."""
    data = (label_pictures.FOLDER / name).read_bytes()
    assert len(data) <= label_pictures.LARGEST
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    drawn = label_pictures.PICTURES[name]()
    assert shown.shape == drawn.shape
    assert label.likeness_of(shown, drawn) > 0.98
    assert f"img/{name}" in (label_pictures.ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
