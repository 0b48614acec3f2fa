"""The kind of a leaf at a glance, for checks that do not parse every leaf (SPEC 12, level tree).

In a payload that SPEC 3.2 allows, the last key `predicateType` with a text of ours is that of the statement: only the
subject comes after it, whose name is one string and whose digests are hex. A quote inside a string has a backslash
before it (SPEC 2.1), so the pattern below cannot begin inside one. It stands near the end, where a few hundred
characters of base64 are soon decoded.
"""

from __future__ import annotations

from binascii import a2b_base64

_BEGIN = len(b'{"payload":"')
_BEFORE = b',"predicateType":"urn:personactl:predicate:'
_NEAR = 384
"""Characters of base64 that are decoded at first; a multiple of four, as all of them are."""


def kind_at_a_glance(leaf: bytes) -> bytes:
    """Kind and version as the leaf has them (`output:1`); of a leaf that does not parse, any bytes."""
    end = leaf.find(b'"', _BEGIN)
    try:
        near = a2b_base64(leaf[max(_BEGIN, end - _NEAR) : end])
        at = near.rfind(_BEFORE)
        if at < 0:
            near = a2b_base64(leaf[_BEGIN:end])
            at = near.rfind(_BEFORE)
    except ValueError:
        return b""
    start = at + len(_BEFORE)
    return near[start : near.find(b'"', start)] if at >= 0 else b""
