"""Disclosure: a picture leaves this room marked in every layer, signed, and read back from its final bytes.

disclose(scored, …)          pixels → Disclosed, or DisclosureError naming the layer that did not read back
read_marks(data, anchors)    what a file of anyone's says about itself, without decoding it and without network
statements(xmp)              what the XMP of a file says, in the names of policy checks
watermark.extract(rgb)       the imperceptible layer, from decoded pixels (`pixels.decode`)
open_watermarker(output, …)  the watermark that a plan asks for: built in, or TrustMark
label_decision(record)       what is said about the visible label, in the file and in the ledger
label_fits(w, h, spec)       whether a picture of this size has room for it
label_has_room(scored, spec) whether the face in this very picture leaves room for it
label.label_frames(…)        the same label in every frame of a clip
C2paSigner(credential)       signs in memory; one per run
enrol_picture(data, signer)  a reference picture with a credential: its own, or one of ours
"""

from __future__ import annotations

from personactl.disclose import label, pixels, watermark
from personactl.disclose.c2pa import C2paReading, C2paSigner
from personactl.disclose.enrolment import Enrolled, enrol_picture
from personactl.disclose.label import decision as label_decision
from personactl.disclose.label import fits as label_fits
from personactl.disclose.label import has_room as label_has_room
from personactl.disclose.marks import Marks, read_marks
from personactl.disclose.sequence import disclose
from personactl.disclose.statements import statements
from personactl.disclose.watermark import Watermarker
from personactl.disclose.watermarkers import open_watermarker

__all__ = [
    "C2paReading",
    "C2paSigner",
    "Enrolled",
    "Marks",
    "Watermarker",
    "disclose",
    "enrol_picture",
    "label",
    "label_decision",
    "label_fits",
    "label_has_room",
    "open_watermarker",
    "pixels",
    "read_marks",
    "statements",
    "watermark",
]
