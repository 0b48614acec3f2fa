"""What a manifest store may cost before the C2PA library sees it."""

from __future__ import annotations

import struct

import pytest

from personactl.disclose import stores
from personactl.disclose.parts import OverLimitError


def box(body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + b"cbor" + body


def test_boxes_within_boxes_are_not_read_again_for_each_of_them() -> None:
    nested = (struct.pack(">I", 0x1010) + b"cbor") * 1000  # each box holds the 513 that follow it
    with pytest.raises(OverLimitError, match="values"):
        stores.check(nested)


def test_millions_of_values_are_too_many() -> None:
    with pytest.raises(OverLimitError, match="values"):
        stores.check(box(b"\x01" * stores.MAX_HEADS))


def test_as_many_values_as_a_large_manifest_has_are_read() -> None:
    stores.check(box(b"\x01" * 50_000) + box(b"\x43abc" * 50_000))


@pytest.mark.parametrize(("kind", "said"), [(b"cbor", "boxes of CBOR"), (b"brob", "compressed")])
def test_millions_of_types_without_a_box_are_not_looked_at_one_by_one(kind: bytes, said: str) -> None:
    with pytest.raises(OverLimitError, match=said):
        stores.check(b"xxxxx" + kind * 1_000_000)


def test_a_length_beyond_its_box_is_refused() -> None:
    with pytest.raises(OverLimitError, match="beyond its box"):
        stores.check(box(b"\x5a\xff\xff\xff\xff"))
