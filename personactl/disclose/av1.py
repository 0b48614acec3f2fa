"""The size of the frames in AV1 data (AV1 specification, clauses 5.3 to 5.5), without decoding it.

A decoder makes room for what the coded data says, whatever the file around it claims: three kilobytes under a claim of
64 x 64 pixels unfold into half a gigabyte. No frame is larger than its sequence header allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from personactl.disclose.parts import ContainerError

MAX_UNITS = 4096

_SEQUENCE_HEADER = 1
_LONGEST_SIZE = 8


def frame_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of the largest frame of each sequence in some AV1 data. Raises ContainerError."""
    found = False
    for body in _sequence_headers(data):
        found = True
        yield _frame_size(_Bits(body))
    if not found:
        raise ContainerError("the AV1 data has no sequence header")


def _sequence_headers(data: bytes) -> Iterator[bytes]:
    position = 0
    for _ in range(MAX_UNITS):
        if position >= len(data):
            return
        head = data[position]
        position += 1 + (head >> 2 & 1)
        end = len(data)
        if head >> 1 & 1:
            size, position = _leb128(data, position)
            end = position + size
        if head & 0x80 or end > len(data):
            raise ContainerError("a unit of the AV1 data is malformed or longer than the data")
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield data[position:end]
        position = end
    raise ContainerError(f"the AV1 data has more than {MAX_UNITS} units")


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for number, byte in enumerate(data[position : position + _LONGEST_SIZE]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, position + number + 1
    raise ContainerError("a length in the AV1 data does not end")


def _frame_size(bits: _Bits) -> tuple[int, int]:
    """Clause 5.5.1 up to max_frame_height_minus_1."""
    bits.take(4)  # profile, still picture
    if bits.take(1):  # reduced header of a still picture
        bits.take(5)
    else:
        if bits.take(1):
            raise ContainerError("the AV1 data has the timing of a film")
        delays, points = bits.take(1), bits.take(5) + 1
        for _ in range(points):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delays and bits.take(1):
                bits.take(4)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


class _Bits:
    """Reads bits from the most significant on. Raises ContainerError where they end."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        head = data[:64]  # the longest header has fewer bits: 32 operating points take 95 bytes and are refused
        self._value, self._left = int.from_bytes(head, "big"), 8 * len(head)

    def take(self, number: int) -> int:
        self._left -= number
        if self._left < 0:
            raise ContainerError("the sequence header of the AV1 data is too short")
        return self._value >> self._left & (1 << number) - 1
