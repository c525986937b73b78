"""Weights drawn anew: their moments, their sums, and the points that they are drawn for."""

import numpy as np
import pytest
from builders import cells_of, random_mixture, sampled

from gmmcli.core.assessment.resamples import Resampling, WeightedPoints, draw_weights
from gmmcli.core.mixture.covariances import FloatArray

COUNTS = np.array([1.0, 2.0, 5.0, 40.0, 952.0])


def draw(counts: FloatArray, squares: FloatArray | None = None, n: int = 4000) -> FloatArray:
    """Weights, shape (R, C)."""
    return np.stack(list(draw_weights(counts, Resampling(n, squares=squares))))


@pytest.mark.parametrize("per_row", [1.0, 2.5])
def test_weights_have_the_moments_of_sums_of_exponentials(per_row: float) -> None:
    """Of shares p of N rows that weigh w: the mean N p w, and the variance w² N p (1 - p).

    As the sum is held, it is that of Dirichlet weights, but for N / (N + 1).
    """
    n_rows = COUNTS.sum()
    weights = draw(COUNTS * per_row, COUNTS * per_row**2)
    variances = per_row**2 * COUNTS * (1 - COUNTS / n_rows) * n_rows / (n_rows + 1)
    # Five standard errors of a mean of 4,000, and of a variance, whose kurtosis is 9 at most.
    far = 5 * np.sqrt(variances / len(weights))
    np.testing.assert_array_less(np.abs(weights.mean(axis=0) - per_row * COUNTS), far)
    ratios = weights.var(axis=0) / variances
    np.testing.assert_array_less(np.abs(ratios - 1), 5 * np.sqrt(8 / len(weights)))


def test_weights_sum_to_the_number_of_points() -> None:
    np.testing.assert_allclose(draw(COUNTS, n=20).sum(axis=1), COUNTS.sum(), rtol=1e-12)


def test_rows_of_unequal_weights_vary_with_their_squares() -> None:
    """A cell of one heavy row varies as one exponential, not as so many rows."""
    counts = np.array([50.0, 50.0, 9900.0])
    weights = draw(counts, np.array([50.0, 50.0**2, 9900.0]))
    # The standard error of the ratio of an exponential's deviation to its mean is under 0.03.
    assert weights[:, 1].std() == pytest.approx(50, rel=0.15)
    assert weights[:, 0].std() == pytest.approx(np.sqrt(50), rel=0.15)


def test_a_seed_gives_the_same_weights_and_more_of_them_begin_alike() -> None:
    few, many = draw(COUNTS, n=3), draw(COUNTS, n=5)
    np.testing.assert_array_equal(few, many[:3])
    assert len(np.unique(many[:, 0])) == 5
    other = next(draw_weights(COUNTS, Resampling(1, seed=1)))
    assert (other != few[0]).all()


def test_points_keep_the_numbers_means_and_covariance_of_cells() -> None:
    rows = cells_of(sampled(random_mixture(3, 0), 5000))
    random = np.random.default_rng(0)
    squares = random.uniform(1, 3, 5000)
    points = WeightedPoints.of(rows, Resampling(1, squares=squares), most=200)
    assert points.are_merged
    assert points.cells.n_cells <= 4 * 200
    assert not points.cells.have_spread.any()
    assert points.squares.sum() == pytest.approx(squares.sum(), rel=1e-12)
    np.testing.assert_allclose(points.cells.n_points, 5000, rtol=1e-12)
    np.testing.assert_allclose(points.cells.mean(), rows.mean(), rtol=1e-9)
    np.testing.assert_allclose(points.cells.covariance(), rows.covariance(), rtol=1e-9)


def test_few_points_stay_as_they_are() -> None:
    rows = cells_of(sampled(random_mixture(3, 0), 50))
    points = WeightedPoints.of(rows, Resampling(1), most=50)
    assert not points.are_merged
    np.testing.assert_array_equal(points.cells.means, rows.means)
    np.testing.assert_array_equal(points.squares, rows.counts)
