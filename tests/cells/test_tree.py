"""Cells merged to fewer: no mass is lost, and few of them span two clusters."""

import numpy as np
import pytest
from builders import cells_of, gaussian, random_mixture, sampled

from gmmcli.core.cells.gaps import estimate_gap
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.mixture import Mixture


def test_coarse_cells_are_merged_by_weight_not_by_place() -> None:
    tight = gaussian(5000, (0, 0), 1e-6, 1)
    cells = cells_of(np.concatenate([tight, gaussian(5000, (0, 0), 1.0, 2)]))
    few = merge_cells(cells, 512)
    # Half of the points are tight, and so is about half of the cells.
    assert 150 < (np.abs(few.means).max(axis=1) < 1e-4).sum() < 350
    mixture = Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    assert estimate_gap(few, mixture) == pytest.approx(0, abs=1e-15)


def test_cells_of_very_unequal_weights_are_merged() -> None:
    generator = np.random.default_rng(0)
    weights = 10.0 ** generator.uniform(-14, 0, 3000)
    few = merge_cells(cells_of(generator.normal(size=(3000, 2)), weights.tolist()), 256)
    assert few.n_points == pytest.approx(weights.sum(), rel=1e-12)


def test_hardly_any_coarse_cells_span_two_clusters() -> None:
    centres = np.array([[0, 0], [10, 0], [20, 0], [0, 10], [10, 10]])
    generator = np.random.default_rng(0)
    points = np.concatenate([generator.normal(centre, 1, (997, 2)) for centre in centres])
    few = merge_cells(cells_of(points), 256)
    assert few.n_cells <= 256
    # A cell with points of two clusters has a deviation of up to half their distance.
    spanning = few.covariances.trace(axis1=1, axis2=2) > 2.5**2
    assert few.counts[spanning].sum() < 0.01 * len(points)


@pytest.mark.parametrize("on_a_line", [False, True])
def test_very_many_cells_are_merged_by_a_grid(
    on_a_line: bool,
) -> None:
    points = sampled(random_mixture(3, seed=1), 5000) * [1, not on_a_line]
    few = merge_cells(cells_of(points), 250, largest=1000)
    assert 60 <= few.n_cells <= 250
    assert few.n_points == pytest.approx(5000)
    np.testing.assert_allclose(few.mean(), points.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(few.covariance(), np.cov(points.T, ddof=0), rtol=1e-9)
