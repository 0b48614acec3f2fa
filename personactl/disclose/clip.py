"""An encoded clip → signed bytes that were read back: XMP, then C2PA. Nothing is encoded, decoded or drawn here.

No command makes clips yet. Whoever does marks and labels the frames before they are encoded; what a file says of itself
is the same for a clip as for a picture, but for EXIF, which MP4 has no place for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personactl.disclose import formats, mp4, xmp
from personactl.disclose.c2pa import C2paSigner, Signed
from personactl.disclose.c2pa_manifest import ASSERTION_LABEL
from personactl.disclose.parts import ContainerError
from personactl.disclose.sequence import require_marks
from personactl.errors import DisclosureError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    xmp: Mapping[str, str]
    assertion: Mapping[str, Any]


def disclose_clip(
    encoded: bytes, *, properties: Mapping[str, str], definition: Mapping[str, Any], signer: C2paSigner
) -> Signed:
    """Put XMP into an encoded MP4 or QuickTime clip, sign it, and read both back from the final bytes.

    `properties` are those of `xmp.build`, `definition` is of `c2pa_manifest.definition`. Raises DisclosureError for
    what is no such clip, carries marks already or does not read back, KeyProblem when signing fails.
    """
    row = formats.sniff(encoded)
    if row not in formats.CLIPS:
        raise _unfit("it is neither MP4 nor QuickTime")
    said = {name: xmp.clean(value) for name, value in properties.items()}
    try:
        carrying = mp4.with_xmp(encoded, xmp.build(said))
    except ContainerError as error:
        raise _unfit(str(error)) from None
    (own,) = [item["data"] for item in definition["assertions"] if item["label"] == ASSERTION_LABEL]
    signed = signer.sign(definition, row.media_type, carrying)
    require_marks(_Said(xmp=said, assertion=own), signed, signer, software="")
    return signed


def _unfit(reason: str) -> DisclosureError:
    return DisclosureError(
        f"the clip cannot be marked: {reason}",
        hint="encode it anew as MP4, without metadata",
        code="disclosure.clip-unfit",
    )
