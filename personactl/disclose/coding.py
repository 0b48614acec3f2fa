"""Error correction of the watermark payload: CRC-16, then the rate 1/2 convolutional code of constraint length 7.

    64 payload bits + 16 CRC bits + 6 zero bits that end the trellis → 172 coded bits

The code is the one of CCSDS 131.0-B (generators 171 and 133 octal), decoded by Viterbi's algorithm on soft values.
The CRC is CCITT's polynomial x^16+x^12+x^5+1 with start value 0 (`binascii.crc_hqx`).
"""

from __future__ import annotations

import binascii
from typing import Any

import numpy as np

PAYLOAD_BYTES = 8
_CRC_BYTES = 2
_MEMORY = 6
_STATES = 1 << _MEMORY
_GENERATORS = (0o171, 0o133)
_STEPS = 8 * (PAYLOAD_BYTES + _CRC_BYTES) + _MEMORY

CODED_BITS = len(_GENERATORS) * _STEPS

Vector = np.ndarray[Any, Any]


def _trellis() -> tuple[Vector, Vector]:
    """For each state: its two predecessors (64, 2) and the ±1 outputs on the way from each (64, 2, 2).

    A state holds the six latest input bits, the newest in its highest bit.
    """
    before = np.zeros((_STATES, 2), dtype=np.intp)
    output = np.zeros((_STATES, 2, len(_GENERATORS)), dtype=np.float32)
    for state in range(_STATES):
        newest = state >> (_MEMORY - 1)
        for oldest in range(2):
            predecessor = ((state << 1) & (_STATES - 1)) | oldest
            register = (newest << _MEMORY) | predecessor
            before[state, oldest] = predecessor
            output[state, oldest] = [1 if (register & g).bit_count() & 1 else -1 for g in _GENERATORS]
    return before, output


_BEFORE, _OUTPUT = _trellis()


def encode(payload: bytes) -> Vector:
    """The coded bits of an 8-byte payload as ±1, shape (172,), float32. Raises ValueError for another length."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a watermark payload has {PAYLOAD_BYTES} bytes, not {len(payload)}")
    framed = payload + binascii.crc_hqx(payload, 0).to_bytes(_CRC_BYTES, "big")
    bits = [*np.unpackbits(np.frombuffer(framed, dtype=np.uint8)).tolist(), *[0] * _MEMORY]
    coded = np.empty((_STEPS, len(_GENERATORS)), dtype=np.float32)
    register = 0
    for step, bit in enumerate(bits):
        register = (bit << _MEMORY) | (register >> 1)
        coded[step] = [1 if (register & g).bit_count() & 1 else -1 for g in _GENERATORS]
    return coded.ravel()


def decode(soft: Vector) -> tuple[bytes, bool]:
    """The most likely payload of 172 soft values (sign = bit, size = confidence), and whether its CRC holds."""
    metric = np.full(_STATES, -np.inf, dtype=np.float32)
    metric[0] = 0
    choices = np.empty((_STEPS, _STATES), dtype=np.uint8)
    for step, values in enumerate(np.asarray(soft, dtype=np.float32).reshape(_STEPS, -1)):
        paths = metric[_BEFORE] + _OUTPUT @ values
        choices[step] = paths[:, 1] > paths[:, 0]
        metric = paths.max(axis=1)
    bits = np.empty(_STEPS, dtype=np.uint8)
    state = 0
    for step in range(_STEPS - 1, -1, -1):
        bits[step] = state >> (_MEMORY - 1)
        state = int(_BEFORE[state, choices[step, state]])
    framed = np.packbits(bits[:-_MEMORY]).tobytes()
    payload, crc = framed[:PAYLOAD_BYTES], framed[PAYLOAD_BYTES:]
    return payload, binascii.crc_hqx(payload, 0).to_bytes(_CRC_BYTES, "big") == crc
