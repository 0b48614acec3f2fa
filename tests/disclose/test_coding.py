"""The error correction of the payload."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personactl.disclose import coding


@given(st.binary(min_size=8, max_size=8))
def test_every_payload_round_trips(payload: bytes) -> None:
    assert coding.decode(coding.encode(payload)) == [(payload, True)]


@given(st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1))
def test_a_dozen_scattered_wrong_bits_are_corrected(payload: bytes, seed: int) -> None:
    coded = coding.encode(payload)
    places = 14 * np.arange(12) + np.random.default_rng(seed).integers(0, 3, 12)
    coded[places] *= -1
    assert coding.decode(coded) == [(payload, True)]


def test_erased_values_are_filled_in() -> None:
    coded = coding.encode(b"payload!")
    coded[::4] = 0
    assert coding.decode(coded) == [(b"payload!", True)]


def test_noise_does_not_pass_the_check() -> None:
    random = np.random.default_rng(0)
    assert sum(intact for _, intact in coding.decode(random.normal(size=(300, coding.CODED_BITS)))) == 0


def test_every_row_is_decoded_by_itself() -> None:
    payloads = [bytes([value] * 8) for value in range(5)]
    assert coding.decode(np.stack([coding.encode(payload) for payload in payloads])) == [(p, True) for p in payloads]


def test_the_check_is_the_crc_of_openpgp() -> None:
    assert coding.crc24(b"123456789").hex() == "21cf02"


@pytest.mark.parametrize("payload", [b"", bytes(7), bytes(9)])
def test_another_length_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        coding.encode(payload)
