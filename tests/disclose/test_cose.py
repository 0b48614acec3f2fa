"""Which certificate signed: found in every format, and not told when there is any doubt."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_pictures import delivered, signer

from personactl.disclose import cose, formats, read_marks


def store() -> bytes:
    return formats.named("png").parts(delivered("png")).c2pa[0]


def label() -> str:
    return read_marks(delivered("png"), anchors=signer().anchors).c2pa.active_label


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_the_leaf_is_found_in_every_format(form: str) -> None:
    stores = formats.named(form).parts(delivered(form)).c2pa
    active = read_marks(delivered(form), anchors=()).c2pa.active_label
    assert [cose.leaf_sha256(item, active) for item in stores] == [signer().leaf_sha256]


def test_another_label_has_no_leaf() -> None:
    assert cose.leaf_sha256(store(), "urn:c2pa:other") == ""


def test_a_store_twice_in_one_block_has_no_leaf() -> None:
    assert cose.leaf_sha256(store() * 2, label()) == ""


def test_more_than_the_store_has_no_leaf_and_no_chains() -> None:
    whole = store()
    other_type = whole[:16] + b"json" + whole[20:]
    assert cose.chains(whole)
    for doubtful in (whole + whole, whole + b"\0", other_type + whole, whole + other_type, other_type):
        assert cose.leaf_sha256(doubtful, label()) == ""
        assert cose.chains(doubtful) is None


def test_a_long_header_of_a_stranger_is_not_kept() -> None:
    cose._header.cache_clear()
    long = b"\xa1\x01\x59\xff\xff" + bytes(0xFFFF)
    with contextlib.suppress(ValueError):
        cose._certificates(b"\x84\x5a" + len(long).to_bytes(4, "big") + long + b"\xa0\xf6\x40")
    assert cose._header.cache_info().currsize == 0


def test_a_manifest_label_twice_has_no_leaf() -> None:
    whole = store()
    description_end = 8 + int.from_bytes(whole[8:12], "big")
    manifests = whole[description_end:]
    body = whole[8:description_end] + manifests * 2
    twice = (8 + len(body)).to_bytes(4, "big") + b"jumb" + body
    assert cose.leaf_sha256(twice, label()) == ""


@settings(max_examples=300, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_changed_stores_never_raise(place: float, value: int) -> None:
    data = bytearray(store())
    data[int(place * len(data))] = value
    assert isinstance(cose.leaf_sha256(bytes(data), label()), str)


@given(st.binary(max_size=200))
def test_random_stores_have_no_leaf(data: bytes) -> None:
    assert cose.leaf_sha256(data, "urn:c2pa:x") == ""


@pytest.mark.parametrize("length", [0, 1, 7, 8, 50, 400, 2000])
def test_truncated_stores_have_no_leaf(length: int) -> None:
    assert cose.leaf_sha256(store()[:length], label()) == ""


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_random_cbor_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError, IndexError, TypeError):
        cose._cbor(data, 0, 0)


def test_an_empty_superbox_has_no_leaf() -> None:
    assert cose.leaf_sha256(b"\0\0\0\x08jumb", "a") == ""
    assert cose.chains(b"\0\0\0\x08jumb") is None
