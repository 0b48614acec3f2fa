"""Which watermark a plan asks for, opened: the built-in one needs nothing, TrustMark an extra and weights."""

from __future__ import annotations

from pathlib import Path

from personactl.disclose import watermark
from personactl.errors import WeightsError
from personactl.model import OutputSpec


def open_watermarker(output: OutputSpec, trustmark_path: Path | None) -> watermark.Watermarker:
    """The scheme of `output.watermarker`. `trustmark_path`: where the project keeps TrustMark's weights.

    Raises what `trustmark.open_trustmark` raises, and WeightsError (watermark.no-weights) when no folder is named.
    """
    if output.watermarker == "built-in" or not output.watermark:
        return watermark.DEFAULT
    if trustmark_path is None:
        raise WeightsError(
            "the project does not say where TrustMark's weights are",
            hint='add `[watermark]` with `trustmark = "FOLDER"` to personactl.toml',
            code="watermark.no-weights",
        )
    from personactl.disclose.trustmark import open_trustmark

    return open_trustmark(trustmark_path)
