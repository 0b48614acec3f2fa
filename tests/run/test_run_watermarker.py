"""A run marks with the scheme that it is given, whatever that scheme is, and reads back with the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from workshop import Workshop, text

from personactl import run
from personactl.disclose import open_watermarker, pixels, read_marks, watermark
from personactl.disclose.watermark import Extraction
from personactl.errors import WeightsError
from personactl.model import FileDigest

ONE = text("rain: in the rain", seed=7, extra='[output]\nwatermarker = "trustmark"')


@dataclass(slots=True)
class FirstRow:
    """Writes the payload into the lowest bits of the first row: a scheme that only this test knows."""

    name: str = "first-row"
    version: str = "1"
    weights: tuple[FileDigest, ...] = (FileDigest(path="row.safetensors", sha256="ab" * 32, size=1),)
    deaf: bool = False
    embedded: list[bytes] = field(default_factory=list)

    def embed(self, rgb: np.ndarray[Any, Any], payload: bytes) -> np.ndarray[Any, Any]:
        self.embedded.append(payload)
        marked = rgb.copy()
        marked[0, :64] = marked[0, :64] & 0xFE | np.unpackbits(np.frombuffer(payload, np.uint8))[:, None]
        return marked

    def extract(self, rgb: np.ndarray[Any, Any]) -> Extraction:
        payload = np.packbits(rgb[0, :64, 0] & 1).tobytes()
        return Extraction(payload=payload, score=1.0, present=not self.deaf)


def test_the_scheme_of_the_run_marks_is_read_back_and_recorded(shop: Workshop) -> None:
    shop.watermarker = scheme = FirstRow()
    summary = shop.run(ONE)
    said = shop.ledger(kind="output")[0].entry.predicate
    payload = bytes.fromhex(said["entryId"])[:8]
    assert scheme.embedded == [payload]
    weights = [{"path": "row.safetensors", "sha256": "ab" * 32}]
    assert said["disclosure"]["watermark"] == {"scheme": "first-row/1", "payload": payload.hex(), "weights": weights}
    data = (shop.out(summary.run_id) / "rain-0.png").read_bytes()
    assert read_marks(data, anchors=()).c2pa.assertion["watermark"] == "first-row/1"
    rgb = pixels.decode(data)
    assert scheme.extract(rgb).payload == payload
    assert not watermark.extract(rgb).present


def test_a_mark_that_its_own_scheme_does_not_read_back_withholds_the_picture(shop: Workshop) -> None:
    shop.watermarker = FirstRow(deaf=True)
    summary = shop.run(ONE)
    assert (summary.done, summary.failed, summary.exit_code) == (0, 1, 7)
    assert [outcome.code for outcome in summary.outcomes] == ["watermark.not-read-back"]
    assert not (shop.out(summary.run_id) / "rain-0.png").exists()


def test_the_built_in_scheme_is_not_named_in_the_file(shop: Workshop) -> None:
    """So the assertion of a picture with the built-in mark stays what it was before there were others."""
    summary = shop.run(text("rain: in the rain"))
    data = (shop.out(summary.run_id) / "rain-0.png").read_bytes()
    assert "watermark" not in read_marks(data, anchors=()).c2pa.assertion


def test_a_picture_with_another_mark_is_made_anew(shop: Workshop) -> None:
    shop.run(text("rain: in the rain", seed=7))
    shop.watermarker = FirstRow(name="trustmark", version="Q")
    assert shop.run(ONE).done == 1
    assert shop.run(ONE).done == 0
    back = shop.plan(text("rain: in the sun", seed=7))
    assert "watermarker: trustmark → built-in" in run.why(shop.config, back, back.shots[0])


def test_a_project_without_weights_generates_nothing(shop: Workshop) -> None:
    """The scheme is opened first: nobody waits for pictures that cannot be marked."""
    plan = shop.plan(ONE)
    context = replace(
        shop.context(), open_watermarker=lambda: open_watermarker(plan.output, shop.config.trustmark_path)
    )
    with pytest.raises(WeightsError) as caught:
        run.execute(plan, context)
    assert (caught.value.code, caught.value.exit_code) == ("watermark.no-weights", 8)
    assert shop.backend is None
    assert shop.kinds().count("output") == 0
