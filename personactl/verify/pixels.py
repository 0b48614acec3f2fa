"""Decode a picture that someone else made, within limits, and look for the watermark."""

from __future__ import annotations

from personactl.errors import IntegrityError
from personactl.verify.evidence import Pixels

UNASKED_PIXELS = 16_000_000
"""Largest picture that is decoded although nobody asked for it (a file without a credential).

Measured peak of the whole process, for noise of 4000x4000: 271 MiB (PNG), 277 MiB (progressive JPEG), 407 MiB (WebP),
325 MiB (AVIF), 331 MiB (TIFF).
"""

ASKED_PIXELS = 64_000_000
"""Largest picture that is decoded under --pixels or a policy.

Measured peak of the whole process, for noise of 8000x8000: 917 MiB (PNG), 944 MiB (progressive JPEG), 1459 MiB (WebP),
1100 MiB (AVIF), 1108 MiB (TIFF).
"""


def read_watermark(data: bytes, *, asked: bool, codes: bool = False) -> Pixels:
    """The watermark of a picture; `asked`: the verifier wants the pixels looked at. `codes`: its ISCC Image-Codes too.

    A picture that does not decode is `refused`, with the reason, and so is one that is too large where it was asked
    for. Where nobody asked, one that is too large is `skipped`: its size is no fault of the file. A clip, and a file of
    several pictures, is `not-read`.
    """
    from personactl.disclose import fingerprint, pixels, watermark

    try:
        rgb = pixels.decode(data, limit=ASKED_PIXELS if asked else UNASKED_PIXELS)
        found = watermark.extract(rgb)
        looks = fingerprint.look_up_codes(rgb) if codes else ()
    except IntegrityError as error:
        if error.code == "disclosure.picture-not-decoded":
            return Pixels(state="not-read", problem=error.message)
        too_large = error.code == "disclosure.picture-too-large"
        return Pixels(state="skipped" if too_large and not asked else "refused", problem=error.message)
    scheme, score = watermark.scheme(), f"{found.score:.3f}"
    if not found.present:
        return Pixels(state="absent", score=score, scheme=scheme, codes=looks)
    return Pixels(state="present", payload=found.payload.hex(), score=score, scheme=scheme, codes=looks)
