"""Grids that cut the plane into cells, and finer grids inside cells that need them.

A grid is a whitening with cells for units: it follows the mean and the covariance of what it cuts,
so nothing depends on units, and cuts squares about that mean. Its outermost cells reach to
infinity, so a grid has a bounded number of cells whatever the data. The first grid cuts everything,
and may have longer cells on either side of a core. Any of its cells can get a grid of its own,
whose cells can too; where that follows a tight cluster in a wide cell, its outer cells are wider
and wider. NumPy only: `compression` has the table's engine find the cell of every row.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.mixture import FloatArray
from gmmcli.core.mixture.whitening import whitening_matrices

IntArray = npt.NDArray[np.int64]

# How far the cells of a grid would reach if the outermost were as wide as the others, in standard
# deviations. The first grid meets tails of components, the others what a cell holds, most often
# evenly, and then no farther than this.
FIRST_REACH = 5.0
REACH = math.sqrt(3)
# A grid inside a cell has at most so many cells on either side of its middle one.
MOST_HALF = 40
# If points may lie more than so many standard deviations apart in the cell that a grid cuts, it has
# so many wider cells at each end: a few strays in one cell with thousands of near ones would cost
# more than the covariance of all tells. A square that points fill evenly has a side of √12 of their
# standard deviations, so a cell that they fill has none. Of eight, the last begins eight times as
# far as the first.
FAR = 2 * math.sqrt(12)
WIDER = 8
# The index of a cell in its grid is column * SPAN + row, which doubles hold exactly.
SPAN = 2**20
# A variance below this share of the second moment is what rounding leaves of zero.
ROUNDING = 1e-13
# The least distance of an origin from zero, in cells: much less than rounding leaves of zero.
HAIR = 1e-20


@dataclass(frozen=True, eq=False)
class Cut:
    """How narrow the cells of a first grid have to be.

    Attributes:
        matrix: from data units to cells, shape (2, 2).
        origin: the middle of the core, shape (2,), in data units.
        core: on the second axis, how many cells lie on either side of the middle one before the
            cells become longer.
        stretch: so many times.
    """

    matrix: FloatArray
    origin: FloatArray
    core: int
    stretch: float


@dataclass(frozen=True, eq=False)
class Grids:
    """G grids: the first cuts the whole plane, each other one a cell of one before it.

    The cell of a point p is the whole number nearest to `matrix @ (p - origin)`, on each axis, but
    no further than its half from 0. Two kinds of cells are wider: in the first grid those beyond
    its core, see `Cut`; in other grids those beyond their halves, see `n_wider`. A place is a grid
    and the index of a cell in it.

    Attributes:
        places: the place of the cell that each grid cuts, shape (G, 2); -1 for the first grid.
        origins: shape (G, 2), in data units.
        matrices: shape (G, 2, 2), from data units to cells.
        halves: shape (G, 2), how many cells lie on either side of the middle one, on each axis.
        n_wider: shape (G,), how many wider cells lie beyond those, W. Where the halves end at a
            distance e, these end at e W / (W - 1), e W / (W - 2) and so on to infinity.
        core: where the cells of the first grid become longer, on its second axis; see `Cut`.
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

    def generations(self, first: int) -> list[IntArray]:
        """The grids from `first` on and all that they lie in, by depth, without grid 0."""
        depths = np.zeros(self.n_grids, dtype=np.int64)
        needed = np.arange(self.n_grids) >= first
        for grid in range(1, self.n_grids):
            depths[grid] = depths[self.places[grid, 0]] + 1
        for grid in range(self.n_grids - 1, 0, -1):
            needed[self.places[grid, 0]] |= needed[grid]
        deepest = depths[needed].max()
        return [np.flatnonzero(needed & (depths == depth)) for depth in range(1, deepest + 1)]

    def with_finer(
        self, places: IntArray, cells: Cells, halves: IntArray, n_wider: IntArray
    ) -> "Grids":
        """These grids and one more for each of some cells.

        Args:
            places: of the cells, shape (C, 2).
            cells: their statistics.
            halves: of the grids to make, shape (C,).
            n_wider: how many wider cells they have, shape (C,).
        """
        widths = (halves + 0.5) / REACH
        matrices = whitening_matrices(cells.covariances) * widths[:, None, None]
        return replace(
            self,
            places=np.concatenate([self.places, places]),
            origins=np.concatenate([self.origins, off_zero(cells.means, _units(matrices))]),
            matrices=np.concatenate([self.matrices, matrices]),
            halves=np.concatenate([self.halves, np.stack([halves, halves], axis=1)]),
            n_wider=np.concatenate([self.n_wider, n_wider]),
        )

    def wider_for(self, places: IntArray, cells: Cells, most_rows: FloatArray) -> IntArray:
        """How many wider cells the grids of some cells need, shape (C,).

        Args:
            places: of the cells, shape (C, 2).
            cells: their statistics.
            most_rows: how many rows each may have, shape (C,).
        """
        n_wider = np.zeros(cells.n_cells, dtype=np.int64)
        # Of n points, no two are further than √2n standard deviations apart.
        (enough,) = np.nonzero(np.sqrt(2 * most_rows) > FAR)
        if len(enough):
            grids, middles = places[enough, 0], _middles(places[enough])
            whitening = whitening_matrices(cells.covariances[enough])
            sides = np.linalg.inv(self.matrices)[grids]  # the columns
            sides[:, :, 1] *= self._lengths(places[enough])[:, None]
            apart = np.linalg.norm(whitening @ sides, ord=2, axis=(1, 2))
            ends = self.halves[grids] + (self.n_wider[grids] > 0)[:, None]
            have_no_end = (np.abs(middles) >= ends).any(axis=1)
            n_wider[enough[have_no_end | (apart > FAR)]] = WIDER
        return n_wider

    def _lengths(self, places: IntArray) -> FloatArray:
        """How long cells are on their second axis, shape (C,), in cells."""
        is_long = (places[:, 0] == 0) & (np.abs(_middles(places)[:, 1]) > self.core)
        return np.where(is_long, self.stretch, 1.0)

    def are_outermost(self, places: IntArray) -> npt.NDArray[np.bool_]:
        """Which cells are at an end of the first grid, shape (C,), given their places (C, 2)."""
        at_an_end = (np.abs(_middles(places)) == self.halves[0]).any(axis=1)
        are_outermost: npt.NDArray[np.bool_] = at_an_end & (places[:, 0] == 0)
        return are_outermost

    def cells_of(self, places: IntArray, counts: FloatArray, sums: FloatArray) -> Cells:
        """Cells in data units, given sums over their points in the units of their grids.

        Args:
            places: of the cells, shape (C, 2).
            counts: shape (C,).
            sums: of t, u, t², tu and u², shape (C, 5), where t and u are the distances of a point
                from the middle of its cell, in cells; see `n_wider`.
        """
        grids = places[:, 0]
        middles: FloatArray = _middles(places).astype(np.float64)
        ends, n_wider = self.halves[grids] + 0.5, np.maximum(self.n_wider[grids, None], 1)
        beyond = np.maximum(np.abs(middles) - ends, 0)
        past_ends = np.sign(middles) * ends * n_wider / (n_wider - beyond)
        middles = np.where(beyond > 0, past_ends, middles)
        shifts, seconds = sums[:, :2] / counts[:, None], sums[:, 2:] / counts[:, None]
        with np.errstate(over="ignore", invalid="ignore"):  # the whitening says what overflows
            within = seconds - shifts[:, [0, 0, 1]] * shifts[:, [0, 1, 1]]
        flat = within[:, [0, 2]] <= ROUNDING * seconds[:, [0, 2]]
        within[flat.any(axis=1), 1] = 0.0
        within[:, [0, 2]] = np.where(flat, 0.0, within[:, [0, 2]])
        lengths = self._lengths(places)
        past = middles[:, 1] - np.sign(middles[:, 1]) * (self.core + 0.5)  # of the core
        middles[:, 1] += (lengths - 1) * past
        shifts[:, 1] *= lengths
        within *= np.stack([np.ones_like(lengths), lengths, lengths**2], axis=1)
        inverses = np.linalg.inv(self.matrices)[grids]  # (C, 2, 2)
        means = self.origins[grids] + np.einsum("cij,cj->ci", inverses, middles + shifts)
        matrices = within[:, [[0, 1], [1, 2]]]
        return Cells(counts, means, inverses @ matrices @ inverses.swapaxes(1, 2))


