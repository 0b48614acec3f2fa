"""Making and measuring a persona. In this version: freezing.

casting.freeze(config, keyset, persona, now=…) → FreezeResult
"""

from __future__ import annotations

from personactl.casting.freezing import FreezeResult, freeze

__all__ = ["FreezeResult", "freeze"]
