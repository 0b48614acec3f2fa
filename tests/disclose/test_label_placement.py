"""Where the label stands: in the margin's corner, as large as asked for, and never over a face."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import PLACES, spec

from personactl.disclose import badge, label_fits, placement
from personactl.disclose.placement import Box, overlap, place

BOXES = st.tuples(st.integers(-40, 1100), st.integers(-40, 1100), st.integers(1, 900), st.integers(1, 900)).map(
    lambda found: (found[0], found[1], found[0] + found[2], found[1] + found[3])
)
WORDS = st.sampled_from([("GENERATED",), ("MODIFIED",), ("生成",), ("GENERATED", "生成")])


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(64, 1024),
    height=st.integers(64, 1024),
    faces=st.lists(BOXES, max_size=3),
    words=WORDS,
    places=st.permutations(PLACES),
    wanted=st.sampled_from(["0.02", "0.03", "0.05"]),
)
def test_a_label_is_inside_the_margin_clear_of_every_face_and_large_enough(
    width: int, height: int, faces: list[Box], words: tuple[str, ...], places: list[str], wanted: str
) -> None:
    demand = spec(words, places=tuple(places), height=wanted)
    found = place(width, height, demand, faces)
    if found is None:
        return
    left, top, right, bottom = found.box
    margin = int(Decimal("0.04") * min(width, height))
    assert not any(overlap(found.box, face) for face in faces)
    assert left >= margin - 1
    assert top >= margin - 1
    assert right <= width - margin + 1
    assert bottom <= height - margin + 1
    assert found.cap >= max(0.02 * min(width, height), badge.least_cap(words))
    assert (right - left, bottom - top) == (badge.width_of(words, found.cap), badge.Measures(cap=found.cap).height)
    assert place(width, height, demand, faces) == found


@settings(max_examples=60, deadline=None)
@given(width=st.integers(64, 600), height=st.integers(64, 600), faces=st.lists(BOXES, max_size=2))
def test_no_place_is_said_only_when_the_least_label_fits_nowhere(width: int, height: int, faces: list[Box]) -> None:
    found = place(width, height, spec(), faces)
    _, least = placement.sizes(width, height, spec())
    small = place(width, height, spec(height=str(Decimal(least) / min(width, height))), faces)
    assert (found is None) == (small is None)


@pytest.mark.parametrize(
    ("face", "expected"),
    [
        ((400, 400, 600, 600), "top-right"),
        ((600, 20, 900, 300), "top-left"),
        ((20, 20, 1000, 500), "bottom-right"),
        ((600, 20, 1000, 1000), "top-left"),
    ],
)
def test_the_first_free_place_is_taken(face: Box, expected: str) -> None:
    found = place(1024, 1024, spec(), [face])
    assert found is not None
    assert (found.place, found.cap) == (expected, 31)


def test_the_policies_order_of_places_is_followed() -> None:
    found = place(1024, 1024, spec(places=("bottom-left", "top-right")))
    assert found is not None
    assert found.place == "bottom-left"


def test_the_label_shrinks_before_it_gives_up_and_not_below_the_least() -> None:
    narrow = (0, 100, 1024, 1024 - 100)
    found = place(1024, 1024, spec(), [narrow])
    assert found is not None
    assert 21 <= found.cap < 31
    assert place(1024, 1024, spec(least_height="0.03"), [narrow]) is None
    assert place(1024, 1024, spec(), [(0, 60, 1024, 1024 - 60)]) is None


def test_where_a_policy_asks_for_less_than_can_be_read_letters_have_seven_pixels() -> None:
    found = place(128, 128, spec())
    assert found is not None
    assert found.cap == badge.LEAST_CAP == 7
    chinese = place(160, 160, spec(("生成",)))
    assert chinese is not None
    assert chinese.cap == 10


@pytest.mark.parametrize(("side", "room"), [(64, False), (80, False), (96, True), (128, True)])
def test_pictures_that_are_too_small_for_a_label_are_known_before_they_are_made(side: int, room: bool) -> None:
    assert label_fits(side, side, spec()) == room
