"""Bins of about as many points each, and how many a mixture would have in them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, owens_t

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture


class Bins(NamedTuple):
    """A partition of the plane into B boxes along the axes.

    Attributes:
        lows: shape (B, 2), in data units; -inf where a box has no end.
        highs: shape (B, 2); inf where it has none.
        counts: of points in each, shape (B,).
    """

    lows: FloatArray
    highs: FloatArray
    counts: FloatArray


def cut_bins(cells: Cells, depth: int, *, fewest: float = 2) -> Bins:
    """The bins of a k-d tree (Bentley 1975) of points, at most 2 to the depth.

    Every bin is cut in two of about as many points each, across its longer side in units of the
    data's spread, half-way between two values: so values that were rounded lie inside of bins, and
    never on their edges. Points at one place are not parted. A cell whose points differ is cut
    where the bin is, as one whose points lie evenly: see `_Pieces.cut`.

    Args:
        cells: in data units.
        depth: how often to cut.
        fewest: a bin with fewer cells, where parts of cells count as what they are, is not cut.
    """
    spread = np.sqrt(np.diagonal(cells.covariance()))
    scale = np.where(spread > 0, spread, 1.0)
    whole = _Pieces(np.ones(cells.n_cells), cells.counts, cells.means, cells.covariances)
    boxes = [_Box(whole, np.full(2, -np.inf), np.full(2, np.inf))]
    for _ in range(depth):
        boxes = [
            part
            for box in boxes
            for part in (box.cut(scale) if box.pieces.shares.sum() >= fewest else [box])
        ]
    lows, highs = ([getattr(box, side) for box in boxes] for side in ("low", "high"))
    counts = [box.pieces.counts.sum() for box in boxes]
    return Bins(np.array(lows), np.array(highs), np.array(counts))


class _Pieces(NamedTuple):
    """P cells, or what cuts have left of them.

    Attributes:
        shares: of each in its whole cell, shape (P,).
        counts: of their points, shape (P,).
        means: shape (P, 2), in data units.
        covariances: shape (P, 2, 2).
    """

    shares: FloatArray
    counts: FloatArray
    means: FloatArray
    covariances: FloatArray

    def cut(self, axis: int, edge: float, above: float) -> tuple["_Pieces", "_Pieces"]:
        """What is below an edge, and what is not.

        The points of a cell lie evenly along the axis, over the root of 12 deviations, as they do
        in a narrow cell of a grid, and across it about a line, as their covariance has it.

        Args:
            axis: 0 or 1.
            edge: in data units.
            above: the least mean that is not below the edge: rounding may put that on it.
        """
        means = self.means[:, axis]
        halves = np.sqrt(3 * np.maximum(self.covariances[:, axis, axis], 0))
        (cut,) = np.nonzero(np.abs(means - edge) < halves)
        is_below, is_above = means < above, means >= above
        is_below[cut] = is_above[cut] = False
        low, high = self._select(is_below), self._select(is_above)
        if not len(cut):
            return low, high
        pieces, reach = self._select(cut), halves[cut]
        below = 0.5 + (edge - means[cut]) / (2 * reach)
        return (
            low._join(pieces._shrink(axis, below, reach * (below - 1))),
            high._join(pieces._shrink(axis, 1 - below, reach * below)),
        )

    def _select(self, chosen: npt.NDArray[np.bool_] | IntArray) -> "_Pieces":
        return _Pieces(*(each[chosen] for each in self))

    def _join(self, others: "_Pieces") -> "_Pieces":
        return _Pieces(*(np.concatenate(both) for both in zip(self, others, strict=True)))

    def _shrink(self, axis: int, shares: FloatArray, shifts: FloatArray) -> "_Pieces":
        """Shares of the pieces, shape (P,), whose means are shifted along an axis by so much."""
        variances = self.covariances[:, axis, axis]
        slopes = self.covariances[:, axis] / variances[:, None]  # the regression on this axis
        lost = variances * (1 - shares**2)  # a part of an even spread has so much less variance
        return _Pieces(
            self.shares * shares,
            self.counts * shares,
            self.means + slopes * shifts[:, None],
            self.covariances - lost[:, None, None] * slopes[:, :, None] * slopes[:, None],
        )


class _Box(NamedTuple):
    """A bin with what is in it.

    Attributes:
        pieces: of cells.
        low: its lowest corner, shape (2,).
        high: its highest.
    """

    pieces: _Pieces
    low: FloatArray
    high: FloatArray

    def cut(self, scale: FloatArray) -> list["_Box"]:
        """Two halves; the bin itself where all its points are at one place.

        Args:
            scale: the units in which its sides are compared, shape (2,).
        """
        sides = np.ptp(self.pieces.means, axis=0) / scale
        axis = int(sides.argmax())
        if not sides[axis] > 0:
            return [self]
        values = self.pieces.means[:, axis]
        order = np.argsort(values)
        middle, next_value = _find_middle(values[order], self.pieces.counts[order])
        below, above = self.pieces.cut(axis, middle, next_value)
        inner_high, inner_low = self.high.copy(), self.low.copy()
        inner_high[axis] = inner_low[axis] = middle
        return [_Box(below, self.low, inner_high), _Box(above, inner_low, self.high)]


def _find_middle(values: FloatArray, counts: FloatArray) -> tuple[float, float]:
    """A place half-way between two values that halves their counts best, and the value above.

    Args:
        values: ascending, not all equal, shape (N,).
        counts: shape (N,).
    """
    totals = np.cumsum(counts)
    lasts = np.flatnonzero(values[1:] > values[:-1])  # the last place of each value but one
    nearest = int(lasts[np.abs(totals[lasts] - totals[-1] / 2).argmin()])
    below, above = float(values[nearest]), float(values[nearest + 1])
    return below + (above - below) / 2, above


def weigh_bins(bins: Bins, mixture: Mixture) -> FloatArray:
    """The share of the mixture in each bin, shape (B,).

    Args:
        bins: in data units.
        mixture: in the same units.
    """
    low, high = bins.lows, bins.highs
    corners = np.stack(
        [
            high,
            np.column_stack([low[:, 0], high[:, 1]]),
            np.column_stack([high[:, 0], low[:, 1]]),
            low,
        ]
    )
    signs = np.array([1, -1, -1, 1])[:, None]
    shares = np.zeros(len(low))
    spreads, correlations = mixture.standard_deviations, mixture.correlations
    for weight, mean, spread, correlation in zip(
        mixture.weights, mixture.means, spreads, correlations, strict=True
    ):
        below = find_normal_shares((corners - mean) / spread, float(correlation))
        shares += weight * (signs * below).sum(axis=0)
    if mixture.background is not None:
        start, end = mixture.background.box.T
        sides = np.maximum(np.minimum(high, end) - np.maximum(low, start), 0)
        shares += mixture.background.weight * (sides / (end - start)).prod(axis=1)
    return np.maximum(shares, 0.0)


def find_normal_shares(
    places: FloatArray, correlation: float, *, farthest: float = 40.0, hair: float = 1e-100
) -> FloatArray:
    """The share of a standard normal pair that is below places in both coordinates, shape (...).

    By T functions (Owen 1956, "Tables for computing bivariate normal probabilities", eq. 2.1).

    Args:
        places: shape (..., 2).
        correlation: of the pair.
        farthest: beyond which nothing is in double precision.
        hair: takes the place of 0, whose ratios have no value.
    """
    x, y = np.moveaxis(np.clip(places, -farthest, farthest), -1, 0)
    x, y = (np.where(np.abs(each) < hair, hair, each) for each in (x, y))
    rest = max(np.sqrt((1 - correlation) * (1 + correlation)), np.finfo(np.float64).eps)
    along_x = (y - correlation * x) / (x * rest)
    along_y = (x - correlation * y) / (y * rest)
    below = (ndtr(x) + ndtr(y)) / 2 - owens_t(x, along_x) - owens_t(y, along_y)
    return np.asarray(below - np.where(x * y > 0, 0.0, 0.5))


def fill_bins(edges: FloatArray, cells: Cells, axis: int, *, reach: float = 6.0) -> FloatArray:
    """How many points have a coordinate in each of some bins, shape (B,).

    The points of a cell count as Gaussian with its mean and variance, so none fall as a spike.

    Args:
        edges: evenly ascending, shape (B + 1,), in data units.
        cells: in the same units.
        axis: 0 or 1.
        reach: how many deviations of its cell a point is from its mean at most.
    """
    means, first = cells.means[:, axis], edges[0]
    width, last = (edges[-1] - first) / (len(edges) - 1), len(edges) - 1
    spreads = np.sqrt(np.maximum(cells.covariances[:, axis, axis], 0.0))
    # Of each cell all is below the edges beyond its reach, and nothing below those before it.
    start = np.clip(np.floor((means - reach * spreads - first) / width) + 1, 0, last + 1)
    stop = np.clip(np.floor((means + reach * spreads - first) / width) + 1, 0, last + 1)
    below = np.cumsum(np.bincount(stop.astype(np.intp), cells.counts, last + 2))[:-1]
    edge, (wide,) = start.astype(np.intp), np.nonzero(stop > start)
    while len(wide):  # one more edge within the reach of each, until none has any left
        places = edge[wide]
        shares = ndtr((edges[places] - means[wide]) / spreads[wide])
        below = below + np.bincount(places, cells.counts[wide] * shares, last + 1)
        edge[wide] += 1
        wide = wide[edge[wide] < stop[wide]]
    return np.asarray(np.diff(below))
