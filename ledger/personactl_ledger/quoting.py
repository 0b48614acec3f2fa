"""Whether a text that stays on record tells words of a value that is to go (SPEC 10.3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SHORTEST_VALUE = 2
"""Characters of a value from which on its words in a row are no accident."""
SHORTEST_PART = 3
"""Characters of an ASCII value from which on it is looked for inside other words too. Other scripts have shorter
names, and some write no spaces."""
SHORTEST_WORD = 4
"""Characters of a single word from which on it tells something of the value that it is from."""
_WORD = re.compile(r"[^\W_]+")


def quotes(text: str, values: Iterable[str]) -> bool:
    """Whether `text` holds one of `values`, or any longer word of one.

    A word is a run of letters and digits. Case, and the ways in which Unicode writes one letter, make no difference.
    """
    plain = _plain(text)
    said = _WORD.findall(plain)
    return any(_holds(plain, said, _plain(value)) for value in values)


def _holds(text: str, said: list[str], value: str) -> bool:
    words = _WORD.findall(value)
    if not set(said).isdisjoint(word for word in words if len(word) >= SHORTEST_WORD):
        return True
    if len(value) < SHORTEST_VALUE:
        return False
    if value in text and (len(value) >= SHORTEST_PART or not value.isascii()):
        return True
    return bool(words) and any(said[at : at + len(words)] == words for at in range(len(said)))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.strip()).casefold()
