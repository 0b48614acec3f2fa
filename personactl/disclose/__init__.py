"""Disclosure: a picture leaves this room marked in every layer, signed, and read back from its final bytes.

disclose(scored, …)          pixels → Disclosed, or DisclosureError naming the layer that did not read back
read_marks(data, anchors)    what a file of anyone's says about itself, without decoding it and without network
watermark.extract(rgb)       the imperceptible layer, from decoded pixels (`pixels.decode`)
label_decision(output)       what is said about a visible label, in the file and in the ledger
C2paSigner(credential)       signs in memory; one per run
enrol_picture(data, signer)  a reference picture with a credential: its own, or one of ours
"""

from __future__ import annotations

from personactl.disclose import pixels, watermark
from personactl.disclose.c2pa import C2paReading, C2paSigner
from personactl.disclose.c2pa_manifest import label_decision
from personactl.disclose.enrolment import Enrolled, enrol_picture
from personactl.disclose.marks import Marks, read_marks
from personactl.disclose.sequence import disclose

__all__ = [
    "C2paReading",
    "C2paSigner",
    "Enrolled",
    "Marks",
    "disclose",
    "enrol_picture",
    "label_decision",
    "pixels",
    "read_marks",
    "watermark",
]
