"""The words with which our claims are written (`disclose`) and judged (`verify`, which loads no library for them).

Source types: IPTC NewsCodes "Digital Source Type", as C2PA 2.4 uses them.
"""

from __future__ import annotations

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED_ALGORITHMIC_MEDIA = VOCABULARY + "trainedAlgorithmicMedia"
ALGORITHMIC_MEDIA = VOCABULARY + "algorithmicMedia"
COMPOSITE = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"

ASSERTION_SCHEMA = "personactl.generation/1"
"""Of the data of our own assertion, `org.personactl.generation`."""
