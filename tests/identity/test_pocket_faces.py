"""The shipped pack's networks on drawn people that no training saw: own face, other faces, no face, too little face."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from personactl.errors import WeightsError
from personactl.identity import Scorer, Template, findings, lock_scorer, open_conditioner, open_scorer
from personactl.model import Candidate, Gate, IdentityRecord, ScorerLock
from personactl.weights import pocket_folder

pytestmark = pytest.mark.pack
Picture = np.ndarray[Any, Any]
# Training draws people from low seeds; these are beyond every set.
FIRST_PERSON, PEOPLE = 7_700_000, 8


@pytest.fixture(scope="module")
def lock() -> ScorerLock:
    try:
        pocket_folder()
    except WeightsError as error:
        pytest.skip(f"the pocket pack is not in this checkout: {error}")
    return lock_scorer("pocket", project=Path("/"))


@pytest.fixture(scope="module")
def scorer(lock: ScorerLock) -> Scorer:
    return open_scorer("pocket", Path("/"), expected=lock)


def draw_person(person: int, scene: int, **given: str) -> Picture:
    from personactl.pocket.drawing.renderer import draw
    from personactl.pocket.identity import sample_identity
    from personactl.pocket.scene import sample_scene

    drawn = draw(sample_identity(FIRST_PERSON + person), sample_scene(9_000_000 + 100 * person + scene, **given))
    return np.asarray(drawn.rgb)


@pytest.fixture(scope="module")
def templates(scorer: Scorer) -> list[Template]:
    views = ("frontal view", "three-quarter view left", "three-quarter view right")
    return [
        scorer.template([draw_person(person, scene, view=view) for scene, view in enumerate(views)])
        for person in range(PEOPLE)
    ]


@pytest.fixture
def record(
    scorer: Scorer,
    lock: ScorerLock,
    templates: list[Template],
    gate: Callable[[str], Gate],
    candidate: Callable[[Picture], Candidate],
) -> Callable[..., IdentityRecord]:
    def made(picture: Picture, person: int) -> IdentityRecord:
        return scorer.score(candidate(picture), templates[person], gate(lock.threshold)).identity

    return made


def test_pack_is_calibrated_free_and_judged_by_another_network(lock: ScorerLock) -> None:
    assert (lock.license, lock.commercial) == ("Apache-2.0", True)
    assert findings(lock) == ()
    assert Decimal(0) < Decimal(lock.threshold) < Decimal(1)
    assert Decimal(0) <= Decimal(lock.far) <= Decimal(lock.far_upper95) < Decimal("0.05")


def test_people_score_highest_against_their_own_template(record: Callable[..., IdentityRecord]) -> None:
    first, own, others = 0, [], []
    for person in range(PEOPLE):
        for scene in (10, 11, 12):
            picture = draw_person(person, scene)
            scores = [float(record(picture, other).score) for other in range(PEOPLE)]
            first += int(np.argmax(scores)) == person
            own.append(scores.pop(person))
            others += scores
    assert first == 3 * PEOPLE
    assert float(np.mean(own)) > float(np.mean(others)) + 0.4


def test_own_face_passes_and_other_faces_do_not(record: Callable[..., IdentityRecord]) -> None:
    pictures = {(person, scene): draw_person(person, scene) for person in range(PEOPLE) for scene in (20, 21)}
    own = [record(picture, person).verdict for (person, _), picture in pictures.items()]
    others = [record(picture, (person + 1) % PEOPLE).verdict for (person, _), picture in pictures.items()]
    assert own.count("pass") >= len(own) - 1
    assert "pass" not in others
    assert set(others) <= {"drift", "wrong-person"}


def test_references_handed_back_are_copies(record: Callable[..., IdentityRecord]) -> None:
    verdicts = []
    for person in range(PEOPLE):
        reference = draw_person(person, 0, view="frontal view")
        buffer = io.BytesIO()
        Image.fromarray(reference).save(buffer, "JPEG", quality=90)
        verdicts += [record(reference, person).verdict, record(np.asarray(Image.open(buffer)), person).verdict]
    assert verdicts.count("copy") >= len(verdicts) - 2


def test_what_cannot_be_judged_gets_no_score(record: Callable[..., IdentityRecord]) -> None:
    from personactl.pocket.drawing.renderer import backdrop_only
    from personactl.pocket.scene import sample_scene

    empty = record(np.asarray(backdrop_only(sample_scene(9_100_000))), 0)
    assert (empty.verdict, empty.score) == ("no-face", "")
    far = np.full((128, 128, 3), 190, np.uint8)
    far[50:74, 50:74] = np.asarray(Image.fromarray(draw_person(0, 30)).resize((24, 24)))
    tiny = record(far, 0)
    assert tiny.verdict in ("no-face", "not-scorable")
    assert tiny.score == ""


def test_two_people_in_one_picture_are_one_too_many(record: Callable[..., IdentityRecord]) -> None:
    sides = [draw_person(person, 40, framing="close-up", view="frontal view") for person in (0, 1)]
    both = np.asarray(Image.fromarray(np.concatenate(sides, axis=1)).resize((256, 128)))
    stacked = np.concatenate([both, both[::-1] // 4], axis=0)
    assert record(np.ascontiguousarray(stacked), 0).verdict == "extra-face"


def test_conditioner_tells_people_apart_by_itself(lock: ScorerLock) -> None:
    embedder = open_conditioner("pocket", Path("/"), expected=lock)
    rows = [embedder.embed(draw_person(person, scene)) for person in range(4) for scene in (50, 51)]
    assert all(row is not None for row in rows)
    cosines = np.stack([row for row in rows if row is not None])
    cosines = cosines @ cosines.T
    same = [float(cosines[2 * person, 2 * person + 1]) for person in range(4)]
    different = [float(cosines[2 * one, 2 * two]) for one in range(4) for two in range(one)]
    assert min(same) > max(different)
