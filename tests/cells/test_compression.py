"""Cells against rows: what a fit of cells says, a fit of the rows themselves says too."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from builders import cells_of, mixture_of, one_line_error, random_mixture, sampled, table_of
from click.testing import Result

from gmmcli.core.cells.cells import Cells, evaluate_cells
from gmmcli.core.cells.compression import Compressor, compress, refine
from gmmcli.core.cells.gaps import estimate_gap, estimate_gap_rates, estimate_gaps
from gmmcli.core.cells.places import SPAN
from gmmcli.core.cells.refinement import CROWD, compare_gap, plan_parts_of_crowds
from gmmcli.core.cells.shifts import estimate_shifts
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.search.fit import Hooks, fit
from gmmcli.core.search.sketch import sketch_mixture
from gmmcli.core.tables.table import Table
from gmmcli.errors import TableError
from gmmcli.settings import MOST_SHIFT, FitSettings

N_ROWS = 60_000


def written(path: Path, points: FloatArray) -> Table:
    """The table of a CSV file with these points."""
    np.savetxt(path, points, delimiter=",", header="x,y", comments="", fmt="%.17g")
    return table_of(path)


def sketch(n_components: int) -> Callable[[Cells], Mixture]:
    """What finds a mixture of so many components near some points."""
    return partial(sketch_mixture, n_components=n_components)


def gaussian(n: int, mean: tuple[float, float], sd: float, seed: int) -> FloatArray:
    """Points of a round Gaussian, shape (n, 2)."""
    return np.random.default_rng(seed).normal(mean, sd, (n, 2))


def hair_apart() -> FloatArray:
    n = N_ROWS // 4
    clusters = [gaussian(n, (3, 3), 0.001, 1), gaussian(n, (3.005, 3), 0.001, 2)]
    return np.concatenate([*clusters, gaussian(2 * n, (0, 0), 10, 3)])


def overlapping() -> FloatArray:
    n = 95 * N_ROWS // 200
    near = [gaussian(n, (0, 0), 1, 1), gaussian(n, (3, 1), 0.7, 2)]
    return np.concatenate([*near, gaussian(N_ROWS // 20, (0, 0), 1000, 3)])


def of_many_scales() -> FloatArray:
    n, random = 7 * N_ROWS // 100, np.random.default_rng(1)
    places, sds = random.uniform(-15, 15, (8, 2)), 10 ** -np.arange(0, 4, 0.5)
    clusters = [random.normal(place, sd, (n, 2)) for place, sd in zip(places, sds, strict=True)]
    return shuffled(np.concatenate([*clusters, random.normal(0, 10, (44 * N_ROWS // 100, 2))]))


def thin_line() -> FloatArray:
    n, random = N_ROWS // 5, np.random.default_rng(1)
    along = random.uniform(-10, 10, n)
    line = np.stack([along, along / 2], axis=1) + random.normal(0, 0.001, (n, 2))
    spot = random.normal((4, -4), 0.002, (n, 2))
    return shuffled(np.concatenate([line, spot, random.normal(0, 10, (3 * n, 2))]))


def shuffled(points: FloatArray) -> FloatArray:
    """The points in random order."""
    return np.random.default_rng(0).permutation(points)


def outliers() -> FloatArray:
    far = gaussian(N_ROWS // 20, (0, 0), 1000, 1)
    return np.concatenate([sampled(ARTICLE, N_ROWS - len(far)), far])


def half_identical() -> FloatArray:
    points = sampled(ARTICLE, N_ROWS)
    points[::2] = [1.0, 2.0]
    return points


# How to make each, and how many components it has.
HARD_TABLES: dict[str, tuple[Callable[[], FloatArray], int]] = {
    "two clusters a hair apart in a wide field": (hair_apart, 3),
    "far from zero": (lambda: sampled(ARTICLE, N_ROWS) + 1e9, 2),
    "different units": (lambda: sampled(ARTICLE, N_ROWS) * [1e-6, 1e6], 2),
    "outliers": (outliers, 3),
    "half of the rows identical": (half_identical, 2),
    "ties on integers": (lambda: sampled(ARTICLE, N_ROWS).round(), 2),
    "two that overlap, with outliers": (overlapping, 3),
    "scales over four orders": (of_many_scales, 9),
    "a thin line in a wide field": (thin_line, 3),
    "two clusters a hair apart among strays": (lambda: shuffled(hair_apart()), 3),
    "in the order of x": (lambda: np.sort(sampled(ARTICLE, N_ROWS), axis=0), 2),
}


def moved_by(found: Mixture, exact: Mixture, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far parameters are from the exact ones, (K, 6), and their farthest combinations, (K,).

    In standard errors, of the empirical Fisher information; in the order of weight; mean;
    covariance, along the axes in which the exact component is round.
    """
    n_components, factors = exact.n_components, exact.cholesky_factors()
    inverses = np.linalg.inv(factors)
    away = np.einsum("kij,nkj->nki", inverses, points[:, None] - exact.means)
    log_volumes = torch.from_numpy(np.linalg.slogdet(factors).logabsdet)

    def parameters_of(mixture: Mixture) -> torch.Tensor:
        means = np.einsum("kij,kj->ki", inverses, mixture.means - exact.means)
        covariances = inverses @ mixture.covariances @ inverses.swapaxes(1, 2)
        packed = covariances[:, [0, 0, 1], [0, 1, 1]]
        parts = [mixture.weights[:, None], means, packed]
        return torch.from_numpy(np.concatenate(parts, axis=1))

    def log_density(parameters: torch.Tensor, away: torch.Tensor) -> torch.Tensor:
        weights, mean_x, mean_y, xx, xy, yy = parameters.T
        x, y = away[:, 0] - mean_x, away[:, 1] - mean_y
        determinants = xx * yy - xy**2
        squares = (yy * x**2 - 2 * xy * x * y + xx * y**2) / determinants
        joint = weights.log() - squares / 2 - determinants.log() / 2 - log_volumes
        log_density: torch.Tensor = joint.logsumexp(0) - weights.sum().log()
        return log_density

    parameters = parameters_of(exact)
    each = torch.func.vmap(torch.func.grad(log_density), (None, 0))
    scores = each(parameters, torch.from_numpy(away)).flatten(1)
    information = (scores.T @ scores).numpy()
    # The weights sum to 1; and a component on one spot tells nothing of its parameters.
    weights = np.tile([1.0, 0, 0, 0, 0, 0], n_components)
    information += 1e6 * len(points) * np.outer(weights, weights) + np.eye(6 * n_components)
    covariance = np.linalg.inv(information).reshape(n_components, 6, n_components, 6)
    own = np.stack([covariance[k, :, k] for k in range(n_components)])
    moved = (parameters_of(found) - parameters).numpy()
    errors = np.sqrt(np.diagonal(own, axis1=1, axis2=2))
    together = np.einsum("ka,kab,kb->k", moved, np.linalg.inv(own), moved)
    return np.abs(moved) / errors, np.sqrt(together)


