"""The picture of where a mixture is wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import cells_of, mixture_of, run_of, sampled
from click.testing import Result
from scipy.stats import norm, poisson

from gmmcli.core.assessment.misfit import Misfit
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.directory import read_run
from gmmcli.core.runs.history import History
from gmmcli.pictures.residuals import (
    choose_depth,
    compute_residuals,
    describe_misfit,
    find_reach,
    make_residuals_figure,
    take_signed_roots,
)
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style

TWO = mixture_of([0.5, 0.5], [[-4, 0], [4, 0]], [np.eye(2), np.eye(2)])


def test_residuals_have_the_sign_of_what_is_too_much_and_vanish_where_all_is_right() -> None:
    roots = take_signed_roots(np.array([5.0, 10, 20, 0, 3]), np.array([10.0, 10, 10, 2, 0]))
    assert (np.sign(roots) == [-1, 0, 1, -1, 1]).all()
    assert roots[3] == pytest.approx(-2)  # the root of twice the expected
    assert roots[2] == pytest.approx(np.sqrt(2 * (20 * np.log(2) - 10)))
    assert np.isfinite(roots).all()


@pytest.mark.parametrize("expected", [1.0, 4.0, 50.0])
def test_chance_makes_residuals_of_about_one_of_few_points_too(expected: float) -> None:
    counts = np.arange(0, 400.0)
    shares = poisson.pmf(counts, expected)
    roots = take_signed_roots(counts, np.full(400, expected))
    # Bartlett's correction: a deviance has the mean 1 + 1 / (6 expected); what follows is of the
    # order of the square.
    assert shares @ roots**2 == pytest.approx(1 + 1 / (6 * expected), abs=1 / (2 * expected**2))


def test_the_right_mixture_has_residuals_of_chance_and_a_wrong_one_shows_where() -> None:
    points = sampled(TWO, 4000)
    right = compute_residuals(cells_of(points), TWO)
    assert len(right.observed) == 128
    assert right.observed.sum() == pytest.approx(4000)
    assert right.expected.sum() == pytest.approx(4000)
    # Bins of as many points each differ from what is expected of them about as counts do: by more
    # than this in one of 2,000 tests.
    assert np.abs(right.values).max() < norm.isf(0.0005 / 2 / len(right.values))
    one = mixture_of([1.0], [points.mean(axis=0)], [np.cov(points.T)])
    wrong = compute_residuals(cells_of(points), one)
    middles = (np.maximum(wrong.lows, -9) + np.minimum(wrong.highs, 9)) / 2
    assert wrong.values[np.abs(np.abs(middles[:, 0]) - 4) < 1].mean() > 3
    assert wrong.values[np.abs(middles[:, 0]) < 1].mean() < -3


def test_rounded_values_and_their_copies_show_no_lattice() -> None:
    points = np.round(sampled(TWO, 4000), 1)
    found = compute_residuals(cells_of(points, np.full(4000, 3.0)), TWO)
    assert found.observed.sum() == pytest.approx(4000)
    # By more than this in one of 2,000 tests.
    assert np.abs(found.values).max() < norm.isf(0.0005 / 2 / len(found.values))


def test_bins_have_points_enough_and_are_few_enough_to_be_seen() -> None:
    assert [choose_depth(n) for n in (0, 1, 272, 10_000, 1e9)] == [0, 0, 4, 9, 11]


def test_colours_are_symmetrical_about_the_paper_and_bins_fill_the_view() -> None:
    points = sampled(ARTICLE, 900)
    run = run_of(points, History.of([ARTICLE], [-1.0], [False], [900]))
    scene = compute_scene(run)
    with apply_style():
        figure = make_residuals_figure(scene, run)
        figure.draw_without_rendering()
        paper = matplotlib.colors.to_rgb(matplotlib.rcParams["axes.facecolor"])
    axes = figure.axes[0]
    bins = axes.collections[0]
    low, high = bins.get_clim()
    assert low == -high
    assert high == find_reach(np.asarray(bins.get_array())) >= 3
    middle = bins.get_cmap()(0.5)
    np.testing.assert_allclose(middle[:3], paper, atol=0.01)
    sides = [np.ptp(np.asarray(path.vertices), axis=0) for path in bins.get_paths()]
    areas = np.prod(sides, axis=1)
    assert areas.sum() == pytest.approx(np.prod(scene.limits[1] - scene.limits[0]))


@pytest.mark.parametrize("turn", [0.0, 0.5])
def test_edges_that_cut_cells_in_two_add_nothing(turn: float) -> None:
    points = sampled(TWO, 200_000)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    _, groups = np.unique(np.round(points @ rotation / 0.1), axis=0, return_inverse=True)
    cells = cells_of(points).merge(groups.ravel())
    assert cells.n_cells < 10_000
    for fewest in (1, 4, 16):
        values = compute_residuals(cells, TWO, fewest=fewest).values
        assert len(values) > 300
        # No more than chance, to three standard errors, and not much less.
        chance = 2 * norm.sf(2)
        error = np.sqrt(chance * (1 - chance) / len(values))
        assert np.mean(np.abs(values) > 2) < chance + 3 * error
        assert 0.75 < np.mean(values**2) ** 0.5 < 1 + 3 / np.sqrt(2 * len(values))


def test_a_right_fit_of_many_rows_is_not_called_wrong(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    near = mixture_of([0.4, 0.6], [[-1.5, 0], [2, 1.5]], [[[1, 0.3], [0.3, 0.7]], np.eye(2)])
    rows = tmp_path / "rows.parquet"
    x, y = sampled(near, 1_000_000).T
    pq.write_table(pa.table({"x": x, "y": y}), rows)
    run("fit", rows, "-k", 2, "--no-frames", "-q", "-o", tmp_path / "run")
    fitted = read_run(tmp_path / "run")
    assert fitted.cells.n_cells < 20_000
    values = compute_residuals(fitted.cells, fitted.mixture).values
    chance = 2 * norm.sf(2)
    error = np.sqrt(chance * (1 - chance) / len(values))
    assert abs(np.mean(np.abs(values) > 2) - chance) < 3 * error


def test_the_note_tells_what_a_histogram_has_over_the_mixture() -> None:
    one = np.zeros(1)
    misfit = Misfit(one, one, one, one, one, 0.000284, 0.0000131, 9)
    assert describe_misfit(misfit) == (
        "; a histogram describes the points better by 0.000284 ± 0.000013 nats per point"
    )
    none = replace(misfit, excess=-0.000284)
    assert describe_misfit(none) == "; a histogram describes the points no better"
    assert describe_misfit(None) == ""
