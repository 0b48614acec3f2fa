"""Error rates and bounds against values that can be worked out by hand."""

import numpy as np
import pytest

from personactl.pocket import measure


def test_no_false_accept_in_n_is_bounded_by_about_three_over_n():
    assert measure.upper_bound(0, 1000) == pytest.approx(0.002991, abs=1e-5)
    assert measure.upper_bound(5, 5) == 1.0


def test_interval_of_a_certain_proportion_stays_inside_zero_and_one():
    assert measure.binomial_interval(0, 10)[0] == 0.0
    assert measure.binomial_interval(10, 10) == (pytest.approx(0.691503, abs=1e-5), 1.0)


def test_auc_counts_ties_half():
    assert measure.auc(np.array([2.0]), np.array([1.0, 3.0])) == 0.5
    assert measure.auc(np.array([1.0]), np.array([1.0])) == 0.5
    assert measure.auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0


def test_equal_error_rate_of_overlapping_scores():
    genuine, impostor = np.array([0.4, 0.6, 0.7, 0.8]), np.array([0.1, 0.2, 0.3, 0.5])
    assert measure.equal_error_rate(genuine, impostor)[0] == pytest.approx(0.25, abs=0.01)


def test_threshold_keeps_the_false_accept_rate_and_rounds_up():
    impostor = np.linspace(0, 0.5, 1001)
    limit = measure.threshold_at(np.array([0.2, 0.6]), impostor, 0.01)
    assert limit.false_accept_rate <= 0.01 < limit.false_accept_upper
    assert limit.value == round(limit.value, 3)
    assert (limit.true_accepts, limit.genuines) == (1, 2)


def test_pairs_are_split_by_owner():
    vectors = np.eye(3)[[0, 0, 1]]
    same, different = measure.pair_scores(vectors, np.array([0, 0, 1]))
    assert same.tolist() == [1.0] and different.tolist() == [0.0, 0.0]


def test_template_is_a_unit_vector():
    assert np.linalg.norm(measure.template(np.eye(4)[:2])) == pytest.approx(1)
