"""Bins, and the mixture in them, against SciPy and counts of points."""

import numpy as np
import pytest
from builders import cells_of, over_background, random_mixture, sampled
from scipy import stats

from gmmcli.core.assessment.bins import _Pieces, cut_bins, fill_bins, find_normal_shares, weigh_bins
from gmmcli.core.cells.cells import Cells


@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.95, 0.99999])
def test_shares_of_normal_pairs_are_those_of_scipy(correlation: float) -> None:
    places = np.random.default_rng(0).normal(size=(20, 2))
    places[:4] = np.array([[0, 0], [0, 1.3], [-0.4, 0], [50, 0.3]])
    pair = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    np.testing.assert_allclose(find_normal_shares(places, correlation), pair.cdf(places), atol=1e-7)
    ends = np.array([[np.inf, np.inf], [-np.inf, np.inf], [-np.inf, -np.inf], [np.inf, 0]])
    np.testing.assert_allclose(find_normal_shares(ends, correlation), [1, 0, 0, 0.5], atol=1e-15)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_mixture_in_bins_is_what_points_have_there(share: float) -> None:
    mixture = random_mixture(3, seed=2)
    points = sampled(mixture, 1000)
    if share:
        mixture = over_background(mixture, share, points)
    bins = cut_bins(cells_of(points), 4)
    shares = weigh_bins(bins, mixture)
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    drawn = sampled(mixture, 200_000, seed=1)
    is_in = (drawn[:, None] >= bins.lows) & (drawn[:, None] < bins.highs)
    found = is_in.all(axis=2).mean(axis=0)
    assert found.sum() == 1  # every point is in one bin
    error = np.sqrt(shares * (1 - shares) / len(drawn))
    assert (np.abs(found - shares) < 4 * error).all()


def test_bins_hold_as_many_points_each() -> None:
    points = sampled(random_mixture(3, seed=2), 1001)
    bins = cut_bins(cells_of(points), 5)
    assert len(bins.counts) == 32
    assert bins.counts.sum() == 1001
    assert bins.counts.max() - bins.counts.min() <= 1
    is_in = (points[:, None] >= bins.lows) & (points[:, None] < bins.highs)
    np.testing.assert_array_equal(is_in.all(axis=2).sum(axis=0), bins.counts)


def test_bins_are_cut_by_what_points_count() -> None:
    points = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]])
    bins = cut_bins(cells_of(points, [1, 1, 1, 5]), 1)
    assert bins.counts.tolist() == [3, 5]
    assert bins.highs[0].tolist() == [2.5, np.inf]


def test_points_at_one_place_are_not_parted_and_no_value_is_on_an_edge() -> None:
    points = np.round(sampled(random_mixture(2, seed=1), 500))
    bins = cut_bins(cells_of(points), 12)
    places = np.unique(points, axis=0)
    assert len(bins.counts) == len(places)
    inner = np.concatenate([bins.lows, bins.highs])
    inner = inner[np.isfinite(inner)]
    assert not np.isin(inner, points).any()
    assert cut_bins(cells_of(np.zeros((9, 2))), 3).counts.tolist() == [9]


def test_bins_with_few_cells_are_not_cut() -> None:
    points = np.random.default_rng(0).normal(size=(100, 2))
    bins = cut_bins(cells_of(points), 9, fewest=20)
    assert bins.counts.sum() == 100
    assert 10 <= bins.counts.min() <= bins.counts.max() < 20


def test_a_cell_that_is_cut_counts_on_either_side_as_an_even_one() -> None:
    # Two boxes, one above the other, whose points lie evenly; each is cut in two, and in four.
    even = np.diag([4.0, 1.0]) / 12
    cells = Cells(np.array([100.0, 100.0]), np.array([[0.0, 0], [1.0, 0.25]]), np.array([even] * 2))
    bins = cut_bins(cells, 1)
    assert bins.highs[0].tolist() == [0.5, np.inf]
    assert bins.counts == pytest.approx([75 + 25, 25 + 75])
    finer = cut_bins(cells, 2)
    assert finer.counts.sum() == pytest.approx(200)
    random = np.random.default_rng(0)
    points = np.concatenate(
        [random.uniform(-0.5, 0.5, (100_000, 2)) * [2, 1] + m for m in cells.means]
    )
    is_in = ((points[:, None] >= finer.lows) & (points[:, None] < finer.highs)).all(axis=2)
    shares = finer.counts / 200
    error = np.sqrt(shares * (1 - shares) / len(points))
    assert (np.abs(is_in.mean(axis=0) - shares) < 4 * error).all()


def test_cuts_of_cells_keep_mean_and_covariance() -> None:
    random = np.random.default_rng(0)
    factors = random.normal(size=(9, 2, 2))
    cells = Cells(np.arange(1.0, 10), random.normal(size=(9, 2)), factors @ factors.swapaxes(1, 2))
    whole = _Pieces(np.ones(9), cells.counts, cells.means, cells.covariances)
    for axis in (0, 1):
        parts = whole.cut(axis, 0.1, 0.1)
        both = [Cells(part.counts, part.means, part.covariances) for part in parts]
        assert (both[0].means[:, axis] < 0.1).all()
        assert (both[1].means[:, axis] > 0.1).all()
        joined = both[0].join(both[1])
        assert joined.n_points == pytest.approx(45)
        np.testing.assert_allclose(joined.mean(), cells.mean(), atol=1e-12)
        np.testing.assert_allclose(joined.covariance(), cells.covariance(), atol=1e-12)


def test_a_histogram_has_all_points_and_those_of_cells_as_gaussians() -> None:
    random = np.random.default_rng(0)
    spreads = random.choice([0.0, 0.01, 0.7, 4.0], 300)
    covariances = spreads[:, None, None] ** 2 * np.array([[1, 0.3], [0.3, 0.5]])
    counts = random.integers(1, 9, 300).astype(float)
    cells = Cells(counts, 1e6 + random.normal(0, 3, (300, 2)), covariances)
    edges = 1e6 + np.linspace(-40, 40, 161)
    for axis in (0, 1):
        filled = fill_bins(edges, cells, axis)
        assert filled.sum() == pytest.approx(cells.n_points)
        own = np.sqrt(covariances[:, axis, axis]) + 1e-9
        below = stats.norm.cdf(edges[:, None], cells.means[:, axis], own) @ counts
        np.testing.assert_allclose(filled, np.diff(below), atol=1e-5)
    outer = fill_bins(edges[:81], cells, 0).sum() + fill_bins(edges[80:], cells, 0).sum()
    assert outer == pytest.approx(cells.n_points)