@pytest.fixture
def long_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every table that is compressed for a long one."""
    monkeypatch.setattr("gmmcli.core.cells.compression.LONG", 0)


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("name", HARD_TABLES)
def test_cells_give_the_fit_that_rows_give(
    tmp_path: Path, request: pytest.FixtureRequest, name: str, is_long: bool
) -> None:
    if is_long:
        request.getfixturevalue("long_tables")
    make, n_components = HARD_TABLES[name]
    table = written(tmp_path / "d.csv", make())
    compressor = Compressor(compress(table, most_cells=200_000, sketch=sketch(n_components)))
    compressed = compressor.compression
    assert not compressed.is_exact
    assert compressed.cells.n_points == pytest.approx(len(make()), rel=1e-12)
    assert compressed.cells.n_cells <= 200_000
    assert (plan_parts_of_crowds(compressed.cells) == 1).all()
    settings = FitSettings(n_components)
    found = fit(compressed.cells, settings, hooks=Hooks(compressor.finer))
    rows = compress(table, exact=True).cells
    exact = fit(rows, settings, start=found.mixture)
    assert not found.is_coarse
    # A bound, and tight: what it lacks is the estimated gap, or less than what moving every
    # parameter by 5 % of its standard error costs, 0.05² / 2 nats for each.
    lacking = exact.log_likelihood - found.log_likelihood - len(make()) * found.compression_gap
    gap = exact.log_likelihood - found.log_likelihood
    assert gap > -1e-3
    assert abs(lacking) < 0.1 * abs(gap) + 6 * n_components * 0.05**2 / 2
    assert found.compression_shift is not None
    assert found.compression_shift <= 0.05
    moved, _ = moved_by(found.mixture, exact.mixture, make())
    assert moved.max() <= 0.05


def test_typical_tables_take_one_pass_and_no_cell_is_crowded(tmp_path: Path) -> None:
    compression = compress(written(tmp_path / "d.csv", sampled(ARTICLE, N_ROWS)))
    assert compression.n_passes == 1
    assert compression.cells.counts.max() <= CROWD * N_ROWS


@pytest.mark.usefixtures("long_tables")
def test_a_long_table_has_few_cells_which_are_fine_enough_in_one_pass(tmp_path: Path) -> None:
    table = written(tmp_path / "d.csv", sampled(ARTICLE, N_ROWS))
    compression = compress(table, sketch=sketch(2))
    assert compression.n_passes == 1
    assert (plan_parts_of_crowds(compression.cells) == 1).all()
    gap = estimate_gap(compression.cells, ARTICLE)
    assert compare_gap(compression.cells, gap) < 0.8
    assert compression.cells.n_cells < 10_000


@pytest.mark.usefixtures("long_tables")
def test_cells_that_are_longer_beyond_a_core_keep_the_moments_of_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gmmcli.core.cells.first_grid.CROWD", 0.02
    )  # which keeps cells short otherwise
    points = sampled(ARTICLE, N_ROWS)
    compression = compress(written(tmp_path / "d.csv", points), sketch=sketch(2))
    assert compression.grids is not None
    assert compression.grids.stretch > 1
    rows = np.abs((compression.places[:, 1] + SPAN // 2) % SPAN - SPAN // 2)
    assert (rows > compression.grids.core).any()
    cells = compression.cells
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(cells.covariance(), np.cov(points.T, bias=True), rtol=1e-12)


@pytest.mark.parametrize(("sd", "most_cells"), [(1e-3, 20_000), (1e-3, 200_000), (1e-4, 200_000)])
def test_strays_about_a_tight_cluster_do_not_hide_in_its_cells(
    tmp_path: Path, sd: float, most_cells: int
) -> None:
    half = N_ROWS // 2
    points = np.concatenate([gaussian(half, (0.3, 0.3), sd, 1), gaussian(half, (0, 0), 1, 2)])
    table = written(tmp_path / "d.csv", shuffled(points))
    compressor = Compressor(compress(table, most_cells=most_cells))
    found = fit(compressor.compression.cells, FitSettings(2), hooks=Hooks(compressor.finer))
    exact = float(found.mixture.log_densities(points).sum())
    # Twice the estimate, or 1 % of what is allowed.
    allowed = 0.1 / np.sqrt(N_ROWS)
    assert found.true_gap(exact) < 2 * found.compression_gap + 0.01 * allowed
    assert not found.is_coarse
    cells = compressor.compression.cells
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-11)
    np.testing.assert_allclose(cells.covariance(), np.cov(points.T, bias=True), rtol=1e-11)


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("slope", [0.0, 1.0, 1e-7])
def test_points_on_or_near_a_line_become_no_more_cells_than_are_asked_for(
    tmp_path: Path, request: pytest.FixtureRequest, slope: float, is_long: bool
) -> None:
    if is_long:
        request.getfixturevalue("long_tables")
    x, noise = sampled(ARTICLE, N_ROWS).T
    table = written(tmp_path / "d.csv", np.stack([x, slope * x + slope % 1 * noise], axis=1))
    for most_cells in (500, 100_000):
        compression = compress(table, most_cells=most_cells, sketch=sketch(2))
        assert 50 < compression.cells.n_cells <= most_cells
        assert compression.cells.n_points == N_ROWS


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("is_descending", [False, True])
def test_a_sorted_table_is_cut_as_finely_as_any(
    tmp_path: Path, request: pytest.FixtureRequest, is_descending: bool, is_long: bool
) -> None:
    if is_long:
        request.getfixturevalue("long_tables")
    points = np.concatenate([gaussian(N_ROWS // 3, (8 * k, k), 1, k) for k in range(3)])
    points = points[np.argsort(points[:, 0])][:: -1 if is_descending else 1]
    table = written(tmp_path / "d.csv", points)
    compressor = Compressor(compress(table, most_cells=10**6, sketch=sketch(3)))
    found = fit(compressor.compression.cells, FitSettings(3), hooks=Hooks(compressor.finer))
    assert not found.is_coarse
    true = found.mixture.log_densities(points).sum() - found.log_likelihood
    estimated = found.compression_gap * found.cells.n_points
    assert true < 1.5 * estimated + 1


@pytest.mark.usefixtures("long_tables")
def test_a_long_table_for_one_component_is_cut_about_its_middle(tmp_path: Path) -> None:
    points = gaussian(N_ROWS, (5, 7), 2, 1)
    compression = compress(written(tmp_path / "d.csv", points), sketch=sketch(1))
    assert compression.grids is not None
    np.testing.assert_allclose(compression.grids.origins[0], [5, 7], atol=0.1)
    assert (plan_parts_of_crowds(compression.cells) == 1).all()


@pytest.mark.usefixtures("long_tables")
def test_weights_count_in_a_long_table_and_bad_ones_get_one_line(tmp_path: Path) -> None:
    points = sampled(ARTICLE, N_ROWS)
    weights = np.random.default_rng(1).integers(1, 4, N_ROWS).astype(float)

    def weighted(weights: FloatArray) -> Table:
        path = tmp_path / "w.csv"
        rows = np.column_stack([points, weights])
        np.savetxt(path, rows, delimiter=",", header="x,y,w", comments="", fmt="%.17g")
        return table_of(path, weight="w")

    cells = compress(weighted(weights), sketch=sketch(2)).cells
    assert cells.n_points == weights.sum()
    covariance = np.cov(points.T, fweights=weights.astype(int), bias=True)
    np.testing.assert_allclose(cells.covariance(), covariance, rtol=1e-12)
    for bad, message in ((-1.0, "holds the weight -1"), (1e308, "too large to be added up")):
        with pytest.raises(TableError, match=message):
            compress(weighted(np.where(weights == 1, bad, weights)), sketch=sketch(2))


def test_cells_keep_the_moments_of_the_rows(tmp_path: Path) -> None:
    points = sampled(ARTICLE, N_ROWS)
    cells = compress(written(tmp_path / "d.csv", points)).cells
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(cells.covariance(), np.cov(points.T, bias=True), rtol=1e-12)
    few = merge_cells(cells, 500)
    assert few.n_cells <= 500
    np.testing.assert_allclose(few.mean(), cells.mean(), rtol=1e-12)
    np.testing.assert_allclose(few.covariance(), cells.covariance(), rtol=1e-12)


def test_the_estimated_gap_is_the_true_one(tmp_path: Path) -> None:
    points = sampled(ARTICLE, N_ROWS)
    compressor = Compressor(compress(written(tmp_path / "d.csv", points), most_cells=10_000))
    found = fit(compressor.compression.cells, FitSettings(2), hooks=Hooks(compressor.finer))
    true = found.mixture.log_densities(points).mean() - found.log_likelihood / N_ROWS
    # The means of Σ over N_ROWS points differ by nothing but the gap.
    assert found.compression_gap == pytest.approx(true, rel=0.05)
    assert compare_gap(found.cells, estimate_gap(found.cells, found.mixture)) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_estimated_shift_is_the_true_one(tmp_path: Path, seed: int) -> None:
    mixture = random_mixture(3, seed)
    points = sampled(mixture, N_ROWS)
    cells = compress(written(tmp_path / "d.csv", points), most_cells=2_000).cells
    found = fit(cells, FitSettings(3), start=mixture)
    exact = fit(cells_of(points), FitSettings(3), start=found.mixture)
    _, moved = moved_by(found.mixture, exact.mixture, points)
    estimated = estimate_shifts(cells, found.mixture)
    np.testing.assert_allclose(estimated.totals, moved, rtol=0.1)
    by_cell = np.array([estimated.divide(k) for k in range(3)])
    np.testing.assert_allclose(by_cell.sum(axis=1), estimated.totals, rtol=1e-9)


def test_the_estimated_shift_of_a_rare_component_is_the_true_one(tmp_path: Path) -> None:
    covariances = np.array([np.eye(2), 0.25 * np.eye(2)])
    mixture = Mixture(np.array([0.99, 0.01]), np.array([[0.0, 0], [1.5, 1.5]]), covariances)
    points = sampled(mixture, N_ROWS)
    cells = compress(written(tmp_path / "d.csv", points), most_cells=6_000).cells
    found = fit(cells, FitSettings(2), start=mixture)
    exact = fit(cells_of(points), FitSettings(2), start=found.mixture)
    _, moved = moved_by(found.mixture, exact.mixture, points)
    # Scoring by the empirical information is off where one component hides in another.
    assert found.compression_shift == pytest.approx(moved.max(), rel=0.3)


def test_cells_may_be_too_coarse_for_what_they_move_alone(tmp_path: Path) -> None:
    mixture = random_mixture(5, seed=5)
    table = written(tmp_path / "d.csv", sampled(mixture, N_ROWS))
    compression = replace(compress(table, most_cells=120_000), most_cells=1_000_000)
    found = fit(compression.cells, FitSettings(5), start=mixture)
    assert found.compression_shift is not None
    assert found.gap_ratio(found.compression_gap) < 1 < found.compression_shift / 0.05
    assert found.is_coarse
    # One more pass is enough, though what cells move either way cancels until some are cut.
    finer = refine(compression, found.coarseness.plan_parts())
    assert finer.n_passes == compression.n_passes + 1
    assert estimate_shifts(finer.cells, found.mixture).totals.max() < MOST_SHIFT


def test_what_a_cut_leaves_is_told_before_it_is_made() -> None:
    mixture = random_mixture(3, seed=1)
    points = cells_of(sampled(mixture, 400_000))
    wide = np.floor(points.means / 0.6).astype(np.intp)
    narrow = np.floor(points.means / 0.2).astype(np.intp)
    to_cut = wide[:, 0] % 2 == 0
    kept = np.where(to_cut[:, None], narrow, 1_000_000 + wide)
    before = points.merge(wide @ np.array([1000, 1]))
    after = points.merge(kept @ np.array([100_000, 1]))
    parts = np.where(np.floor(before.means[:, 0] / 0.6) % 2 == 0, 9.0, 1.0)
    told = estimate_shifts(before, mixture).cut(parts)
    made = estimate_shifts(after, mixture)
    # Cells of 0.6 are not narrow beside components of 1, so a ninth is about right.
    np.testing.assert_allclose(told.totals, made.totals, rtol=0.15)
    assert told.gaps.sum() == pytest.approx(made.gaps.sum(), rel=0.15)


def test_shifts_do_not_depend_on_units() -> None:
    mixture = random_mixture(3, seed=1)
    random = np.random.default_rng(0)
    counts, means = random.uniform(1, 100, 2000), sampled(mixture, 2000)
    narrow = 1e-6 * np.array([[2.0, 0.7], [0.7, 1.0]])
    cells = Cells(counts, means, np.tile(narrow, (2000, 1, 1)))
    mixture = fit(cells, FitSettings(3), start=mixture).mixture
    matrix = np.array([[1e-6, 3e-7], [-2e5, 1e6]])
    origin = np.array([1e-3, 1e5])
    mapped = Cells(counts, means @ matrix.T + origin, matrix @ cells.covariances @ matrix.T)
    components = mixture.means @ matrix.T + origin, matrix @ mixture.covariances @ matrix.T
    here = estimate_shifts(cells, mixture).totals
    there = estimate_shifts(mapped, Mixture(mixture.weights, *components)).totals
    assert (here > 5e-5).all()
    np.testing.assert_allclose(here, there, rtol=1e-3)


def test_narrow_cells_cost_half_the_trace_of_their_covariance_with_the_rates() -> None:
    mixture = random_mixture(4, seed=2, spread=2)
    points = sampled(mixture, 50)
    covariances = 1e-8 * np.array([[2.0, 0.7], [0.7, 1.0]])
    cells = Cells(np.full(50, 1e6), points, np.tile(covariances, (50, 1, 1)))
    expected = 1e6 / 2 * np.einsum("nij,ij->n", estimate_gap_rates(points, mixture), covariances)
    np.testing.assert_allclose(estimate_gaps(cells, mixture), expected, rtol=1e-4, atol=1e-8)


def test_what_is_no_number_is_found_wherever_it_is(tmp_path: Path) -> None:
    """Where the first rows are plain, the rest is read plainly at first."""
    points = sampled(ARTICLE, N_ROWS)
    path = tmp_path / "d.csv"
    plain = compress(written(path, points)).cells
    for nothing in ("NA", " ", "null", "NaN", "inf", "", '"N/A"'):
        written(path, points)
        with path.open("a") as file:
            file.write(f"{nothing},1\n2,{nothing}\n")
        found = compress(table_of(path))
        assert found.n_rows == N_ROWS + 2
        assert found.n_skipped == 2
        np.testing.assert_array_equal(found.cells.counts, plain.counts)
        np.testing.assert_array_equal(found.cells.means, plain.means)
    with path.open("a") as file:
        file.write("3,many\n")
    with pytest.raises(TableError, match=f"line {N_ROWS + 4}: column 'y' holds 'many'"):
        compress(table_of(path))


def test_cells_without_spread_are_not_cut_for_what_rounding_says(tmp_path: Path) -> None:
    generator = np.random.default_rng(51)
    points = generator.integers(-2, 3, (N_ROWS, 2)) + generator.normal(0, 0.15, (N_ROWS, 2))
    points[0] = [3.9, 3.9]  # alone in its cell
    compression = compress(written(tmp_path / "d.csv", points), most_cells=130)
    fit(compression.cells, FitSettings(3), hooks=Hooks(Compressor(compression).finer))


def test_few_rows_are_exact_and_so_is_any_table_on_request(tmp_path: Path) -> None:
    points = sampled(ARTICLE, 30_000)
    assert compress(written(tmp_path / "few.csv", points[:20_000])).is_exact
    table = written(tmp_path / "many.csv", points)
    assert not compress(table).is_exact
    assert compress(table, exact=True).cells.n_cells == 30_000


def test_the_budget_of_cells_is_kept_and_said(tmp_path: Path) -> None:
    table = written(tmp_path / "d.csv", hair_apart())
    compressor = Compressor(compress(table, most_cells=300))
    found = fit(compressor.compression.cells, FitSettings(3), hooks=Hooks(compressor.finer))
    assert compressor.compression.cells.n_cells <= 300
    assert found.is_coarse


@pytest.mark.parametrize(("n_cells", "is_far"), [(5_000, False), (500, True)])
def test_how_coarse_cells_are_is_said(
    work: Path, run: Callable[..., Result], n_cells: int, is_far: bool
) -> None:
    mixture = random_mixture(15, seed=1, spread=10)
    written(work / "d.csv", sampled(mixture, N_ROWS))
    (work / "start.json").write_text(json.dumps(mixture.to_json()))
    asked = ["--init", "start.json", "--cells", n_cells, "--no-frames", "--overwrite"]
    said = run("fit", "d.csv", *asked).stderr.splitlines()[-1]
    verified = run("fit", "d.csv", *asked, "--verify").stderr.splitlines()[-1]
    told = json.loads((work / "d" / "parameters.json").read_text())["fit"]
    true = (told["exact_log_likelihood"] - told["log_likelihood"]) / N_ROWS
    allowed = 0.1 / np.sqrt(N_ROWS)
    for line, kind, gap in (
        (said, "estimated", told["compression_gap"]),
        (verified, "true", true),
    ):
        size = f"the {kind} gap is {gap / allowed:.1f} times the largest that is allowed"
        if is_far:
            message = (
                f"far too coarse: {size}, so parameters may be off by more than a standard error"
            )
        else:
            off = f"they move parameters by up to {told['compression_shift']:.3f} standard errors"
            message = f"too coarse: {off} and {size}"
        assert line == f"the cells are {message}; raise --cells, or use --exact"


@pytest.mark.parametrize("n_rows", [200, 40_000])
def test_a_weight_of_two_is_two_rows(tmp_path: Path, n_rows: int) -> None:
    points = sampled(ARTICLE, n_rows)
    twice = np.concatenate([points, points[::3]])
    weights = np.ones(n_rows)
    weights[::3] = 2
    weights[1::3] = 0
    twice = np.concatenate([np.delete(points, np.s_[1::3], axis=0), points[::3]])
    path = tmp_path / "d.csv"
    columns = np.column_stack([points, weights])
    np.savetxt(path, columns, delimiter=",", header="x,y,w", comments="", fmt="%.17g")
    cells = compress(table_of(path, weight="w"), exact=n_rows < 1000).cells
    assert cells.n_points == len(twice)
    np.testing.assert_allclose(cells.mean(), twice.mean(axis=0), rtol=1e-11)
    np.testing.assert_allclose(cells.covariance(), np.cov(twice.T, bias=True), rtol=1e-11)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("-1", "column 'w' holds the weight -1: weights are finite and 0 or more"),
        ("inf", "column 'w' holds the weight inf"),
        ("", "column 'w' has weights that are empty or not a number, as NaN or NA: give each"),
        ("nan", "column 'w' holds the weight nan: weights are finite and 0 or more"),
    ],
)
def test_bad_weights_get_one_line(tmp_path: Path, weight: str, message: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(f"x,y,w\n1,2,1\n2,3,{weight}\n4,5,0\n")
    with pytest.raises(TableError, match=message):
        compress(table_of(path, weight="w"))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (None, "column 'w' has weights that are empty: give each row one"),
        (float("nan"), "column 'w' holds the weight nan: weights are finite and 0 or more"),
    ],
)
def test_weights_that_are_no_numbers_in_parquet(
    tmp_path: Path, weight: float | None, message: str
) -> None:
    path = tmp_path / "d.parquet"
    columns = {"x": [1.0, 2.0, 4.0], "y": [2.0, 3.0, 5.0], "w": [1.0, weight, 0.0]}
    pyarrow.parquet.write_table(pa.table(columns), path)
    with pytest.raises(TableError, match=message):
        compress(table_of(path, weight="w"))


def test_weights_too_large_to_be_added_up_get_one_line(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x,y,w\n1,2,1e308\n2,3,1e308\n")
    with pytest.raises(TableError, match="weights in 'w' are too large to be added up"):
        compress(table_of(path, weight="w"))


def test_a_pattern_of_files_is_one_table(tmp_path: Path) -> None:
    points = sampled(ARTICLE, 300)
    written(tmp_path / "a 1.csv", points[:100])
    written(tmp_path / "a [2].csv", points[100:])
    cells = compress(table_of(tmp_path / "a*.csv")).cells
    assert cells.n_points == 300
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-12)


def test_a_huge_number_among_many_rows_gets_one_line(
    work: Path, run: Callable[..., Result]
) -> None:
    points = sampled(ARTICLE, 30_000)
    points[-1] = [1e308, 5]
    written(work / "d.csv", points)
    error = one_line_error(run("fit", "d.csv", code=1))
    assert "which double precision cannot work with: change their units" in error
    assert not (work / "d").exists()


def test_coarse_cells_are_merged_by_weight_not_by_place() -> None:
    tight = gaussian(5000, (0, 0), 1e-6, 1)
    cells = cells_of(np.concatenate([tight, gaussian(5000, (0, 0), 1.0, 2)]))
    few = merge_cells(cells, 512)
    # Half of the points are tight, and so is about half of the cells.
    assert 150 < (np.abs(few.means).max(axis=1) < 1e-4).sum() < 350
    mixture = Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    assert estimate_gap(few, mixture) == pytest.approx(0, abs=1e-15)


def test_gaps_of_cells_that_reach_over_a_border_are_near_the_mark() -> None:
    true = mixture_of([0.5, 0.5], [[-3, 0], [3, 0]], [np.eye(2), np.eye(2)])
    points = sampled(true, 40_000)
    columns, rows = np.round(points / 0.8).astype(int).T  # cells as wide as the border
    cells = cells_of(points).merge(columns * 1000 + rows)
    joint = evaluate_cells(cells, true.weights, true.means, true.covariances)
    elbo = cells.counts @ np.logaddexp(*joint)
    gap = float(true.log_densities(points).sum() - elbo) / len(points)
    assert estimate_gap(cells, true) == pytest.approx(gap, rel=0.3)


def test_a_large_fit_says_what_its_cells_cost(work: Path, run: Callable[..., Result]) -> None:
    written(work / "d.csv", sampled(ARTICLE, N_ROWS))
    result = run("fit", "d.csv", "--verify", "--no-frames")
    fitted = json.loads((work / "d" / "parameters.json").read_text())["fit"]
    gap = (fitted["exact_log_likelihood"] - fitted["log_likelihood"]) / N_ROWS
    assert gap == pytest.approx(fitted["compression_gap"], rel=0.05)
    assert f"from {fitted['cells']:,} cells, as a lower bound" in result.stdout
    assert f"{gap:.6f} per point higher" in result.stdout
    assert not fitted["coarse"]


def test_standard_input_and_databases_from_the_command_line(
    work: Path, run: Callable[..., Result]
) -> None:
    points = sampled(ARTICLE, 300)
    written(work / "d.csv", points)
    with duckdb.connect(work / "my data.duckdb") as connection:
        connection.execute("CREATE SCHEMA s; CREATE TABLE s.points AS FROM 'd.csv'")
    url = f"duckdb://{work}/my data.duckdb"
    run("fit", url, "--table", "s.points", "--no-frames", "-o", "from_database")
    done = subprocess.run(
        [sys.executable, "-m", "gmmcli", "fit", "-", "--no-frames"],
        input=(work / "d.csv").read_bytes(),
        check=True,
        capture_output=True,
    )
    assert done.stderr.decode() == "coordinates: 'x' and 'y' (choose others with -x and -y)\n"
    fits = [
        json.loads((work / name / "parameters.json").read_text())["fit"]["log_likelihood"]
        for name in ("from_database", "standard-input")
    ]
    assert fits[0] == pytest.approx(fits[1], rel=1e-12)
    for arguments, message in (
        ([url], "is a database: name a table in it with --table"),
        ([url, "--table", "none"], "there is no such table"),
        ([f"duckdb://{work}/none.duckdb", "--table", "t"], "does not exist"),
        (["nonsense://x", "--table", "t"], "is no database that Ibis knows"),
        (["postgres://me:secret@127.0.0.1:1/d", "--table", "t"], "postgres://127.0.0.1:1/d"),
    ):
        error = one_line_error(run("fit", *arguments, "-o", "out", code=1))
        assert message in error
        assert "secret" not in error
