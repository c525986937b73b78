"""The picture of a mixture with its margins."""

import numpy as np
import pytest
from builders import article_run, mixture_of, over_background, random_mixture

from gmmcli.pictures.marginals import (
    choose_width,
    lay_edges,
    make_marginals_figure,
    measure_margins,
    place_along,
)
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style

THIN = mixture_of([0.6, 0.4], [[1e9, 0], [1e9 + 7, 2]], [np.eye(2), 1e-6 * np.eye(2)])
OVER = over_background(random_mixture(3, seed=2), 0.3, np.array([[-9.0, -9.0], [9.0, 9.0]]))


@pytest.mark.parametrize("mixture", [THIN, OVER])
@pytest.mark.parametrize("axis", [0, 1])
def test_curves_hold_the_weights_of_their_parts(mixture: object, axis: int) -> None:
    known = THIN if mixture is THIN else OVER
    middle = float(known.means[0, axis])
    ends = np.array([middle - 60, middle + 60])
    places = place_along(known, axis, ends, n_even=6001)
    assert (np.diff(places) > 0).all()
    parts = measure_margins(known, axis, places)
    held = np.trapezoid(parts, places, axis=1)
    np.testing.assert_allclose(held, known.part_weights, rtol=0.01)


def test_the_width_is_scotts_of_one_gaussian() -> None:
    one = mixture_of([1.0], [[5.0, 0.0]], [[[4.0, 0.0], [0.0, 9.0]]])
    # 3.49 standard deviations over the cube root of N (Scott 1979).
    for axis, deviation in enumerate((2.0, 3.0)):
        width = choose_width(one, axis, 1000)
        assert width == pytest.approx(deviation / 10 * (24 * np.sqrt(np.pi)) ** (1 / 3))
    apart = mixture_of([0.5, 0.5], [[0, 0], [1000, 0]], [np.eye(2), np.eye(2)])
    # Of each half of the points by itself.
    assert choose_width(apart, 0, 2000) == pytest.approx(choose_width(one, 0, 1000) / 2)


def test_edges_cover_the_view_and_part_no_rounded_values() -> None:
    edges = lay_edges(79.0, np.array([40.2, 98.7]), 4.6, 1.0)
    assert edges[0] <= 40.2
    assert edges[-1] >= 98.7
    np.testing.assert_allclose(np.diff(edges), 5)
    np.testing.assert_allclose(edges % 1, 0.5)
    assert len(lay_edges(0.0, np.array([-1.0, 1.0]), 1e-9, 1e-16)) <= 403


def test_margins_share_the_axes_of_the_panel() -> None:
    run = article_run()
    scene = compute_scene(run)
    with apply_style():
        figure = make_marginals_figure(scene, run)
        figure.draw_without_rendering()
    panel, above, beside = figure.axes
    assert above.get_xlim() == panel.get_xlim() == tuple(scene.limits[:, 0])
    assert beside.get_ylim() == panel.get_ylim() == tuple(scene.limits[:, 1])
    for axes in (above, beside):
        assert len(axes.get_lines()) == 1 + run.mixture.n_components
        (stairs,) = axes.patches
        heights, edges, _ = stairs.get_data()  # type: ignore[attr-defined]
        assert heights @ np.diff(edges) == pytest.approx(1)
    assert (above.get_position().x0, above.get_position().width) == pytest.approx(
        (panel.get_position().x0, panel.get_position().width)
    )
