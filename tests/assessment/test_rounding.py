"""Rounded values and mixtures spread as much, against Sheppard's corrections."""

import numpy as np
import pytest
from builders import cells_of, gaussian, mixture_of

from gmmcli.core.assessment.rounding import compare_steps, narrow, spread_grains
from gmmcli.core.cells.grain import Grain

STEPS = Grain(np.array([0.5, 1.0]), 1.0)
MIXTURE = mixture_of([0.5, 0.5], [[0, 0], [9, 9]], [np.diag([4.0, 9.0]), np.diag([0.04, 9.0])])


def test_steps_are_compared_with_the_narrowest_axis() -> None:
    np.testing.assert_allclose(compare_steps(MIXTURE, STEPS.steps), [1 / 3, 2.5])
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)
    turned = mixture_of([1.0], [[0, 0]], [turn @ np.diag([0.01, 4.0]) @ turn.T])
    np.testing.assert_allclose(compare_steps(turned, np.array([0.3, 0.3])), [3.0])


def test_spread_points_keep_counts_and_mean_and_gain_the_variance_that_rounding_hides() -> None:
    single = cells_of(np.round(gaussian(50, (0, 0), 2, 0)), np.arange(1, 51))
    pairs = cells_of(gaussian(60, (0, 0), 2, 1)).merge(np.repeat(np.arange(30), 2))
    cells = single.join(pairs)
    points, origins, seen = spread_grains(cells, MIXTURE, STEPS, np.array([1 / 3, 2.5]))
    assert not points.have_spread.any()
    np.testing.assert_allclose(np.bincount(origins, points.counts), cells.counts)
    np.testing.assert_allclose(points.mean(), cells.mean(), atol=1e-12)
    gained = points.covariance() - cells.covariance()
    # Of six places on either axis the variance is less than that of all by 1 in 36.
    np.testing.assert_allclose(gained, STEPS.covariance, rtol=1 / 30, atol=1e-12)
    np.testing.assert_allclose(seen.covariances, MIXTURE.covariances + STEPS.covariance)


def test_values_as_good_as_continuous_stay_where_they_are() -> None:
    cells = cells_of(gaussian(50, (0, 0), 2, 0))
    fine = Grain(np.full(2, 1e-12), 1.0)
    points, origins, seen = spread_grains(cells, MIXTURE, fine, compare_steps(MIXTURE, fine.steps))
    assert points is cells
    assert seen is MIXTURE
    np.testing.assert_array_equal(origins, np.arange(50))


def test_a_narrower_mixture_is_that_of_values_before_rounding() -> None:
    rounded = np.round(gaussian(400_000, (0, 0), 1, 0))
    seen = mixture_of([1.0], [[0, 0]], [np.cov(rounded.T)])
    grain = Grain(np.ones(2), 1.0)
    found = narrow(seen, grain, compare_steps(seen, grain.steps)).covariances[0]
    # The standard error of a variance is the root of 2/400,000.
    np.testing.assert_allclose(found, np.eye(2), atol=4 * np.sqrt(2 / 400_000))
    thin = mixture_of([1.0], [[0, 0]], [np.eye(2) / 11])
    kept = narrow(thin, grain, compare_steps(thin, grain.steps)).covariances
    np.testing.assert_array_equal(kept, thin.covariances)


def test_there_are_no_more_places_than_are_asked_for() -> None:
    cells = cells_of(np.round(gaussian(300, (0, 0), 20, 0)))
    few, _, _ = spread_grains(cells, MIXTURE, STEPS, np.array([1.0, 1.0]), most=3000)
    assert few.n_cells == pytest.approx(300 * 16)
