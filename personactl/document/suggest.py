"""Suggestions for misspelt words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely means, or None. Comparison ignores case, `_` against `-`, and plural s."""
    candidates = list(known)
    folded = {_fold(candidate): candidate for candidate in candidates}
    match = difflib.get_close_matches(_fold(word)[:64], list(folded), n=1, cutoff=0.6)
    return folded[match[0]] if match else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean "count"?` for a near miss, else None."""
    match = closest(word, known)
    return f'did you mean "{match}"?' if match else None


def _fold(word: str) -> str:
    return word.lower().replace("_", "-")
