"""Cells against rows: what a fit of cells says, a fit of the rows themselves says too."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from builders import (
    N_ROWS,
    fit,
    gaussian,
    hair_apart,
    hooks_of,
    moved_by,
    one_line_error,
    sampled,
    shuffled,
    sketch,
    table_of,
    written,
)
from click.testing import Result

from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.cells.refinement import CROWD, plan_parts_of_crowds
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.tables.table import Table
from gmmcli.errors import TableError
from gmmcli.settings import FitSettings


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


@pytest.mark.parametrize("is_long", [False, pytest.param(True, marks=pytest.mark.slow)])
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
    found = fit(compressed.cells, settings, hooks=hooks_of(compressor))
    rows = compress(table, exact=True).cells
    exact = fit(rows, settings, start=found.mixture)
    assert not found.cost.is_coarse
    # A bound, and tight: what it lacks is the estimated gap, or less than what moving every
    # parameter by 5 % of its standard error costs, 0.05² / 2 nats for each.
    lacking = exact.elbo - found.elbo - len(make()) * found.cost.gap
    gap = exact.elbo - found.elbo
    assert gap > -1e-3
    assert abs(lacking) < 0.1 * abs(gap) + 6 * n_components * 0.05**2 / 2
    assert found.cost.shift is not None
    assert found.cost.shift <= 0.05
    moved, _ = moved_by(found.mixture, exact.mixture, make())
    assert moved.max() <= 0.05


def test_typical_tables_take_one_pass_and_no_cell_is_crowded(tmp_path: Path) -> None:
    compression = compress(written(tmp_path / "d.csv", sampled(ARTICLE, N_ROWS)))
    assert compression.n_passes == 1
    assert compression.cells.counts.max() <= CROWD * N_ROWS


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
    found = fit(compressor.compression.cells, FitSettings(3), hooks=hooks_of(compressor))
    assert not found.cost.is_coarse
    true = found.mixture.log_densities(points).sum() - found.elbo
    estimated = found.cost.gap * found.cells.n_points
    assert true < 1.5 * estimated + 1


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


def test_few_rows_are_exact_and_so_is_any_table_on_request(tmp_path: Path) -> None:
    points = sampled(ARTICLE, 30_000)
    assert compress(written(tmp_path / "few.csv", points[:20_000])).is_exact
    table = written(tmp_path / "many.csv", points)
    assert not compress(table).is_exact
    assert compress(table, exact=True).cells.n_cells == 30_000


def test_no_more_points_are_exact_than_a_run_is_read_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = written(tmp_path / "many.csv", sampled(ARTICLE, 21_000))
    monkeypatch.setattr("gmmcli.core.cells.checks.CELLS_AT_MOST", 20_999)
    message = "has 21,000 distinct points, and --exact takes at most 20,999: leave out --exact"
    with pytest.raises(TableError, match=message):
        compress(table, exact=True)
    compress(table)


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


def test_a_pattern_of_files_is_one_table(tmp_path: Path) -> None:
    points = sampled(ARTICLE, 300)
    written(tmp_path / "a 1.csv", points[:100])
    written(tmp_path / "a [2].csv", points[100:])
    cells = compress(table_of(tmp_path / "a*.csv")).cells
    assert cells.n_points == 300
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-12)


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
        ([url, "--table", "none"], "there is no such table; there is 's.points'"),
        ([f"duckdb://{work}/none.duckdb", "--table", "t"], "does not exist"),
        (["nonsense://x", "--table", "t"], "is no database that Ibis knows"),
        (["postgres://me:secret@127.0.0.1:1/d", "--table", "t"], "postgres://127.0.0.1:1/d"),
    ):
        error = one_line_error(run("fit", *arguments, "-o", "out", code=1))
        assert message in error
        assert "secret" not in error
