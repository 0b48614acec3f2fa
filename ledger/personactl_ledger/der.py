"""A strict reader of DER (X.690), as much of it as time-stamp tokens need (SPEC 15.1).

Definite, shortest lengths; low tag numbers; no bytes left over. One thing is not asked for: the order of a SET, because
a widespread time-stamp program does not keep it, and nothing here depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from personactl_ledger.errors import FormatError

BOOLEAN, INTEGER, OCTETS, NULL, OID, UTF8, TIME = 0x01, 0x02, 0x04, 0x05, 0x06, 0x0C, 0x18
SEQUENCE, SET = 0x30, 0x31
MAX_ITEMS = 256
"""Values side by side in one other."""
_MAX_NUMBER = 64
"""Bytes of an integer or an object identifier."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its identifier octet, what is inside, and all of its bytes."""

    tag: int
    content: bytes
    encoded: bytes

    def items(self) -> list[Value]:
        """The values inside. Raises FormatError unless they fill it, or when there are more than 256."""
        if not self.tag & 0x20:
            raise malformed("a value that holds bytes stands where one that holds values is expected")
        return split(self.content)

    def integer(self, *, tag: int = INTEGER) -> int:
        """A number in its shortest form."""
        data = self.expect(tag).content
        if not 1 <= len(data) <= _MAX_NUMBER:
            raise malformed("an integer is empty or too long")
        if len(data) > 1 and (data[0], data[1] >> 7) in ((0, 0), (255, 1)):
            raise malformed("an integer is not in its shortest form")
        return int.from_bytes(data, "big", signed=True)

    def oid(self) -> str:
        """An object identifier in dotted form."""
        data = self.expect(OID).content
        if not 1 <= len(data) <= _MAX_NUMBER or data[-1] & 0x80:
            raise malformed("an object identifier is empty, too long or cut off")
        arcs, number, fresh = [], 0, True
        for byte in data:
            if fresh and byte == 0x80:
                raise malformed("an object identifier is not in its shortest form")
            number, fresh = number << 7 | byte & 0x7F, not byte & 0x80
            if fresh:
                arcs.append(number)
                number = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))

    def expect(self, tag: int) -> Value:
        """This value. Raises FormatError when it is of another kind."""
        if self.tag != tag:
            raise malformed(f"a value of kind {self.tag:#04x} stands where {tag:#04x} is expected")
        return self


class Cursor:
    """Takes the values of a structure one by one, in the order that its definition gives."""

    __slots__ = ("_items", "_next")

    def __init__(self, value: Value, tag: int = SEQUENCE):
        self._items = value.expect(tag).items()
        self._next = 0

    def take(self, tag: int | None = None) -> Value:
        """The next value, of any kind when `tag` is None."""
        if self._next >= len(self._items):
            raise malformed("a structure ends too early")
        value = self._items[self._next]
        self._next += 1
        return value if tag is None else value.expect(tag)

    def maybe(self, tag: int) -> Value | None:
        """The next value when it is of this kind."""
        if self._next < len(self._items) and self._items[self._next].tag == tag:
            return self.take()
        return None

    def end(self) -> None:
        """Raises FormatError when something is left."""
        if self._next != len(self._items):
            raise malformed("a structure holds more than its definition")


def read(data: bytes) -> Value:
    """The one value that `data` is. Raises FormatError (code ledger.token-malformed)."""
    value, rest = _next(data, 0)
    if rest != len(data):
        raise malformed("bytes are left over")
    return value


def split(data: bytes) -> list[Value]:
    """The values that stand one after another. Raises FormatError, also for more than 256."""
    values: list[Value] = []
    place = 0
    while place < len(data):
        if len(values) == MAX_ITEMS:
            raise malformed(f"more than {MAX_ITEMS} values stand side by side")
        value, place = _next(data, place)
        values.append(value)
    return values


def malformed(reason: str) -> FormatError:
    return FormatError(f"this is not DER of the form that is expected: {reason}", code="ledger.token-malformed")


def _next(data: bytes, start: int) -> tuple[Value, int]:
    """The value at `start`, and where the next one begins."""
    if len(data) - start < 2:
        raise malformed("it is cut off")
    tag, length, place = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise malformed("a tag number is too high")
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[place : place + count], "big")
        if not 1 <= count <= 4 or len(data) - place < count or length < max(0x80, 1 << 8 * (count - 1)):
            raise malformed("a length is not in its shortest form, or too large")
        place += count
    if len(data) - place < length:
        raise malformed("it is cut off")
    end = place + length
    return Value(tag, data[place:end], data[start:end]), end
