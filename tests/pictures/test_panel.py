"""Pictures with one panel: their places, and the points that they show."""

from dataclasses import replace

import numpy as np
from builders import article_run, cells_of
from matplotlib.figure import Figure

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.panel import (
    draw_faint_points,
    lay_grid,
    map_grid,
    open_panel,
    sample_points,
)
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style


def test_a_grid_has_the_middles_of_its_pixels_and_maps_in_parts_as_at_once() -> None:
    x, y = lay_grid(np.array([[0.0, 10.0], [4.0, 13.0]]), (3, 2))
    np.testing.assert_allclose(x, [1, 3])
    np.testing.assert_allclose(y, [10.5, 11.5, 12.5])
    seen = []

    def add(points: FloatArray) -> FloatArray:
        seen.append(len(points))
        return np.asarray(points[:, 0] + points[:, 1])

    values = map_grid(add, (x, y), 5, at_once=10)
    assert len(seen) > 1
    np.testing.assert_allclose(values, y[:, None] + x)


def test_a_sample_of_points_has_the_mean_and_covariance_of_all() -> None:
    random = np.random.default_rng(0)
    n = 40_000
    roots = 0.2 * random.normal(size=(n, 2, 2))
    means = random.normal(size=(n, 2)) @ [[2.0, 0.7], [0.0, 1.0]]
    cells = Cells(random.integers(1, 50, n).astype(float), means, roots @ roots.swapaxes(1, 2))
    some = sample_points(cells, 5000)
    assert some.shape == (5000, 2)
    spread = np.sqrt(np.diagonal(cells.covariance()))
    # Five standard errors of a mean and of a variance of 5,000 points.
    assert (abs(some.mean(axis=0) - cells.mean()) < 5 * spread / np.sqrt(5000)).all()
    bound = 5 * np.sqrt(2 / 5000) * np.outer(spread, spread)
    assert (abs(np.cov(some.T) - cells.covariance()) < bound).all()
    few = cells_of(means[:100])
    np.testing.assert_array_equal(sample_points(few), few.means)


def test_a_panel_has_the_view_the_names_and_a_note_that_stays_inside() -> None:
    scene = replace(compute_scene(article_run()), columns=("$a$ " + "x" * 44, "y" * 48))
    with apply_style():
        figure, axes = open_panel(scene, "a title", "a note of many words; " * 12)
        draw_faint_points(axes, scene.cells)
        figure.draw_without_rendering()
    assert (*axes.get_xlim(), *axes.get_ylim()) == tuple(scene.limits.T.ravel())
    assert (axes.get_xlabel(), axes.get_ylabel()) == scene.columns
    assert_inside(figure)


def assert_inside(figure: Figure) -> None:
    """Every text of a figure lies inside of it, and the title and note over no axes."""
    whole = figure.bbox
    texts = [*figure.texts, *(axes.xaxis.label for axes in figure.axes)]
    texts += [axes.yaxis.label for axes in figure.axes]
    for text in (each for each in texts if each.get_text()):
        held = text.get_window_extent()
        assert whole.x0 <= held.x0 < held.x1 <= whole.x1, text.get_text()
        assert whole.y0 <= held.y0 < held.y1 <= whole.y1, text.get_text()
    for text in figure.texts:
        own = text.get_window_extent()
        for box in filter(None, (axes.get_tightbbox() for axes in figure.axes)):
            assert not own.overlaps(box), text.get_text()
