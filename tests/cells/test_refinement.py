"""Which cells are too coarse, how finely they are cut, and what is said where they are not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import (
    N_ROWS,
    cells_of,
    fit,
    gaussian,
    hair_apart,
    hooks_of,
    random_mixture,
    sampled,
    shuffled,
    written,
)
from click.testing import Result

from gmmcli.core.cells.compression import Compressor, compress, refine
from gmmcli.core.cells.gaps import estimate_gap
from gmmcli.core.cells.refinement import Coarseness, CompressionCost
from gmmcli.core.cells.shifts import estimate_shifts
from gmmcli.core.mixture.units import Nats, NatsPerPoint
from gmmcli.settings import MOST_SHIFT, FitSettings


def test_cells_may_be_too_coarse_for_what_they_move_alone(tmp_path: Path) -> None:
    mixture = random_mixture(5, seed=5)
    table = written(tmp_path / "d.csv", sampled(mixture, N_ROWS))
    compression = replace(compress(table, most_cells=120_000), most_cells=1_000_000)
    found = fit(compression.cells, FitSettings(5), start=mixture)
    assert found.cost.shift is not None
    assert found.gap_ratio(found.cost.gap) < 1 < found.cost.shift / 0.05
    assert found.cost.is_coarse
    # One more pass is enough, though what cells move either way cancels until some are cut.
    finer = refine(
        compression, Coarseness(found.cells, found.mixture, "full", is_optimum=True).plan_parts()
    )
    assert finer.n_passes == compression.n_passes + 1
    assert estimate_shifts(finer.cells, found.mixture).totals.max() < MOST_SHIFT


@pytest.mark.parametrize(("sd", "most_cells"), [(1e-3, 20_000), (1e-3, 200_000), (1e-4, 200_000)])
def test_strays_about_a_tight_cluster_do_not_hide_in_its_cells(
    tmp_path: Path, sd: float, most_cells: int
) -> None:
    half = N_ROWS // 2
    points = np.concatenate([gaussian(half, (0.3, 0.3), sd, 1), gaussian(half, (0, 0), 1, 2)])
    table = written(tmp_path / "d.csv", shuffled(points))
    compressor = Compressor(compress(table, most_cells=most_cells))
    found = fit(compressor.compression.cells, FitSettings(2), hooks=hooks_of(compressor))
    exact = Nats(float(found.mixture.log_densities(points).sum()))
    # Twice the estimate, or 1 % of what is allowed.
    allowed = 0.1 / np.sqrt(N_ROWS)
    assert found.true_gap(exact) < 2 * found.cost.gap + 0.01 * allowed
    assert not found.cost.is_coarse
    cells = compressor.compression.cells
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-11)
    np.testing.assert_allclose(cells.covariance(), np.cov(points.T, bias=True), rtol=1e-11)


def test_cells_without_spread_are_not_cut_for_what_rounding_says(tmp_path: Path) -> None:
    generator = np.random.default_rng(51)
    points = generator.integers(-2, 3, (N_ROWS, 2)) + generator.normal(0, 0.15, (N_ROWS, 2))
    points[0] = [3.9, 3.9]  # alone in its cell
    compression = compress(written(tmp_path / "d.csv", points), most_cells=130)
    fit(compression.cells, FitSettings(3), hooks=hooks_of(Compressor(compression)))


def test_the_budget_of_cells_is_kept_and_said(tmp_path: Path) -> None:
    table = written(tmp_path / "d.csv", hair_apart())
    compressor = Compressor(compress(table, most_cells=300))
    found = fit(compressor.compression.cells, FitSettings(3), hooks=hooks_of(compressor))
    assert compressor.compression.cells.n_cells <= 300
    assert found.cost.is_coarse


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


def test_what_cells_cost_is_summarized_in_plain_values() -> None:
    mixture = random_mixture(3, seed=1)
    points = sampled(mixture, 20_000)
    cells = cells_of(points).merge(np.round(points / 0.3).astype(np.intp) @ np.array([10_000, 1]))
    for is_optimum in (False, True):
        coarseness = Coarseness(cells, mixture, "full", is_optimum=is_optimum)
        cost = coarseness.summarize()
        assert cost.gap == pytest.approx(estimate_gap(cells, mixture), rel=1e-12)
        assert cost.gap_ratio == pytest.approx(cost.gap * np.sqrt(20_000) / 0.1)
        assert (cost.shift is None) == (not is_optimum)
        assert cost.is_coarse
    assert cost.shift == pytest.approx(estimate_shifts(cells, mixture).totals.max(), rel=1e-12)
    exact = Coarseness(cells_of(points), mixture, "full", is_optimum=True).summarize()
    assert exact == CompressionCost(
        gap=NatsPerPoint(0.0), gap_ratio=0.0, shift=0.0, is_coarse=False
    )
