"""What a manifest store may cost, looked at before the C2PA library takes it apart.

Bytes are searched instead of boxes walked: a limit must not depend on reading the structure as the library does.
"""

from __future__ import annotations

from personactl.disclose.parts import OverLimitError

MAX_STORES = 2
"""Of one file. A clip may have its original store and one with updates (C2PA 2.4, "Embedding manifests into BMFF-based
assets"); where there are more, none is read."""

MAX_BYTES = 32 << 20
MAX_BOXES = 2000
"""Superboxes of one store; a manifest has about ten. The library compares each assertion with all others: 0.2 s of CPU
for 1,000, 4 s for 4,000, minutes for 20,000, which is a file of 3 MB."""

MAX_REFERENCES = 20_000
"""Addresses in one store; the library follows each of 50,000 that name one assertion in 1.5 s of CPU."""

MAX_CONTENTS = 4 * MAX_BOXES
"""Boxes of CBOR in one store, by their type: each superbox has one, and the type may stand elsewhere by chance."""

MAX_COMPRESSED = 64
"""How often the type of a compressed box may stand in a store by chance: hardly ever twice."""

MAX_HEADS = 200_000
"""CBOR values that are looked at in one store, those of boxes within boxes once for each: 0.1 s of CPU. A manifest has
some hundred, one with 2,000 actions 40,000."""

_SUPERBOX = b"jumb\0"
"""A superbox's type and the first byte of the length of its description; addresses ("self#jumbf=…") do not match."""
_REFERENCE = b"#jumbf="
_COMPRESSED = b"brob"
_CBOR = b"cbor"
_SIZES = bytes(1 << ((head & 31) - 24) if 24 <= head & 31 <= 27 else 0 for head in range(256))
"""How many bytes of a number follow the first byte of a CBOR head."""


def check(store: bytes) -> None:
    """Raises OverLimitError for a store that is too large, has too many boxes or references, or hides them."""
    if len(store) > MAX_BYTES:
        raise OverLimitError(f"its manifest store is larger than {MAX_BYTES} bytes")
    if store.count(_SUPERBOX) > MAX_BOXES:
        raise OverLimitError(f"its manifest store has more than {MAX_BOXES} boxes")
    if store.count(_REFERENCE) > MAX_REFERENCES:
        raise OverLimitError(f"its manifest store has more than {MAX_REFERENCES} references")
    if store.count(_CBOR) > MAX_CONTENTS:
        raise OverLimitError(f"its manifest store has more than {MAX_CONTENTS} boxes of CBOR")
    if store.count(_COMPRESSED) > MAX_COMPRESSED or _compressed(store):
        raise OverLimitError("its manifest store is compressed, so that nothing bounds what is in it")
    if _promises_more(store):
        raise OverLimitError("a length in its manifest store is beyond its box")


def _compressed(store: bytes) -> bool:
    """Whether there is a compressed box (C2PA 2.4, "Compressed manifests"), whatever the description before it says.

    The four letters may stand in a picture or a hash by chance, but hardly behind a length that fits into the store.
    """
    place = store.find(_COMPRESSED)
    while place >= 0:
        length = int.from_bytes(store[max(0, place - 4) : place], "big")
        if length < 2 or 8 <= length <= len(store) - place + 4:
            return True
        place = store.find(_COMPRESSED, place + 1)
    return False


def _promises_more(store: bytes) -> bool:
    """Whether a CBOR string or list in a box says that it is longer than its box: the library reserves what it says,
    up to 4 GB for one flipped bit. Heads are read one after the other (RFC 8949, section 3), nothing is nested.

    Raises OverLimitError for more than MAX_HEADS: boxes that lie in each other would be read again for each of them.
    """
    left = MAX_HEADS
    place = store.find(_CBOR)
    while place >= 0:
        length = int.from_bytes(store[max(0, place - 4) : place], "big")  # the type in a description has none before it
        end = place - 4 + length if length <= len(store) - place + 4 else 0
        position = place + 4
        while position < end:
            left -= 1
            if not left:
                raise OverLimitError(f"its manifest store has more than {MAX_HEADS} values")
            initial = store[position]
            size = _SIZES[initial]
            position += 1 + size
            if 0x40 <= initial < 0xC0:  # major types 2 to 5
                number = int.from_bytes(store[position - size : position], "big") if size else (initial & 31) % 31
                if number > end - position:
                    return True
                if initial < 0x80:
                    position += number
        place = store.find(_CBOR, place + 4)
    return False
