"""The words with which our claims are written (`disclose`) and judged (`verify`, which loads no library for them).

Source types: IPTC NewsCodes "Digital Source Type", as C2PA 2.4 uses them.
"""

from __future__ import annotations

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED_ALGORITHMIC_MEDIA = VOCABULARY + "trainedAlgorithmicMedia"
ALGORITHMIC_MEDIA = VOCABULARY + "algorithmicMedia"
COMPOSITE = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
CAPTURED = frozenset(
    VOCABULARY + term
    for term in ("digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print", "minorHumanEdits",
                 "compositeCapture", "screenCapture", "virtualRecording")
)  # fmt: skip
"""Terms for what a camera, scanner or recorder took. None of them can be said of any step of a synthetic picture."""
METADATA_SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"
"""The key of a metadata assertion (C2PA 2.4, "Metadata") for what XMP says under the same name."""

ASSERTION_SCHEMA = "personactl.generation/1"
"""Of the data of our own assertion, `org.personactl.generation`."""
