"""Grids that cut the plane into cells, and finer grids inside cells that need them.

A grid is a whitening with cells for units: it follows the mean and the covariance of what it cuts,
so nothing depends on units, and cuts squares about that mean. Its outermost cells reach to
infinity, so a grid has a bounded number of cells whatever the data. The first grid cuts everything,
and may have longer cells on either side of a core; see `first_grid`. Any of its cells can get a
grid of its own, whose cells can too; where that follows a tight cluster in a wide cell, its outer
cells are wider and wider. NumPy only: `expressions` has the table's engine find the cell of every
row.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.places import IntArray, find_middles, lengthen, split_indices
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.whitening import find_whitening_matrices
from gmmcli.core.tables.arithmetic import avoid_zero


@dataclass(frozen=True, eq=False)
class Grids:
    """G grids: the first cuts the whole plane, each other one a cell of one before it.

    The cell of a point p is the whole number nearest to `matrix @ (p - origin)`, on each axis, but
    no further than its half from 0. Two kinds of cells are wider: in the first grid those beyond
    its core, and in other grids those beyond their halves. See `places`.

    Attributes:
        places: the place of the cell that each grid cuts, shape (G, 2); -1 for the first grid.
        origins: shape (G, 2), in data units.
        matrices: shape (G, 2, 2), from data units to cells.
        halves: shape (G, 2), how many cells lie on either side of the middle one, on each axis.
        n_wider: shape (G,), how many wider cells lie beyond those.
        core: on the second axis of the first grid, how many cells lie on either side of the middle
            one before they become longer.
        stretch: so many times.
    """

    places: IntArray
    origins: FloatArray
    matrices: FloatArray
    halves: IntArray
    n_wider: IntArray
    core: int = 0
    stretch: float = 1.0

    @property
    def n_grids(self) -> int:
        """The number of grids, G."""
        return len(self.halves)

    def sort_by_depth(self, first: int) -> list[IntArray]:
        """The grids from `first` on and all that they lie in, by depth, without grid 0."""
        depths = np.zeros(self.n_grids, dtype=np.int64)
        needed = np.arange(self.n_grids) >= first
        for grid in range(1, self.n_grids):
            depths[grid] = depths[self.places[grid, 0]] + 1
        for grid in range(self.n_grids - 1, 0, -1):
            needed[self.places[grid, 0]] |= needed[grid]
        deepest = depths[needed].max()
        return [np.flatnonzero(needed & (depths == depth)) for depth in range(1, deepest + 1)]

    def add_finer(
        self, places: IntArray, cells: Cells, halves: IntArray, n_wider: IntArray
    ) -> "Grids":
        """These grids and one more for each of some cells.

        Args:
            places: of the cells, shape (C, 2).
            cells: their statistics.
            halves: of the grids to make, shape (C,).
            n_wider: how many wider cells they have, shape (C,).
        """
        widths = (halves + 0.5) / math.sqrt(3)  # an even spread ends √3 deviations from its mean
        matrices = find_whitening_matrices(cells.covariances) * widths[:, None, None]
        return replace(
            self,
            places=np.concatenate([self.places, places]),
            origins=np.concatenate([self.origins, move_off_zero(cells.means, matrices)]),
            matrices=np.concatenate([self.matrices, matrices]),
            halves=np.concatenate([self.halves, np.stack([halves, halves], axis=1)]),
            n_wider=np.concatenate([self.n_wider, n_wider]),
        )

    def count_wider(
        self,
        places: IntArray,
        cells: Cells,
        most_rows: FloatArray,
        *,
        far: float = 2 * math.sqrt(12),
        n_wider: int = 8,
    ) -> IntArray:
        """How many wider cells the grids of some cells need, shape (C,).

        Those where points may lie far apart: a few strays in one cell with thousands of near ones
        would cost more than the covariance of all tells. How much of the gap stays hidden, and how
        many cells that takes, is in benchmarks/gaps.py.

        Args:
            places: of the cells, shape (C, 2).
            cells: their statistics.
            most_rows: how many rows each may have, shape (C,).
            far: beyond so many standard deviations. A square that points fill evenly has a side of
                √12 of their standard deviations, so a cell that they fill needs none.
            n_wider: how many those need. Of eight, the last begins eight times as far as the first.
        """
        needed = np.zeros(cells.n_cells, dtype=np.int64)
        # Of n points, no two are further than √2n standard deviations apart.
        (enough,) = np.nonzero(np.sqrt(2 * most_rows) > far)
        if len(enough):
            grids, numbers = places[enough, 0], split_indices(places[enough, 1])
            whitening = find_whitening_matrices(cells.covariances[enough])
            sides = np.linalg.inv(self.matrices)[grids]  # the columns
            sides[:, :, 1] *= self._find_lengths(places[enough])[:, None]
            apart = np.linalg.norm(whitening @ sides, ord=2, axis=(1, 2))
            ends = self.halves[grids] + (self.n_wider[grids] > 0)[:, None]
            have_no_end = (np.abs(numbers) >= ends).any(axis=1)
            needed[enough[have_no_end | (apart > far)]] = n_wider
        return needed

    def are_outermost(self, places: IntArray) -> npt.NDArray[np.bool_]:
        """Which cells are at an end of the first grid, shape (C,), given their places (C, 2)."""
        at_an_end = (np.abs(split_indices(places[:, 1])) == self.halves[0]).any(axis=1)
        are_outermost: npt.NDArray[np.bool_] = at_an_end & (places[:, 0] == 0)
        return are_outermost

    def make_cells(self, places: IntArray, counts: FloatArray, sums: FloatArray) -> Cells:
        """Cells in data units, given sums over their points in the units of their grids.

        Args:
            places: of the cells, shape (C, 2).
            counts: shape (C,).
            sums: of t, u, t², tu and u², shape (C, 5), where t and u are the distances of a point
                from the middle of its cell, in cells; see `find_middles`.
        """
        grids, lengths = places[:, 0], self._find_lengths(places)
        middles = find_middles(
            split_indices(places[:, 1]).astype(np.float64),
            self.halves[grids].astype(np.float64),
            self.n_wider[grids, None].astype(np.float64),
        )
        middles[:, 1] = lengthen(middles[:, 1], self.core, lengths)
        shifts, within = _average(counts, sums)
        shifts[:, 1] *= lengths
        within *= np.stack([np.ones_like(lengths), lengths, lengths**2], axis=1)
        inverses = np.linalg.inv(self.matrices)[grids]  # (C, 2, 2)
        means = self.origins[grids] + np.einsum("cij,cj->ci", inverses, middles + shifts)
        matrices = within[:, [[0, 1], [1, 2]]]
        return Cells(counts, means, inverses @ matrices @ inverses.swapaxes(1, 2))

    def _find_lengths(self, places: IntArray) -> FloatArray:
        """How long cells are on their second axis, shape (C,), in cells."""
        rows = split_indices(places[:, 1])[:, 1]
        is_long = (places[:, 0] == 0) & (np.abs(rows) > self.core)
        return np.where(is_long, self.stretch, 1.0)


def move_off_zero(origins: FloatArray, matrices: FloatArray) -> FloatArray:
    """The origins of grids, a hair from zero where they are nearer to it, shape (G, 2).

    Args:
        origins: shape (G, 2), in data units.
        matrices: of the grids, shape (G, 2, 2), from data units to cells.
    """
    return avoid_zero(origins, 1 / np.abs(matrices).max(axis=1))  # about the lengths of a cell


def _average(
    counts: FloatArray, sums: FloatArray, *, rounding: float = 1e-13
) -> tuple[FloatArray, FloatArray]:
    """The means of t and u in each cell, (C, 2), and the covariances tt, tu and uu, (C, 3).

    Args:
        counts: shape (C,).
        sums: of t, u, t², tu and u², shape (C, 5).
        rounding: a variance below this share of the second moment is what rounding leaves of zero:
            some thousand roundings of a double.
    """
    means, seconds = sums[:, :2] / counts[:, None], sums[:, 2:] / counts[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # the whitening says what overflows
        within = seconds - means[:, [0, 0, 1]] * means[:, [0, 1, 1]]
    flat = within[:, [0, 2]] <= rounding * seconds[:, [0, 2]]
    within[flat.any(axis=1), 1] = 0.0
    within[:, [0, 2]] = np.where(flat, 0.0, within[:, [0, 2]])
    return means, within
