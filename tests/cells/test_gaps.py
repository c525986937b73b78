"""What the cells are estimated to hide, against what they do."""

from pathlib import Path

import numpy as np
import pytest
from builders import (
    N_ROWS,
    cells_of,
    fit,
    hooks_of,
    mixture_of,
    over_background,
    random_mixture,
    sampled,
    written,
)

from gmmcli.core.cells.cells import Cells, evaluate_cells
from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.cells.gaps import (
    estimate_gap,
    estimate_gap_rates,
    estimate_gaps,
    place_cubature_points,
)
from gmmcli.core.cells.refinement import compare_gap
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.settings import FitSettings


def test_the_estimated_gap_is_the_true_one(tmp_path: Path) -> None:
    points = sampled(ARTICLE, N_ROWS)
    compressor = Compressor(compress(written(tmp_path / "d.csv", points), most_cells=10_000))
    found = fit(compressor.compression.cells, FitSettings(2), hooks=hooks_of(compressor))
    true = found.mixture.log_densities(points).mean() - found.elbo / N_ROWS
    # The means of Σ over N_ROWS points differ by nothing but the gap.
    assert found.cost.gap == pytest.approx(true, rel=0.05)
    assert compare_gap(found.cells.n_points, estimate_gap(found.cells, found.mixture)) <= 1


@pytest.mark.parametrize("background", [None, 0.3])
def test_narrow_cells_cost_half_the_trace_of_their_covariance_with_the_rates(
    background: float | None,
) -> None:
    mixture = random_mixture(4, seed=2, spread=2)
    points = sampled(mixture, 50)
    if background is not None:
        mixture = over_background(mixture, background, points)
    covariances = 1e-8 * np.array([[2.0, 0.7], [0.7, 1.0]])
    cells = Cells(np.full(50, 1e6), points, np.tile(covariances, (50, 1, 1)))
    expected = 1e6 / 2 * np.einsum("nij,ij->n", estimate_gap_rates(points, mixture), covariances)
    np.testing.assert_allclose(estimate_gaps(cells, mixture), expected, rtol=1e-4, atol=1e-8)


def test_gaps_of_cells_that_reach_over_a_border_are_near_the_mark() -> None:
    true = mixture_of([0.5, 0.5], [[-3, 0], [3, 0]], [np.eye(2), np.eye(2)])
    points = sampled(true, 40_000)
    columns, rows = np.round(points / 0.8).astype(int).T  # cells as wide as the border
    cells = cells_of(points).merge(columns * 1000 + rows)
    joint = evaluate_cells(cells, true.weights, true.means, true.covariances)
    elbo = cells.counts @ np.logaddexp(*joint)
    gap = float(true.log_densities(points).sum() - elbo) / len(points)
    assert estimate_gap(cells, true) == pytest.approx(gap, rel=0.3)


def test_cubature_points_have_the_mean_and_covariance_of_their_cell() -> None:
    cells = cells_of(sampled(ARTICLE, 300)).merge(np.arange(300) // 10)
    line = Cells(np.ones(1), np.ones((1, 2)), np.array([[[0.0, 0.0], [0.0, 4.0]]]))
    cells = cells.join(line)
    points = place_cubature_points(cells)
    assert points.shape == (4, 31, 2)
    np.testing.assert_allclose(points.mean(axis=0), cells.means, rtol=1e-12)
    offsets = points - cells.means
    seconds = np.einsum("pci,pcj->cij", offsets, offsets) / 4
    np.testing.assert_allclose(seconds, cells.covariances, atol=1e-12)
