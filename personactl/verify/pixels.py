"""Decode a picture that someone else made, within limits, and look for the watermark."""

from __future__ import annotations

from personactl.errors import IntegrityError
from personactl.verify.evidence import Pixels

UNASKED_PIXELS = 16_000_000
"""Largest picture that is decoded although nobody asked for it (a file without a credential).

Measured peak of the whole process, for noise of 4000x4000: 271 MiB (PNG), 277 MiB (progressive JPEG), 407 MiB (WebP).
"""

ASKED_PIXELS = 64_000_000
"""Largest picture that is decoded under --pixels or a policy.

Measured peak of the whole process, for noise of 8000x8000: 917 MiB (PNG), 944 MiB (progressive JPEG), 1459 MiB (WebP).
"""


def read_watermark(data: bytes, *, asked: bool) -> Pixels:
    """The watermark of a picture; `asked`: the verifier wants the pixels looked at.

    A picture that does not decode is `refused`, with the reason, and so is one that is too large where it was asked
    for. Where nobody asked, one that is too large is `skipped`: its size is no fault of the file.
    """
    from personactl.disclose import pixels, watermark

    try:
        rgb = pixels.decode(data, limit=ASKED_PIXELS if asked else UNASKED_PIXELS)
        found = watermark.extract(rgb)
    except IntegrityError as error:
        too_large = error.code == "disclosure.picture-too-large"
        return Pixels(state="skipped" if too_large and not asked else "refused", problem=error.message)
    if not found.present:
        return Pixels(state="absent", score=f"{found.score:.3f}")
    return Pixels(state="present", payload=found.payload.hex(), score=f"{found.score:.3f}")
