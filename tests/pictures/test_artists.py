"""Parts of a picture: ellipses, points and the climb."""

import numpy as np
import pytest
from builders import article_run, mixture_of, run_of, sampled
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.artists import Components, draw_climb, make_ellipse, set_view
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style


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


def test_components_move_to_another_mixture() -> None:
    run = article_run()
    scene, last = compute_scene(run), run.history.last_step
    with apply_style():
        axes = Figure().add_subplot()
        set_view(axes, scene)
        components = Components(axes, scene)
        for step in (0, last):
            mixture = run.history.snapshot(step).mixture
            components.show(mixture)
        paths = [ellipse.get_path() for ellipse in components.ellipses]
    expected = make_ellipse(mixture.means[0], mixture.cholesky_factors()[0], 0.5)
    np.testing.assert_allclose(np.asarray(paths[0].vertices), np.asarray(expected.vertices))
    inks = np.array([to_rgb(ellipse.get_edgecolor()) for ellipse in components.ellipses])
    np.testing.assert_allclose(inks[::2], 0.8 * scene.colours)


def test_axes_that_share_a_scale_have_units_of_one_length() -> None:
    for stretch, aspect in ((1.0, 1.0), (100.0, "auto")):
        points = sampled(ARTICLE, 200)
        mixture = mixture_of(
            ARTICLE.weights,
            ARTICLE.means * [1, stretch],
            ARTICLE.covariances * np.outer([1, stretch], [1, stretch]),
        )
        history = History.of([mixture], [-9.0], [False], [200])
        axes = Figure().add_subplot()
        set_view(axes, compute_scene(run_of(points * [1, stretch], history)))
        assert axes.get_aspect() == aspect


def test_the_climb_is_broken_where_more_cells_take_over() -> None:
    elbos = [-9.0, -8.0, -6.0, -5.0]
    history = History.of([ARTICLE] * 4, elbos, [False] * 4, [5, 5, 9, 9])
    axes = Figure().add_subplot()
    line = draw_climb(axes, history, 10, [0, 3])
    np.testing.assert_array_equal(line.get_ydata(), [-0.9, -0.8, np.nan, -0.6, -0.5])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["on more cells"]
