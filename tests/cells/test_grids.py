"""Grids: the moments of their cells are those of the points, and finer ones lie in coarser."""

import numpy as np
import pytest
from builders import cells_of, number_by_edges, sampled

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.first_grid import Cut, lay_first_grid
from gmmcli.core.cells.grids import Grids
from gmmcli.core.cells.places import SPAN, IntArray, find_middles
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.sampling import ARTICLE

POINTS = sampled(ARTICLE, 5000)


def laid(core: int, stretch: float) -> Grids:
    """A first grid over the points, with longer cells beyond a core."""
    every = cells_of(POINTS)
    cut = Cut(np.array([[1.0, 0.25], [-0.3, 2.0]]), every.mean() + 0.1, core, stretch)
    return lay_first_grid(every.mean(), every.covariance(), 100_000, cut)


def check_moments(grids: Grids, grid: int, numbers: IntArray, offsets: FloatArray) -> None:
    """Check the cells that a grid makes of sums over the points in it.

    Args:
        grids: the grid and others.
        grid: its number.
        numbers: the column and row of each point, shape (N, 2).
        offsets: of each point from the middle of its cell, in cells, shape (N, 2).
    """
    indices, groups = np.unique(numbers @ np.array([SPAN, 1]), return_inverse=True)
    places = np.stack([np.full(len(indices), grid), indices], axis=1)
    t, u = offsets.T
    sums = [np.bincount(groups, values) for values in (t, u, t * t, t * u, u * u)]
    counts = np.bincount(groups).astype(np.float64)
    found = grids.make_cells(places, counts, np.stack(sums, axis=1))
    expected = cells_of(POINTS).merge(groups)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.means, expected.means, atol=1e-12)
    np.testing.assert_allclose(found.covariances, expected.covariances, atol=1e-12)


@pytest.mark.parametrize("stretch", [1.0, 2.0, 4.0])
def test_cells_of_a_first_grid_have_the_moments_of_their_points(stretch: float) -> None:
    grids, core = laid(3, stretch), 3
    assert (grids.core, grids.stretch) == (core, stretch)
    coordinates = (POINTS - grids.origins[0]) @ grids.matrices[0].T
    beyond = np.abs(coordinates[:, 1]) - (core + 0.5)
    assert (beyond > 0).any()
    shortened = coordinates.copy()
    shortened[:, 1] -= np.sign(shortened[:, 1]) * np.maximum(beyond, 0) * (1 - 1 / stretch)
    numbers = np.clip(np.floor(shortened + 0.5), -grids.halves[0], grids.halves[0]).astype(int)
    check_moments(grids, 0, numbers, shortened - numbers)


@pytest.mark.parametrize("n_wider", [0, 8])
def test_cells_of_a_finer_grid_have_the_moments_of_their_points(n_wider: int) -> None:
    """A grid that follows a tight cluster in a cell, with strays about it."""
    tight = Cells(np.ones(1), np.array([[1.0, 2.0]]), 0.5 * np.eye(2)[None])
    place, half = np.array([[0, 0]]), np.array([2])
    grids = laid(3, 1.0).add_finer(place, tight, half, np.array([n_wider]))
    coordinates = (POINTS - grids.origins[1]) @ grids.matrices[1].T
    if n_wider:
        numbers = number_by_edges(coordinates, 2, n_wider)
    else:
        numbers = np.clip(np.floor(coordinates + 0.5), -2, 2).astype(int)
    each = np.broadcast_to(1.0, numbers.shape)
    middles = find_middles(numbers.astype(float), 2 * each, n_wider * each)
    check_moments(grids, 1, numbers, coordinates - middles)


def test_an_even_spread_fills_a_finer_grid() -> None:
    """Which is as wide as the square of an even spread with the covariance of the cell."""
    side = 3.0
    even = Cells(np.ones(1), np.zeros((1, 2)), side**2 / 12 * np.eye(2)[None])
    one, none = np.array([[0, 0]]), np.zeros(1, dtype=np.int64)
    grids = laid(3, 1.0).add_finer(one, even, np.array([4]), none)
    corners = np.array([[-side / 2, side / 2], [side / 2, side / 2]])
    np.testing.assert_allclose(np.abs(corners @ grids.matrices[1].T), 4.5, rtol=1e-12)


def test_grids_are_sorted_by_how_deep_they_lie() -> None:
    one, none = Cells(np.ones(1), np.zeros((1, 2)), np.eye(2)[None]), np.zeros(1, dtype=np.int64)
    grids = laid(3, 1.0)
    for parent in (0, 0, 1, 3):  # grids 1 and 2 in 0, 3 in 1, 4 in 3
        grids = grids.add_finer(np.array([[parent, 0]]), one, np.array([1]), none)
    assert [list(depth) for depth in grids.sort_by_depth(4)] == [[1], [3], [4]]
    assert [list(depth) for depth in grids.sort_by_depth(2)] == [[1, 2], [3], [4]]