def first_grid(
    mean: FloatArray, covariance: FloatArray, most_cells: int, cut: Cut | None = None
) -> Grids:
    """The grid that cuts everything into at most so many cells.

    Args:
        mean: of the points, as far as is known, shape (2,), in data units.
        covariance: of the points, as far as is known, shape (2, 2).
        most_cells: the largest number of cells.
        cut: cells that are narrow enough. By default there are as many as may be, as long as wide
            in units of the covariance.
    """
    if not covariance.any():  # nothing is known about scale; finer grids will find it
        covariance = np.eye(2)
    most_scale = np.inf if cut is None else 1.0
    if cut is None:
        (matrix,) = whitening_matrices(covariance[None])
        cut = Cut(matrix, mean, core=0, stretch=1.0)
    away = np.abs(cut.matrix @ (mean - cut.origin))
    variances = np.maximum(np.diag(cut.matrix @ covariance @ cut.matrix.T), 0)  # rounding
    reaches = away + FIRST_REACH * np.sqrt(variances)
    beyond = max(reaches[1] - cut.core - 0.5, 0.0)
    reaches[1] -= beyond * (1 - 1 / cut.stretch)
    scale = min(_largest_scale(reaches, most_cells), most_scale)
    halves = np.clip(np.floor(scale * reaches - 0.5), 1, SPAN // 2 - 1).astype(np.int64)
    matrices = scale * cut.matrix[None]
    origins = off_zero(cut.origin[None], _units(matrices))
    nowhere, none = np.full((1, 2), -1), np.zeros(1, dtype=np.int64)
    core = int(scale * cut.core)
    return Grids(nowhere, origins, matrices, halves[None], none, core, cut.stretch)


def _largest_scale(reaches: FloatArray, most_cells: int) -> float:
    """How many times narrower cells may be, given how far they reach on either axis, in cells.

    There are at least three in a row.
    """
    short, long = np.sort(reaches)
    if short > 0 and (scale := np.sqrt(most_cells / (4 * short * long))) * short >= 1.5:
        return float(scale)
    return float(most_cells / 3 / (2 * long))


def off_zero(origins: FloatArray, units: FloatArray) -> FloatArray:
    """Origins a hair from zero where they are nearer to it, given the units of either axis.

    Tiny numbers are lost in differences from them then, before their squares would vanish, which
    PostgreSQL refuses.
    """
    hair = HAIR * units
    return np.where(np.abs(origins) < hair, hair, origins)


def n_cells_of(halves: IntArray, n_wider: IntArray) -> IntArray:
    """The largest number of cells of grids with these halves, and so many wider cells beyond."""
    return (2 * (halves + n_wider) + 1) ** 2


def halves_for(parts: FloatArray) -> IntArray:
    """The halves of the smallest grids that cut an even spread into at least so many parts."""
    halves = np.ceil((np.sqrt(parts) - 1) / 2)
    return np.clip(halves, 1, MOST_HALF).astype(np.int64)


def _middles(places: IntArray) -> IntArray:
    """The column and row of cells, shape (C, 2), given their places."""
    columns = np.floor_divide(places[:, 1] + SPAN // 2, SPAN)
    return np.stack([columns, places[:, 1] - columns * SPAN], axis=1)


def _units(matrices: FloatArray) -> FloatArray:
    """About the length of a cell on either axis, shape (G, 2), given grids' matrices."""
    units: FloatArray = 1 / np.abs(matrices).max(axis=1)
    return units
