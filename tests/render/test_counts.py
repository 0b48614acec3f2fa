"""One of a thing, or several."""

from __future__ import annotations

import pytest

from personactl.render.counts import counted


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [(0, "file", "0 files"), (1, "file", "1 file"), (1, "entry", "1 entry"), (2, "entry", "2 entries")],
)
def test_a_number_of_things_in_words(number: int, noun: str, words: str) -> None:
    assert counted(number, noun) == words
