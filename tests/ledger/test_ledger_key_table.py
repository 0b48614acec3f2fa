"""The map of a check: what a dictionary would say, also for keys whose digests are equal."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from personactl_ledger.key_table import KeyTable


class Clash(str):
    """A text whose digest says little."""

    __slots__ = ()

    def __hash__(self) -> int:
        return len(self)


def has(keys: list[str], key: str) -> Callable[[int], bool]:
    return lambda index: keys[index] == key


@given(st.lists(st.text("ab", max_size=4).map(Clash)))
def test_it_says_what_a_dictionary_says(keys: list[str]) -> None:
    table, known = KeyTable(), dict[str, int]()
    for index, key in enumerate(keys):
        assert table.find(key, has(keys, key)) == known.get(str(key))
        table.put(key, index, has(keys, key))
        known[str(key)] = index
    for key in keys:
        assert table.find(key, has(keys, key)) == known[str(key)]
    assert table.find(Clash("none"), has(keys, "none")) is None


def test_it_grows() -> None:
    table = KeyTable()
    keys = [f"key {n}" for n in range(5000)]
    for index, key in enumerate(keys):
        table.put(key, index, has(keys, key))
    assert [table.find(key, has(keys, key)) for key in keys] == list(range(5000))
    assert table.find("other", has(keys, "other")) is None
