"""Whose face is in a picture, and does it hold: references → template, candidate → Scored.

face.py         a face as the detector sees it; its alignment to the recogniser's five points
lock.py         which networks score, with their digests, licence and calibration; nothing loaded
gate.py         the verdict. Pure: faces, score and limits in, verdict out
copies.py       is this a paste of a reference instead of a new picture? (OpenCV)
insightface.py  the only file that imports insightface and onnxruntime
scorer.py       Embedder (conditions the generator) and Scorer (judges it); never the same network
"""

from personactl.identity.gate import VERDICT_CODES
from personactl.identity.lock import findings, lock_scorer
from personactl.identity.scorer import Embedder, Scorer, Template, open_conditioner, open_scorer

__all__ = [
    "VERDICT_CODES",
    "Embedder",
    "Scorer",
    "Template",
    "findings",
    "lock_scorer",
    "open_conditioner",
    "open_scorer",
]
