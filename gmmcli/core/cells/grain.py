"""How finely points were written down, and how many of them are copies.

A value that was rounded stands for an interval, and its point for a small cell; so no component can
gain by closing in on the values themselves. Rows that are copies of one another are no evidence of
their own. NumPy only.
"""

from typing import NamedTuple

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray


class Grain(NamedTuple):
    """What points were written down with.

    Attributes:
        steps: between neighbouring values on either axis, shape (2,), in data units: between
            neighbouring doubles where values are as good as continuous.
        worth: what a count of one is worth as evidence: 1 for rows, one over the least count where
            all are its multiples, and Kish's share for copies and for other weights.
        are_rows: whether counts are numbers of rows of their own, or multiples of these.
    """

    steps: FloatArray
    worth: float
    are_rows: bool = True

    def find_squares(self, cells: Cells) -> FloatArray:
        """The sums of the squares of what rows count, shape (C,): how much their sums vary."""
        if self.are_rows or cells.squares is None:
            return cells.counts / self.worth
        return cells.squares

    def weigh(self, cells: Cells) -> Cells:
        """Cells with counts of what their points are worth as evidence."""
        return cells.weigh(self.worth, self.find_squares(cells))

    @property
    def covariance(self) -> FloatArray:
        """The variance that rounding hides on either axis, as a diagonal matrix, shape (2, 2).

        Sheppard's correction (1898): a value rounded to steps of d is uniform over as much, and has
        the variance d²/12.
        """
        return np.diag(self.steps**2 / 12)


def find_grain(points: Cells, *, distinct: float = 0.9) -> Grain:
    """How finely some points were written down, and what they are worth.

    Where all points count a multiple of the least count, that is what one is worth: a table whose
    rows are all written twice, or have weights in another unit, says the same. Where most points
    count more than that, and yet hardly two share a value of an axis, they are copies, as nothing
    but copying brings that: they count by Kish's effective number (1965, section 8.2), and so do
    points with weights that are no numbers of rows. The step of an axis is the median gap from a
    value to the nearest other, over all points, which is 0 for a value that no other point shares;
    or what doubles can tell apart so far from zero.

    Args:
        points: each a cell, in data units.
        distinct: of all distinct points, the share of the distinct values on an axis from which on
            hardly two share one.
    """
    spacings = np.spacing(np.abs(points.means).max(axis=0))
    if points.have_spread.any():  # cells of several points tell nothing of how each was written
        return Grain(spacings, 1.0)
    places, numbers = np.unique(points.means, axis=0, return_inverse=True)
    counts = np.bincount(numbers.ravel(), points.counts).astype(np.float64)
    total, least = counts.sum(), counts.min()
    n_values = min(len(np.unique(places[:, axis])) for axis in (0, 1))
    are_repeated = counts[counts > least].sum() > total / 2
    have_own_values = len(places) > 2 and n_values > distinct * len(places)
    if are_repeated and have_own_values:
        return Grain(spacings, _find_effective_share(counts), are_rows=False)
    steps = np.array([_find_step(places[:, axis], counts) for axis in (0, 1)])
    steps = np.maximum(steps, spacings)
    if _are_whole(counts / least):
        return Grain(steps, float(1 / least))
    if _are_whole(counts):
        return Grain(steps, 1.0)
    return Grain(steps, _find_effective_share(counts), are_rows=False)


def _find_effective_share(counts: FloatArray) -> float:
    """Kish's effective number of some points, over their counts in all."""
    shares = counts / counts.max()  # squares of the counts themselves may be out of doubles' reach
    return float(shares.sum() / (shares @ shares) / counts.max())


def _are_whole(numbers: FloatArray) -> bool:
    """Whether all of some numbers are whole, but for rounding."""
    return bool(np.allclose(numbers, np.round(numbers), rtol=1e-9, atol=0.0))


def _find_step(values: FloatArray, counts: FloatArray) -> float:
    """The step between the values of an axis, over points that count as they do."""
    levels, numbers = np.unique(values, return_inverse=True)
    if len(levels) < 3:
        return 0.0
    totals = np.bincount(numbers.ravel(), counts)
    places = np.bincount(numbers.ravel())
    gaps = np.diff(levels)
    nearest = np.minimum(np.append(np.inf, gaps), np.append(gaps, np.inf))
    shared = np.where((totals > counts.min()) | (places > 1), nearest, 0.0)
    order = np.argsort(shared, kind="stable")
    middle = np.searchsorted(np.cumsum(totals[order]), totals.sum() / 2)
    return float(shared[order][min(int(middle), len(order) - 1)])
