"""Cells: whatever is merged, chosen or joined, no moment of the points is lost."""

import numpy as np
import pytest
from builders import cells_of, over_background, random_mixture, sampled

from gmmcli.core.cells.cells import assign_cells, evaluate_cells, sum_groups
from gmmcli.core.mixture.sampling import ARTICLE

POINTS = sampled(ARTICLE, 600)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_merged_cells_have_the_moments_of_their_points(offset: float) -> None:
    groups = np.random.default_rng(0).integers(0, 20, len(POINTS))
    points = POINTS + offset
    cells = cells_of(points).merge(groups)
    rounding = 1e-12 * max(offset, 1)
    for group in range(20):
        own = points[groups == group]
        assert cells.counts[group] == len(own)
        np.testing.assert_allclose(cells.means[group], own.mean(axis=0), atol=rounding)
        expected = np.cov((own - offset).T, bias=True)
        np.testing.assert_allclose(cells.covariances[group], expected, atol=100 * rounding**0.5)
    # Cells merged once more have those of all.
    (all_of_them,) = cells.merge(np.zeros(20, dtype=np.intp)).covariances
    np.testing.assert_allclose(all_of_them, cells.covariance(), rtol=1e-9)
    np.testing.assert_allclose(cells.covariance(), np.cov(POINTS.T, bias=True), rtol=1e-6)


def test_cells_that_are_chosen_and_joined_again_are_the_same() -> None:
    cells = cells_of(POINTS).merge(np.arange(len(POINTS)) // 3)
    first = np.arange(cells.n_cells) < 50
    both = cells.select(first).join(cells.select(~first))
    for name in ("counts", "means", "covariances"):
        np.testing.assert_array_equal(getattr(both, name), getattr(cells, name))
    assert cells.have_spread.all()
    assert not cells_of(POINTS).have_spread.any()


def test_sums_are_over_groups() -> None:
    values = np.arange(8.0).reshape(4, 2)
    found = sum_groups(np.array([0, 2, 0, 2]), values, 4)
    np.testing.assert_array_equal(found, [[4, 6], [0, 0], [8, 10], [0, 0]])


def test_the_shares_of_cells_leave_those_of_the_background() -> None:
    mixture = over_background(random_mixture(3, seed=2), 0.2, POINTS)
    shares = assign_cells(cells_of(POINTS), mixture)
    np.testing.assert_allclose(shares, mixture.responsibilities(POINTS).T, rtol=1e-9, atol=1e-14)
    wide = cells_of(POINTS).merge(np.arange(len(POINTS)) // 30)  # a background has them all alike
    assert mixture.background is not None
    joint = evaluate_cells(wide, mixture.weights, mixture.means, mixture.covariances)
    total = np.exp(joint).sum(axis=0) + 0.2 * np.exp(mixture.background.log_density)
    np.testing.assert_allclose(assign_cells(wide, mixture), np.exp(joint) / total, rtol=1e-9)
