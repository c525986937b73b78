"""Bins of about as many points each, and how many a mixture would have in them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, owens_t

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
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


def cut_bins(points: Cells, depth: int, *, fewest: int = 2) -> Bins:
    """The bins of a k-d tree (Bentley 1975) of points, at most 2 to the depth.

    Every bin is cut in two of as many points each, across its longer side in units of the data's
    spread, half-way between two values: so values that were rounded lie inside of bins, and never
    on their edges. Points at one place are not parted.

    Args:
        points: cells at one place each.
        depth: how often to cut.
        fewest: a bin with fewer cells is not cut.
    """
    spread = np.sqrt(np.diagonal(points.covariance()))
    scale = np.where(spread > 0, spread, 1.0)
    orders = [np.argsort(values) for values in points.means.T]
    boxes = [_Box(orders, np.full(2, -np.inf), np.full(2, np.inf))]
    for _ in range(depth):
        parts = [box.cut(points, scale) if box.n_cells >= fewest else [box] for box in boxes]
        boxes = [part for halves in parts for part in halves]
    lows, highs = ([getattr(box, side) for box in boxes] for side in ("low", "high"))
    counts = [points.counts[box.orders[0]].sum() for box in boxes]
    return Bins(np.array(lows), np.array(highs), np.array(counts))


class _Box(NamedTuple):
    """A bin with the points in it.

    Attributes:
        orders: which points these are, in the order of either coordinate.
        low: its lowest corner, shape (2,).
        high: its highest.
    """

    orders: list[npt.NDArray[np.intp]]
    low: FloatArray
    high: FloatArray

    @property
    def n_cells(self) -> int:
        """How many cells it holds."""
        return len(self.orders[0])

    def cut(self, points: Cells, scale: FloatArray) -> list["_Box"]:
        """Two halves; the bin itself where all its points are at one place.

        Args:
            points: of which some are in the bin.
            scale: the units in which its sides are compared, shape (2,).
        """
        ends = np.stack([points.means[order[[0, -1]], a] for a, order in enumerate(self.orders)])
        sides = (ends[:, 1] - ends[:, 0]) / scale
        axis = int(sides.argmax())
        if not sides[axis] > 0:
            return [self]
        order, other = self.orders[axis], self.orders[1 - axis]
        n_below, middle = _find_middle(points.means[order, axis], points.counts[order])
        is_below = points.means[other, axis] < points.means[order[n_below], axis]
        halves = [[order[:n_below], other[is_below]], [order[n_below:], other[~is_below]]]
        below, above = halves if axis == 0 else (half[::-1] for half in halves)
        inner_high, inner_low = self.high.copy(), self.low.copy()
        inner_high[axis] = inner_low[axis] = middle
        return [_Box(below, self.low, inner_high), _Box(above, inner_low, self.high)]


def _find_middle(values: FloatArray, counts: FloatArray) -> tuple[int, float]:
    """How many values are below a place that halves their counts best, and the place.

    It is half-way between two values.

    Args:
        values: ascending, not all equal, shape (N,).
        counts: shape (N,).
    """
    totals = np.cumsum(counts)
    lasts = np.flatnonzero(values[1:] > values[:-1])  # the last place of each value but one
    nearest = int(lasts[np.abs(totals[lasts] - totals[-1] / 2).argmin()])
    below, above = float(values[nearest]), float(values[nearest + 1])
    return nearest + 1, below + (above - below) / 2


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
