"""What all pictures of a run share: views that show what matters."""

import math

import numpy as np
import pytest
from builders import article_run, cells_of, fit, mixture_of, run_of, sampled

from gmmcli.core.groups.groups import find_groups
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.frames import make_frame
from gmmcli.pictures.scene import colour_groups, compute_scene, find_quantile
from gmmcli.pictures.style import BACKGROUND_COLOUR, apply_style, pick_colours
from gmmcli.settings import FitSettings


def test_a_view_shows_all_points_and_the_final_ellipses() -> None:
    run = article_run()
    scene = compute_scene(run)
    assert scene.n_outside == 0
    with apply_style():
        for step in (0, run.history.last_step):
            axes = make_frame(scene, run.history.snapshot(step)).axes[0]
            np.testing.assert_allclose(axes.get_xlim(), scene.limits[:, 0])
            np.testing.assert_allclose(axes.get_ylim(), scene.limits[:, 1])


def test_far_outliers_leave_the_view_and_are_counted() -> None:
    points = np.concatenate([sampled(ARTICLE, 1000), [[1e6, 0.0], [0.0, -1e6]]])
    scene = compute_scene(run_of(points, History.of([ARTICLE], [-1.0], [False], [9])))
    assert scene.n_outside == 2
    assert (abs(scene.limits) < 200).all()


def test_points_have_a_view_that_no_component_lies_in() -> None:
    points = np.concatenate([np.random.default_rng(24).normal(size=(300, 2)), [[1e6, 1e6]]])
    only = mixture_of([1.0], [points.mean(axis=0)], [np.cov(points.T) + np.eye(2)])
    scene = compute_scene(run_of(points, History.of([only], [-1.0], [False], [9])))
    assert scene.n_outside == 1
    assert (abs(scene.limits) < 10).all()
    assert (abs(only.means) > 1000).all()


def test_what_one_axis_leaves_out_the_other_does_not_show() -> None:
    random = np.random.default_rng(0)
    # On y alone, four points at 8 would leave the others enough of the view.
    points = np.concatenate([random.normal(size=(500, 2)), random.normal([40, 8], 0.3, (4, 2))])
    means, covariances = [[0, 0], [40, 8]], [np.eye(2), 0.1 * np.eye(2)]
    history = History.of([mixture_of([0.99, 0.01], means, covariances)], [-1.0], [False], [9])
    scene = compute_scene(run_of(points, history))
    assert scene.n_outside == 4
    assert (abs(scene.limits) < 6).all()


def test_points_on_an_axis_have_a_view() -> None:
    points = sampled(ARTICLE, 50) * [1.0, 0.0]
    result = fit(cells_of(points), FitSettings(components=1))
    limits = compute_scene(run_of(points, result.history)).limits
    assert (limits[1] > limits[0]).all()


@pytest.mark.parametrize("n", [5, 30_000])
@pytest.mark.parametrize("power", [0, 1, 9])  # all at one place, even, and with far outliers
def test_a_quantile_is_that_of_all_points(n: int, power: int) -> None:
    random = np.random.default_rng(power)
    values, counts = random.normal(size=n) ** power, random.integers(1, 50, n).astype(float)
    each = np.sort(np.repeat(values, counts.astype(int)))
    for share in (0.0, 0.025, 0.975, 1.0):
        expected = each[max(math.ceil(share * len(each)) - 1, 0)]
        assert find_quantile(values, counts, share) == expected


def test_cells_have_the_colours_of_their_groups() -> None:
    two = mixture_of([0.5, 0.5], [[0, 0], [9, 0]], [np.eye(2), np.eye(2)])
    points = np.array([[0.0, 0.0], [9.0, 0.0], [4.0, 40.0]])
    scene = compute_scene(run_of(points, History.of([two], [-1.0], [False], [3])))
    groups = find_groups(two, cells_of(points[:2]))
    coloured = colour_groups(scene, groups, np.array([1, 0, -1]))
    first, second = pick_colours(2)
    np.testing.assert_array_equal(coloured.colours, [first, second])
    expected = [second, first, BACKGROUND_COLOUR]
    np.testing.assert_array_equal(coloured.cell_colours, expected)
