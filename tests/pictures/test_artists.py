"""Parts of a picture: ellipses, points and the climb."""

from dataclasses import replace

import numpy as np
import pytest
from builders import article_run, cells_of, over_background, random_mixture, run_of, sampled
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.artists import draw_climb, make_ellipse
from gmmcli.pictures.frames import make_frame
from gmmcli.pictures.scene import compute_scene


@pytest.mark.parametrize("coverage", [0.5, 0.95])
def test_an_ellipse_holds_its_share_of_the_component(coverage: float) -> None:
    mean, covariance = np.array([3.0, -1.0]), np.array([[4.0, 1.2], [1.2, 0.5]])
    points = np.random.default_rng(0).multivariate_normal(mean, covariance, 40_000)
    factor = np.linalg.cholesky(covariance)
    scales = np.array([1e-9, 1e9])  # of very different units
    ellipse = make_ellipse(mean * scales, factor * scales[:, None], coverage)
    share = ellipse.transformed(Affine2D().scale(*1 / scales)).contains_points(points).mean()
    # Five standard errors of a share of 40,000.
    assert abs(share - coverage) < 5 * np.sqrt(coverage * (1 - coverage) / 40_000)


def test_points_mix_the_colours_of_their_components() -> None:
    run = article_run()
    scene = compute_scene(run)
    axes = make_frame(scene, run.history.snapshot(run.history.last_step)).axes[0]
    colours = np.asarray(axes.collections[0].get_facecolor())[:, :3]
    responsibilities = run.mixture.responsibilities(run.cells.means)
    np.testing.assert_allclose(colours, responsibilities @ scene.colours, atol=1e-9)


def test_points_of_the_background_are_open_circles() -> None:
    run = article_run()
    ends = np.array([[-12.0, -9.0], [14.0, 11.0]])
    mixture = over_background(run.mixture, 0.05, ends)
    strays = np.random.default_rng(0).uniform(ends[0], ends[1], (60, 2))
    cells = run.cells.join(cells_of(strays))
    history = History.of([mixture], [-9.0], [False], [cells.n_cells])
    stray = replace(run, mixture=mixture, cells=cells, history=history)
    figure = make_frame(compute_scene(stray), history.snapshot(0))
    filled, circles = figure.axes[0].collections
    rest = mixture.background_responsibilities(cells.means)
    are_stray = rest > mixture.responsibilities(cells.means).max(axis=1)
    assert 30 < are_stray.sum() < cells.n_cells
    np.testing.assert_array_equal(circles.get_offsets(), cells.means[are_stray])
    np.testing.assert_array_equal(filled.get_offsets(), cells.means[~are_stray])
    assert not len(np.asarray(circles.get_facecolor()))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert legend.get_texts()[-1].get_text() == "background\n5.0%"
    assert figure.texts[0].get_text().endswith("; open circles: background")


def test_a_frame_without_a_legend_tells_the_weight_of_the_background_in_its_title() -> None:
    mixture = over_background(random_mixture(13, seed=0), 0.024, np.array([[-9, -9], [9, 9]]))
    history = History.of([mixture], [-9.0], [False], [200])
    run = run_of(sampled(mixture, 200), history)
    title = make_frame(compute_scene(run), history.snapshot(0)).axes[0].get_title()
    assert title.endswith("nats per point   background 2.4%")


def test_the_climb_is_broken_where_more_cells_take_over() -> None:
    elbos = [-9.0, -8.0, -6.0, -5.0]
    history = History.of([ARTICLE] * 4, elbos, [False] * 4, [5, 5, 9, 9])
    axes = Figure().add_subplot()
    line = draw_climb(axes, history, 10, [0, 3])
    np.testing.assert_array_equal(line.get_ydata(), [-0.9, -0.8, np.nan, -0.6, -0.5])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["on more cells"]
