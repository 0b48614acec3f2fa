"""Tiny clips, encoded by OpenCV, and what they are to say."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from signed_pictures import CLAIMED_AT, ENTRY_ID, MODEL, ORIGIN, POLICIES, picture, signer

from personactl import claim_terms
from personactl.disclose import c2pa_manifest, xmp
from personactl.disclose.clip import disclose_clip
from personactl.model import OutputSpec

PROPERTIES = {
    xmp.DIGITAL_SOURCE_TYPE: claim_terms.TRAINED_ALGORITHMIC_MEDIA,
    "Iptc4xmpExt:DigImageGUID": ENTRY_ID,
    "xmp:CreatorTool": "personactl",
}


@cache
def encoded(frames: int = 4, side: int = 64) -> bytes:
    """An MP4 without metadata, whose last box is `moov`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 8, (side, side))
        for number in range(frames):
            writer.write(np.ascontiguousarray(picture(side, side, number)[..., ::-1]))
        writer.release()
        return path.read_bytes()


def quicktime(clip: bytes) -> bytes:
    """The same clip under QuickTime's brand."""
    return clip[:8] + b"qt  " + clip[12:]


def decoded(clip: bytes) -> list[np.ndarray[Any, Any]]:
    """The frames as OpenCV reads them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(clip)
        capture, frames = cv2.VideoCapture(str(path)), []
        while (read := capture.read())[0]:
            frames.append(read[1])
        return frames


def definition(**generation: Any) -> dict[str, Any]:
    """What the credential of a clip says."""
    assertion = c2pa_manifest.assertion(
        entry_id=ENTRY_ID, persona_id="lira", persona_version=2, origin=ORIGIN, policies=POLICIES, output=OutputSpec()
    )  # fmt: skip
    return c2pa_manifest.definition(
        title="clip.mp4", created_at=CLAIMED_AT, model=MODEL, generation={**assertion, **generation}
    )


@cache
def signed(form: str = "mp4") -> bytes:
    """A clip with XMP and a credential."""
    clip = encoded() if form == "mp4" else quicktime(encoded())
    return disclose_clip(clip, properties=PROPERTIES, definition=definition(), signer=signer()).data
