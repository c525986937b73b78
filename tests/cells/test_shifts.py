"""How far cells are estimated to move parameters, against how far they do."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from builders import (
    N_ROWS,
    cells_of,
    fit,
    moved_by,
    over_background,
    random_mixture,
    sampled,
    written,
)

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import compress
from gmmcli.core.cells.shifts import estimate_shifts
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import FitSettings


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
    assert found.cost.shift == pytest.approx(moved.max(), rel=0.3)


def climb_far(cells: Cells, start: Mixture) -> Mixture:
    """The mixture at the optimum about a start."""
    ascent = Ascent("full", "natural", 1.0, 1e-10 * np.eye(2))
    *_, last = islice(climb(cells, start, ascent, Memory()), 15)
    assert last.expected < 1e-9
    return last.mixture


@pytest.mark.parametrize("seed", range(2))
def test_the_estimated_shift_with_a_background_is_the_true_one(seed: int) -> None:
    ends = np.array([[-9.0, -8.0], [9.0, 8.0]])
    mixture = over_background(random_mixture(3, seed), 0.1, ends)
    points = sampled(mixture, N_ROWS)
    every = cells_of(points)
    cells = every.merge(np.floor(points / 0.3).astype(np.intp) @ np.array([1000, 1]))
    found = climb_far(cells, mixture)
    _, moved = moved_by(found, climb_far(every, found), points)
    # The estimate holds the weight of the background.
    np.testing.assert_allclose(estimate_shifts(cells, found).totals, moved, rtol=0.2)


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
