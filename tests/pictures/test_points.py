"""The data of a picture: dots, or the image of a density."""

from dataclasses import replace

import numpy as np
from builders import article_run, cells_of, over_background, run_of, sampled
from matplotlib.figure import Figure

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.artists import set_view
from gmmcli.pictures.colours import convert_to_oklab, mix
from gmmcli.pictures.points import Density, Dots, make_points, mix_cells
from gmmcli.pictures.scene import MANY_CELLS, compute_scene


def test_points_mix_the_colours_of_their_components() -> None:
    run = article_run()
    scene = compute_scene(run)
    dots = make_points(Figure().add_subplot(), scene)
    assert isinstance(dots, Dots)
    dots.show(run.mixture)
    colours = np.asarray(dots.artist.get_facecolor())[:, :3]
    shares = run.mixture.responsibilities(run.cells.means)
    np.testing.assert_allclose(colours, mix(shares, scene.colours), atol=1e-9)


def test_points_of_the_background_are_open_circles() -> None:
    run = article_run()
    ends = np.array([[-12.0, -9.0], [14.0, 11.0]])
    mixture = over_background(run.mixture, 0.05, ends)
    strays = np.random.default_rng(0).uniform(ends[0], ends[1], (60, 2))
    cells = run.cells.join(cells_of(strays))
    history = History.of([mixture], [-9.0], [False], [cells.n_cells])
    scene = compute_scene(replace(run, mixture=mixture, cells=cells, history=history))
    dots = Dots(Figure().add_subplot(), scene)
    dots.show(mixture)
    rest = mixture.background_responsibilities(cells.means)
    are_stray = rest > mixture.responsibilities(cells.means).max(axis=1)
    assert 30 < are_stray.sum() < cells.n_cells
    filled = np.asarray(dots.artist.get_facecolor())[:, 3] > 0
    ringed = np.asarray(dots.artist.get_edgecolor())[:, 3] > 0
    np.testing.assert_array_equal(ringed, are_stray)
    np.testing.assert_array_equal(filled, ~are_stray)


def test_many_cells_make_an_image_of_paper_and_the_colours_of_components() -> None:
    points = sampled(ARTICLE, MANY_CELLS + 1)
    scene = compute_scene(run_of(points, History.of([ARTICLE], [-9.0], [False], [1])))
    axes = Figure().add_subplot()
    set_view(axes, scene)
    density = make_points(axes, scene)
    assert isinstance(density, Density)
    density.show(ARTICLE)
    image = np.asarray(density.artist.get_array()) / 255
    assert image.shape[:2] == (round(axes.bbox.height), round(axes.bbox.width))
    assert (image[0, 0] == 1).all()
    # At the peak, the colour of the component that is there.
    lab = convert_to_oklab(image)
    row, column = np.unravel_index(lab[..., 0].argmin(), lab.shape[:2])
    low, high = scene.limits
    shares = (np.array([column, row]) + 0.5) / image.shape[1::-1]
    place = low + shares * (high - low)
    expected = mix(ARTICLE.responsibilities(place[None]), scene.colours)[0]
    np.testing.assert_allclose(image[row, column], expected, atol=0.1)


def test_cells_of_groups_keep_their_colours_where_they_are_many() -> None:
    two = cells_of(np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 0.0]]))
    colours = np.array([[1.0, 0, 0], [0, 0, 1], [0, 0, 1]])

    def spread(some: Cells) -> FloatArray:
        return np.array([some.n_points, 0.0])

    mixed = mix_cells(two, colours, spread)
    red, blue = convert_to_oklab(np.array([[1.0, 0, 0], [0, 0, 1]]))
    np.testing.assert_allclose(mixed[0], (red + 2 * blue) / 3, atol=1e-6)
