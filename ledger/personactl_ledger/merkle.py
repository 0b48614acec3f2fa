"""The Merkle tree of RFC 6962 section 2.1 / RFC 9162 section 2.1 with SHA-256 (SPEC 4). No storage, no keys.

A *subtree* (level, index) is the perfect tree over the leaves [index << level, (index + 1) << level).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
Subtree = Callable[[int, int], bytes]
"""(level, index) → hash of that perfect subtree."""

_sha256 = hashlib.sha256
EMPTY_ROOT = _sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return _sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect subtrees that make up the first `size` leaves: O(log n) memory, O(1) per append."""

    __slots__ = ("_stack", "size")

    def __init__(self) -> None:
        self._stack: list[bytes] = []
        self.size = 0

    @classmethod
    def at(cls, size: int, subtree: Subtree) -> Frontier:
        """The frontier of an existing tree."""
        frontier = cls()
        start = 0
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                frontier._stack.append(subtree(level, start >> level))
                start += 1 << level
        frontier.size = size
        return frontier

    def append(self, digest: bytes) -> None:
        """Add one leaf hash."""
        stack = self._stack
        count = self.size
        while count & 1:
            digest = _sha256(b"\x01" + stack.pop() + digest).digest()
            count >>= 1
        stack.append(digest)
        self.size += 1

    def extend(self, level: int, digest: bytes) -> None:
        """Add a perfect subtree of 2**level leaves by its root. `size` must be a multiple of 2**level."""
        stack = self._stack
        count = self.size >> level
        while count & 1:
            digest = _sha256(b"\x01" + stack.pop() + digest).digest()
            count >>= 1
        stack.append(digest)
        self.size += 1 << level

    def root(self) -> bytes:
        """The tree head over all leaves so far."""
        if not self._stack:
            return EMPTY_ROOT
        digest = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            digest = node_hash(left, digest)
        return digest

    def copy(self) -> Frontier:
        other = Frontier()
        other._stack = self._stack.copy()
        other.size = self.size
        return other


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The tree head over leaf hashes."""
    frontier = Frontier()
    for digest in leaf_hashes:
        frontier.append(digest)
    return frontier.root()


def perfect_root(hashes: bytes) -> bytes:
    """The root over concatenated 32-byte hashes whose number is a power of two."""
    count = len(hashes) // HASH_BYTES
    while count > 1:
        hashes = b"".join([_sha256(b"\x01" + hashes[i : i + 64]).digest() for i in range(0, count * 32, 64)])
        count >>= 1
    return hashes


def range_root(start: int, stop: int, subtree: Subtree) -> bytes:
    """MTH of the leaves [start, stop); `start` is a multiple of the largest power of two below stop - start."""
    size = stop - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtree(level, start >> level)
    split = start + _largest_power_below(size)
    return node_hash(range_root(start, split, subtree), range_root(split, stop, subtree))


def inclusion_path(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1, the leaf's sibling first. Needs 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        split = start + _largest_power_below(stop - start)
        if index < split:
            path.append(range_root(split, stop, subtree))
            stop = split
        else:
            path.append(range_root(start, split, subtree))
            start = split
    return tuple(reversed(path))


def consistency_path(old: int, new: int, subtree: Subtree) -> tuple[bytes, ...]:
    """PROOF(old, D[new]) of RFC 6962 section 2.1.2. Needs 0 < old <= new; empty when they are equal."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    path: list[bytes] = []
    start, stop, complete = 0, new, True
    while old != stop:
        split = start + _largest_power_below(stop - start)
        if old <= split:
            path.append(range_root(split, stop, subtree))
            stop = split
        else:
            path.append(range_root(start, split, subtree))
            start, complete = split, False
    if not complete:
        path.append(range_root(start, stop, subtree))
    return tuple(reversed(path))


def root_from_inclusion(digest: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the path leads to (RFC 9162 section 2.1.3.2), None when the path has the wrong length."""
    if not 0 <= index < size:
        return None
    node, last = index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            digest = node_hash(digest, sibling)
        node >>= 1
        last >>= 1
    return digest if last == 0 else None


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the tree of `new` leaves extends that of `old` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    first = second = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _largest_power_below(size: int) -> int:
    """The largest power of two smaller than `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)
