"""The rules of the gate, one by one, without networks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from personactl.identity.face import ARCFACE_POINTS, Face, similarity_to_crop
from personactl.identity.gate import Limits, decimal_text, judge, look
from personactl.model import Gate

LIMITS = Limits(min_face_px=24, min_detector_score=0.5, impostor_bound=Decimal("0.268"))


def face(*, width: float = 60.0, score: float = 0.9, nose: float = 0.0) -> Face:
    """Eyes 20 pixels apart; `nose` in eye distances off their middle."""
    points = np.array([[40, 40], [60, 40], [50 + 20 * nose, 52], [43, 62], [57, 62]], np.float64)
    return Face(box=(20, 20, 20 + width, 20 + width), score=score, landmarks=points)


def verdict(faces: list[Face], score: str, gate: Gate, *, copied: bool = False, limits: Limits = LIMITS) -> str:
    return judge(look(faces, limits), score, copied=copied, gate=gate, limits=limits)


@pytest.mark.parametrize(
    ("faces", "score", "expected"),
    [
        ([], "", "no-face"),
        ([face(score=0.49)], "", "not-scorable"),
        ([face(), face(score=0.5)], "0.9", "extra-face"),
        ([face(), face(score=0.49)], "0.9", "pass"),
        ([face(width=23)], "", "not-scorable"),
        ([face(width=24)], "0.9", "pass"),
        ([face(nose=0.51)], "", "not-scorable"),
        ([face(nose=-0.51)], "", "not-scorable"),
        ([face(nose=0.5)], "0.9", "pass"),
        ([face()], "0.4650", "pass"),
        ([face()], "0.4649", "drift"),
        ([face()], "0.2681", "drift"),
        ([face()], "0.2680", "wrong-person"),
        ([face()], "-0.3000", "wrong-person"),
    ],
)
def test_rules(faces: list[Face], score: str, expected: str, gate: Callable[[str], Gate]) -> None:
    assert verdict(faces, score, gate("0.465")) == expected


def test_paste_of_a_reference_is_a_copy_however_high_it_scores(gate: Callable[[str], Gate]) -> None:
    assert verdict([face()], "0.9999", gate("0.465"), copied=True) == "copy"
    assert verdict([face(), face()], "0.9999", gate("0.465"), copied=True) == "extra-face"


def test_without_impostor_statistics_nobody_is_called_another_person(gate: Callable[[str], Gate]) -> None:
    limits = Limits(min_face_px=24, min_detector_score=0.5, impostor_bound=None)
    assert verdict([face()], "-0.3000", gate("0.465"), limits=limits) == "drift"


def test_the_largest_certain_face_is_the_one_that_counts() -> None:
    seen = look([face(width=30, score=0.99), face(width=60, score=0.6), face(width=90, score=0.3)], LIMITS)
    assert seen.face is not None
    assert (seen.face.width, seen.found, seen.certain) == (60, 2, 2)


def test_weak_faces_are_counted_only_when_there_is_no_other() -> None:
    seen = look([face(score=0.3), face(score=0.4)], LIMITS)
    assert (seen.found, seen.certain, seen.scorable) == (2, 0, False)


def test_eyes_that_fall_together_are_a_profile() -> None:
    points = np.array([[40, 40], [40.3, 40], [55, 52], [43, 62], [44, 62]], np.float64)
    assert Face(box=(0, 0, 50, 50), score=1, landmarks=points).turn == float("inf")


@pytest.mark.parametrize(
    ("value", "text"), [(0.46499, "0.4650"), (-0.00001, "0.0000"), (1.0, "1.0000"), (-0.5, "-0.5000")]
)
def test_scores_are_four_digits(value: float, text: str) -> None:
    assert decimal_text(value) == text


def test_alignment_undoes_any_rotation_scale_and_shift() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        angle, scale = rng.uniform(-3, 3), rng.uniform(0.2, 5)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = ARCFACE_POINTS @ turn.T + rng.uniform(-500, 500, 2)
        matrix = similarity_to_crop(moved)
        assert np.allclose(moved @ matrix[:, :2].T + matrix[:, 2], ARCFACE_POINTS, atol=1e-6)


def test_alignment_is_the_best_similarity_for_points_that_do_not_fit() -> None:
    rng = np.random.default_rng(1)
    points = ARCFACE_POINTS * 0.6 + rng.normal(0, 3, (5, 2)) + 20
    matrix = similarity_to_crop(points)

    def error(candidate: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(((points @ candidate[:, :2].T + candidate[:, 2] - ARCFACE_POINTS) ** 2).sum())

    best = error(matrix)
    for _ in range(200):
        cosine, sine = matrix[0, 0] + rng.normal(0, 0.02), matrix[1, 0] + rng.normal(0, 0.02)
        other = np.column_stack([[[cosine, -sine], [sine, cosine]], matrix[:, 2] + rng.normal(0, 0.5, 2)])
        assert error(other) >= best


def test_alignment_survives_points_in_one_place() -> None:
    assert np.isfinite(similarity_to_crop(np.full((5, 2), 7.0))).all()
