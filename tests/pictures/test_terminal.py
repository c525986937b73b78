"""A mixture as an image of few pixels."""

import numpy as np
from builders import article_run, cells_of, mixture_of, over_background, sampled

from gmmcli.pictures.colours import convert_to_oklab, mix
from gmmcli.pictures.kinds import Look
from gmmcli.pictures.scene import compute_radius, compute_scene
from gmmcli.pictures.style import BACKGROUND_COLOUR, apply_style, pick_colours
from gmmcli.pictures.terminal import (
    PAPER,
    View,
    count_pixels,
    paint_mixture,
    paint_points,
    rank_strengths,
    trace_ellipses,
)

APART = mixture_of([0.5, 0.5], [[-4, -2], [4, 2]], [np.eye(2), np.eye(2)])
ROWS = [np.array([[row, 0]]) for row in range(40)]
WIDE = View(np.array([[-8.0, -6.0], [8.0, 6.0]]), (24, 64))


def test_points_are_counted_from_the_top_and_none_outside() -> None:
    view = View(np.array([[0.0, 0.0], [4.0, 2.0]]), (2, 4))
    points = np.array([[0.5, 1.5], [3.5, 0.5], [3.6, 0.4], [9.0, 1.0], [-1e300, 1.0]])
    counts = count_pixels(cells_of(points, [1, 2, 3, 4, 5]), view)
    np.testing.assert_array_equal(counts, [[1, 0, 0, 0], [0, 0, 0, 5]])
    np.testing.assert_array_equal(view.locate(view.list_middles())[:5, 0], [0, 0, 0, 0, 1])


def test_strengths_rise_with_counts_and_the_faintest_can_be_seen() -> None:
    counts = np.array([[0.0, 1, 1, 1], [3, 50, 1e6, 0]])
    strengths = rank_strengths(counts)
    assert ((strengths == 0) == (counts == 0)).all()
    ranked = strengths.ravel()[np.argsort(counts, axis=None)]
    assert (np.diff(ranked) >= 0).all()
    np.testing.assert_allclose([strengths[0, 1], strengths[1, 2]], [0.3, 1])
    np.testing.assert_array_equal(rank_strengths(np.zeros((2, 2))), 0)
    np.testing.assert_array_equal(rank_strengths(np.ones((2, 2))), 1)


def test_the_image_has_the_hues_of_the_components_on_paper() -> None:
    colours = pick_colours(2)
    counts = count_pixels(cells_of(sampled(APART, 5000)), WIDE)
    image = paint_points(rank_strengths(counts), APART, WIDE, colours)
    assert image.shape == (24, 64, 3)
    np.testing.assert_array_equal(image[counts == 0], np.tile(PAPER, ((counts == 0).sum(), 1)))
    held = np.argwhere(counts == counts[:, 32:].max())[0]
    np.testing.assert_allclose(image[tuple(held)], colours[1], atol=0.2)
    left, right = image[14:18, 12:20].mean(axis=(0, 1)), image[6:10, 44:52].mean(axis=(0, 1))
    assert left[2] > left[0]  # blue
    assert right[0] > right[2]  # vermilion


def test_outlines_are_where_the_ellipses_are() -> None:
    radius = compute_radius(0.95)
    traces = trace_ellipses(APART, WIDE, radius)
    for trace, mean in zip(traces, APART.means, strict=True):
        numbers = trace @ [WIDE.shape[1], 1]
        away = np.linalg.norm(WIDE.list_middles()[numbers] - mean, axis=1)
        assert (abs(away - radius) < 0.36).all()  # half a pixel's diagonal
    paper = np.tile(np.array(PAPER), (*WIDE.shape, 1))
    image = paint_mixture(paper, traces, np.ones((2, 3)))
    painted = {tuple(place) for place in np.argwhere((image > 1 - 1e-6).all(axis=2)).tolist()}
    assert painted == {tuple(place) for trace in traces for place in trace.tolist()}


def test_pixels_between_components_are_mixed_as_frames_mix_them() -> None:
    with apply_style(Look(theme="dark")):
        colours = np.vstack([pick_colours(2), BACKGROUND_COLOUR])
    over = over_background(APART, 0.3, WIDE.limits)
    image = paint_points(np.ones(WIDE.shape), over, WIDE, colours)
    middles = WIDE.list_middles()
    shares = np.column_stack(
        [over.responsibilities(middles), over.background_responsibilities(middles)]
    )
    np.testing.assert_allclose(image.reshape(-1, 3), mix(shares, colours), atol=1e-12)


def test_every_colour_shows_on_the_paper() -> None:
    with apply_style(Look(theme="dark")):
        colours = pick_colours(40)
    every = convert_to_oklab(paint_mixture(np.zeros((40, 1, 3)), ROWS, colours))
    lightness = np.array([convert_to_oklab(colours)[:, 0], every[:, 0, 0]])
    # White is 1, and black as light as `lift` makes it; rounding to what screens have takes a hair.
    assert (lightness > 0.5 - 1e-3).all()
    assert (lightness[1] > lightness[0]).all()


def test_the_view_of_a_scene_holds_all_its_points() -> None:
    scene = compute_scene(article_run())
    counts = count_pixels(scene.cells, View(scene.limits, (20, 40)))
    assert counts.sum() == scene.cells.n_points
