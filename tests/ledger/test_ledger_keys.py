"""Which public keys may enter a ledger."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from personactl_ledger import EntryRefused, check_public_key, key_id

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Edwards addition on Ed25519, RFC 8032 section 5.1.4 in affine form."""
    k = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P) % P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P


def encode(point: tuple[int, int], *, y_plus: int = 0) -> bytes:
    return ((point[1] + y_plus) | (point[0] & 1) << 255).to_bytes(32, "little")


def small_order_points() -> set[tuple[int, int]]:
    """The subgroup of order eight, from any one of its generators."""
    y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    point, found = (x, y), {(0, 1)}
    current = (x, y)
    while current not in found:
        found.add(current)
        current = add(current, point)
    return found


def test_there_are_eight_points_of_small_order_and_all_are_refused() -> None:
    points = small_order_points()
    assert len(points) == 8
    for point in points:
        for raw in {encode(point), encode(((point[0] + 1) % 2, point[1]))}:
            with pytest.raises(EntryRefused) as refused:
                check_public_key(raw)
            assert refused.value.code == "ledger.key-weak"


def test_encodings_that_are_not_reduced_are_refused() -> None:
    for y in range(19):
        for sign in (0, 1):
            with pytest.raises(EntryRefused, match="not reduced"):
                check_public_key(((P + y) | sign << 255).to_bytes(32, "little"))


@given(st.binary(min_size=32, max_size=32))
def test_keys_that_derive_from_secrets_are_accepted(seed: bytes) -> None:
    check_public_key(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def test_points_off_the_curve_and_wrong_lengths_are_refused() -> None:
    with pytest.raises(EntryRefused, match="not a point"):
        check_public_key((2).to_bytes(32, "little"))
    for raw in (b"", bytes(31), bytes(33)):
        with pytest.raises(EntryRefused, match="not 32"):
            check_public_key(raw)


def test_the_key_id_is_a_digest_of_the_key() -> None:
    assert key_id(bytes(32)) == "SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="
