"""Error correction of the watermark payload: CRC-24, then the rate 1/2 convolutional code of constraint length 7.

    64 payload bits + 24 CRC bits + 6 zero bits that end the trellis → 188 coded bits

The code is the one of CCSDS 131.0-B (generators 171 and 133 octal), decoded by Viterbi's algorithm on soft values.
The CRC is OpenPGP's (RFC 4880, 6.1): polynomial 0x864CFB, start value 0xB704CE.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PAYLOAD_BYTES = 8
CRC_BITS = 24
_CRC_BYTES = CRC_BITS // 8
_POLYNOMIAL, _START = 0x1864CFB, 0xB704CE
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


def crc24(content: bytes) -> bytes:
    """The three CRC bytes of `content`."""
    register = _START
    for byte in content:
        register ^= byte << 16
        for _ in range(8):
            register <<= 1
            if register >> CRC_BITS:
                register ^= _POLYNOMIAL
    return register.to_bytes(_CRC_BYTES, "big")


def encode(payload: bytes) -> Vector:
    """The coded bits of an 8-byte payload as ±1, shape (188,), float32. Raises ValueError for another length."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a watermark payload has {PAYLOAD_BYTES} bytes, not {len(payload)}")
    framed = payload + crc24(payload)
    bits = [*np.unpackbits(np.frombuffer(framed, dtype=np.uint8)).tolist(), *[0] * _MEMORY]
    coded = np.empty((_STEPS, len(_GENERATORS)), dtype=np.float32)
    register = 0
    for step, bit in enumerate(bits):
        register = (bit << _MEMORY) | (register >> 1)
        coded[step] = [1 if (register & g).bit_count() & 1 else -1 for g in _GENERATORS]
    return coded.ravel()


def decode(soft: Vector) -> list[tuple[bytes, bool]]:
    """Per row of soft values (n, 188), sign = bit and size = confidence: its payload and whether its CRC holds."""
    values = np.asarray(soft, dtype=np.float32).reshape(-1, _STEPS, len(_GENERATORS))
    count = len(values)
    gains = np.einsum("nto,sbo->tnsb", values, _OUTPUT)
    metric = np.full((count, _STATES), -np.inf, dtype=np.float32)
    metric[:, 0] = 0
    choices = np.empty((_STEPS, count, _STATES), dtype=np.uint8)
    for step in range(_STEPS):
        paths = metric[:, _BEFORE] + gains[step]
        choices[step] = paths[..., 1] > paths[..., 0]
        metric = paths.max(axis=2)
    bits = np.empty((count, _STEPS), dtype=np.uint8)
    state, rows = np.zeros(count, dtype=np.intp), np.arange(count)
    for step in range(_STEPS - 1, -1, -1):
        bits[:, step] = state >> (_MEMORY - 1)
        state = _BEFORE[state, choices[step, rows, state]]
    return [_checked(framed.tobytes()) for framed in np.packbits(bits[:, :-_MEMORY], axis=1)]


def _checked(framed: bytes) -> tuple[bytes, bool]:
    payload, crc = framed[:PAYLOAD_BYTES], framed[PAYLOAD_BYTES:]
    return payload, crc24(payload) == crc
