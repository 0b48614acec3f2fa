"""The tree against the recursive text of RFC 6962, and its storage in tiles against the tree."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_bench import forge
from personactl_ledger.growth import Growth
from personactl_ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    consistent,
    inclusion_path,
    leaf_hash,
    perfect_root,
    range_root,
    root_from_inclusion,
    root_of,
)

LEAVES = tuple(hashlib.sha256(b"%d" % n).digest() for n in range(1100))


@cache
def mth(start: int, stop: int) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    n = stop - start
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return LEAVES[start]
    k = 1
    while k * 2 < n:
        k *= 2
    return hashlib.sha256(b"\x01" + mth(start, start + k) + mth(start + k, stop)).digest()


def path_of(m: int, start: int, stop: int) -> list[bytes]:
    """PATH of section 2.1.1."""
    n = stop - start
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*path_of(m, start, start + k), mth(start + k, stop)]
    return [*path_of(m - k, start + k, stop), mth(start, start + k)]


def proof_of(m: int, start: int, stop: int, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    n = stop - start
    if m == n:
        return [] if whole else [mth(start, stop)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*proof_of(m, start, start + k, whole), mth(start + k, stop)]
    return [*proof_of(m - k, start + k, stop, False), mth(start, start + k)]


def subtree(level: int, index: int) -> bytes:
    return perfect_root(b"".join(LEAVES[index << level : (index + 1) << level]))


def test_known_values_of_rfc_6962() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_roots_of_all_small_trees() -> None:
    frontier = Frontier()
    for size in range(600):
        assert frontier.root() == mth(0, size)
        assert Frontier.at(size, subtree).root() == frontier.root()
        if size:
            assert range_root(0, size, subtree) == mth(0, size)
        frontier.append(LEAVES[size])
    assert root_of(LEAVES) == mth(0, len(LEAVES))


@given(st.data())
def test_inclusion(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, subtree)
    assert list(path) == path_of(index, 0, size)
    assert root_from_inclusion(LEAVES[index], index, size, path) == mth(0, size)


@given(st.data())
def test_a_changed_inclusion_proof_leads_elsewhere(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    path = list(inclusion_path(index, size, subtree))
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    assert root_from_inclusion(LEAVES[index], other, size, path) != mth(0, size)
    assert root_from_inclusion(LEAVES[other], index, size, path) != mth(0, size)
    assert root_from_inclusion(LEAVES[index], index, size, path[:-1]) != mth(0, size)
    assert root_from_inclusion(LEAVES[index], index, size, [*path, LEAVES[0]]) is None
    at = data.draw(st.integers(0, len(path) - 1))
    path[at] = bytes(32)
    assert root_from_inclusion(LEAVES[index], index, size, path) != mth(0, size)


@given(st.data())
def test_consistency(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, len(LEAVES)))
    old = data.draw(st.integers(1, new))
    path = consistency_path(old, new, subtree)
    assert list(path) == proof_of(old, 0, new, True)
    assert consistent(old, new, mth(0, old), mth(0, new), path)
    assert not consistent(old, new, bytes(32), mth(0, new), path)
    assert not consistent(old, new, mth(0, old), bytes(32), path)
    assert not consistent(old, new, mth(0, old), mth(0, new), [*path, LEAVES[0]])
    if path:
        assert not consistent(old, new, mth(0, old), mth(0, new), path[:-1])


def test_places_outside_the_tree_have_no_proof() -> None:
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_path(index, size, subtree)
        assert root_from_inclusion(LEAVES[0], index, size, []) is None
    for old, new in ((0, 5), (6, 5)):
        with pytest.raises(ValueError, match="no consistency"):
            consistency_path(old, new, subtree)
        assert not consistent(old, new, LEAVES[0], LEAVES[0], [])


@settings(max_examples=8)
@given(st.integers(0, 1100))
def test_tiles_give_every_subtree_and_growth_can_be_loaded_anywhere(size: int) -> None:
    store = forge.Forge().store
    connection = store.connection
    for trigger in ("entry_no_delete", "tile_no_delete"):
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute("DELETE FROM entry")
    grown = Growth.load(store)
    for index in range(size):
        connection.execute(
            "INSERT INTO entry VALUES (?, ?, 'note', NULL, NULL, NULL, NULL, NULL, 'x', ?, 'x', ?, '{}', X'0000')",
            (index, LEAVES[index], "0" * 64, forge.NOW),
        )
        grown.append(LEAVES[index], store)
    assert grown.frontier.root() == mth(0, size)
    assert Growth.load(store).frontier.root() == mth(0, size)
    assert connection.execute("SELECT count(*) FROM tile").fetchone()[0] == size // 256
    for index in {0, size // 2, size - 1} if size else ():
        path = inclusion_path(index, size, store.subtree)
        assert root_from_inclusion(LEAVES[index], index, size, path) == mth(0, size)
