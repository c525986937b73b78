"""Cells as densities on pixels."""

import numpy as np
import pytest
from builders import cells_of

from gmmcli.core.cells.cells import Cells
from gmmcli.pictures.rasters import (
    double,
    find_faint,
    rasterise_cells,
    scale_strengths,
    separate_few,
)

VIEW = np.array([[0.0, 0.0], [100.0, 80.0]])  # a pixel is a unit
SHAPE = (80, 100)


def wide_cells() -> Cells:
    """Cells of many shapes in the middle of the view, points and lines among them."""
    random = np.random.default_rng(0)
    factors = random.normal(0, 1.2, (60, 2, 2))
    factors[:20] = 0.0
    factors[20:30, :, 1] = 0.0
    covariances = factors @ factors.swapaxes(1, 2)
    return Cells(random.uniform(1, 50, 60), random.uniform(35, 45, (60, 2)), covariances)


@pytest.mark.parametrize("dot", [0.6, 2.0])
def test_the_mass_is_kept(dot: float) -> None:
    cells = wide_cells()
    image = rasterise_cells(cells, VIEW, SHAPE, dot)
    assert image.sum() == pytest.approx(cells.n_points, rel=1e-9)
    assert image.min() >= 0


def test_a_cell_far_wider_than_the_view_leaves_little_in_it() -> None:
    wide = Cells(np.array([9.0]), np.array([[50.0, 40.0]]), 1e12 * np.array([np.eye(2)]))
    long = Cells(np.array([9.0]), np.array([[50.0, 40.0]]), np.diag([1e12, 0.0])[None])
    for cell in (wide, long):
        assert rasterise_cells(cell, VIEW, SHAPE, 0.8).sum() < 0.5


def test_a_mirror_image_has_mirrored_cells() -> None:
    cells, mirror = wide_cells(), np.diag([-1.0, 1.0])
    turned = Cells(
        cells.counts, cells.means @ mirror + [100, 0], mirror @ cells.covariances @ mirror
    )
    image, mirrored = (rasterise_cells(each, VIEW, SHAPE, 0.8) for each in (cells, turned))
    np.testing.assert_allclose(mirrored[:, ::-1], image, rtol=1e-9, atol=1e-12)


def test_a_kernel_has_the_covariance_of_its_cell_widened() -> None:
    covariance = np.array([[9.0, 4.0], [4.0, 4.0]])
    cell = Cells(np.array([7.0]), np.array([[50.0, 40.0]]), covariance[None])
    image = rasterise_cells(cell, VIEW, SHAPE, 0.8, 1.5)
    y, x = np.mgrid[:80, :100] + 0.5 - np.array([40, 50])[:, None, None]
    moments = [[(image * a * b).sum() / 7 for b in (x, y)] for a in (x, y)]
    # What a dot adds, and at most 1/4 for the sharing among four pixels.
    expected = 1.5**2 * covariance + 0.8**2 * np.eye(2)
    np.testing.assert_allclose(moments, expected, atol=0.3)


@pytest.mark.parametrize(("width", "turn"), [(0.7, 0.3), (3.0, 0.5), (7.0, 0.2), (7.0, 0.0)])
def test_a_grid_of_even_cells_makes_an_even_plain(width: float, turn: float) -> None:
    steps = np.arange(-120, 121) * width
    grid = np.stack(np.meshgrid(steps, 0.6 * steps), axis=-1).reshape(-1, 2)
    turning = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    box = turning @ np.diag([width**2, (0.6 * width) ** 2]) @ turning.T / 12
    places = grid @ turning.T + [50.3, 40.1]
    counts = np.full(len(places), 0.6 * width**2)  # one per pixel
    cells = Cells(counts, places, np.tile(box, (len(places), 1, 1)))
    near = ((places > -30) & (places < 130)).all(axis=1)
    image = rasterise_cells(cells.select(near), VIEW, SHAPE, 0.8)
    assert abs(image[10:-10, 10:-10] - 1).max() < 0.015


def test_strength_shows_single_points_and_is_one_at_the_peak() -> None:
    points = np.array([[20.0, 20.0]])
    crowd = np.random.default_rng(0).normal(60, 3, (20_000, 2))
    dot = 0.8
    image = rasterise_cells(cells_of(np.concatenate([points, crowd])), VIEW, SHAPE, dot)
    strengths = scale_strengths(image, find_faint(np.ones(20_001), dot))
    assert strengths.max() == 1
    assert 0.1 < strengths[20, 20] < 0.4
    assert strengths[20, 40] == 0


def test_doubling_keeps_what_is_linear() -> None:
    rows, columns = 2 * np.arange(5.0) + 0.5, 2 * np.arange(4.0) + 0.5
    coarse = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    fine = double(coarse, (9, 7))
    assert fine.shape == (9, 7, 2)
    np.testing.assert_allclose(fine[1:-1, 1:-1, 0], np.tile(np.arange(1.0, 8)[:, None], (1, 5)))
    np.testing.assert_allclose(fine[1:-1, 1:-1, 1], np.tile(np.arange(1.0, 6), (7, 1)))


def test_few_points_are_dots() -> None:
    pair, three = (
        np.array([[0.0, 0.0], [4.0, 2.0]]),
        np.array([[9.0, 9.0], [9.0, 12.0], [7.0, 9.0]]),
    )
    means = [pair.mean(axis=0), three.mean(axis=0), [5.0, 5.0]]
    covariances = [np.cov(pair.T, bias=True), np.cov(three.T, bias=True), np.eye(2)]
    cells = Cells(np.array([2.0, 3.0, 40.0]), np.array(means), np.array(covariances))
    found = separate_few(cells)
    assert found.counts.tolist() == [40, 1, 1, 1, 1, 1]
    two = found.means[1:3]
    np.testing.assert_allclose(two[np.argsort(two[:, 0])], pair, atol=1e-12)
    np.testing.assert_allclose(found.means[3:].mean(axis=0), means[1])
    np.testing.assert_allclose(np.cov(found.means[3:].T, bias=True), covariances[1])
    assert found.n_points == cells.n_points
