"""Making and measuring a persona. In this version: enrolling its references, and freezing.

casting.enrol(config, keyset, persona, now=…) → Enrolment
casting.freeze(config, keyset, persona, now=…) → FreezeResult
"""

from __future__ import annotations

from personactl.casting.enrolment import Enrolment, enrol
from personactl.casting.freezing import FreezeResult, freeze

__all__ = ["Enrolment", "FreezeResult", "enrol", "freeze"]
