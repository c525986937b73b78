"""Components where points are explained badly: what is added, and what fits find by it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import cells_of, choose, fit, mixture_of, random_mixture, sampled, table_of

from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.cells.tree import rank_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.fit import Hooks
from gmmcli.core.search.insertion import _boxes, inserted
from gmmcli.settings import HANDFUL, Choice, FitSettings

FLOOR = 1e-10
LEAST = 1.0
# Two broad clusters, and a rare one inside the first.
RARE = mixture_of(
    [0.499, 0.499, 0.002],
    [[0, 0], [4, 1], [0.5, 0.3]],
    [np.eye(2), np.diag([2.25, 0.49]), 1e-4 * np.eye(2)],
)
BROAD = mixture_of([0.5, 0.5], RARE.means[:2], RARE.covariances[:2])


def added(points: FloatArray, mixture: Mixture, most: int = 5) -> Mixture:
    """The mixture with what is added to it."""
    return inserted(cells_of(points), mixture, most, LEAST, HANDFUL, FLOOR)


def log_likelihood(points: FloatArray, mixture: Mixture) -> float:
    return float(mixture.log_densities(points).sum())


def test_a_rare_cluster_in_a_broad_one_gets_a_component() -> None:
    points = sampled(RARE, 30_000)
    larger = added(points, BROAD)
    assert larger.n_components == 3
    np.testing.assert_allclose(larger.means[2], RARE.means[2], atol=0.01)
    assert 0.3 < larger.weights[2] / RARE.weights[2] < 1.1
    np.testing.assert_array_equal(larger.means[:2], BROAD.means)
    np.testing.assert_allclose(larger.weights[:2], BROAD.weights * (1 - larger.weights[2]))
    gained = log_likelihood(points, larger) - log_likelihood(points, BROAD)
    possible = log_likelihood(points, RARE) - log_likelihood(points, BROAD)
    assert gained > 0.9 * possible


def test_each_rare_cluster_gets_one_component_and_the_greatest_comes_first() -> None:
    means = [*RARE.means, [4.5, 0.8]]
    two = mixture_of([0.496, 0.496, 0.002, 0.006], means, [*RARE.covariances, RARE.covariances[2]])
    points = sampled(two, 30_000)
    np.testing.assert_allclose(added(points, BROAD, 1).means[2:], two.means[3:], atol=0.02)
    np.testing.assert_allclose(added(points, BROAD).means[2:], two.means[[3, 2]], atol=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_added_where_the_points_are_explained(seed: int) -> None:
    true = random_mixture(4, seed)
    assert added(sampled(true, 5000), true) is true


def test_equal_points_get_no_component() -> None:
    several = np.concatenate([sampled(BROAD, 2000), np.tile([[1.0, 1.0]], (500, 1))])
    on_a_grid = np.round(sampled(BROAD, 5000))
    for points in (several, on_a_grid):
        distinct, counts = np.unique(points, axis=0, return_counts=True)
        larger = inserted(cells_of(distinct, counts), BROAD, 5, LEAST, HANDFUL, FLOOR)
        assert (np.linalg.eigvalsh(larger.covariances) > 1e-3).all()


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(None, id="-k 3"),
        pytest.param(Choice(), id="-k auto", marks=pytest.mark.slow),
    ],
)
def test_a_fit_finds_a_rare_cluster(work: Path, choice: Choice | None) -> None:
    points = sampled(RARE, 30_000)
    pd.DataFrame(points, columns=["x", "y"]).to_parquet(work / "rare.parquet")
    compressor = Compressor(compress(table_of(work / "rare.parquet")))
    cells, hooks = compressor.compression.cells, Hooks(compressor.finer)
    if choice is None:
        found = fit(cells, FitSettings(3), hooks=hooks)
    else:
        found = choose(cells, FitSettings(), choice, hooks=hooks)
    assert found.mixture.n_components == 3
    assert log_likelihood(points, found.mixture) > log_likelihood(points, RARE)
    assert np.linalg.norm(found.mixture.means - RARE.means[2], axis=1).min() < 0.01


def test_weights_of_rows_change_nothing_that_is_added() -> None:
    points = sampled(RARE, 30_000)
    plain = added(points, BROAD)
    weighted = inserted(
        cells_of(points, np.full(len(points), 1000.0)),
        BROAD,
        5,
        1000 * LEAST,
        1000 * HANDFUL,
        FLOOR,
    )
    np.testing.assert_allclose(weighted.means, plain.means)
    np.testing.assert_allclose(weighted.weights, plain.weights)


def test_a_heavy_candidate_does_not_bar_the_others() -> None:
    true = mixture_of(
        [0.95, 0.04, 0.01],
        [[0, 0], [0, 0], [4, 0]],
        [0.01 * np.eye(2), 16 * np.eye(2), 0.01 * np.eye(2)],
    )
    one = mixture_of([1.0], [[0, 0]], [np.eye(2)])
    assert added(sampled(true, 20_000), one).n_components > 1


@pytest.mark.parametrize("shift", [0.0, 1 / 3])
def test_boxes_are_cells_that_are_joined_two_by_two(shift: float) -> None:
    cells = cells_of(sampled(BROAD, 500))
    levels = list(_boxes(cells, np.arange(500.0), rank_cells(cells), shift))
    assert levels[0].number == 500
    assert sum(level.number for level in levels[1:]) == 499  # each has two halves
    everything = levels[-1]
    assert everything.number == 1
    assert everything.counts == [500]
    np.testing.assert_allclose(everything.means(), [cells.mean()], rtol=1e-12)
    np.testing.assert_allclose(everything.covariances(), [cells.covariance()], rtol=1e-12)
    assert everything.logs() == pytest.approx([249.5])
