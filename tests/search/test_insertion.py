"""Components where points are explained badly: what is inserted, and what fits find by it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import (
    cells_of,
    choose,
    fit,
    hooks_of,
    mixture_of,
    random_mixture,
    sampled,
    table_of,
)

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.cells.grain import Grain
from gmmcli.core.cells.tree import merge_cells, rank_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians, take_moments
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.constants import MOST_TRIED
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.insertion import _boxes, evaluate_logs, insert
from gmmcli.core.search.objective import Objective
from gmmcli.settings import Choice, FitSettings

# Two broad clusters, and a rare one inside the first.
RARE = mixture_of(
    [0.499, 0.499, 0.002],
    [[0, 0], [4, 1], [0.5, 0.3]],
    [np.eye(2), np.diag([2.25, 0.49]), 1e-4 * np.eye(2)],
)
BROAD = mixture_of([0.5, 0.5], RARE.means[:2], RARE.covariances[:2])
# What rounding hides of a point, at the least.
LEAST = 1e-8 * np.eye(2)


def blurred(points: FloatArray, counts: FloatArray | None = None) -> Cells:
    """One cell for each point, none of them without an extent."""
    cells = cells_of(points, counts)
    return Cells(cells.counts, cells.means, cells.covariances + LEAST)


def enlarge(
    points: FloatArray, mixture: Mixture, *, cost: float = 0.0, most: int = MOST_TRIED
) -> Gaussians:
    """The mixture with what is inserted."""
    objective = Objective.of("bic", "full", float(len(points)))
    gaussians = Gaussians.of(mixture)
    return insert(blurred(points), gaussians, 0.0, objective, cost=cost, most=most)


def log_likelihood(points: FloatArray, mixture: Mixture) -> float:
    return float(mixture.log_densities(points).sum())


def test_a_rare_cluster_in_a_broad_one_gets_a_component() -> None:
    points = sampled(RARE, 30_000)
    larger = enlarge(points, BROAD)
    assert larger.number == 3
    np.testing.assert_allclose(larger.means[2], RARE.means[2], atol=0.01)
    assert 0.3 < larger.weights[2] / RARE.weights[2] < 1.1
    np.testing.assert_array_equal(larger.means[:2], BROAD.means)
    np.testing.assert_allclose(larger.weights[:2], BROAD.weights * (1 - larger.weights[2]))
    gained = log_likelihood(points, larger.to_mixture()) - log_likelihood(points, BROAD)
    possible = log_likelihood(points, RARE) - log_likelihood(points, BROAD)
    assert gained > 0.9 * possible


def test_each_rare_cluster_gets_one_component_and_the_greatest_comes_first() -> None:
    means = [*RARE.means, [4.5, 0.8]]
    two = mixture_of([0.496, 0.496, 0.002, 0.006], means, [*RARE.covariances, RARE.covariances[2]])
    points = sampled(two, 30_000)
    np.testing.assert_allclose(enlarge(points, BROAD, most=1).means[2:], two.means[3:], atol=0.02)
    np.testing.assert_allclose(enlarge(points, BROAD).means[2:], two.means[[3, 2]], atol=0.02)


def test_a_component_brings_more_than_it_costs_besides() -> None:
    points = sampled(RARE, 30_000)
    possible = log_likelihood(points, RARE) - log_likelihood(points, BROAD)
    price = Objective.of("bic", "full", 30_000.0).of_component
    assert enlarge(points, BROAD, cost=0.8 * possible - price).number == 3
    assert enlarge(points, BROAD, cost=1.2 * possible - price).number == 2


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_inserted_where_the_points_are_explained(seed: int) -> None:
    true = random_mixture(4, seed)
    found = enlarge(sampled(true, 5000), true)
    np.testing.assert_array_equal(found.weights, true.weights)


def test_equal_points_of_a_coarse_grid_get_no_component() -> None:
    step = 0.5
    rounded = np.round(sampled(BROAD, 5000) / step) * step
    distinct, counts = np.unique(rounded, axis=0, return_counts=True)
    spread = np.tile(step**2 / 12 * np.eye(2), (len(distinct), 1, 1))
    cells = Cells(counts.astype(float), distinct, spread)
    objective = Objective.of("bic", "full", 5000.0)
    assert insert(cells, Gaussians.of(BROAD), 0.0, objective).number == 2


def test_a_component_before_a_background_takes_weight_from_both() -> None:
    points = sampled(RARE, 20_000)
    gaussians = Gaussians.of(BROAD).scale(0.9)._replace(background=0.1)
    objective = Objective.of("bic", "full", 20_000.0)
    found = insert(blurred(points), gaussians, -6.0, objective)
    assert found.number == 3
    assert found.background == pytest.approx(0.1 * (1 - found.weights[2]))
    assert found.weights.sum() + found.background == pytest.approx(1)


def test_a_cluster_of_strays_is_inserted_where_a_background_explains_it_badly() -> None:
    points = sampled(RARE, 30_000)
    rare = Gaussians.of(BROAD).scale(0.9)._replace(background=0.1)
    objective = Objective.of("bic", "full", 30_000.0)
    # A background as dense as the rare cluster leaves nothing to be explained.
    dense = float(np.log(RARE.weights[2] / (2 * np.pi * 1e-4) / 0.1)) + 3
    assert insert(blurred(points), rare, -6.0, objective).number == 3
    assert insert(blurred(points), rare, dense, objective).number == 2


@pytest.mark.parametrize("at_once", [100, 1_000_000])
def test_logs_are_the_log_densities_of_the_points_of_cells(at_once: int) -> None:
    cells = merge_cells(cells_of(sampled(BROAD, 500)), 60)
    gaussians = Gaussians.of(BROAD).scale(0.9)._replace(background=0.1)
    found = evaluate_logs(cells, gaussians, -4.0, at_once)
    joint = evaluate_logs(cells, Gaussians.of(BROAD), 0.0) + np.log(0.9)
    np.testing.assert_allclose(found, np.logaddexp(joint, np.log(0.1) - 4), rtol=1e-12)


def test_a_heavy_candidate_does_not_bar_the_others() -> None:
    true = mixture_of(
        [0.95, 0.04, 0.01],
        [[0, 0], [0, 0], [4, 0]],
        [0.01 * np.eye(2), 16 * np.eye(2), 0.01 * np.eye(2)],
    )
    one = mixture_of([1.0], [[0, 0]], [np.eye(2)])
    assert enlarge(sampled(true, 20_000), one).number > 1


@pytest.mark.parametrize("shift", [0.0, 1 / 3])
def test_boxes_are_cells_that_are_joined_two_by_two(shift: float) -> None:
    cells = cells_of(sampled(BROAD, 500))
    levels = list(_boxes(cells, np.arange(500.0), rank_cells(cells), shift))
    assert levels[0].shape == (7, 500)
    assert sum(level.shape[1] for level in levels[1:]) == 499  # each has two halves
    everything = levels[-1]
    assert everything.shape == (7, 1)
    moments = take_moments(everything[:6].T)
    np.testing.assert_allclose(moments.weights, [500])
    np.testing.assert_allclose(moments.means, [cells.mean()], rtol=1e-12)
    np.testing.assert_allclose(moments.covariances, [cells.covariance()], rtol=1e-10)
    assert everything[6] / 500 == pytest.approx([249.5])


def in_a_grid(n_points: float, n_rare: float, sd: float) -> Cells:
    """Cells of a standard Gaussian, a tenth wide, and a tight group of a few more points."""
    edges = np.arange(-50, 51) / 10
    middles = (edges[1:] + edges[:-1]) / 2
    along = np.exp(-(middles**2) / 2)
    counts = np.outer(along, along).ravel()
    places = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
    counts *= (n_points - n_rare) / counts.sum()
    kept = counts > 1
    spread = np.tile(0.1**2 / 12 * np.eye(2), (len(counts), 1, 1))
    group = [1.0, 0.5] + sd * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    tight = Cells(np.full(4, n_rare / 4), group, np.tile(sd**2 / 2 * np.eye(2), (4, 1, 1)))
    return Cells(counts[kept], places[kept], spread[kept]).join(tight)


TEN_MILLION, FEW = 1e7, 60.0


def gain_of_group(cells: Cells, deviation: float) -> float:
    """What a component of its own for the last four cells brings to the ELBO, in nats."""
    one, share = Gaussians.of(mixture_of([1.0], [[0, 0]], [np.eye(2)])), FEW / TEN_MILLION
    own = Gaussians(np.array([share]), np.array([[1.0, 0.5]]), deviation**2 * np.eye(2)[None])
    logs = evaluate_logs(cells, one.scale(1 - share).join(own), 0.0)
    return float(cells.counts @ (logs - evaluate_logs(cells, one, 0.0)))


# What is asked of a component among ten million rows is 3 ln N, or 48 nats.
@pytest.mark.parametrize(("deviation", "gain", "number"), [(0.0008, 60, 2), (0.0011, 34, 1)])
def test_a_cluster_worth_sixty_nats_in_ten_million_rows_is_found(
    deviation: float, gain: float, number: int
) -> None:
    cells = in_a_grid(TEN_MILLION, FEW, deviation)
    assert gain_of_group(cells, deviation) == pytest.approx(gain, abs=6)
    continuous = Hooks(grain=Grain(np.zeros(2), 1.0))  # the grid is of cells, and not of points
    found = choose(cells, FitSettings(), Choice(), hooks=continuous).mixture
    assert found.n_components == number
    if number == 2:
        rare = int(np.argmin(found.weights))
        np.testing.assert_allclose(found.means[rare], [1, 0.5], atol=2 * deviation)
        assert found.weights[rare] * TEN_MILLION == pytest.approx(FEW, abs=0.2 * FEW)


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(None, id="-k 3"),
        pytest.param(Choice(), id="-k auto"),
    ],
)
def test_a_fit_finds_a_rare_cluster(work: Path, choice: Choice | None) -> None:
    points = sampled(RARE, 30_000)
    pd.DataFrame(points, columns=["x", "y"]).to_parquet(work / "rare.parquet")
    compressor = Compressor(compress(table_of(work / "rare.parquet")))
    cells, hooks = compressor.compression.cells, hooks_of(compressor)
    if choice is None:
        found = fit(cells, FitSettings(3), hooks=hooks)
    else:
        found = choose(cells, FitSettings(), choice, hooks=hooks)
    assert found.mixture.n_components == 3
    assert log_likelihood(points, found.mixture) > log_likelihood(points, RARE)
    assert np.linalg.norm(found.mixture.means - RARE.means[2], axis=1).min() < 0.01
