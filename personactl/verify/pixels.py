"""Decode a picture that someone else made, within limits, and look for the watermark."""

from __future__ import annotations

from personactl.errors import IntegrityError
from personactl.verify.evidence import Pixels


def read_watermark(data: bytes) -> Pixels:
    """The watermark of a picture. One that does not decode within the limits is `refused`, with the reason."""
    from personactl.disclose import pixels, watermark

    try:
        rgb = pixels.decode(data)
    except IntegrityError as error:
        return Pixels(state="refused", problem=error.message)
    found = watermark.extract(rgb)
    if not found.present:
        return Pixels(state="absent", score=f"{found.score:.3f}")
    return Pixels(state="present", payload=found.payload.hex(), score=f"{found.score:.3f}")
