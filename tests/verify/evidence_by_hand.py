"""Evidence of a file with everything in order, and of one without any mark, for tests that then change one thing."""

from __future__ import annotations

from typing import Any

from personactl import policy
from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA as SYNTHETIC
from personactl.verify.evidence import Action, Credential, Evidence, Metadata, Pixels, Record, Source

SHA = "aa" * 32
ENTRY = "0123456789abcdef" * 2
ORIGIN = "studio.example/personactl/0011223344556677"
OTHER = "other.example/personactl/0011223344556677"
GENERATION: dict[str, Any] = {
    "schema": "personactl.generation/1",
    "persona": {"id": "lira", "version": 2},
    "ledgerOrigin": ORIGIN,
    "entryId": ENTRY,
}
CLAIM = Credential(
    presence="embedded",
    state="Trusted",
    signer="accepted",
    trust_origin=ORIGIN,
    leaf_sha256="bb" * 32,
    actions=(Action(name="c2pa.created", source_type=SYNTHETIC),),
    model_type="c2pa.types.model.pytorch",
    generation=GENERATION,
)
XMP = Metadata(source_type=SYNTHETIC, image_guid=ENTRY, software="personactl")
BASELINE = policy.load_all(())
RECEIPT = Record(
    source="receipt", state="proven", subject_sha256=SHA, entry_id=ENTRY, origin=ORIGIN, index=7, persona=("lira", 2)
)
SOURCE = Source(path="a.png", data=b"x", sha256=SHA, media_type="image/png")
GOOD = Evidence(source=SOURCE, credential=CLAIM, metadata=XMP, records=(RECEIPT,))
STRIPPED = Evidence(source=SOURCE)
UNMARKED = Pixels(state="absent")
