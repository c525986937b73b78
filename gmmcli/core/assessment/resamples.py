"""Points with weights drawn anew, as if other samples had been taken.

The weighted-likelihood bootstrap (Newton & Raftery 1994) gives every row an exponential weight of
mean 1, scaled so that all rows together keep their number. Rows at one place are told by the sum of
their weights alone, which is gamma distributed: with n rows, its mean and its variance are n.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.cells.gaps import spread_cells
from gmmcli.core.cells.tree import group_cells
from gmmcli.core.mixture.covariances import FloatArray


@dataclass(frozen=True, eq=False)
class Resampling:
    """How samples are drawn anew.

    Attributes:
        n_replicates: how many.
        seed: of their weights; the first replicates of more are the same.
        squares: the sums of the squares of the rows' weights in each cell, shape (C,); None where
            every row counts as much.
        worth: what a count of one is worth as evidence, where there are no squares; see
            `cells.grain`.
        watch: called after each replicate with its number, from 1 on.
        interrupted: asked after each whether to end with it.
    """

    n_replicates: int
    seed: int = 0
    squares: FloatArray | None = None
    worth: float = 1.0
    watch: Callable[[int], None] = lambda _number: None
    interrupted: Callable[[], bool] = lambda: False

    def find_squares(self, counts: FloatArray) -> FloatArray:
        """The sums of squares, (C,), of cells with these counts: the variances of their weights."""
        return counts / self.worth if self.squares is None else self.squares


@dataclass(frozen=True, eq=False)
class WeightedPoints:
    """Points to draw weights for.

    Attributes:
        cells: C of them, each at one place, in data units.
        squares: the sums of the squares of the rows' weights, shape (C,).
        are_merged: whether they are those of fewer cells than the data have.
    """

    cells: Cells
    squares: FloatArray
    are_merged: bool

    @staticmethod
    def of(cells: Cells, resampling: Resampling, most: int) -> "WeightedPoints":
        """Those of cells, of which so many are left at most, with the same means and covariances.

        Cells with a spread stand in four places each; see `gaps`.

        Args:
            cells: in data units.
            resampling: the squares of the rows' weights.
            most: how many cells to merge them into at most.

        Raises:
            TableError: when the variance of the coordinates overflows or vanishes.
        """
        squares, n_cells = resampling.find_squares(cells.counts), cells.n_cells
        if n_cells > most:
            groups = group_cells(cells.whiten(find_whitening(cells, "full")), most)
            cells = cells.merge(groups)
            squares = np.bincount(groups, squares).astype(np.float64)
        points, origins = spread_cells(cells)
        squares = (squares / cells.counts)[origins] * points.counts
        return WeightedPoints(points, squares, are_merged=cells.n_cells < n_cells)

    def draw(self, resampling: Resampling) -> Iterator[FloatArray]:
        """The weights of the points in one replicate after another; see `draw_weights`."""
        return draw_weights(self.cells.counts, replace(resampling, squares=self.squares))


def draw_weights(counts: FloatArray, resampling: Resampling) -> Iterator[FloatArray]:
    """The weights of cells in one replicate after another, shape (C,) each.

    Each sums to the number of points.

    Args:
        counts: of the points of each cell, or the sums of their weights, shape (C,).
        resampling: how many replicates, and how they are drawn.
    """
    squares, n_points = resampling.find_squares(counts), counts.sum()
    shapes, scales = counts**2 / squares, squares / counts
    for source in np.random.SeedSequence(resampling.seed).spawn(resampling.n_replicates):
        weights = scales * np.random.default_rng(source).standard_gamma(shapes)
        yield weights * (n_points / weights.sum())
